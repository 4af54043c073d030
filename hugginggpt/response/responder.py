"""Stage 4: the answer, written by the controller from the results, and checked for what it makes up.

Source: arXiv 2303.17580, section 3.4.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing
from typing import Final

from hugginggpt.controllers.base import Controller, RespondRequest
from hugginggpt.controllers.context import RequestContext
from hugginggpt.core.errors import ControllerError, DeadlineError, HuggingGPTError
from hugginggpt.core.events import AnswerDelta, Answered, Notice, Usage
from hugginggpt.core.plan import Plan
from hugginggpt.core.resources import Resource
from hugginggpt.response.checks import find_invented_names, is_answered

log = logging.getLogger(__name__)

MAX_ANSWER_CHARS: Final = 200_000
"""Longest answer that is read: each view of the page carries all of it."""
_MAX_INVENTED_NAMES: Final = 20  # that are told


class Responder:
    """Writer of the answer to one request."""

    def __init__(self, context: RequestContext) -> None:
        self._context = context
        self.usages: list[Usage] = []
        """Usage by the controller."""
        self._seconds = context.settings.respond_seconds

    async def respond(
        self,
        plan: Plan,
        direct_answer: str = "",
        *,
        complete: bool = True,
        seconds: float | None = None,
        attached: Sequence[Resource] | None = None,
    ) -> str:
        """Answer from the results of the plan, and emit the answer as events.

        Args:
            plan: What was run.
            direct_answer: The answer, where the controller gave it while it planned.
            complete: Whether nothing of the plan is known to be missing.
            seconds: Time for it, where the settings' is too long.
            attached: The request's files, pages of them that it names among them; by default those that came with it.

        Returns:
            The answer, in Markdown.

        Raises:
            HuggingGPTError: Nobody could write one.
        """
        context = self._context
        self._seconds = min(context.settings.respond_seconds, seconds or context.settings.respond_seconds)
        files = context.request.attached if attached is None else tuple(attached)
        request = RespondRequest(context.request.text, files, plan, context.steps, context.session.turns)
        answer = direct_answer if direct_answer and not plan.tasks else await self._answer_or_fall_back(request)
        # a notice only: the page shows it already. In a thread: the texts that were read may be long
        if names := await asyncio.to_thread(find_invented_names, answer, request, context.session.workspace):
            told = ", ".join([*names[:_MAX_INVENTED_NAMES], *(["…"] if len(names) > _MAX_INVENTED_NAMES else [])])
            context.emit(Notice(f"The answer names {told}, which does not exist."))
        context.emit(Answered(answer, complete and is_answered(plan, request.steps)))
        return answer

    async def _answer_or_fall_back(self, request: RespondRequest) -> str:
        """Return the controller's answer, or the built-in one where that fails: results are never lost for lack of words."""
        context = self._context
        if context.controller is context.fallback or not request.steps:  # without results there is nothing to fall back on
            return await self._write(context.controller, request)
        try:
            return await self._write(context.controller, request)
        except HuggingGPTError as error:
            reason = str(error)
        except Exception as error:  # the seam to a controller: whatever it raises, the results are there
            log.exception("answering broke")
            reason = type(error).__name__
        context.emit(Notice(f"{context.controller.name} could not write the answer ({reason}); this one is built in."))
        return await self._write(context.fallback, request)

    async def _write(self, controller: Controller, request: RespondRequest) -> str:
        pieces: list[str] = []
        room = MAX_ANSWER_CHARS
        try:
            async with asyncio.timeout(self._seconds) as deadline:  # over the whole answer, not a piece of it
                async with aclosing(controller.respond(request)) as stream:  # inside: closing may wait for a server
                    async for piece in stream:
                        if isinstance(piece, Usage):
                            self.usages.append(piece)
                            continue
                        piece, is_last = piece[:room], len(piece) > room
                        room -= len(piece)
                        self._context.emit(AnswerDelta(piece, restarts=not pieces))
                        pieces.append(piece)
                        if is_last:
                            self._context.emit(
                                Notice(f"The answer is longer than {MAX_ANSWER_CHARS:,} characters; the rest is cut.")
                            )
                            break
        except TimeoutError as error:
            if not deadline.expired():  # a time-out of the controller's own
                raise
            raise DeadlineError(f"{controller.name} took longer than {self._seconds:g} s to answer.") from error
        if not (answer := "".join(pieces).strip()):
            raise ControllerError(f"{controller.name} answered nothing.")  # after the loop, so the fallback takes over
        return answer
