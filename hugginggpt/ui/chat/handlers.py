"""Handlers of the chat's events: requests, their repetition and withdrawal, examples, approval, Stop and Clear."""

import asyncio
from collections.abc import Callable, Collection, Sequence
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
from hugginggpt.core.trace import fold_steps
from hugginggpt.hub.shared_token import SharedToken
from hugginggpt.planning.approval import Approved, PreparedPlan, Proposal
from hugginggpt.planning.planner import check_length, shorten_refused
from hugginggpt.ui.chat import approval_form, examples, messages
from hugginggpt.ui.chat.inputs import (
    clean_text,
    find_named_resources,
    read_box,
    read_example,
    read_fetched_task,
    read_message_number,
    read_model,
    take_file,
)
from hugginggpt.ui.chat.retry_options import find_fetchable
from hugginggpt.ui.chat.run_follower import RunFollower
from hugginggpt.ui.chat.view import BUSY, EMPTY, HIDDEN, READY, View, Views
from hugginggpt.ui.markup import restore_markup
from hugginggpt.ui.property_updates import PropertyUpdate
from hugginggpt.ui.session.admission import Admission
from hugginggpt.ui.session.background_run import BackgroundRun
from hugginggpt.ui.session.tab_session import TabSession
from hugginggpt.ui.session.visitor import read_visitor
from hugginggpt.ui.uploads import Uploads

_MAX_RETURNED_CHARS: Final = 200_000  # of a request that is too long: so much of it stands in the box again


class ChatHandlers:
    """The handlers of the chat's events."""

    def __init__(
        self,
        agent: HuggingGPT,
        get_tab: Callable[[TabSession | None], TabSession],
        admission: Admission,
        *,
        uploads: Uploads,
        shared: SharedToken | None = None,
    ) -> None:
        """Set up the handlers.

        Args:
            agent: Works on the requests.
            get_tab: Returns the state of a tab, a new one where there is none yet.
            admission: Whose turn it is, on the page and of the API.
            uploads: Files that were sent ahead.
            shared: The token of the page's owner, where it is given away.
        """
        self._agent = agent
        self._get_tab = get_tab
        self._admission = admission
        self._uploads = uploads
        self._shared = shared
        self.follower = RunFollower(agent.table, partial(find_fetchable, agent))
        """Draws tabs and follows their runs; shared with the share panel."""
        self._views = self.follower.views

    async def ask(
        self, value: dict[str, Any] | None, placement: Placement, ask_first: bool, tab: TabSession | None, request: gr.Request
    ) -> Views:
        """Work on one request and show every step; what was typed comes back into the box when it can't be done."""
        tab = self._get_tab(tab)
        tab.restrict(placement, ask_first)
        text, paths = read_box(value)
        async with tab.claim() as claimed:
            if not claimed:
                yield self._refuse(tab)
                return
            yield View(box=PropertyUpdate(BUSY), tab=tab).to_outputs()
            session, run = tab.session, BackgroundRun(text, previous_turns=tab.session.turns)  # compared below
            attached: tuple[Resource, ...] = ()
            try:
                attached = tuple([await asyncio.to_thread(take_file, tab, path) for path in paths])
                check_length(text, self._agent.settings)
                run.attached = attached
            except (RequestError, ResourceError) as error:
                shown = shorten_refused(text, self._agent.settings) or ", ".join(path.name for path in paths)
                run = BackgroundRun.make_refused(shown, str(error), run.previous_turns)
            if tab.session is not session:  # another conversation has begun meanwhile
                yield await self.follower.draw_idle(tab)
                return
            kept = [str(resource.path) for resource in attached if resource.path]
            await asyncio.to_thread(self._delete_uploads, paths)  # the session has copies, or they were refused
            if run.read_only:
                tab.runs.append(run)
                box = PropertyUpdate({"value": {"text": text[:_MAX_RETURNED_CHARS], "files": kept}, **READY})
                yield (await self.follower.draw(tab, box)).to_outputs()
                return
            run.attached = (*run.attached, *find_named_resources(tab, text, run.attached))
            self._start_run(tab, run, request)
        async for view in self.follower.follow(tab, typed={"text": text, "files": kept}):
            yield view

    async def retry(
        self, placement: Placement, ask_first: bool, tab: TabSession | None, request: gr.Request, chosen: gr.RetryData
    ) -> Views:
        """Repeat a request; the ones after it are removed."""
        tab = self._get_tab(tab)
        tab.restrict(placement, ask_first)
        async for view in self._rerun(tab, read_message_number(chosen.index), None, request):
            yield view

    async def edit(
        self, placement: Placement, ask_first: bool, tab: TabSession | None, request: gr.Request, changed: gr.EditData
    ) -> Views:
        """Repeat a request with other words; the ones after it are removed."""
        tab = self._get_tab(tab)
        tab.restrict(placement, ask_first)
        async for view in self._rerun(tab, read_message_number(changed.index), str(changed.value), request):
            yield view

    async def _rerun(self, tab: TabSession, index: int, text: str | None, request: gr.Request) -> Views:
        async with tab.claim() as claimed:
            position = self._views.find_run(tab, index)
            if not claimed or position is None or tab.runs[position].read_only:
                yield self._refuse(tab, claimed)
                return
            old = tab.runs[position]
            if text is not None:
                text = clean_text(restore_markup(text))
            tab.rewind_to(position)
            text = old.text if text is None else text
            try:
                check_length(text, self._agent.settings)
            except RequestError as error:
                shown = shorten_refused(text, self._agent.settings)
                tab.runs.append(BackgroundRun.make_refused(shown, str(error), old.previous_turns))
                yield await self.follower.draw_idle(tab)
                return
            self._start_run(tab, BackgroundRun(text, old.attached, old.previous_turns), request)
        async for view in self.follower.follow(tab):
            yield view

    async def undo(self, tab: TabSession | None, chosen: gr.UndoData) -> tuple[Any, ...]:
        """Undo a request and the ones after it; it is put back into the box, and its files stay among the resources."""
        tab = self._get_tab(tab)
        position = self._views.find_run(tab, read_message_number(chosen.index))
        if tab.is_busy or position is None:  # no claim: nothing is awaited before the change
            return self._refuse(tab, not tab.is_busy)
        old = tab.runs[position]
        tab.rewind_to(position)
        typed: dict[str, Any] = {"text": old.text, "files": [str(resource.path) for resource in old.attached if resource.path]}
        return (await self.follower.draw(tab, PropertyUpdate({"value": typed, **READY}))).to_outputs()

    async def rerun_failed(
        self, placement: Placement, ask_first: bool, tab: TabSession | None, request: gr.Request, chosen: gr.SelectData
    ) -> Views:
        """Run what failed or was stopped once more, with another model where one was chosen; what is done stays done."""
        tab = self._get_tab(tab)
        tab.restrict(placement, ask_first)
        async with tab.claim() as claimed:
            old = tab.runs[-1] if tab.runs else None
            steps = fold_steps(old.events) if old else ()
            if not claimed or old is None or not steps or old.read_only:
                yield self._refuse(tab, claimed)
                return
            approved = any(isinstance(event, ApprovalGiven) for event in old.events)
            prepared = PreparedPlan(Plan(tuple(step.task for step in steps)), steps, read_model(chosen.value), approved)
            tab.rewind_to(len(tab.runs) - 1)
            fetch = {step.task.task for step in steps if step.task.id == read_fetched_task(chosen.value)}
            self._start_run(tab, BackgroundRun(old.text, old.attached, old.previous_turns), request, prepared, fetch)
        async for view in self.follower.follow(tab):
            yield view

    async def run_example(
        self, placement: Placement, ask_first: bool, tab: TabSession | None, request: gr.Request, chosen: gr.EventData
    ) -> Views:
        """Run an example that was clicked; one that can't run here only fills the box."""
        tab = self._get_tab(tab)
        tab.restrict(placement, ask_first)
        example = read_example(chosen)
        if example is None or tab.is_busy:
            yield self._refuse(tab)
            return
        value: dict[str, Any] = {"text": example.text, "files": [str(path) for path in example.files]}
        if not await asyncio.to_thread(self._can_run, tab, example.tasks):  # reads disks, asks servers
            yield View(box=PropertyUpdate({"value": value, **READY}), tab=tab).to_outputs()
            return
        async for view in self.ask(value, placement, ask_first, tab, request):
            yield view

    def insert_resource(self, box: dict[str, Any] | None, tab: TabSession | None, chosen: gr.EventData) -> dict[str, Any]:
        """Insert the name of a resource into the next request."""
        box = box or EMPTY
        names = {resource.name for resource in self._get_tab(tab).session.workspace.resources}
        name = chosen._data.get("name") if isinstance(chosen._data, dict) else ""
        name = name if isinstance(name, str) and name in names else ""  # a client may send any name
        return {"text": " ".join(filter(None, [(box.get("text") or "").rstrip(), name])), "files": box.get("files") or []}

    async def stop(self, tab: TabSession | None) -> None:
        """Stop the request; whoever follows it shows that."""
        if tab is not None:
            await tab.stop()

    async def clear(self, tab: TabSession | None) -> tuple[Any, ...]:
        """Return a new conversation: the old one and its files are deleted; planner, key and what is typed stay."""
        tab = self._get_tab(tab)
        await tab.start_conversation(self._agent.new_session())
        return await self.follower.draw_idle(tab)

    async def approve(self, tab: TabSession | None, sent: gr.EventData) -> tuple[Any, ...]:
        """Run a plan as the person has approved it, or say why it can't run."""
        tab = self._get_tab(tab)
        if (proposal := tab.gate.proposal) is None:
            return View(form=HIDDEN).to_outputs()
        answer = approval_form.read_answer(sent)
        if answer.stop:
            await tab.stop()
            return View(form=HIDDEN).to_outputs()
        decided = await asyncio.to_thread(self._decide, tab, proposal, answer)  # long plans take long to check and to draw
        if tab.gate.proposal is not proposal:  # answered by another click, or stopped meanwhile
            return View().to_outputs()
        if isinstance(decided, Approved):
            tab.gate.open(decided)
            return View().to_outputs()  # who follows the run hides the form; here it might come after the next one
        return View(form=PropertyUpdate({"value": decided, "visible": True})).to_outputs()

    def _decide(self, tab: TabSession, proposal: Proposal, answer: approval_form.FormAnswer) -> Approved | str:
        """Return the plan as the person has approved it, or the form in which it waits on."""
        table, error = self._agent.table, ""
        if answer.key == proposal.key:  # an older form is answered by showing what waits now
            known = tab.session.workspace.resources
            try:
                return approval_form.build_approval(proposal, answer, table, known, self._agent.settings.max_tasks)
            except HuggingGPTError as refused:
                error = str(refused)
        return approval_form.build_form(proposal, table, tab.words, answer=answer if error else None, error=error)

    def select_run(self, number: int | None, tab: TabSession | None) -> tuple[Any, ...]:
        """Show an earlier run's plan."""
        tab = self._get_tab(tab)
        tab.selected_run = tab.runs[number] if number is not None and 0 <= number < len(tab.runs) else None
        view = View(plan=self._views.draw_plan(tab), share=self._views.draw_share_panel(tab), tab=tab)
        return replace(view, link=self._views.draw_link(tab)).to_outputs()

    def build_whole(self, tab: TabSession) -> View:
        """Return the view of a whole tab, including the start page."""
        tasks = {task for example in examples.load_examples() for task in example.tasks}
        start = examples.draw_welcome(self._find_runnable_tasks(tab, tasks).__contains__, messages.get_file_url, tab.words)
        view = self._views.build(tab, box=PropertyUpdate(BUSY if tab.is_busy else READY))
        return replace(view, welcome=PropertyUpdate({"value": start, "visible": not tab.runs}))

    def _start_run(
        self,
        tab: TabSession,
        run: BackgroundRun,
        request: gr.Request,
        prepared: PreparedPlan | None = None,
        fetch: Collection[str] = (),
    ) -> None:
        """Start the work on a request; `fetch` are tasks for which the person has just agreed to fetch a model."""
        visitor = tab.session.visitor = read_visitor(request)
        stream = self._agent.run(  # a generator: nothing runs before it is read
            run.text,
            tab.session,
            make_controller(tab.model, show_images=tab.show_images),
            run.attached,
            extra=make_session_experts(self._agent, **self._expert_options(tab, visitor, fetch)),
            preferences=tab.preferences.to_ranking(),
            settings=tab.narrow_settings(self._agent.settings),
            approve=tab.gate if tab.ask_first else None,
            prepared=prepared,
        )
        tab.start_run(run, self._admission.admit_stream(visitor, stream, run.note_requests_ahead, tab.words))

    def _can_run(self, tab: TabSession, tasks: Sequence[str]) -> bool:
        """Return whether there is a model for each of these tasks, for this visitor."""
        return self._find_runnable_tasks(tab, tasks) >= set(tasks)

    def _find_runnable_tasks(self, tab: TabSession, tasks: Collection[str]) -> set[str]:
        experts = make_session_experts(self._agent, **self._expert_options(tab, ""))  # no name: a look spends no allowance
        found = self._agent.candidates(experts, set(tasks), tab.preferences.to_ranking())
        return {task for task in tasks if task in found and found[task].cards}

    def _expert_options(self, tab: TabSession, visitor_name: str, fetch: Collection[str] = ()) -> dict[str, Any]:
        """Return the keyword arguments with which this visitor's back ends are made."""
        model = tab.model if tab.use_llm_for_text else None  # here as an expert for texts, which it may not be
        agreed = fetch if fetch and not tab.may_fetch else tab.may_fetch  # None: what the settings say
        return {"model": model, "fetch": agreed, "visitor": tab.build_visitor(self._shared, visitor_name)}

    def _delete_uploads(self, paths: Sequence[Path]) -> None:
        for path in paths:
            self._uploads.consume(path)

    def _refuse(self, tab: TabSession, is_free: bool = False) -> tuple[Any, ...]:
        if is_free or not tab.has_just_begun:  # a click that came twice is one
            gr.Info(tab.words("page.not_here") if is_free else tab.words("page.busy"))
        return View(tab=tab).to_outputs()
