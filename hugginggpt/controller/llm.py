"""The controller that is a language model: plans, selects and answers through any OpenAI-compatible server."""

from __future__ import annotations

import functools
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from hugginggpt.controller.base import Choice, PlanRequest, RespondRequest, Selection, Turn
from hugginggpt.controller.choices import question, selection_schema
from hugginggpt.events import Step, Usage
from hugginggpt.language_model import LanguageModel, Message
from hugginggpt.reply import read_selections, read_tasks
from hugginggpt.resources import Resource
from hugginggpt.tasks import TaskTable, TaskType, task_table

_PROMPTS: Final = Path(__file__).with_name("prompts")
DEMONSTRATIONS: Final = Path(__file__).resolve().parents[2] / "demos" / "plans.yaml"
_MAX_TURNS: Final = 5
_MAX_RESULT_CHARS: Final = 3_000
"""How much of each result's text the answer is written from."""
_MAX_REMEMBERED_CHARS: Final = 300
_MAX_ASKED_CHARS: Final = 400
"""How much of a request goes with the question about models: what it says of them stands where it begins, as a rule."""


class LLMController:
    """Stages 1, 2 and 4 by a language model (arXiv 2303.17580, table 5)."""

    def __init__(self, model: LanguageModel, table: TaskTable | None = None) -> None:
        """Make one of a model; `table` is by default the shipped task table."""
        self._model = model
        self._table = table or task_table()

    @property
    def name(self) -> str:
        """The model and its server."""
        return f"{self._model.model} ({self._model.server})"

    async def plan(self, request: PlanRequest) -> AsyncIterator[Mapping[str, Any] | Usage]:
        """Yield the tasks of the model's plan."""
        reply, usage = await self._model.complete(self._plan_messages(request), "plan", schema=plan_schema(self._table))
        yield usage
        for task in read_tasks(reply):
            yield task

    def _plan_messages(self, request: PlanRequest) -> list[Message]:
        """The unchanging part first: servers keep its computed prefix."""
        tasks = "\n".join(_task_line(row) for row in self._table.values())
        messages: list[Message] = [{"role": "system", "content": _prompt("plan").replace("{{tasks}}", tasks)}]
        for demo in demonstrations():
            messages.append({"role": "user", "content": _plan_question(demo["request"], demo.get("resources", ()))})
            messages.append({"role": "assistant", "content": json.dumps({"tasks": demo["plan"]}, ensure_ascii=False)})
        described = [resource.description for resource in (*request.earlier, *request.attached)]
        question = _plan_question(request.text, described, request.turns)
        if request.complaint:
            question += f"\n\nYour last plan was refused: {request.complaint} Write a corrected plan."
        return [*messages, {"role": "user", "content": question}]

    async def select(self, request: PlanRequest, choices: Sequence[Choice]) -> tuple[Sequence[Selection], Usage | None]:
        """One question for all tasks, answered as strict {"id", "reason"} for each; unknown ids are left out."""
        messages: list[Message] = [
            {"role": "system", "content": _prompt("select")},
            {"role": "user", "content": f"{question(choices)}\n\nRequest: {request.text[:_MAX_ASKED_CHARS]}"},
        ]
        reply, usage = await self._model.complete(messages, "select", schema=selection_schema(choices))
        known = {choice.task.id: [card.id for card in choice.candidates] for choice in choices}
        return [found for entry in read_selections(reply) if (found := _selection(entry, known))], usage

    async def respond(self, request: RespondRequest) -> AsyncIterator[str | Usage]:
        """Stream an answer that is written from the results alone."""
        facts = {
            **({"earlier": [_turn_facts(turn) for turn in request.turns[-_MAX_TURNS:]]} if request.turns else {}),
            "request": request.text,
            "attached": [resource.description for resource in request.attached],
            "steps": [_step_facts(step) for step in request.steps],
        }
        messages: list[Message] = [
            {"role": "system", "content": _prompt("respond")},
            {"role": "user", "content": json.dumps(facts, ensure_ascii=False, indent=1)},
        ]
        async for piece in self._model.stream(messages, "respond"):
            yield piece


@functools.cache
def _prompt(name: str) -> str:
    return (_PROMPTS / f"{name}.md").read_text(encoding="utf-8").strip()


@functools.cache
def demonstrations() -> tuple[Mapping[str, Any], ...]:
    """Worked plans that show the model what is wanted: request, resources, plan."""
    found: list[dict[str, Any]] = yaml.safe_load(DEMONSTRATIONS.read_text(encoding="utf-8"))
    return tuple(found)


def _task_line(row: TaskType) -> str:
    arguments = ", ".join(wanted.name + ("" if wanted.required else "?") for wanted in row.inputs)
    return f"{row.name}({arguments}) -> {', '.join(row.outputs)}: {row.when}"


def _plan_question(text: str, resources: Sequence[str], turns: Sequence[Turn] = ()) -> str:
    parts = []
    if turns:
        parts.append("Earlier:\n" + "\n".join(_turn_line(turn) for turn in turns[-_MAX_TURNS:]))
    if resources:
        parts.append("Resources:\n" + "\n".join(resources))
    return "\n\n".join([*parts, f"Request: {text}"])


def _turn_line(turn: Turn) -> str:
    made = ", ".join(resource.name for resource in turn.made) or "nothing"
    return f"- asked: {turn.request[:_MAX_REMEMBERED_CHARS]} / resources: {made}"


def _selection(entry: Mapping[Any, Any], known: Mapping[int, Sequence[str]]) -> Selection | None:
    """One entry of the reply; None when it names no candidate. The only task may go unnamed, as in the paper's form."""
    number, model = str(entry.get("task", "")).strip(), entry.get("id")
    task = next((task for task in known if number == str(task) or (not number and len(known) == 1)), None)
    if task is None or not isinstance(model, str) or model not in known[task]:
        return None
    return Selection(task, model, str(entry.get("reason") or "Chosen by the language model."))


def _turn_facts(turn: Turn) -> dict[str, str]:
    return {"request": turn.request[:_MAX_REMEMBERED_CHARS], "answer": turn.answer[:_MAX_REMEMBERED_CHARS]}


def _step_facts(step: Step) -> dict[str, Any]:
    return {
        "task": step.task.task,
        "args": step.task.as_json()["args"],
        "status": step.status,
        "model": step.model.id if step.model and step.status == "done" else None,
        "results": [_result_facts(resource) for resource in step.outputs],
        "note": step.note or None,
        "error": step.error or None,
    }


def _result_facts(resource: Resource) -> dict[str, Any]:
    if resource.text is None:
        return {"name": resource.name, "kind": resource.kind.value, "measure": resource.measure}
    text = resource.text
    return {"name": resource.name, "text": text[:_MAX_RESULT_CHARS] + (" …" if len(text) > _MAX_RESULT_CHARS else "")}


def plan_schema(table: TaskTable) -> dict[str, Any]:
    """The strict JSON schema of a plan: each task with its own arguments alone, null where one can be left out.

    With every argument on every task a small model fills them all, and pays for each in tokens.
    """
    tasks = [
        _strict(
            {
                "task": {"type": "string", "enum": [row.name]},
                "id": {"type": "integer"},
                "dep": {"type": "array", "items": {"type": "integer"}},
                "args": _strict({i.name: {"type": "string" if i.required else ["string", "null"]} for i in row.inputs}),
            }
        )
        for row in table.values()
    ]
    return _strict({"tasks": {"type": "array", "items": {"anyOf": tasks}}})


def _strict(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
