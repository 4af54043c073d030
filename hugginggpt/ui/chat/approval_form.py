"""Form of a plan that waits for approval: tasks can be dropped, arguments changed and models chosen before anything runs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final

import gradio as gr

from hugginggpt.core.plan import Argument, Task
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind, TaskTable
from hugginggpt.planning.approval import Approved, Proposal, edit_plan
from hugginggpt.ui.assets import load_script
from hugginggpt.ui.i18n import Words

_MAX_ARGUMENT_CHARS: Final = 20_000  # the longest argument that is taken, in characters

ON_LOAD: Final = load_script("approval")
"""For ``gr.HTML(js_on_load=…)``: its event ``submit`` then carries what the form holds."""


@dataclass(frozen=True, slots=True)
class FormAnswer:
    """The person's entries in the form."""

    key: str = ""
    """The proposal that it answers."""
    stop: bool = False
    """True if nothing shall run."""
    dropped: frozenset[int] = frozenset()
    models: Mapping[int, str] = field(default_factory=dict)
    args: Mapping[int, Mapping[str, str]] = field(default_factory=dict)


def build_form(proposal: Proposal, table: TaskTable, words: Words, *, answer: FormAnswer | None = None, error: str = "") -> str:
    """Return the form as HTML.

    Args:
        proposal: The plan that waits, with its candidates.
        table: The task types.
        words: The visitor's language.
        answer: The entries of an answer that was refused, to be shown again.
        error: The reason why it was refused.
    """
    answer = answer or FormAnswer()
    tasks = "".join(_draw_task(task, proposal, table, words, answer) for task in proposal.open_tasks)
    alert = f'<p class="wrong" role="alert">{escape(error)}</p>' if error else ""
    title = escape(words("approval.title"))
    return (
        f'<form class="hgpt hgpt-approval" data-key="{proposal.key}" aria-label="{title}"><h2>{title}</h2>'
        f"<p>{escape(words('approval.about'))}</p>{tasks}{alert}"
        f'<p class="go"><button type="submit">{escape(words("approval.run"))}</button>'
        f'<button type="button" data-stop>{escape(words("approval.stop"))}</button></p></form>'
    )


def _draw_task(task: Task, proposal: Proposal, table: TaskTable, words: Words, answer: FormAnswer) -> str:
    keep = "" if task.id in answer.dropped else " checked"
    number = f"task-{task.id}"
    body = "".join(_draw_argument(task, name, value, table, answer) for name, value in task.args.items())
    return (
        f'<fieldset data-task="{task.id}"><legend><label><input type="checkbox" name="{number}"{keep}> '
        f"<b>{escape(task.task)}</b> <small>{task.id}</small></label></legend>"
        f"{_draw_models(task, proposal, words, answer)}{body}</fieldset>"
    )


def _draw_models(task: Task, proposal: Proposal, words: Words, answer: FormAnswer) -> str:
    if task.id in proposal.problems:  # no model can run it: nothing to choose
        return f'<p class="wrong">{escape(proposal.problems[task.id])}</p>'
    ids = list(dict.fromkeys(model.id for model in proposal.models.get(task.id, ())))  # several providers may run one model
    chosen = answer.models.get(task.id, ids[0] if ids else "")
    options = "".join(f"<option{' selected' if each == chosen else ''}>{escape(each)}</option>" for each in ids)
    return f'<label class="field">{escape(words("approval.model"))} <select name="model">{options}</select></label>'


def _draw_argument(task: Task, name: str, value: Argument, table: TaskTable, answer: FormAnswer) -> str:
    text = answer.args.get(task.id, {}).get(name, format_argument(value))
    task_input = table[task.task].input(name)
    rows = min(6, 1 + len(text) // 60) if task_input and task_input.kind is Kind.TEXT else 1  # some 60 letters a row
    return (
        f'<label class="field">{escape(name)} <textarea name="{escape(name)}" rows="{rows}">{escape(text)}</textarea></label>'
    )


def format_argument(value: Argument) -> str:
    """Return an argument as a person edits it."""
    return value if isinstance(value, str) else ", ".join(value)


def read_answer(sent: gr.EventData) -> FormAnswer:
    """Parse what the browser has sent; whatever is not of the form's shape counts as not changed."""
    payload: dict[str, Any] = sent._data if isinstance(sent._data, dict) else {}  # a client may send anything
    tasks = payload.get("tasks")
    entries = [task for task in tasks if isinstance(task, dict) and _is_id(task.get("id"))] if isinstance(tasks, list) else []
    return FormAnswer(
        str(payload.get("key") or ""),
        payload.get("stop") is True,
        frozenset(task["id"] for task in entries if task.get("keep") is False),
        {task["id"]: task["model"] for task in entries if isinstance(task.get("model"), str) and task["model"]},
        {task["id"]: _read_args(task.get("args")) for task in entries},
    )


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)  # bool is a subclass of int


def _read_args(args: Any) -> Mapping[str, str]:
    if not isinstance(args, dict):
        return {}
    return {name: text[:_MAX_ARGUMENT_CHARS] for name, text in args.items() if isinstance(name, str) and isinstance(text, str)}


def build_approval(
    proposal: Proposal, answer: FormAnswer, table: TaskTable, resources: Sequence[Resource], max_tasks: int = 2_000
) -> Approved:
    """Return the plan as it was approved.

    Raises:
        PlanError: The changed plan can't run.
    """
    args = {task.id: _find_changes(task, answer.args.get(task.id, {})) for task in proposal.open_tasks}
    plan = proposal.plan
    if answer.dropped or any(args.values()):  # an unchanged plan was checked before
        plan = edit_plan(plan, table, resources, dropped=answer.dropped, kept=proposal.kept, args=args, max_tasks=max_tasks)
    defaults = {number: models[0].id for number, models in proposal.models.items()}
    chosen = {
        number: model
        for number, model in answer.models.items()  # what was offered, and changed
        if model != defaults.get(number) and any(model == each.id for each in proposal.models.get(number, ()))
    }
    return Approved(plan, chosen)


def _find_changes(task: Task, texts: Mapping[str, str]) -> Mapping[str, Argument]:
    """Return the arguments that are not as they were; a list of names stays one."""
    changes: dict[str, Argument] = {}
    for name, old in task.args.items():
        text = texts.get(name, format_argument(old)).strip()
        if text != format_argument(old).strip():
            changes[name] = text if isinstance(old, str) else tuple(filter(None, re.split(r"\s*,\s*", text)))
    return changes
