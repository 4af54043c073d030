"""The view of a tab: each part of the page as it is to be shown, made from nothing but the tab's session."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

import gradio as gr

from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import TaskTable
from hugginggpt.core.trace import fold_steps
from hugginggpt.ui.chat import approval_form
from hugginggpt.ui.chat import messages as chat
from hugginggpt.ui.run_panel import plan_graph, resource_cards
from hugginggpt.ui.run_panel.lineage import trace_lineage
from hugginggpt.ui.run_panel.share_link import draw_link
from hugginggpt.ui.session.background_run import BackgroundRun
from hugginggpt.ui.session.tab_session import TabSession

READY: Final[dict[str, Any]] = {"interactive": True, "submit_btn": True, "stop_btn": False}
BUSY: Final[dict[str, Any]] = {"interactive": False, "submit_btn": False, "stop_btn": True}
_UNDER_WAY: Final = frozenset({"pending", "running"})
EMPTY: Final[dict[str, Any]] = {"text": "", "files": []}


@dataclass(frozen=True, slots=True)
class View:
    """New contents of the page's parts; a part that is not named stays as it is."""

    talk: Any = field(default_factory=gr.skip)
    welcome: Any = field(default_factory=gr.skip)
    box: Any = field(default_factory=gr.skip)
    form: Any = field(default_factory=gr.skip)
    picture: Any = field(default_factory=gr.skip)
    runs: Any = field(default_factory=gr.skip)
    shelf: Any = field(default_factory=gr.skip)
    share: Any = field(default_factory=gr.skip)
    link: Any = field(default_factory=gr.skip)
    visit: Any = field(default_factory=gr.skip)

    def outputs(self) -> tuple[Any, ...]:
        """Return the parts in the order of the fields, as handlers return them."""
        return tuple(getattr(self, each.name) for each in fields(self))


Views = AsyncGenerator[tuple[Any, ...], None]


class ViewBuilder:
    """Draws views of visits."""

    def __init__(self, table: TaskTable) -> None:
        """Make it.

        Args:
            table: What tasks are called, and what passes between them.
        """
        self._table = table

    def of(self, visit: TabSession, *, box: Any = None) -> View:
        """Return the view of a visit as it is.

        Args:
            visit: The visit to draw.
            box: What the box becomes; None: it stays as it is.
        """
        return View(
            talk=gr.Chatbot(value=self._list_messages(visit), visible=bool(visit.runs)),
            welcome=gr.HTML(visible=not visit.runs),
            box=gr.skip() if box is None else box,
            form=self._draw_form(visit),
            picture=self.picture(visit),
            runs=self._draw_picker(visit),
            shelf=self._draw_shelf(visit),
            share=self.shareable(visit),
            link=self.link(visit),
            visit=visit,
        )

    def place(self, visit: TabSession, index: int) -> int | None:
        """Return which run a message of the chat belongs to."""
        end = 0
        for place, messages in enumerate(self._draw_runs(visit)):
            end += len(messages)
            if index < end:
                return place
        return None

    def _list_messages(self, visit: TabSession) -> Any:
        return [message for messages in self._draw_runs(visit) for message in messages]

    def _draw_runs(self, visit: TabSession) -> list[list[gr.ChatMessage]]:
        """Return the messages of each run: the request, then what was answered."""
        return [self._draw_run(run, visit, last=run is visit.runs[-1]) for run in visit.runs]

    def _draw_run(self, run: BackgroundRun, visit: TabSession, *, last: bool) -> list[gr.ChatMessage]:
        if run.drawn is not None and not last:  # the last one may have retry options to draw
            return run.drawn
        known = visit.session.workspace.resources
        answered = chat.draw_messages(run.recording, self._table, visit.words, known=known, again=last and not run.closed)
        drawn = [*chat.draw_user_messages(run.text, run.attached), *answered]
        run.drawn = drawn if run.over and not last else None
        return drawn

    def _draw_form(self, visit: TabSession) -> Any:
        if visit.gate.proposal is None:
            return gr.HTML(value="", visible=False)
        return gr.HTML(value=approval_form.build_form(visit.gate.proposal, self._table, visit.words), visible=True)

    def picture(self, visit: TabSession) -> Any:
        """Return the picture of the plan of the run that is shown."""
        run = visit.looked_at
        steps = fold_steps(run.events) if run else ()
        if run is not None and run.over:  # nothing goes on any more, whatever was begun
            steps = tuple(replace(step, status="skipped") if step.status in _UNDER_WAY else step for step in steps)
        return gr.HTML(value=plan_graph.draw_plan(steps, self._table, visit.words))

    def _draw_picker(self, visit: TabSession) -> Any:
        choices = [(f"{n + 1}. {run.text[:60]}", n) for n, run in enumerate(visit.runs)]
        shown = visit.runs.index(visit.looked_at) if visit.looked_at else None
        return gr.Dropdown(choices=choices, value=shown, visible=len(choices) > 1)  # one run needs no choice

    def _draw_shelf(self, visit: TabSession) -> Any:
        resources: Sequence[Resource] = visit.session.workspace.resources
        drawn_from = (len(resources), len(visit.runs), resources[-1].name if resources else "")  # quick to compare
        if visit.shelf is None or visit.shelf[0] != drawn_from:
            made_from = trace_lineage([run.recording for run in visit.runs], self._table)
            visit.shelf = (drawn_from, resource_cards.draw_cards(resources, chat.get_url, made_from, visit.words))
        return gr.HTML(value=visit.shelf[1])

    def shareable(self, visit: TabSession) -> Any:
        """Return the panel to share the run, shown once it is over."""
        run = visit.looked_at
        return gr.Column(visible=run is not None and run.over and run.started)

    def link(self, visit: TabSession) -> Any:
        """Return a link that carries the run's request."""
        return gr.HTML(value=draw_link(visit.looked_at, visit.words))
