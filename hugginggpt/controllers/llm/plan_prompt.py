"""Messages that ask a language model for a plan: first what never changes, which servers cache; then the request.

After the request comes the rules' guess at its tasks, where there is one. Source: arXiv 2303.17580, table 5. The original
sends 1,700 tokens to plan a short request (microsoft/JARVIS); this one about half.
"""

import functools
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from hugginggpt.controllers.base import PlanRequest
from hugginggpt.controllers.llm.demonstrations import Demonstration, select_demonstrations
from hugginggpt.core.events import Step
from hugginggpt.core.markdown import fold_into_line
from hugginggpt.core.recording import Turn
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import MEDIA_KINDS, Kind, TaskInput, TaskTable, TaskType, is_usable_as
from hugginggpt.llm.context_window import CHARS_PER_TOKEN
from hugginggpt.llm.structured_output import build_strict_object

_PROMPTS: Final = Path(__file__).with_name("prompts")
_CHAT_TASK: Final = "conversational"  # task that the rules guess where they know nothing: no help
MAX_DEMONSTRATION_TOKENS: Final = 140
"""Most tokens of demonstrations in a prompt."""
_MAX_TURNS: Final = 8  # most earlier requests in a prompt
_MAX_REQUEST_CHARS: Final = 160  # most characters of an earlier request
_MAX_ANSWER_CHARS, _MAX_TEXT_CHARS = 200, 100
"""Most characters of an earlier answer, and of an earlier text."""
_MAX_RESULT_CHARS: Final = 200  # most characters of a text that a failed plan has made
_RARELY_MADE_KINDS: Final = frozenset({Kind.AUDIO, Kind.VIDEO, Kind.TABLE})
"""Kinds that are seldom both made and used in one request."""
_MAX_REFERENCES, _MAX_NAMES, _MAX_ADDRESSES, _MAX_ADDRESS_CHARS = 40, 100, 20, 300
"""Bounds of a schema's enums: tasks, files of a kind (the newest), addresses, and characters of an address.
OpenAI takes 1,000 values in all, and of long lists 15,000 characters."""
_MIN_GROUP_SIZE: Final = 4  # number of tasks with like names from which on they share a line


@functools.cache
def load_prompt(name: str) -> str:
    """Return the instructions for a stage."""
    return (_PROMPTS / f"{name}.md").read_text(encoding="utf-8").strip()


def build_plan_messages(
    request: PlanRequest, table: TaskTable, likely: Sequence[str], budget: int, *, shown: int = MAX_DEMONSTRATION_TOKENS
) -> list[Mapping[str, Any]]:
    """Build all messages.

    Args:
        request: The request; its text is never cut.
        table: The task types.
        likely: Tasks that the request may need, in their order: for choosing demonstrations, and as a guess that small models
            lean on.
        budget: Tokens that earlier turns may take.
        shown: Tokens that demonstrations may take.
    """
    kinds = {resource.kind for resource in request.attached}
    instructions = load_prompt("plan").replace("{{tasks}}", format_task_list(table))
    messages: list[Mapping[str, Any]] = [{"role": "system", "content": instructions}]
    for demo in select_demonstrations(request.text, kinds, likely, shown, earlier=bool(request.turns)):
        messages.append({"role": "user", "content": _format_demonstration(demo)})  # as a conversation: models copy its form
        messages.append({"role": "assistant", "content": demo.reply})
    guess = [name for name in likely if name != _CHAT_TASK]
    question = _format_question(request.text, request.attached, format_history(request.turns, budget), guess)
    if request.complaint:
        question += _format_complaint(request)
    return [*messages, {"role": "user", "content": question}]


def format_task_list(table: TaskTable) -> str:
    """Return a line for each task, or for several with like names and arguments: name(arguments): when to use it."""
    groups: defaultdict[tuple[str, str], list[TaskType]] = defaultdict(list)
    for row in table.values():
        groups[row.name.partition("-")[2], _format_arguments(row)].append(row)
    lines: list[str] = []
    for row in table.values():
        group = groups[row.name.partition("-")[2], _format_arguments(row)]
        if len(group) < _MIN_GROUP_SIZE:
            lines.append(f"{row.name}({_format_arguments(row)})" + (f": {row.brief}" if row.brief else ""))
        elif row is group[0]:
            suffix = row.name.partition("-")[2]
            names = ", ".join(each.name.partition("-")[0] + (f" ({each.brief})" if each.brief else "") for each in group)
            lines.append(f"X-{suffix}({_format_arguments(row)}), X: {names}")
    return "\n".join(lines)


def _format_arguments(row: TaskType) -> str:
    return ", ".join(task_input.name + ("" if task_input.required else "?") for task_input in row.inputs)


def _format_demonstration(demo: Demonstration) -> str:
    return _format_question(demo.request, demo.attached, format_history(demo.turns, 200))


def _format_question(text: str, attached: Sequence[Resource], history: str, guess: Sequence[str] = ()) -> str:
    parts = [f"Earlier:\n{history}"] if history else []
    if attached:
        parts.append("Files:\n" + "\n".join(describe_resource(resource) for resource in attached))
    # small models mind most what comes last
    return "\n".join([*parts, f"Request: {text}", *([f"Guess: {', '.join(guess)}"] if guess else [])])


def describe_resource(resource: Resource) -> str:
    """Describe a resource for planning."""
    measure = f", {resource.measure}" if resource.measure else ""
    return f"{resource.name} “{resource.origin.label}”{measure}"


def format_history(turns: Sequence[Turn], budget: int) -> str:
    """Return the newest turns that fit into a budget of tokens, as lines of request and results, the oldest first.

    >>> format_history([Turn("Draw the edges of cat.jpg", "", ())], 100)
    '- Draw the edges of cat.jpg -> nothing'
    """
    lines: list[str] = []
    remaining_chars = budget * CHARS_PER_TOKEN
    for turn in reversed(turns[-_MAX_TURNS:]):  # from the newest: the budget cuts off the oldest
        listed = (
            "; ".join(describe_resource(resource) + _format_beginning(resource) for resource in turn.resources) or "nothing"
        )
        answer = f" | {fold_into_line(turn.answer, _MAX_ANSWER_CHARS)}" if turn.answer else ""
        line = f"- {fold_into_line(turn.request, _MAX_REQUEST_CHARS)} -> {listed}{answer}"
        if len(line) > remaining_chars:
            break
        remaining_chars -= len(line)
        lines.append(line)
    return "\n".join(reversed(lines))


def _format_beginning(resource: Resource) -> str:
    """Return the beginning of an earlier text: "that" in a request may mean its content."""
    return f": {fold_into_line(resource.text, _MAX_TEXT_CHARS)}" if resource.text else ""


def _format_complaint(request: PlanRequest) -> str:
    if not request.steps:
        return f"\n\nYour last plan was refused: {request.complaint} Write a corrected plan."
    so_far = "\n".join(json.dumps(_describe_step(step), ensure_ascii=False) for step in request.steps)
    number = max(step.task.id for step in request.steps) + 1  # new ids, so that references to what stays keep their meaning
    return (
        f"\n\nYour plan went wrong: {request.complaint}\nOf it stays:\n{so_far}\n"
        f"Write only the tasks that are needed in addition or in place of what failed, with ids from {number} on; "
        'they may use results that are there. If nothing else can help: {"tasks": [], "answer": null}'
    )


def _describe_step(step: Step) -> Mapping[str, Any]:
    results = [
        f"{resource.name}: {(resource.text or '')[:_MAX_RESULT_CHARS]}" if resource.text is not None else resource.name
        for resource in step.outputs
    ]
    more = {"error": step.error} if step.error else {"results": results} if results else {}
    return {**step.task.as_json(), "status": step.status, **more}


def select_task_types(
    table: TaskTable, resources: Sequence[Resource], addresses: Sequence[str], likely: Sequence[str]
) -> dict[str, TaskType]:
    """Return the task types that a request may need: none that hear, watch or look up what isn't there and won't be made.

    Otherwise small models transcribe recordings that nobody has sent.

    Args:
        table: All task types.
        resources: Resources that can be named.
        addresses: URLs and files that the request names, of whatever kind.
        likely: Tasks that the request may need.
    """
    present = {kind for resource in resources for kind in MEDIA_KINDS if is_usable_as(resource.kind, kind)}
    producible = {
        kind for name in likely for output in table[name].outputs for kind in MEDIA_KINDS if is_usable_as(output, kind)
    }
    missing = frozenset() if addresses else _RARELY_MADE_KINDS - present - producible  # an address may lead to any kind
    return {name: row for name, row in table.items() if not any(task_input.kind in missing for task_input in row.required)}


def build_plan_schema(
    table: Mapping[str, TaskType], resources: Sequence[Resource] = (), addresses: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the strict JSON schema of a plan: each task with its own arguments alone, files by names that exist.

    Tasks that take the same arguments share one entry: the schema is half as long, for servers that put it into the prompt.

    With every argument on every task a small model fills them all, and pays for each in tokens. A task's output may be
    named wherever a file may: which kind it has, only the plan shows.

    Args:
        table: The task types that may be planned.
        resources: Resources that can be named.
        addresses: URLs and files that the request names.
    """
    references = [f"<resource>-{number}" for number in range(_MAX_REFERENCES)]  # of any id: strict schemas know no conditions
    definitions: dict[str, Any] = {}
    urls = [address for address in addresses if len(address) <= _MAX_ADDRESS_CHARS][:_MAX_ADDRESSES]
    for kind in sorted(MEDIA_KINDS):  # sorted: a frozenset's order changes from start to start
        names = dict.fromkeys(resource.name for resource in reversed(resources) if is_usable_as(resource.kind, kind))
        definitions[kind.value] = {"type": "string", "enum": [*reversed(list(names)[:_MAX_NAMES]), *urls, *references]}
    names_by_inputs: defaultdict[tuple[TaskInput, ...], list[str]] = defaultdict(list)
    for row in table.values():
        names_by_inputs[row.inputs].append(row.name)
    tasks = [
        build_strict_object(
            {
                "task": {"type": "string", "enum": names},
                "id": {"type": "integer"},
                "dep": {"type": "array", "items": {"type": "integer"}},
                "args": build_strict_object({task_input.name: _build_argument_schema(task_input) for task_input in inputs}),
            }
        )
        for inputs, names in names_by_inputs.items()
    ]
    reply = build_strict_object({"tasks": {"type": "array", "items": {"anyOf": tasks}}, "answer": {"type": ["string", "null"]}})
    return {**reply, "$defs": definitions}


def _build_argument_schema(task_input: TaskInput) -> dict[str, Any]:
    if task_input.kind in MEDIA_KINDS:
        reference = {"$ref": f"#/$defs/{task_input.kind.value}"}
        return reference if task_input.required else {"anyOf": [reference, {"type": "null"}]}
    return {"type": "string" if task_input.required else ["string", "null"]}  # null: a strict schema requires every key
