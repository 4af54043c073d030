"""The question that a language model is asked to plan: what never changes first, which servers keep computed; then the request.

Behind the request stands a guess, where there is one: what rules make of it. Source: arXiv 2303.17580, table 5. The original
sends 1,700 tokens to plan a short request (microsoft/JARVIS); this one about half.
"""

from __future__ import annotations

import functools
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from hugginggpt.controllers.base import PlanRequest
from hugginggpt.controllers.llm.demonstrations import Demonstration, nearest
from hugginggpt.core.events import Step
from hugginggpt.core.markdown import in_one_line
from hugginggpt.core.recording import Turn
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import MEDIA_KINDS, Kind, TaskInput, TaskTable, TaskType, serves
from hugginggpt.llm.context_window import CHARS_PER_TOKEN
from hugginggpt.llm.structured_output import strict_object

_PROMPTS: Final = Path(__file__).with_name("prompts")
_TALK: Final = "conversational"
"""What rules guess where they know nothing: no help."""
SHOWN: Final = 140
"""Tokens that demonstrations may take."""
_WINDOW: Final = 8
"""How many earlier requests are told at most."""
_REMEMBERED_CHARS: Final = 160
"""How much of an earlier request is told."""
_ANSWER_CHARS, _REMEMBERED_TEXT = 200, 100
"""How much of an earlier answer and of an earlier text is told."""
_RESULT_CHARS: Final = 200
"""How much of a text that is there already is told."""
_RARELY_MADE: Final = frozenset({Kind.AUDIO, Kind.VIDEO, Kind.TABLE})
"""What seldom is both made and used in one request."""
_MOST_REFERENCES, _MOST_NAMES, _MOST_ADDRESSES, _LONGEST_ADDRESS = 40, 100, 20, 300
"""To how many tasks a plan under a schema can refer, to how many files of a kind, the newest of them, and to which addresses:
OpenAI takes 1,000 values in all, and of long lists 15,000 characters."""
_ALIKE: Final = 4
"""From how many tasks on that are called alike they share a line."""


@functools.cache
def prompt(name: str) -> str:
    """The instructions for a stage."""
    return (_PROMPTS / f"{name}.md").read_text(encoding="utf-8").strip()


def plan_messages(
    request: PlanRequest, table: TaskTable, likely: Sequence[str], budget: int, *, shown: int = SHOWN
) -> list[Mapping[str, Any]]:
    """All messages.

    Args:
        request: What is asked for; it is never cut.
        table: The task types there are.
        likely: Tasks that the request may need, in their order: for choosing demonstrations, and as a guess that small models
            lean on.
        budget: Tokens that what was said and made before may take.
        shown: Tokens that demonstrations may take.
    """
    kinds = {resource.kind for resource in request.attached}
    messages: list[Mapping[str, Any]] = [{"role": "system", "content": prompt("plan").replace("{{tasks}}", task_list(table))}]
    for demo in nearest(request.text, kinds, likely, shown, earlier=bool(request.turns)):
        messages.append({"role": "user", "content": _demonstrated(demo)})
        messages.append({"role": "assistant", "content": demo.reply})
    guess = [name for name in likely if name != _TALK]
    question = _question(request.text, request.attached, record(request.turns, budget), guess)
    if request.complaint:
        question += _again(request)
    return [*messages, {"role": "user", "content": question}]


def task_list(table: TaskTable) -> str:
    """A line for each task, or for several that are called and used alike: name(arguments): when to use it."""
    groups: defaultdict[tuple[str, str], list[TaskType]] = defaultdict(list)
    for row in table.values():
        groups[row.name.partition("-")[2], _arguments(row)].append(row)
    lines: list[str] = []
    for row in table.values():
        alike = groups[row.name.partition("-")[2], _arguments(row)]
        if len(alike) < _ALIKE:
            lines.append(f"{row.name}({_arguments(row)})" + (f": {row.brief}" if row.brief else ""))
        elif row is alike[0]:
            suffix = row.name.partition("-")[2]
            names = ", ".join(each.name.partition("-")[0] + (f" ({each.brief})" if each.brief else "") for each in alike)
            lines.append(f"X-{suffix}({_arguments(row)}), X: {names}")
    return "\n".join(lines)


def _arguments(row: TaskType) -> str:
    return ", ".join(wanted.name + ("" if wanted.required else "?") for wanted in row.inputs)


def _demonstrated(demo: Demonstration) -> str:
    return _question(demo.request, demo.attached, record(demo.turns, 200))


def _question(text: str, attached: Sequence[Resource], before: str, guess: Sequence[str] = ()) -> str:
    parts = [f"Earlier:\n{before}"] if before else []
    if attached:
        parts.append("Files:\n" + "\n".join(told(resource) for resource in attached))
    # what stands last small models mind most
    return "\n".join([*parts, f"Request: {text}", *([f"Guess: {', '.join(guess)}"] if guess else [])])


def told(resource: Resource) -> str:
    """One resource as planning is told of it."""
    measure = f", {resource.measure}" if resource.measure else ""
    return f"{resource.name} “{resource.origin.label}”{measure}"


def record(turns: Sequence[Turn], budget: int) -> str:
    """What was asked and made before, the newest turns as far as they fit into a budget of tokens, the oldest first.

    >>> record([Turn("Draw the edges of cat.jpg", "", ())], 100)
    '- Draw the edges of cat.jpg -> nothing'
    """
    lines: list[str] = []
    left = budget * CHARS_PER_TOKEN
    for turn in reversed(turns[-_WINDOW:]):
        made = "; ".join(told(resource) + _beginning(resource) for resource in turn.made) or "nothing"
        answer = f" | {in_one_line(turn.answer, _ANSWER_CHARS)}" if turn.answer else ""
        line = f"- {in_one_line(turn.request, _REMEMBERED_CHARS)} -> {made}{answer}"
        if len(line) > left:
            break
        left -= len(line)
        lines.append(line)
    return "\n".join(reversed(lines))


def _beginning(resource: Resource) -> str:
    """How a text begins that was made before: "that" may mean what it says."""
    return f": {in_one_line(resource.text, _REMEMBERED_TEXT)}" if resource.text else ""


def _again(request: PlanRequest) -> str:
    if not request.steps:
        return f"\n\nYour last plan was refused: {request.complaint} Write a corrected plan."
    so_far = "\n".join(json.dumps(_so_far(step), ensure_ascii=False) for step in request.steps)
    number = max(step.task.id for step in request.steps) + 1
    return (
        f"\n\nYour plan went wrong: {request.complaint}\nOf it stays:\n{so_far}\n"
        f"Write only the tasks that are needed in addition or in place of what failed, with ids from {number} on; "
        'they may use results that are there. If nothing else can help: {"tasks": [], "answer": null}'
    )


def _so_far(step: Step) -> Mapping[str, Any]:
    found = [
        f"{resource.name}: {(resource.text or '')[:_RESULT_CHARS]}" if resource.text is not None else resource.name
        for resource in step.outputs
    ]
    more = {"error": step.error} if step.error else {"results": found} if found else {}
    return {**step.task.as_json(), "status": step.status, **more}


def offered(
    table: TaskTable, resources: Sequence[Resource], addresses: Sequence[str], likely: Sequence[str]
) -> dict[str, TaskType]:
    """The task types that a request may need: not those that hear, watch or look up what isn't there and won't be made.

    Without it small models transcribe recordings that nobody has sent.

    Args:
        table: All task types.
        resources: Those that can be named.
        addresses: URLs and files that the request names, of whatever kind.
        likely: Tasks that the request may need.
    """
    there = {kind for resource in resources for kind in MEDIA_KINDS if serves(resource.kind, kind)}
    made = {kind for name in likely for output in table[name].outputs for kind in MEDIA_KINDS if serves(output, kind)}
    missing = frozenset() if addresses else _RARELY_MADE - there - made
    return {name: row for name, row in table.items() if not any(wanted.kind in missing for wanted in row.required)}


def plan_schema(
    table: Mapping[str, TaskType], resources: Sequence[Resource] = (), addresses: Sequence[str] = ()
) -> dict[str, Any]:
    """The strict JSON schema of a reply: each task with its own arguments alone, files by names that exist.

    Tasks that take the same arguments share one entry: the schema is half as long, for servers that put it into the prompt.

    With every argument on every task a small model fills them all, and pays for each in tokens. What a task makes may be
    named wherever a file may; which task that is, only the plan shows.

    Args:
        table: The task types that may be planned.
        resources: Those that can be named.
        addresses: URLs and files that the request names.
    """
    made = [f"<resource>-{number}" for number in range(_MOST_REFERENCES)]
    kinds: dict[str, Any] = {}
    named = [address for address in addresses if len(address) <= _LONGEST_ADDRESS][:_MOST_ADDRESSES]
    for kind in sorted(MEDIA_KINDS):
        names = dict.fromkeys(resource.name for resource in reversed(resources) if serves(resource.kind, kind))
        kinds[kind.value] = {"type": "string", "enum": [*reversed(list(names)[:_MOST_NAMES]), *named, *made]}
    alike: defaultdict[tuple[TaskInput, ...], list[str]] = defaultdict(list)
    for row in table.values():
        alike[row.inputs].append(row.name)
    tasks = [
        strict_object(
            {
                "task": {"type": "string", "enum": names},
                "id": {"type": "integer"},
                "dep": {"type": "array", "items": {"type": "integer"}},
                "args": strict_object({wanted.name: _argument(wanted) for wanted in inputs}),
            }
        )
        for inputs, names in alike.items()
    ]
    whole = strict_object({"tasks": {"type": "array", "items": {"anyOf": tasks}}, "answer": {"type": ["string", "null"]}})
    return {**whole, "$defs": kinds}


def _argument(wanted: TaskInput) -> dict[str, Any]:
    if wanted.kind in MEDIA_KINDS:
        reference = {"$ref": f"#/$defs/{wanted.kind.value}"}
        return reference if wanted.required else {"anyOf": [reference, {"type": "null"}]}
    return {"type": "string" if wanted.required else ["string", "null"]}
