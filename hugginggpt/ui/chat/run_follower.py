"""Following of a run on the page: the views of a tab while its last request is worked on, at the pace of its browser."""

import asyncio
import re
import time
from contextlib import aclosing
from functools import partial
from typing import Any, Final

from hugginggpt.core.tasks import TaskTable
from hugginggpt.core.trace import answer_text
from hugginggpt.ui.chat.retry_options import Fetchable, fetch_nothing
from hugginggpt.ui.chat.view import BUSY, EMPTY, READY, SentView, View, ViewBuilder, Views
from hugginggpt.ui.markup import MAX_QUICK_CHARS
from hugginggpt.ui.property_updates import PropertyUpdate
from hugginggpt.ui.session.tab_session import TabSession

_SECONDS_BETWEEN_VIEWS: Final = 0.15
_MAX_SECONDS_BETWEEN_VIEWS: Final = 1.0
_PAUSE_PER_DRAWING_SECOND: Final = 3.0
"""Seconds of pause for each second that a view has taken."""
_MAX_QUICK_CARDS: Final = 50
_FENCE: Final = re.compile("```|~~~")  # of code that is highlighted, with a module that is imported for its language


def _is_long(tab: TabSession) -> bool:
    """Return whether drawing a tab takes long: more than some twenty milliseconds."""
    drawn = [run for run in tab.runs if run.drawn_messages is None]
    return (
        len(tab.session.workspace.resources) > _MAX_QUICK_CARDS
        or any(run.is_long for run in drawn)
        or any(len(answer) > MAX_QUICK_CHARS or _FENCE.search(answer) for answer in (answer_text(run.events) for run in drawn))
    )


class RunFollower:
    """Draws tabs, and follows the work on their requests."""

    def __init__(self, table: TaskTable, fetchable: Fetchable = fetch_nothing) -> None:
        """Set up the follower.

        Args:
            table: The task types, for the views.
            fetchable: Returns the model that may be fetched for a task, for the views as well.
        """
        self.views = ViewBuilder(table, fetchable)
        """Builder of the views."""

    async def draw(self, tab: TabSession, box: PropertyUpdate | None = None) -> View:
        """Draw a tab; in a thread where there is much to draw: nobody else waits for a long answer's Markdown."""
        draw = partial(self.views.build, tab, box=box)
        return await asyncio.to_thread(draw) if _is_long(tab) else draw()

    async def draw_idle(self, tab: TabSession) -> tuple[Any, ...]:
        """Return the outputs of a tab in which nothing is worked on."""
        return (await self.draw(tab, PropertyUpdate(READY))).to_outputs()

    async def follow(self, tab: TabSession, *, typed: dict[str, Any] | None = None) -> Views:
        """Yield the views of a tab until the work on its last request is over.

        Args:
            tab: The tab that is shown.
            typed: Value that is put back into the box where there is no answer.
        """
        worker = tab.worker
        if worker is None:
            return
        busy = PropertyUpdate({"value": EMPTY, **BUSY})
        sent = SentView()
        drawn: tuple[int, int | None] = (-1, None)
        async with aclosing(worker.follow()) as changes:
            async for count in changes:
                now = (count, worker.run.requests_ahead)
                if now == drawn or tab.worker is not worker:  # nothing new, or Clear was pressed
                    yield View().to_outputs()  # only by this does Gradio notice that a tab is gone
                    continue
                begun = time.monotonic()
                yield sent.select_changes(await self.draw(tab, busy)).to_outputs()
                drawn = now
                # pieces of an answer come faster than a page draws; a long chat or a busy server is given more time
                taken = time.monotonic() - begun
                await asyncio.sleep(
                    min(max(_SECONDS_BETWEEN_VIEWS, _PAUSE_PER_DRAWING_SECOND * taken), _MAX_SECONDS_BETWEEN_VIEWS)
                )
        if tab.worker is not worker:  # another conversation has begun: Gradio shows the last view once more at the end
            yield (await self.draw(tab)).to_outputs()
            return
        # whole, whatever was sent: another handler may have shown something meanwhile, and this is the last word.
        # The box was emptied at the beginning; emptied again now, it might lose what is being typed
        back: dict[str, Any] = {"value": typed} if worker.run.has_failed and typed else {}
        yield (await self.draw(tab, PropertyUpdate({**back, **READY}))).to_outputs()
