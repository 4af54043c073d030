"""Stage 2: model selection. Candidates are gathered and ranked; the controller is asked once about all tasks with a choice.

Source: arXiv 2303.17580, section 3.2. Choosing costs nothing but the choice when it fails: the first of the ranking is taken.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from hugginggpt.controllers.base import Choice, Selection
from hugginggpt.controllers.context import RequestContext
from hugginggpt.core.errors import ExpertError, HuggingGPTError
from hugginggpt.core.events import Notice, Usage
from hugginggpt.core.model_card import Assignment, ModelCard
from hugginggpt.core.plan import Task
from hugginggpt.core.tasks import TaskType
from hugginggpt.core.threads import run_in_daemon_thread
from hugginggpt.experts.base import ConditionalExpert, Expert
from hugginggpt.hub.catalog import list_small_models
from hugginggpt.selection.ranking import Ranking, rank_cards, read_needs

log = logging.getLogger(__name__)

MAX_ATTEMPTS_PER_TASK: Final = 12
"""Most models that are tried for a task, one after the other."""
MAX_TASKS_ASKED: Final = 12
"""Most tasks that the controller is asked about one by one."""


def gather_candidates(experts: Sequence[Expert], tasks: Collection[str] | None = None) -> Mapping[str, tuple[ModelCard, ...]]:
    """Return all models that can do the tasks, by task, in the back ends' order; asks disks and servers, so not in the loop.

    Args:
        experts: A back end that stands there twice counts as it stands there last: a session's own takes the place of the
            one that all share.
        tasks: Those that are asked about; None: all.
    """
    cards_by_task: defaultdict[str, list[ModelCard]] = defaultdict(list)
    for expert in drop_replaced_experts(experts):
        for card in expert.cards(tasks):
            if tasks is None or card.task in tasks:
                cards_by_task[card.task].append(card)
    return {task: tuple(cards) for task, cards in cards_by_task.items()}


def drop_replaced_experts(experts: Sequence[Expert]) -> Sequence[Expert]:
    """Drop the shared back ends that a session's own replace; those take their place in the order."""
    return list({expert.backend: expert for expert in experts}.values())  # a dict keeps the first place and the last value


class ModelSelector:
    """Selector of models for the tasks of one request, whose plan may still be being written.

    A task that has no choice gets its model at once; the others wait for one question, which is asked when the plan is
    complete.
    """

    def __init__(self, context: RequestContext) -> None:
        self._context = context
        self.usages: list[Usage] = []
        """Usage by the controller's choices."""
        self._chosen: dict[int, str] = {}
        """The model that the person has chosen for a task, by the task's id."""
        self._searches: dict[str, asyncio.Task[Sequence[ModelCard]]] = {}
        """Searches for models, running or done, by type of task."""
        self._representatives: dict[int, int] = {}
        """By a task's id, the id of the task whose selection it shares, where there are very many."""
        self._selections: dict[int, asyncio.Future[Selection | None]] = {}
        """Controller's selection for each task that has a choice; None: it made none."""
        self._questions: list[asyncio.Task[None]] = []

    def start_search(self, tasks: Iterable[Task]) -> None:
        """Start to look for the models of these tasks, before they are needed."""
        for name in {task.task for task in tasks} - self._searches.keys():
            self._searches[name] = asyncio.create_task(self._find_cards(name))  # one for each type of task
            self._searches[name].add_done_callback(lambda task: task.cancelled() or task.exception())  # `assign` raises it

    async def _find_cards(self, name: str) -> Sequence[ModelCard]:
        experts = drop_replaced_experts(self._context.experts)
        listed = await asyncio.gather(*(self._list_cards(expert, name) for expert in experts))  # a slow one costs its own alone
        return [card for cards in listed for card in cards]

    async def _list_cards(self, expert: Expert, name: str) -> Sequence[ModelCard]:
        """List one back end's models for a type of task; none where it takes too long."""
        seconds = self._context.settings.select_seconds
        try:
            async with asyncio.timeout(seconds) as deadline:
                return (await run_in_daemon_thread(lambda: gather_candidates([expert], {name}))).get(name, ())
        except TimeoutError:
            if not deadline.expired():  # a time-out of its own
                raise
        self._context.emit(Notice(f"The {expert.backend} models for {name} were not listed within {seconds:g} s: left out."))
        return ()

    def start_question(self, tasks: Sequence[Task]) -> None:
        """Start to ask the controller about the tasks that have a choice; for a complete plan or addition to one."""
        self.start_search(tasks)
        self._questions.append(asyncio.create_task(self._decide(tasks)))  # kept: the loop holds only weak references

    async def _decide(self, tasks: Sequence[Task]) -> None:
        chosen: Mapping[int, Selection] = {}
        deadline = asyncio.get_running_loop().time() + self._context.settings.select_seconds  # of finding and choosing together
        try:
            rankings = await asyncio.gather(*(self._rank(task) for task in tasks), return_exceptions=True)
            choices = [
                Choice(task, ranking.list_best(self._context.settings.top_k))
                for task, ranking in zip(tasks, rankings, strict=True)
                if isinstance(ranking, Ranking)
                and not ranking.settled  # `assign` raises for one that can't be ranked
                and task.id not in self._chosen
            ]
            if fitting := self._fit_question([choice for choice in choices if len(choice.candidates) > 1]):
                chosen = await self._ask(fitting, deadline)
        finally:  # also on a cancel: `assign` waits for these futures
            for task in tasks:
                if not (choice := self._get_future(task)).done():
                    choice.set_result(chosen.get(self._representatives.get(task.id, task.id)))

    def _get_future(self, task: Task) -> asyncio.Future[Selection | None]:
        return self._selections.setdefault(task.id, asyncio.get_running_loop().create_future())

    async def _rank(self, task: Task) -> Ranking:
        self.start_search([task])
        cards = await asyncio.shield(self._searches[task.task])  # shared by all tasks of the type: one's end must not end it
        return rank_cards(
            cards,
            read_needs(self._context.request.text, task, self._context.session.workspace.resources),
            self._context.preferences,
        )

    def _fit_question(self, choices: Sequence[Choice]) -> Sequence[Choice]:
        """Limit choices to one question: of very many tasks, one stands for all of a type with the same candidates."""
        if len(choices) <= MAX_TASKS_ASKED:
            return choices
        representatives: dict[tuple[str, tuple[ModelCard, ...]], Choice] = {}
        for choice in choices:
            representative = representatives.setdefault((choice.task.task, choice.candidates), choice)
            self._representatives[choice.task.id] = representative.task.id
        return list(representatives.values())[:MAX_TASKS_ASKED]

    def pin_models(self, models: Mapping[int, str]) -> None:
        """Pin the models that the person has chosen, by the tasks' ids."""
        self._chosen.update(models)

    def close(self) -> None:
        """Cancel all searches and questions: no more models are needed."""
        for running in (*self._questions, *self._searches.values()):  # their threads can't be stopped; nobody waits for them
            running.cancel()

    async def assign(self, task: Task) -> Assignment:
        """Return the models of a task, the chosen one first; waits for the controller's choice where there is one.

        Raises:
            ExpertError: There is none; the message says why, and what to do.
        """
        ranking = await self._rank(task)
        if not ranking.cards:
            context, row = self._context, self._context.table[task.task]
            conditions = [
                e.describe_condition(task.task)
                for e in drop_replaced_experts(context.experts)
                if isinstance(e, ConditionalExpert)
            ]
            raise ExpertError(_explain_missing_model(row, context.tasks_with_key, ranking.left_out, conditions))
        selection = None
        if chosen_id := self._chosen.get(task.id):
            selection = Selection(task.id, chosen_id, "You have chosen it.")
        elif not ranking.settled and len(ranking.list_best(2)) > 1:
            selection = await asyncio.shield(self._get_future(task))  # set by one question for all tasks
        cards, reason = ranking.cards, ranking.reason
        if selection is not None and (chosen := [card for card in cards if card.id == selection.model_id]):
            cards = (*chosen, *(card for card in cards if card not in chosen))  # the others stay, to be tried where it fails
            reason = selection.reason or reason
        elif chosen_id:  # chosen in an approval, and gone since
            reason = f"{chosen_id}, which you have chosen, can't be run now. {reason}"
        return Assignment(cards[:MAX_ATTEMPTS_PER_TASK], reason, _find_source(cards))

    async def _ask(self, choices: Sequence[Choice], deadline: float) -> Mapping[int, Selection]:
        """Ask one question about all choices; its failure costs only the choice."""
        try:
            async with asyncio.timeout_at(deadline):  # tasks wait: a late choice is worse than none
                selections, usage = await self._context.controller.select(self._context.request, choices)
        except HuggingGPTError as error:
            reason = str(error)
        except TimeoutError:
            reason = "it took too long"
        except Exception as error:  # the seam to a controller: a broken choice costs the choice, not the request
            log.exception("selection broke")
            reason = type(error).__name__
        else:
            if usage:
                self.usages.append(usage)
            return {selection.task_id: selection for selection in selections}
        self._context.emit(
            Notice(f"{self._context.controller.name} did not choose the models ({reason}); the first ones are taken.")
        )
        return {}


def _find_source(cards: Sequence[ModelCard]) -> str:
    """Return the source of the hosted models' list; empty where none is hosted."""
    return next((card.source for card in cards if card.source and card.source != "you"), "")


def _explain_missing_model(row: TaskType, with_key: Collection[str], left_out: Sequence[str], conditions: Sequence[str]) -> str:
    """Explain why there is no model for a task, and what to do about it."""
    if left_out:
        return f"No model for {row.noun} is left: {'; '.join(left_out)}. Change what is set for models, or the request."
    if row.name == "conversational":
        return (
            "The built-in planner found nothing in this request that a model here can do; "
            "with an OpenAI or Hugging Face key a language model answers it."
        )
    remedies = ["with an OpenAI or Hugging Face key the language model does it"] if row.name in with_key else []
    remedies += filter(None, conditions)
    if row.name in list_small_models():
        remedies.append(f"“python -m hugginggpt models pull {row.name}” fetches one")
    return f"No model for {row.noun} is here{'; ' if remedies else ''}{', and '.join(remedies)}."
