"""The controller that is a language model: plans, selects and answers through any OpenAI-compatible server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

from hugginggpt.controllers.base import Choice, PlanRequest, RespondRequest, Selection
from hugginggpt.controllers.file_mentions import addresses
from hugginggpt.controllers.llm.images import with_pictures
from hugginggpt.controllers.llm.json_reply import read_selections
from hugginggpt.controllers.llm.plan_prompt import offered, plan_messages, plan_schema, prompt
from hugginggpt.controllers.llm.plan_stream import PlanStreamReader
from hugginggpt.controllers.llm.respond_prompt import answer_messages
from hugginggpt.controllers.llm.select_prompt import question, selection_schema
from hugginggpt.controllers.rules.controller import RulesController
from hugginggpt.core.errors import NoPicturesError, PlanError, RequestError, TooLongError
from hugginggpt.core.events import Notice, Usage
from hugginggpt.core.tasks import TaskTable, task_table
from hugginggpt.llm.client import LanguageModel, Message
from hugginggpt.llm.context_window import CHARS_PER_TOKEN

log = logging.getLogger(__name__)

_ASKED_CHARS: Final = 400
"""How much of a request goes with the question about models: what it says of them stands where it begins, as a rule."""
_RECORD: Final = 1_000
"""Tokens that planning may spend on what was said before."""
_RESULTS: Final = 6_000
"""Tokens that the answer may spend on results, where the model's window is large."""
_FEW: Final = 1_000
"""Tokens of results that fit any model."""
_PLANNING, _ANSWERING = 2_000, 1_500
"""Tokens that instructions and the reply take, beside what is told."""
_LONGEST_REPLY: Final = 200_000
"""Of a plan, in characters."""


class LLMController:
    """Stages 1, 2 and 4 by a language model (arXiv 2303.17580, table 5)."""

    replans = True

    def __init__(self, model: LanguageModel, table: TaskTable | None = None, *, looks: bool = False) -> None:
        """Make one of a model.

        Args:
            model: At its server.
            table: The task types; by default the shipped ones.
            looks: Whether it is shown the pictures that come with a request before it plans.
        """
        self._model = model
        self._looks = looks
        self._table = table or task_table()
        self._rules = RulesController(self._table)

    @property
    def name(self) -> str:
        """The model and its server."""
        return f"{self._model.model} ({self._model.server})"

    async def plan(self, request: PlanRequest) -> AsyncGenerator[Mapping[str, Any] | str | Usage | Notice]:
        """Yield the tasks of the model's plan as it writes them, or its answer where it plans none.

        Raises:
            PlanError: The reply is neither.
        """
        made = (resource for step in request.steps for resource in step.outputs)
        known = (*request.earlier, *request.attached, *made)
        named, likely = addresses(request.text, known), self._likely(request)
        schema = plan_schema(offered(self._table, known, named, likely), known, named)
        # what was said before may be told as far as there is room; where there was nothing, nobody needs to know
        room = await self._model.window() - _PLANNING - len(request.text) // CHARS_PER_TOKEN if request.turns else _RECORD
        messages = plan_messages(request, self._table, likely, min(_RECORD, room))
        shortest = plan_messages(request, self._table, likely, 0, shown=0)
        reader = PlanStreamReader()
        async with aclosing(self._planned(messages, shortest, schema, request)) as pieces:
            async for piece in pieces:
                if not isinstance(piece, str):
                    yield piece
                    continue
                for found in reader.feed(piece):
                    yield found
                if len(reader.text) > _LONGEST_REPLY:
                    raise PlanError(f"{self.name} wrote more than any plan: try another model.")
        for task in await asyncio.to_thread(lambda: list(reader.finish())):  # mending a long reply takes its time
            yield task
        if reader.answer:
            yield reader.answer
        elif not reader.says_something and not request.steps:  # "None" to a question for more tasks is one
            if request.attached or any(name != "conversational" for name in likely):  # what it says of files it can't know
                raise PlanError(f"{self.name} answered no plan: try another model.")
            yield reader.text

    async def _planned(
        self, messages: Sequence[Message], shortest: Sequence[Message], schema: Mapping[str, Any], request: PlanRequest
    ) -> AsyncGenerator[str | Usage | Notice]:
        """The reply; where a server takes no pictures, or nothing so long, that to a question without, or to a shorter one."""
        if self._looks and self._model.capabilities.sees:
            seen = await with_pictures(messages, request.attached)
            if seen is not messages:
                try:
                    async with aclosing(self._model.stream(seen, "plan", schema=schema)) as pieces:
                        async for piece in pieces:
                            yield piece
                    return
                except NoPicturesError:
                    yield Notice(f"{self.name} takes no pictures: it plans from their names.")
                except TooLongError:
                    pass  # without the pictures it may fit
        for asked in (messages, shortest):
            try:
                async with aclosing(self._model.stream(asked, "plan", schema=schema)) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except TooLongError:
                if asked is shortest:
                    raise

    def _likely(self, request: PlanRequest) -> list[str]:
        """What the rules of the built-in planner make of the request: good enough to choose demonstrations by."""
        try:
            return [task["task"] for task in self._rules.tasks(request)]
        except RequestError:
            return []
        except Exception:  # a guess is a help, no more: a fault in the rules must not cost the plan
            log.exception("no guess")
            return []

    async def select(self, request: PlanRequest, choices: Sequence[Choice]) -> tuple[Sequence[Selection], Usage | None]:
        """One question for all tasks, answered as strict {"id", "reason"} for each; unknown ids are left out."""
        messages: list[Message] = [
            {"role": "system", "content": prompt("select")},
            {"role": "user", "content": f"{question(choices)}\n\nRequest: {request.text[:_ASKED_CHARS]}"},
        ]
        reply, usage = await self._model.complete(messages, "select", schema=selection_schema(choices))
        known = {choice.task.id: [card.id for card in choice.candidates] for choice in choices}
        return [found for entry in read_selections(reply) if (found := _selection(entry, known))], usage

    async def respond(self, request: RespondRequest) -> AsyncGenerator[str | Usage]:
        """Stream an answer that is written from the results alone."""
        budget = _FEW
        if sum(len(r.text or "") for step in request.steps for r in step.outputs) > _FEW * CHARS_PER_TOKEN:
            budget = max(_FEW, min(_RESULTS, (await self._model.window() - _ANSWERING) * 2 // 3))
        for room in (budget, _FEW // 4):
            try:
                async with aclosing(self._model.stream(answer_messages(request, room), "respond")) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except TooLongError:
                if room != budget:
                    raise


def _selection(entry: Mapping[Any, Any], known: Mapping[int, Sequence[str]]) -> Selection | None:
    """One entry of the reply; None when it names no candidate. The only task may go unnamed, as in the paper's form."""
    number, model = str(entry.get("task", "")).strip(), entry.get("id")
    task = next((task for task in known if number == str(task) or (not number and len(known) == 1)), None)
    if task is None or not isinstance(model, str) or model not in known[task]:
        return None
    return Selection(task, model, str(entry.get("reason") or "Chosen by the language model."))
