"""The view of a tab: each part of the page as it is to be shown, made from nothing but the tab's session."""

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
_REMADE: Final = frozenset({"runs", "share"})
"""Parts of which the server keeps a copy: it checks what is chosen against the choices; a column takes no other updates."""
_REPEATED: Final = frozenset({"box"})
"""Parts that are told in every view: a browser that is slow merges what comes quickly, and a box stayed full once."""
_MAX_PREPARED: Final = 512


@dataclass(frozen=True, slots=True)
class View:
    """New contents of the page's parts; a part that is not named stays as it is."""

    talk: PropertyUpdate = UNCHANGED
    welcome: PropertyUpdate = UNCHANGED
    box: PropertyUpdate = UNCHANGED
    form: PropertyUpdate = UNCHANGED
    picture: PropertyUpdate = UNCHANGED
    runs: PropertyUpdate = UNCHANGED
    shelf: PropertyUpdate = UNCHANGED
    share: PropertyUpdate = UNCHANGED
    link: PropertyUpdate = UNCHANGED
    visit: Any = field(default_factory=gr.skip)

    def outputs(self) -> tuple[Any, ...]:
        """Return the parts in the order of the fields, as handlers return them."""
        return tuple(_as_output(each.name, getattr(self, each.name)) for each in fields(self))


def _as_output(name: str, part: Any) -> Any:
    if name in _REMADE and (part is not UNCHANGED or name == "share"):
        return gr.update(**part.properties)
    return part


class SentView:
    """Properties of each part as they were sent last, by one handler to one page: two pages may follow one visit."""

    def __init__(self) -> None:
        self._sent: dict[str, Any] = {}

    def select_changes(self, view: View) -> View:
        """Return what of a view is not as it was sent last."""
        changes = {each.name: self._select(each.name, getattr(view, each.name)) for each in fields(view)}
        return View(**{name: part for name, part in changes.items() if part is not UNCHANGED})

    def _select(self, name: str, part: Any) -> Any:
        if name in _REPEATED:
            return part
        before = self._sent.get(name)
        if not isinstance(part, PropertyUpdate):  # the visit itself
            self._sent[name] = part
            return UNCHANGED if part is before else part
        known = before or {}
        changed = {key: value for key, value in part.properties.items() if key not in known or known[key] != value}
        self._sent[name] = {**known, **changed}
        return PropertyUpdate(changed) if changed else UNCHANGED


Views = AsyncGenerator[tuple[Any, ...], None]


class ViewBuilder:
    """Draws views of visits."""

    def __init__(self, table: TaskTable) -> None:
        """Make it.

        Args:
            table: What tasks are called, and what passes between them.
        """
        self._table = table

    def of(self, visit: TabSession, *, box: PropertyUpdate | None = None) -> View:
        """Return the view of a visit as it is.

        Args:
            visit: The visit to draw.
            box: What the box becomes; None: it stays as it is.
        """
        return View(
            talk=PropertyUpdate({"value": self._list_messages(visit), "visible": bool(visit.runs)}),
            welcome=PropertyUpdate({"visible": not visit.runs}),
            box=box or UNCHANGED,
            form=self.form(visit),
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

    def _draw_runs(self, visit: TabSession) -> list[list[Any]]:
        """Return the messages of each run: the request, then what was answered."""
        return [self._draw_run(run, visit, last=run is visit.runs[-1]) for run in visit.runs]

    def _draw_run(self, run: BackgroundRun, visit: TabSession, *, last: bool) -> list[Any]:
        if run.before_it is not None:
            return [*chat.draw_user_messages(run.text, run.attached), chat.draw_waiting(run.before_it, visit.words)]
        if run.drawn is not None and not last:  # the last one may have retry options to draw
            return run.drawn
        known = visit.session.workspace.resources
        answered = chat.draw_messages(run.recording, self._table, visit.words, known=known, again=last and not run.closed)
        drawn: list[Any] = [_prepare(message) for message in (*chat.draw_user_messages(run.text, run.attached), *answered)]
        if not run.over or last:
            run.drawn = None
            return drawn
        run.drawn = _CHATBOT.postprocess(drawn).root  # as Gradio would make them of the same messages at each view
        return run.drawn

    def form(self, visit: TabSession) -> PropertyUpdate:
        """Return the form of the plan that waits; hidden where none does."""
        if visit.gate.proposal is None:
            return HIDDEN
        form = approval_form.build_form(visit.gate.proposal, self._table, visit.words)
        return PropertyUpdate({"value": form, "visible": True})

    def picture(self, visit: TabSession) -> PropertyUpdate:
        """Return the picture of the plan of the run that is shown."""
        run = visit.looked_at
        if run is None:
            return PropertyUpdate({"value": plan_graph.draw_plan((), self._table, visit.words)})
        drawn_from = (run.steps, run.over)
        if run.picture is None or run.picture[0] != drawn_from:
            steps = run.steps
            if run.over:  # nothing goes on any more, whatever was begun
                steps = tuple(replace(step, status="skipped") if step.status in _UNDER_WAY else step for step in steps)
            run.picture = (drawn_from, plan_graph.draw_plan(steps, self._table, visit.words))
        return PropertyUpdate({"value": run.picture[1]})

    def _draw_picker(self, visit: TabSession) -> PropertyUpdate:
        choices = [(f"{n + 1}. {run.text[:60]}", n) for n, run in enumerate(visit.runs)]
        shown = visit.runs.index(visit.looked_at) if visit.looked_at else None
        return PropertyUpdate({"choices": choices, "value": shown, "visible": len(choices) > 1})  # one run needs no choice

    def _draw_shelf(self, visit: TabSession) -> PropertyUpdate:
        resources: Sequence[Resource] = visit.session.workspace.resources
        drawn_from = (len(resources), len(visit.runs), resources[-1].name if resources else "")  # quick to compare
        if visit.shelf is None or visit.shelf[0] != drawn_from:
            made_from = trace_lineage([run.recording for run in visit.runs], self._table)
            visit.shelf = (drawn_from, resource_cards.draw_cards(resources, chat.get_url, made_from, visit.words))
        return PropertyUpdate({"value": visit.shelf[1]})

    def shareable(self, visit: TabSession) -> PropertyUpdate:
        """Return the panel to share the run, shown once it is over."""
        run = visit.looked_at
        return PropertyUpdate({"visible": run is not None and run.over and run.started})

    def link(self, visit: TabSession) -> PropertyUpdate:
        """Return a link that carries the run's request."""
        return PropertyUpdate({"value": draw_link(visit.looked_at, visit.words)})


_CHATBOT: Final = gr.Chatbot(render=False)


def _prepare(message: gr.ChatMessage) -> gr.ChatMessage:
    """Return a message whose pictures and players are as Gradio sends them: it would make each anew at each view."""
    contents = message.content if isinstance(message.content, list) else [message.content]
    if not any(isinstance(content, Component) for content in contents):
        return message
    prepared: Any = [_prepare_media(content) if isinstance(content, Component) else content for content in contents]
    return replace(message, content=prepared if isinstance(message.content, list) else prepared[0])


@functools.lru_cache(maxsize=_MAX_PREPARED)
def _prepare_media(component: Component) -> Any:
    made = Context().run(_CHATBOT.postprocess, [gr.ChatMessage(component)])  # within a handler Gradio makes no whole components
    return made.root[0].content[0]
