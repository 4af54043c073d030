"""The built-in controller: no key, no network, no model. It plans in milliseconds from the words of a request.

It understands simple requests in English, of one or several steps, over the whole task table; what it can't do it says.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from hugginggpt.controllers.base import Choice, PlanRequest, RespondRequest, Selection
from hugginggpt.controllers.rules.answer_templates import compose
from hugginggpt.controllers.rules.cue_table import load_cue_table
from hugginggpt.controllers.rules.planner import plan_request
from hugginggpt.controllers.rules.request_parser import parse_request
from hugginggpt.core.events import Notice, Usage
from hugginggpt.core.tasks import TaskTable, load_task_table
from hugginggpt.core.threads import run_in_daemon_thread


class RulesController:
    """Plans, selects and answers by rules."""

    name = "built-in planner"
    can_replan = False  # the same words would give the same plan

    def __init__(self, table: TaskTable | None = None) -> None:
        """Make one; `table` is by default the shipped task table."""
        self._table = table or load_task_table()

    async def plan(self, request: PlanRequest) -> AsyncGenerator[Mapping[str, Any] | str | Usage | Notice, None]:
        """Yield the tasks that the words of the request ask for, or the answer where none is needed; then what is left out.

        Raises:
            RequestError: It isn't in English, needs a file that isn't there, or asks for what no task does.
        """
        # seconds for some long texts: others go on, and no thread that is shared is held
        plan = await run_in_daemon_thread(lambda: plan_request(request, self._table), "planner")
        for task in plan.tasks:
            yield task
        if plan.direct_answer:
            yield plan.direct_answer
        for notice in plan.notices:  # after the tasks, which can start while notices are read
            yield Notice(notice)

    def tasks(self, request: PlanRequest) -> list[Mapping[str, Any]]:
        """Return the tasks alone, as a list; pure, and quick but for long texts, so not for the event loop."""
        return list(plan_request(request, self._table).tasks)

    async def select(self, request: PlanRequest, choices: Sequence[Choice]) -> tuple[Sequence[Selection], Usage | None]:
        """Select the first candidate whose tags match the words of the request."""
        instruction = (await run_in_daemon_thread(lambda: parse_request(request.text), "planner")).instruction
        tags = [tag for tag, words in load_cue_table().tags.items() if words.search(instruction)]
        return [found for choice in choices if (found := _select_by_tag(choice, tags))], None  # no call, so no usage

    async def respond(self, request: RespondRequest) -> AsyncGenerator[str | Usage, None]:
        """Yield the results as sentences, one piece for each step."""
        for piece in compose(request, self._table):
            yield piece


def _select_by_tag(choice: Choice, tags: Sequence[str]) -> Selection | None:
    """Select by the tags of a request; None leaves it at the first of the ranking."""
    for tag in tags:
        for card in choice.candidates:
            if tag in card.tags:
                return Selection(choice.task.id, card.id, f"The request asks for {tag}, which it is made for.")
    return None
