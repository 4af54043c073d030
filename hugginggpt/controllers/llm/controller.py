"""Controller by a language model: plans, selects and answers through any OpenAI-compatible server."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

from hugginggpt.controllers.base import Choice, PlanRequest, RespondRequest, Selection
from hugginggpt.controllers.file_mentions import list_addresses
from hugginggpt.controllers.llm.images import attach_images
from hugginggpt.controllers.llm.json_reply import read_selections
from hugginggpt.controllers.llm.plan_prompt import build_plan_messages, build_plan_schema, load_prompt, select_task_types
from hugginggpt.controllers.llm.plan_stream import PlanStreamReader
from hugginggpt.controllers.llm.respond_prompt import build_respond_messages
from hugginggpt.controllers.llm.select_prompt import build_selection_schema, format_question
from hugginggpt.controllers.rules.controller import RulesController
from hugginggpt.core.errors import NoPicturesError, PlanError, RequestError, TooLongError
from hugginggpt.core.events import Notice, Usage
from hugginggpt.core.markdown import shorten
from hugginggpt.core.tasks import TaskTable, load_task_table
from hugginggpt.core.threads import run_in_daemon_thread
from hugginggpt.llm.client import LanguageModel
from hugginggpt.llm.context_window import CHARS_PER_TOKEN
from hugginggpt.llm.request_form import Message

log = logging.getLogger(__name__)

_MAX_REQUEST_CHARS: Final = 400
"""Beginning of the request that goes with the question about models: what it says of them comes early, as a rule."""
_MAX_HISTORY_TOKENS: Final = 1_000  # most tokens of earlier turns in a planning prompt
_MAX_RESULT_TOKENS: Final = 6_000  # most tokens of results in an answer's prompt, where the model's window is large
_MIN_RESULT_TOKENS: Final = 1_000  # tokens of results that fit any model's window
_PLAN_OVERHEAD, _RESPOND_OVERHEAD = 2_000, 1_500
"""Tokens that the instructions and the reply of the two stages take."""
_FEED_CHARS: Final = 4_096  # read at once: milliseconds
_MAX_REASON_CHARS: Final = 1_000
_MAX_REPLY_CHARS: Final = 200_000  # longest plan that is read, in characters


class LLMController:
    """Controller whose stages 1, 2 and 4 a language model does (arXiv 2303.17580, table 5)."""

    can_replan = True

    def __init__(self, model: LanguageModel, table: TaskTable | None = None, *, show_images: bool = False) -> None:
        """Build a controller on a language model.

        Args:
            model: Language model at its server.
            table: Task types; by default the shipped ones.
            looks: Whether it is shown the pictures that come with a request before it plans.
        """
        self._model = model
        self._shows_images = show_images
        self._table = table or load_task_table()
        self._rules = RulesController(self._table)  # guesses tasks for the prompt; plans nothing here

    @property
    def name(self) -> str:
        """Names of the model and its server."""
        return f"{self._model.model} ({self._model.server})"

    async def plan(self, request: PlanRequest) -> AsyncGenerator[Mapping[str, Any] | str | Usage | Notice]:
        """Yield the tasks of the model's plan as it writes them, or its answer where it plans none.

        Raises:
            PlanError: The reply is neither.
        """
        produced = (resource for step in request.steps for resource in step.outputs)
        known = (*request.earlier_resources, *request.attached, *produced)
        addresses = list_addresses(request.text, known)
        likely = await run_in_daemon_thread(lambda: self._guess_tasks(request), "planner")  # some long texts take seconds
        schema = build_plan_schema(select_task_types(self._table, known, addresses, likely), known, addresses)
        # without earlier turns there is no need to ask the server for its window
        history_tokens = _MAX_HISTORY_TOKENS
        if request.turns:
            history_tokens = await self._model.get_window() - _PLAN_OVERHEAD - len(request.text) // CHARS_PER_TOKEN
        messages = build_plan_messages(request, self._table, likely, min(_MAX_HISTORY_TOKENS, history_tokens))
        shortest = build_plan_messages(request, self._table, likely, 0, shown=0)
        reader = PlanStreamReader()
        async with aclosing(self._stream_plan(messages, shortest, schema, request)) as pieces:  # also closes the connection
            async for piece in pieces:
                if not isinstance(piece, str):
                    yield piece
                    continue
                if len(reader.text) + len(piece) > _MAX_REPLY_CHARS:  # before it is read: small models repeat themselves
                    raise PlanError(f"{self.name} wrote more than any plan: try another model.")
                for start in range(0, len(piece), _FEED_CHARS):  # a server may send all of it as one piece
                    for found in reader.feed(piece[start : start + _FEED_CHARS]):
                        yield found
                    await asyncio.sleep(0)  # others have their turn
        for task in await asyncio.to_thread(lambda: list(reader.finish())):  # repairing a long reply takes its time
            yield task
        if reader.answer:
            yield reader.answer
        elif not reader.is_plan_or_answer and not request.steps:  # "None" is an answer to a question for more tasks
            if request.attached or any(name != "conversational" for name in likely):  # prose about files that it hasn't read
                raise PlanError(f"{self.name} answered no plan: try another model.")
            yield reader.text

    async def _stream_plan(
        self, messages: Sequence[Message], shortest: Sequence[Message], schema: Mapping[str, Any], request: PlanRequest
    ) -> AsyncGenerator[str | Usage | Notice]:
        """Yield the reply; ask again without pictures where they are refused, and in short where the question is too long."""
        if self._shows_images and self._model.capabilities.accepts_images:
            with_images = await attach_images(messages, request.attached)
            if with_images is not messages:
                try:
                    async with aclosing(self._model.stream(with_images, "plan", schema=schema)) as pieces:
                        async for piece in pieces:
                            yield piece
                    return
                except NoPicturesError:
                    yield Notice(f"{self.name} takes no pictures: it plans from their names.")
                except TooLongError:
                    pass  # without the pictures it may fit
        for attempt in (messages, shortest):  # nothing was yielded yet where the question is too long
            try:
                async with aclosing(self._model.stream(attempt, "plan", schema=schema)) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except TooLongError:
                if attempt is shortest:
                    raise

    def _guess_tasks(self, request: PlanRequest) -> list[str]:
        """Return the built-in planner's guess at the tasks: good enough to choose demonstrations by."""
        try:
            return [task["task"] for task in self._rules.tasks(request)]
        except RequestError:
            return []
        except Exception:  # a guess is a help, no more: a fault in the rules must not cost the plan
            log.exception("no guess")
            return []

    async def select(self, request: PlanRequest, choices: Sequence[Choice]) -> tuple[Sequence[Selection], Usage | None]:
        """Ask one question for all tasks, answered as strict {"id", "reason"} for each; leave out unknown ids."""
        messages: list[Message] = [
            {"role": "system", "content": load_prompt("select")},
            {"role": "user", "content": f"{format_question(choices)}\n\nRequest: {request.text[:_MAX_REQUEST_CHARS]}"},
        ]
        reply, usage = await self._model.complete(messages, "select", schema=build_selection_schema(choices))
        candidate_ids = {choice.task.id: [card.id for card in choice.candidates] for choice in choices}
        entries = await asyncio.to_thread(read_selections, reply)  # repairing a long reply takes its time
        return [selection for entry in entries if (selection := _convert_selection(entry, candidate_ids))], usage

    async def respond(self, request: RespondRequest) -> AsyncGenerator[str | Usage]:
        """Yield an answer that is written from the results alone."""
        budget = _MIN_RESULT_TOKENS
        if sum(len(r.text or "") for step in request.steps for r in step.outputs) > _MIN_RESULT_TOKENS * CHARS_PER_TOKEN:
            budget = max(
                _MIN_RESULT_TOKENS, min(_MAX_RESULT_TOKENS, (await self._model.get_window() - _RESPOND_OVERHEAD) * 2 // 3)
            )
        for result_tokens in (budget, _MIN_RESULT_TOKENS // 4):
            try:
                async with aclosing(self._model.stream(build_respond_messages(request, result_tokens), "respond")) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except TooLongError:
                if result_tokens != budget:  # the budget was an estimate: characters were counted, not tokens
                    raise


def _convert_selection(entry: Mapping[Any, Any], candidate_ids: Mapping[int, Sequence[str]]) -> Selection | None:
    """Convert one entry of the reply; None when it names no candidate. A lone task may go unnamed, as in the paper's form."""
    number, model = str(entry.get("task", "")).strip(), entry.get("id")
    task = next((task for task in candidate_ids if number == str(task) or (not number and len(candidate_ids) == 1)), None)
    if task is None or not isinstance(model, str) or model not in candidate_ids[task]:  # the schema may not be enforced
        return None
    return Selection(task, model, shorten(str(entry.get("reason") or "Chosen by the language model."), _MAX_REASON_CHARS))
