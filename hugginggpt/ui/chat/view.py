"""View of a tab: each part of the page as it is to be shown, computed from the tab's state alone."""

import functools
from collections.abc import AsyncGenerator, Sequence
from contextvars import Context
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

import gradio as gr
from gradio.components.base import Component

from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import TaskTable
from hugginggpt.ui.chat import approval_form
from hugginggpt.ui.chat import messages as chat
from hugginggpt.ui.chat.retry_options import Fetchable, fetch_nothing
from hugginggpt.ui.property_updates import UNCHANGED, PropertyUpdate
from hugginggpt.ui.run_panel import plan_graph, resource_cards
from hugginggpt.ui.run_panel.lineage import trace_lineage
from hugginggpt.ui.run_panel.share_link import draw_link
from hugginggpt.ui.session.background_run import BackgroundRun
from hugginggpt.ui.session.tab_session import TabSession

READY: Final[dict[str, Any]] = {"interactive": True, "submit_btn": True, "stop_btn": False}
BUSY: Final[dict[str, Any]] = {"interactive": False, "submit_btn": False, "stop_btn": True}
HIDDEN: Final = PropertyUpdate({"value": "", "visible": False})
_UNDER_WAY: Final = frozenset({"pending", "running"})
EMPTY: Final[dict[str, Any]] = {"text": "", "files": []}
_COPIED_BY_SERVER: Final = frozenset({"runs", "share"})
"""Parts that are updated by `gr.update`: the server checks what is chosen against its copy; a column takes nothing else."""
_ALWAYS_SENT: Final = frozenset({"box"})
"""Parts that are sent with every view: a slow browser merges views that come quickly, and a box once stayed full."""
_MAX_PREPARED_MEDIA: Final = 512


@dataclass(frozen=True, slots=True)
class View:
    """Updates of the page's parts; a part that is not named stays as it is."""

    chat: PropertyUpdate = UNCHANGED
    welcome: PropertyUpdate = UNCHANGED
    box: PropertyUpdate = UNCHANGED
    form: PropertyUpdate = UNCHANGED
    plan: PropertyUpdate = UNCHANGED
    runs: PropertyUpdate = UNCHANGED
    resources: PropertyUpdate = UNCHANGED
    share: PropertyUpdate = UNCHANGED
    link: PropertyUpdate = UNCHANGED
    tab: Any = field(default_factory=gr.skip)

    def to_outputs(self) -> tuple[Any, ...]:
        """Return the parts in the order of the fields, as handlers return them."""
        return tuple(_to_output(each.name, getattr(self, each.name)) for each in fields(self))


def _to_output(name: str, part: Any) -> Any:
    if name in _COPIED_BY_SERVER and (part is not UNCHANGED or name == "share"):
        return gr.update(**part.properties)
    return part


class SentView:
    """Properties of each part as they were sent last, by one handler to one page: two pages may follow one tab."""

    def __init__(self) -> None:
        self._sent: dict[str, Any] = {}

    def select_changes(self, view: View) -> View:
        """Return the parts of a view that differ from what was sent last."""
        changes = {each.name: self._select(each.name, getattr(view, each.name)) for each in fields(view)}
        return View(**{name: part for name, part in changes.items() if part is not UNCHANGED})

    def _select(self, name: str, part: Any) -> Any:
        if name in _ALWAYS_SENT:
            return part
        before = self._sent.get(name)
        if not isinstance(part, PropertyUpdate):  # the tab's state itself
            self._sent[name] = part
            return UNCHANGED if part is before else part
        known = before or {}
        changed = {key: value for key, value in part.properties.items() if key not in known or known[key] != value}
        self._sent[name] = {**known, **changed}
        return PropertyUpdate(changed) if changed else UNCHANGED


Views = AsyncGenerator[tuple[Any, ...], None]


class ViewBuilder:
    """Builds the views of tabs."""

    def __init__(self, table: TaskTable, fetchable: Fetchable = fetch_nothing) -> None:
        """Set up the builder.

        Args:
            table: The task types.
            fetchable: Returns the model that may be fetched for a task.
        """
        self._table = table
        self._fetchable = fetchable

    def build(self, tab: TabSession, *, box: PropertyUpdate | None = None) -> View:
        """Return the view of a tab as it is.

        Args:
            tab: The tab to draw.
            box: The update of the box; None: it stays as it is.
        """
        return View(
            chat=PropertyUpdate({"value": self._list_messages(tab), "visible": bool(tab.runs)}),
            welcome=PropertyUpdate({"visible": not tab.runs}),
            box=box or UNCHANGED,
            form=self.draw_form(tab),
            plan=self.draw_plan(tab),
            runs=self._draw_picker(tab),
            resources=self._draw_resources(tab),
            share=self.draw_share_panel(tab),
            link=self.draw_link(tab),
            tab=tab,
        )

    def find_run(self, tab: TabSession, index: int) -> int | None:
        """Return the position of the run that a message of the chat belongs to; None where there is no such message."""
        end = 0
        for position, run in enumerate(tab.runs):
            end += run.message_count or len(self._draw_run(run, tab, last=run is tab.runs[-1]))
            if index < end:
                return position
        return None

    def _list_messages(self, tab: TabSession) -> Any:
        return [message for messages in self._draw_runs(tab) for message in messages]

    def _draw_runs(self, tab: TabSession) -> list[list[Any]]:
        """Return the messages of each run: the request, then what was answered."""
        runs = tuple(tab.runs)  # drawn in a thread, while the conversation may be cleared
        drawn = [self._draw_run(run, tab, last=run is runs[-1]) for run in runs]
        for run, messages in zip(runs, drawn, strict=True):
            run.message_count = len(messages)
        return drawn

    def _draw_run(self, run: BackgroundRun, tab: TabSession, *, last: bool) -> list[Any]:
        if run.requests_ahead is not None:
            return [*chat.draw_user_messages(run.text, run.attached), chat.draw_waiting(run.requests_ahead, tab.words)]
        if run.drawn_messages is not None and not last:  # the last one may have retry options to draw
            return run.drawn_messages
        known = tab.session.workspace.resources
        retry = self._fetchable if last and not run.read_only else None
        answered = chat.draw_messages(run.recording, self._table, tab.words, known=known, retry=retry)
        drawn: list[Any] = [_prepare(message) for message in (*chat.draw_user_messages(run.text, run.attached), *answered)]
        if not run.finished or last:
            run.drawn_messages = None
            return drawn
        run.drawn_messages = _CHATBOT.postprocess(drawn).root  # as Gradio would make them of the same messages at each view
        return run.drawn_messages

    def draw_form(self, tab: TabSession) -> PropertyUpdate:
        """Return the form of the plan that waits; hidden where none does."""
        if tab.gate.proposal is None:
            return HIDDEN
        form = approval_form.build_form(tab.gate.proposal, self._table, tab.words)
        return PropertyUpdate({"value": form, "visible": True})

    def draw_plan(self, tab: TabSession) -> PropertyUpdate:
        """Return the picture of the plan of the run that is shown."""
        run = tab.displayed_run
        if run is None:
            return PropertyUpdate({"value": plan_graph.draw_plan((), self._table, tab.words)})
        drawn_from = (run.steps, run.finished)
        if run.drawn_plan is None or run.drawn_plan[0] != drawn_from:
            steps = run.steps
            if run.finished:  # nothing goes on any more, whatever was begun
                steps = tuple(replace(step, status="skipped") if step.status in _UNDER_WAY else step for step in steps)
            run.drawn_plan = (drawn_from, plan_graph.draw_plan(steps, self._table, tab.words))
        return PropertyUpdate({"value": run.drawn_plan[1]})

    def _draw_picker(self, tab: TabSession) -> PropertyUpdate:
        runs, displayed = tuple(tab.runs), tab.displayed_run
        choices = [(f"{n + 1}. {run.text[:60]}", n) for n, run in enumerate(runs)]
        shown = runs.index(displayed) if displayed in runs else None
        return PropertyUpdate({"choices": choices, "value": shown, "visible": len(choices) > 1})  # one run needs no choice

    def _draw_resources(self, tab: TabSession) -> PropertyUpdate:
        resources: Sequence[Resource] = tab.session.workspace.resources
        drawn_from = (tab.session.workspace.folder, len(resources), len(tab.runs), resources[-1].name if resources else "")
        if tab.drawn_resources is None or tab.drawn_resources[0] != drawn_from:
            made_from = trace_lineage([run.recording for run in tab.runs], self._table)
            tab.drawn_resources = (drawn_from, resource_cards.draw_cards(resources, chat.get_url, made_from, tab.words))
        return PropertyUpdate({"value": tab.drawn_resources[1]})

    def draw_share_panel(self, tab: TabSession) -> PropertyUpdate:
        """Return the panel to share the run, shown once it is over."""
        run = tab.displayed_run
        return PropertyUpdate({"visible": run is not None and run.finished and run.has_started})

    def draw_link(self, tab: TabSession) -> PropertyUpdate:
        """Return a link that carries the run's request."""
        return PropertyUpdate({"value": draw_link(tab.displayed_run, tab.words)})


_CHATBOT: Final = gr.Chatbot(render=False)


def _prepare(message: gr.ChatMessage) -> gr.ChatMessage:
    """Return a message whose pictures and players are as Gradio sends them: it would make each anew at each view."""
    contents = message.content if isinstance(message.content, list) else [message.content]
    if not any(isinstance(content, Component) for content in contents):
        return message
    prepared: Any = [_prepare_media(content) if isinstance(content, Component) else content for content in contents]
    return replace(message, content=prepared if isinstance(message.content, list) else prepared[0])


@functools.lru_cache(maxsize=_MAX_PREPARED_MEDIA)
def _prepare_media(component: Component) -> Any:
    made = Context().run(_CHATBOT.postprocess, [gr.ChatMessage(component)])  # within a handler Gradio makes no whole components
    return made.root[0].content[0]
