"""Recording of one request: its events with their times. Links, saved traces and replays are made of it alone."""

from __future__ import annotations

from dataclasses import dataclass

from hugginggpt.core.events import Event
from hugginggpt.core.resources import Resource


@dataclass(frozen=True, slots=True)
class Recording:
    """One request, whole or as far as it has come."""

    events: tuple[Event, ...]
    times: tuple[float, ...]
    """Time of each event, in seconds from the first."""
    stopped: bool = False
    """True if the person stopped it."""

    def __post_init__(self) -> None:
        if len(self.events) != len(self.times):
            raise ValueError("each event has its time")

    def truncate(self, count: int) -> Recording:
        """Return the recording as it was after its first `count` events."""
        return Recording(self.events[:count], self.times[:count])


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier request of the session, as a controller remembers it."""

    request: str
    answer: str
    resources: tuple[Resource, ...]
    """Resources that it came with or produced."""
