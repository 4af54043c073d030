"""One person's workspace and what was said so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from hugginggpt.controllers.base import Turn as Turn
from hugginggpt.workspace.workspace import Workspace


@dataclass
class Session:
    """One person's workspace and what was said so far."""

    workspace: Workspace
    turns: tuple[Turn, ...] = field(default=())

    def close(self) -> None:
        """Delete its files."""
        self.workspace.close()
