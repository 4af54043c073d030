"""The conversation: what a person does in the chat, and what they are shown while it is worked on."""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import gradio as gr

from hugginggpt.agent.agent import HuggingGPT
from hugginggpt.agent.factory import make_controller, make_session_experts
from hugginggpt.core.errors import HuggingGPTError, RequestError, ResourceError
from hugginggpt.core.events import ApprovalGiven
from hugginggpt.core.model_card import Placement
from hugginggpt.core.plan import Plan
from hugginggpt.core.resources import Resource
from hugginggpt.core.trace import answer_text, fold_steps
from hugginggpt.hub.shared_token import SharedToken
from hugginggpt.planning.approval import PreparedPlan
from hugginggpt.planning.planner import check_length, shorten_refused
from hugginggpt.ui.chat import approval_form, examples, messages
from hugginggpt.ui.chat.inputs import clean_text, find_named, read_box, read_example, read_message_number, read_model, take_file
from hugginggpt.ui.chat.view import BUSY, EMPTY, HIDDEN, READY, SentView, View, ViewBuilder, Views
from hugginggpt.ui.markup import rearm
from hugginggpt.ui.property_updates import PropertyUpdate
from hugginggpt.ui.session.admission import Admission
from hugginggpt.ui.session.background_run import BackgroundRun
from hugginggpt.ui.session.tab_session import TabSession
from hugginggpt.ui.session.visitor import read_visitor
from hugginggpt.ui.uploads import Uploads

_SECONDS_BETWEEN_VIEWS: Final = 0.15
_MAX_SECONDS_BETWEEN_VIEWS: Final = 1.0
_PAUSE_FACTOR: Final = 3.0
"""Seconds of pause for each second that a view has taken."""
_MAX_QUICK_CHARS: Final = 2_000  # of an answer that is drawn on the event loop
_MAX_RETURNED_CHARS: Final = 200_000  # of a request that is too long: so much of it stands in the box again


class ChatHandlers:
    """The handlers of the chat's events."""

    def __init__(
        self,
        agent: HuggingGPT,
        visit_of: Callable[[TabSession | None], TabSession],
        admission: Admission,
        *,
        uploads: Uploads,
        shared: SharedToken | None = None,
    ) -> None:
        """Set up the handlers.

        Args:
            agent: Works on the requests.
            visit_of: Gives a tab's visit, a new one where there is none yet.
            admission: Whose turn it is, on the page and of the API.
            uploads: Files that were sent ahead.
            shared: The token of the page's owner, where it is given away.
        """
        self._agent = agent
        self._visit = visit_of
        self._admission = admission
        self._uploads = uploads
        self._shared = shared
        self._views = ViewBuilder(agent.table)

    async def ask(
        self, value: dict[str, Any] | None, where: Placement, ask_first: bool, visit: TabSession | None, request: gr.Request
    ) -> Views:
        """Work on one request and show every step; what was typed comes back into the box when it can't be done."""
        visit = self._visit(visit)
        visit.tighten(where, ask_first)
        text, paths = read_box(value)
        async with visit.claim() as claimed:
            if not claimed:
                yield self._refuse(visit)
                return
            yield View(box=PropertyUpdate(BUSY), visit=visit).outputs()
            session, run = visit.session, BackgroundRun(text, before=visit.session.turns)  # compared below
            attached: tuple[Resource, ...] = ()
            try:
                attached = tuple([await asyncio.to_thread(take_file, visit, path) for path in paths])
                check_length(text, self._agent.settings)
                run.attached = attached
            except (RequestError, ResourceError) as error:
                shown = shorten_refused(text, self._agent.settings) or ", ".join(path.name for path in paths)
                run = BackgroundRun.refused(shown, str(error), run.before)
            if visit.session is not session:  # another conversation has begun meanwhile
                yield self._views.of(visit, box=PropertyUpdate(READY)).outputs()
                return
            kept = [str(resource.path) for resource in attached if resource.path]
            await asyncio.to_thread(self._delete_uploads, paths)  # the session has copies, or they were refused
            if run.closed:
                visit.runs.append(run)
                box = PropertyUpdate({"value": {"text": text[:_MAX_RETURNED_CHARS], "files": kept}, **READY})
                yield self._views.of(visit, box=box).outputs()
                return
            run.attached = (*run.attached, *find_named(visit, text, run.attached))
            self._begin(visit, run, request)
        async for view in self.followed(visit, typed={"text": text, "files": kept}):
            yield view

    async def retry(
        self, where: Placement, ask_first: bool, visit: TabSession | None, request: gr.Request, chosen: gr.RetryData
    ) -> Views:
        """Do a request once more; what came after it goes."""
        visit = self._visit(visit)
        visit.tighten(where, ask_first)
        async for view in self._redo(visit, read_message_number(chosen.index), None, request):
            yield view

    async def edit(
        self, where: Placement, ask_first: bool, visit: TabSession | None, request: gr.Request, changed: gr.EditData
    ) -> Views:
        """Do a request with other words; what came after it goes."""
        visit = self._visit(visit)
        visit.tighten(where, ask_first)
        async for view in self._redo(visit, read_message_number(changed.index), str(changed.value), request):
            yield view

    async def _redo(self, visit: TabSession, index: int, text: str | None, request: gr.Request) -> Views:
        async with visit.claim() as claimed:
            position = self._views.place(visit, index)
            if not claimed or position is None or visit.runs[position].closed:
                yield self._refuse(visit, claimed)
                return
            old = visit.runs[position]
            if text is not None:
                text = clean_text(rearm(text))
            visit.back_to(position)
            text = old.text if text is None else text
            try:
                check_length(text, self._agent.settings)
            except RequestError as error:
                shown = shorten_refused(text, self._agent.settings)
                visit.runs.append(BackgroundRun.refused(shown, str(error), old.before))
                yield self._views.of(visit, box=PropertyUpdate(READY)).outputs()
                return
            self._begin(visit, BackgroundRun(text, old.attached, old.before), request)
        async for view in self.followed(visit):
            yield view

    async def undo(self, visit: TabSession | None, chosen: gr.UndoData) -> tuple[Any, ...]:
        """Take a request back, and all that came after it; it stands in the box again, and its files stay on the shelf."""
        visit = self._visit(visit)
        position = self._views.place(visit, read_message_number(chosen.index))
        if visit.busy or position is None:  # no claim: nothing is awaited before the change
            return self._refuse(visit, not visit.busy)
        old = visit.runs[position]
        visit.back_to(position)
        typed: dict[str, Any] = {"text": old.text, "files": [str(resource.path) for resource in old.attached if resource.path]}
        return self._views.of(visit, box=PropertyUpdate({"value": typed, **READY})).outputs()

    async def again(
        self, where: Placement, ask_first: bool, visit: TabSession | None, request: gr.Request, chosen: gr.SelectData
    ) -> Views:
        """Run what failed or was stopped once more, with another model where one was chosen; what is done stays done."""
        visit = self._visit(visit)
        visit.tighten(where, ask_first)
        async with visit.claim() as claimed:
            old = visit.runs[-1] if visit.runs else None
            steps = fold_steps(old.events) if old else ()
            if not claimed or old is None or not steps or old.closed:
                yield self._refuse(visit, claimed)
                return
            approved = any(isinstance(event, ApprovalGiven) for event in old.events)
            prepared = PreparedPlan(Plan(tuple(step.task for step in steps)), steps, read_model(chosen.value), approved)
            visit.back_to(len(visit.runs) - 1)
            self._begin(visit, BackgroundRun(old.text, old.attached, old.before), request, prepared)
        async for view in self.followed(visit):
            yield view

    async def example(
        self, where: Placement, ask_first: bool, visit: TabSession | None, request: gr.Request, chosen: gr.EventData
    ) -> Views:
        """Run an example that was clicked; one that can't run here only fills the box."""
        visit = self._visit(visit)
        visit.tighten(where, ask_first)
        example = read_example(chosen)
        if example is None or visit.busy:
            yield self._refuse(visit)
            return
        value: dict[str, Any] = {"text": example.text, "files": [str(path) for path in example.files]}
        if not await asyncio.to_thread(self._runs_here, visit, example.tasks):  # reads disks, asks servers
            yield View(box=PropertyUpdate({"value": value, **READY}), visit=visit).outputs()
            return
        async for view in self.ask(value, where, ask_first, visit, request):
            yield view

    def use(self, box: dict[str, Any] | None, visit: TabSession | None, chosen: gr.EventData) -> dict[str, Any]:
        """Name a resource in the next request."""
        box = box or EMPTY
        names = {resource.name for resource in self._visit(visit).session.workspace.resources}
        name = chosen._data.get("name") if isinstance(chosen._data, dict) else ""
        name = name if isinstance(name, str) and name in names else ""  # a client may send any name
        return {"text": " ".join(filter(None, [(box.get("text") or "").rstrip(), name])), "files": box.get("files") or []}

    async def stop(self, visit: TabSession | None) -> None:
        """Stop the request; whoever follows it shows that."""
        if visit is not None:
            await visit.stop()

    async def clear(self, visit: TabSession | None) -> tuple[Any, ...]:
        """Return a new conversation: the old one and its files are deleted; planner, key and what is typed stay."""
        visit = self._visit(visit)
        await visit.renew(self._agent.new_session())
        return await self.idle(visit)

    async def approve(self, visit: TabSession | None, sent: gr.EventData) -> tuple[Any, ...]:
        """Let a plan run as the person has left it, or say why it can't."""
        visit = self._visit(visit)
        proposal, answer = visit.gate.proposal, approval_form.answer_of(sent)
        if proposal is None:
            return View(form=HIDDEN).outputs()
        if answer.stop:
            await visit.stop()
            return View(form=HIDDEN).outputs()
        error = ""
        if answer.key == proposal.key:  # an older form is answered by showing what waits now
            try:
                known = visit.session.workspace.resources
                approved = approval_form.build_approval(
                    proposal, answer, self._agent.table, known, self._agent.settings.max_tasks
                )
                visit.gate.open(approved)
                return View().outputs()  # who follows the run hides the form; here it might come after the next one
            except HuggingGPTError as refused:
                error = str(refused)
        form = approval_form.build_form(proposal, self._agent.table, visit.words, answer=answer if error else None, error=error)
        return View(form=PropertyUpdate({"value": form, "visible": True})).outputs()

    def look_at(self, number: int | None, visit: TabSession | None) -> tuple[Any, ...]:
        """Show an earlier run's plan."""
        visit = self._visit(visit)
        visit.shown = visit.runs[number] if number is not None and 0 <= number < len(visit.runs) else None
        view = View(picture=self._views.picture(visit), share=self._views.shareable(visit), visit=visit)
        return replace(view, link=self._views.link(visit)).outputs()

    def whole(self, visit: TabSession) -> View:
        """Return the view of a whole visit, the start page included."""
        tasks = {task for example in examples.load_examples() for task in example.tasks}
        start = examples.draw_welcome(self._find_runnable(visit, tasks).__contains__, messages.get_file_url, visit.words)
        view = self._views.of(visit, box=PropertyUpdate(BUSY if visit.busy else READY))
        return replace(view, welcome=PropertyUpdate({"value": start, "visible": not visit.runs}))

    async def idle(self, visit: TabSession) -> tuple[Any, ...]:
        """Return a visit in which nothing is worked on."""
        return (await self._draw(visit, PropertyUpdate(READY))).outputs()

    async def followed(self, visit: TabSession, *, typed: dict[str, Any] | None = None) -> Views:
        """Yield what is seen until the work on the last request is over.

        Args:
            visit: Whose.
            typed: What comes back into the box where there is no answer.
        """
        work = visit.work
        if work is None:
            return
        busy = PropertyUpdate({"value": EMPTY, **BUSY})
        sent = SentView()
        drawn: tuple[int, int | None] = (-1, None)
        async with aclosing(work.follow()) as changes:
            async for count in changes:
                now = (count, work.run.before_it)
                if now == drawn or visit.work is not work:  # nothing new, or Clear was pressed
                    yield View().outputs()  # only by this does Gradio notice that a tab is gone
                    continue
                begun = time.monotonic()
                yield sent.select_changes(await self._draw(visit, busy)).outputs()
                drawn = now
                # pieces of an answer come faster than a page draws; a long chat or a busy server is given more time
                taken = time.monotonic() - begun
                await asyncio.sleep(min(max(_SECONDS_BETWEEN_VIEWS, _PAUSE_FACTOR * taken), _MAX_SECONDS_BETWEEN_VIEWS))
        if visit.work is not work:  # another conversation has begun: Gradio shows the last view once more at the end
            yield (await self._draw(visit)).outputs()
            return
        # whole, whatever was sent: another handler may have shown something meanwhile, and this is the last word.
        # The box was emptied at the beginning; emptied again now, it might lose what is being typed
        back: dict[str, Any] = {"value": typed} if work.run.failed and typed else {}
        yield (await self._draw(visit, PropertyUpdate({**back, **READY}))).outputs()

    async def _draw(self, visit: TabSession, box: PropertyUpdate | None = None) -> View:
        """Draw a visit; in a thread where there is much to draw: nobody else waits for a long answer's Markdown."""
        draw = partial(self._views.of, visit, box=box)
        long = sum(len(answer_text(run.events)) for run in visit.runs[-1:]) > _MAX_QUICK_CHARS
        return await asyncio.to_thread(draw) if long else draw()

    def _begin(self, visit: TabSession, run: BackgroundRun, request: gr.Request, prepared: PreparedPlan | None = None) -> None:
        visitor = visit.session.visitor = read_visitor(request)
        stream = self._agent.run(  # a generator: nothing runs before it is read
            run.text,
            visit.session,
            make_controller(visit.model, show_images=visit.looks),
            run.attached,
            extra=make_session_experts(self._agent, **self._expert_options(visit, visitor)),
            preferences=visit.wishes.preferences(),
            settings=visit.limits(self._agent.settings),
            approve=visit.gate if visit.ask_first else None,
            prepared=prepared,
        )
        visit.begin(run, self._admission.admit_stream(visitor, stream, run.tell_waiting, visit.words))

    def _runs_here(self, visit: TabSession, tasks: Sequence[str]) -> bool:
        """Return whether there is a model for each of these tasks, for this visitor."""
        return self._find_runnable(visit, tasks) >= set(tasks)

    def _find_runnable(self, visit: TabSession, tasks: Collection[str]) -> set[str]:
        experts = make_session_experts(self._agent, **self._expert_options(visit, ""))  # no name: a look spends no allowance
        found = self._agent.candidates(experts, set(tasks), visit.wishes.preferences())
        return {task for task in tasks if task in found and found[task].cards}

    def _expert_options(self, visit: TabSession, name: str) -> dict[str, Any]:
        """Return the arguments that this visitor's back ends are made with."""
        model = visit.model if visit.writes else None  # here as an expert for texts, which it may not be
        return {"model": model, "fetch": visit.fetch, "visitor": visit.visitor(self._shared, name)}

    def _delete_uploads(self, paths: Sequence[Path]) -> None:
        for path in paths:
            self._uploads.take(path)

    def _refuse(self, visit: TabSession, free: bool = False) -> tuple[Any, ...]:
        if free or not visit.just_begun:  # a click that came twice is one
            gr.Info(visit.words("page.not_here") if free else visit.words("page.busy"))
        return View(visit=visit).outputs()
