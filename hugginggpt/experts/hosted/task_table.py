"""Table of hosted tasks: the function of each, and what providers and the Hub call it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml


@dataclass(frozen=True, slots=True)
class HostedTask:
    """A task as hosted models do it."""

    function: str
    """Module and name, imported at the first call."""
    provider_task: str = ""
    """The task's name in a provider's mapping, where it is another one."""
    tag: str = ""
    """Under which tag the Hub lists models for it, where that is another one still."""
    only_endpoints: bool = False
    """True if no provider does it, so that models aren't searched for."""


HOSTED_TASKS: Final[Mapping[str, HostedTask]] = {
    task: HostedTask(**row)  # an unknown key in the file fails at import
    for task, row in yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")).items()
}

TASKS: Final = frozenset(HOSTED_TASKS)
"""Tasks that can be done by hosted models."""

PROVIDER_TASKS: Final = frozenset(task for task, row in HOSTED_TASKS.items() if not row.only_endpoints)
"""Those of them that inference providers do, too."""
