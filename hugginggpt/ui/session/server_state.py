"""Bounds on what Gradio keeps in memory for each session and event, and on how busy it is without one.

Gradio keeps a copy of the whole page's configuration (0.3 MB) for every session hash that it is ever sent, a table of the
last ten thousand events that is summed up anew after each of them, and the names of delivered events. A call of the API
comes with a session of its own, so a server would grow with every call. There is no public hook for any of it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from copy import copy
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from gradio.components import State
from gradio.state_holder import SessionState, StateHolder

if TYPE_CHECKING:
    import gradio as gr

_MAX_QUEUED_EVENTS: Final = 2_000
"""Events that Gradio works on at once; those that wait for their turn (`session.admission`) are among them."""
_SESSIONS_PER_EVICTION: Final = 64  # sessions after which those that are over are let go
_MAX_RESULT_AGE: Final = timedelta(hours=1)
"""Time for which a result that nobody has fetched is kept, and the components of a page that is closed."""
_QUEUE_POLL_SECONDS: Final = 0.01
"""Gradio looks every thousandth of a second whether an event has come: a tenth of a processor, while nobody is there."""


class LeanSessionState(SessionState):
    """A session without the copy of the page's configuration, which is for Gradio's deep links alone; this page has none."""

    def __init__(self, blocks: gr.Blocks) -> None:
        """Set up the state of one session."""
        self.blocks_config = copy(blocks.default_config)
        self.config_values: dict[int, Any] = {}
        self.state_data: dict[int, Any] = {}
        self._state_ttl: dict[int, tuple[float, datetime]] = {}
        self.is_closed = False
        self.STATE_TTL_WHEN_CLOSED = 3600
        self.is_used = False
        """True if it holds anything that a later event could ask for."""

    def __setitem__(self, key: int, value: Any) -> None:
        self.is_used = True
        block = self.blocks_config.blocks.get(key)
        if isinstance(block, State):
            self._state_ttl[key] = (block.time_to_live, datetime.now())
            self.state_data[key] = value
        else:
            self.blocks_config.blocks[key] = value

    def _update_config(self, key: int) -> None:
        pass

    def _update_value_in_config(self, key: int, value: Any) -> None:
        pass


class BoundedStateHolder(StateHolder):
    """Holder of a page's sessions that evicts those that are over, once their results were fetched."""

    def __init__(self, blocks: gr.Blocks, existing: Mapping[str, SessionState]) -> None:
        """Take over from Gradio's own holder.

        Args:
            blocks: The page.
            existing: Sessions of pages that were opened before.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        self.set_blocks(blocks)
        self.session_data.update(existing)
        self._new_sessions = 0

    def __getitem__(self, session_id: str) -> SessionState:
        if session_id not in self.session_data:
            self._new_sessions += 1
            if self._new_sessions >= _SESSIONS_PER_EVICTION:
                self._new_sessions = 0
                self.evict_finished()
            self.session_data[session_id] = LeanSessionState(self.blocks)
        return super().__getitem__(session_id)

    def evict_finished(self) -> None:
        """Remove the sessions that are over and whose results were fetched, or are old."""
        queue = self.blocks._queue
        pending, messages = queue.pending_event_ids_session, queue.pending_messages_per_session
        now = datetime.now()
        for session_id in {*self.session_data, *pending, *messages}:
            # an event that has just come, without a session of its caller's, is not noted anywhere yet
            old = now - self.time_last_used.setdefault(session_id, now) > _MAX_RESULT_AGE
            undelivered = bool(pending.get(session_id)) or not (session_id not in messages or messages[session_id].empty())
            if undelivered and not old:
                continue
            pending.pop(session_id, None)
            messages.pop(session_id, None)
            if self._is_over(session_id, old=old):
                self.session_data.pop(session_id, None)
                self.time_last_used.pop(session_id, None)

    def _is_over(self, session_id: str, *, old: bool) -> bool:
        state = self.session_data.get(session_id)
        if isinstance(state, LeanSessionState) and not state.is_used:
            return True  # a call of the API: made anew with the next call of a client that keeps its session
        return state is None or (old and state.is_closed and not state.state_data)  # Gradio has called `close_tab`


def bound_resources(page: gr.Blocks) -> None:
    """Bound what Gradio keeps in memory for a launched page, and what it does while nobody asks for anything."""
    queue = page._queue
    queue.sleep_when_free = _QUEUE_POLL_SECONDS
    queue.ANALYTICS_MAX_EVENTS = 1  # for a page of Gradio's that is not served here
    queue.ANAYLTICS_CACHE_FREQUENCY = sys.maxsize  # Gradio's spelling
    queue.active_jobs += [None] * (_MAX_QUEUED_EVENTS - len(queue.active_jobs))
    page.app.state_holder = BoundedStateHolder(page, page.app.state_holder.session_data)
