"""Stage 2: model selection. What could do each task is gathered and ranked; the controller is asked once for all that is open.

Source: arXiv 2303.17580, section 3.2. Choosing costs nothing but the choice when it fails: the first of the ranking is taken.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from hugginggpt.controllers.base import Choice, Controller, PlanRequest, Selection
from hugginggpt.core.errors import ExpertError, HuggingGPTError
from hugginggpt.core.events import Emit, Notice, Usage
from hugginggpt.core.model_card import Assignment, ModelCard
from hugginggpt.core.plan import Task
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import TaskTable, TaskType
from hugginggpt.core.threads import run_in_daemon_thread
from hugginggpt.experts.base import Expert, OfferingExpert
from hugginggpt.hub.catalog import list_small_models
from hugginggpt.selection.ranking import Preferences, Ranking, rank, read_needs

log = logging.getLogger(__name__)

_MOST: Final = 12
"""How many models are tried for a task, one after the other, at most."""
_ASKED: Final = 12
"""How many tasks the controller is asked about one by one, at most."""


def gathered(experts: Sequence[Expert], tasks: Collection[str] | None = None) -> Mapping[str, tuple[ModelCard, ...]]:
    """All models that can do the tasks, by task, in the back ends' order; asks disks and servers, so not in the event loop.

    Args:
        experts: A back end that stands there twice counts as it stands there last: a session's own takes the place of the
            one that all share.
        tasks: Those that are asked about; None: all.
    """
    found: defaultdict[str, list[ModelCard]] = defaultdict(list)
    for expert in each_once(experts):
        for card in expert.cards(tasks):
            if tasks is None or card.task in tasks:
                found[card.task].append(card)
    return {task: tuple(cards) for task, cards in found.items()}


def each_once(experts: Sequence[Expert]) -> Sequence[Expert]:
    """Each back end once, a session's own in the place of the one that all share."""
    return list({expert.backend: expert for expert in experts}.values())


@dataclass
class ModelSelector:
    """Chooses models for the tasks of one request, while its plan is still being written.

    A task that has no choice gets its model at once; the others wait for one question, which is asked when the plan is
    complete.
    """

    experts: Sequence[Expert]
    controller: Controller
    request: PlanRequest
    table: TaskTable
    preferences: Preferences
    top_k: int
    seconds: float
    """The controller's deadline."""
    emit: Emit
    used: Callable[[Usage], None]
    """Told what the controller's choice cost."""
    with_key: Collection[str] = frozenset()
    """Tasks that a session's own key would add a model for, to say so where there is none."""
    resources: Callable[[], Sequence[Resource]] = tuple
    """What tasks' arguments may name."""
    chosen: dict[int, str] = field(default_factory=dict)
    """The model that the person has chosen for a task, by the task's id."""
    _found: dict[str, asyncio.Task[Sequence[ModelCard]]] = field(default_factory=dict)
    """The models for each type of task, or the search for them."""
    _stands_for: dict[int, int] = field(default_factory=dict)
    """Of very many tasks, which one's choice is taken for each."""
    _choices: dict[int, asyncio.Future[Selection | None]] = field(default_factory=dict)
    """For each task that has a choice, what the controller says; None: nothing."""
    _asking: list[asyncio.Task[None]] = field(default_factory=list)

    def expect(self, tasks: Iterable[Task]) -> None:
        """Begin to look for what could do these tasks, before anybody asks."""
        for name in {task.task for task in tasks} - self._found.keys():
            self._found[name] = asyncio.create_task(self._find(name))
            self._found[name].add_done_callback(lambda found: found.cancelled() or found.exception())  # told by `assign`

    async def _find(self, name: str) -> Sequence[ModelCard]:
        return (await run_in_daemon_thread(lambda: gathered(self.experts, {name}))).get(name, ())

    def decide(self, tasks: Sequence[Task]) -> None:
        """The plan, or what was added to it, is complete: begin to ask the controller about those tasks that have a choice."""
        self.expect(tasks)
        self._asking.append(asyncio.create_task(self._decide(tasks)))

    async def _decide(self, tasks: Sequence[Task]) -> None:
        chosen: Mapping[int, Selection] = {}
        try:
            rankings = await asyncio.gather(*(self._ranked(task) for task in tasks), return_exceptions=True)
            choices = [
                Choice(task, ranking.best(self.top_k))
                for task, ranking in zip(tasks, rankings, strict=True)
                if isinstance(ranking, Ranking)
                and not ranking.settled  # of one that can't be ranked `assign` tells
                and task.id not in self.chosen
            ]
            if few := self._few([choice for choice in choices if len(choice.candidates) > 1]):
                chosen = await self._ask(few)
        finally:
            for task in tasks:
                if not (choice := self._choice(task)).done():
                    choice.set_result(chosen.get(self._stands_for.get(task.id, task.id)))

    def _choice(self, task: Task) -> asyncio.Future[Selection | None]:
        return self._choices.setdefault(task.id, asyncio.get_running_loop().create_future())

    async def _ranked(self, task: Task) -> Ranking:
        self.expect([task])
        cards = await asyncio.shield(self._found[task.task])
        return rank(cards, read_needs(self.request.text, task, self.resources()), self.preferences)

    def _few(self, choices: Sequence[Choice]) -> Sequence[Choice]:
        """Choices that fit into one question: of very many tasks, one for all of a type that have the same candidates."""
        if len(choices) <= _ASKED:
            return choices
        first: dict[tuple[str, tuple[ModelCard, ...]], Choice] = {}
        for choice in choices:
            stands = first.setdefault((choice.task.task, choice.candidates), choice)
            self._stands_for[choice.task.id] = stands.task.id
        return list(first.values())[:_ASKED]

    def stop(self) -> None:
        """Nobody needs models any more."""
        for each in (*self._asking, *self._found.values()):
            each.cancel()

    async def assign(self, task: Task) -> Assignment:
        """The models of a task, the chosen one first; waits for the controller's choice where there is one.

        Raises:
            ExpertError: There is none; the message says why, and what to do.
        """
        ranking = await self._ranked(task)
        if not ranking.cards:
            offers = [expert.offers(task.task) for expert in each_once(self.experts) if isinstance(expert, OfferingExpert)]
            raise ExpertError(_no_model(self.table[task.task], self.with_key, ranking.left_out, offers))
        selection = None
        if wanted := self.chosen.get(task.id):
            selection = Selection(task.id, wanted, "You have chosen it.")
        elif not ranking.settled and len(ranking.best(2)) > 1:
            selection = await asyncio.shield(self._choice(task))
        cards, reason = ranking.cards, ranking.reason
        if selection is not None and (chosen := [card for card in cards if card.id == selection.model_id]):
            cards = (*chosen, *(card for card in cards if card not in chosen))
            reason = selection.reason or reason
        elif wanted:
            reason = f"{wanted}, which you have chosen, can't be run now. {reason}"
        return Assignment(cards[:_MOST], reason, _source(cards))

    async def _ask(self, choices: Sequence[Choice]) -> Mapping[int, Selection]:
        """One question for all; its failure costs only the choice."""
        try:
            async with asyncio.timeout(self.seconds):
                selections, usage = await self.controller.select(self.request, choices)
        except HuggingGPTError as error:
            reason = str(error)
        except TimeoutError:
            reason = "it took too long"
        except Exception as error:  # the seam to a controller: a broken choice costs the choice, not the request
            log.exception("selection broke")
            reason = type(error).__name__
        else:
            if usage:
                self.used(usage)
            return {selection.task_id: selection for selection in selections}
        self.emit(Notice(f"{self.controller.name} did not choose the models ({reason}); the first ones are taken."))
        return {}


def _source(cards: Sequence[ModelCard]) -> str:
    """How the hosted ones came to be known."""
    return next((card.source for card in cards if card.source and card.source != "you"), "")


def _no_model(row: TaskType, with_key: Collection[str], left_out: Sequence[str], offers: Sequence[str]) -> str:
    """Why there is no model for a task, and what to do about it."""
    if left_out:
        return f"No model for {row.noun} is left: {'; '.join(left_out)}. Change what is set for models, or the request."
    if row.name == "conversational":
        return (
            "The built-in planner found nothing in this request that a model here can do; "
            "with an OpenAI or Hugging Face key a language model answers it."
        )
    ways = ["with an OpenAI or Hugging Face key the language model does it"] if row.name in with_key else []
    ways += filter(None, offers)
    if row.name in list_small_models():
        ways.append(f"“python -m hugginggpt models pull {row.name}” fetches one")
    return f"No model for {row.noun} is here{'; ' if ways else ''}{', and '.join(ways)}."
