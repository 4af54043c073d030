"""The answer from templates: first the results, then what could not be done, then in small the models that ran."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import yaml

from hugginggpt.controllers.base import RespondRequest
from hugginggpt.core.events import Step
from hugginggpt.core.markdown import escape, fold_into_line, quote_text, shorten
from hugginggpt.core.plan import Task
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import TaskTable
from hugginggpt.core.trace import format_duration

_FILE: Final = Path(__file__).with_name("answers.yaml")
_MAX_QUOTE_CHARS: Final = 1_500  # longer texts are cut in the answer; the resource holds all of it
_MAX_TITLE_CHARS: Final = 120
_MAX_CREDITS: Final = 3
_LOOKING: Final = frozenset({"image-to-text", "image-classification"})
"""Tasks that say what a picture shows."""
_ASKS_IN_TEXT: Final = frozenset({"visual-question-answering", "document-question-answering"})
"""Tasks whose text is the question."""


@functools.cache
def _load_templates() -> Mapping[str, str]:
    templates: dict[str, str] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return templates


def compose(request: RespondRequest, table: TaskTable) -> Iterator[str]:
    """Yield the answer in pieces, Markdown; names only resources that exist and models that ran."""
    done = [step for step in request.steps if step.status == "done"]
    if not request.steps:
        yield "There is nothing to do in this request."
        return
    separator = ""
    titles = _find_titles(done, request)
    silent = _find_silent(done, titles)
    looks: dict[str, str] = {}
    nowhere = [escape(file) for file in silent.values()]
    # the answer, then what it was drawn from
    for step in sorted(done, key=lambda step: (not _is_conclusion(step), step.task.id in silent)):
        if step.task.id in silent:
            if nowhere:  # once for all
                yield f"{separator}I did not find it in {_join(nowhere)}."
                nowhere = []
            continue
        for sentence in _describe_results(step, table, _name_outputs(step, request)):
            picture = str(step.task.args.get("image")) if step.task.task in _LOOKING else ""
            if picture and sentence.rstrip(".") in looks.get(picture, ""):  # two tasks that see the same in it
                continue
            looks[picture] = looks.get(picture, "") + sentence
            title = titles.pop(step.task.id, "")  # above the first sentence of a step
            yield separator + (f"**{escape(title)}**\n\n" if title else "") + sentence
            separator = "\n\n"
    for step in request.steps:
        if step.status != "done":
            yield separator + _describe_failure(step, table)
            separator = "\n\n"
    if done:
        yield f"{separator}_{_format_credits(done)}_"


def _is_conclusion(step: Step) -> bool:
    """Tell whether a step says something about the results of others."""
    return bool(step.task.references) and all(output.text is not None for output in step.outputs)


def _find_titles(steps: Sequence[Step], request: RespondRequest) -> dict[int, str]:
    """Find what tells steps of the same task apart, by task id: the file that each is about, or else its question."""
    known = [*request.attached, *(resource for turn in request.turns for resource in turn.resources)]
    files = {resource.name: resource.origin.label for resource in known if resource.origin.source != "task"}
    planned = {task.id: task for task in request.plan.tasks}
    titles: dict[int, str] = {}
    for name in {step.task.task for step in steps}:
        alike = [step.task for step in steps if step.task.task == name]
        for find in (partial(_find_file, files=files, planned=planned), _find_question):
            found = {task.id: find(task) for task in alike}
            if len(set(found.values())) > 1:  # else it tells nothing
                titles |= found
                break
    return titles


def _find_silent(steps: Sequence[Step], titles: Mapping[int, str]) -> dict[int, str]:
    """Find steps that found no answer to what another file answers, by task id: the file that each is about."""
    asking = [step for step in steps if _find_question(step.task)]
    silent = [step for step in asking if all(output.data.get("answer") == "" for output in step.outputs)]
    files = {titles.get(step.task.id) for step in asking}
    if len({_find_question(step.task) for step in asking}) != 1 or len(files) < len(asking) or len(silent) == len(asking):
        return {}
    return {step.task.id: titles[step.task.id] for step in silent}


def _find_file(task: Task, files: Mapping[str, str], planned: Mapping[int, Task]) -> str:
    """Return the name of the file that a task works on, itself or through the tasks that it waits for."""
    named = (files[value] for value in task.args.values() if isinstance(value, str) and value in files)
    through = (_find_file(planned[r.task_id], files, planned) for r in task.references if r.task_id in planned)
    return next(named, None) or next(filter(None, through), "")


def _find_question(task: Task) -> str:
    value = task.args.get("question") or (task.args.get("text") if task.task in _ASKS_IN_TEXT else None)
    return fold_into_line(value, _MAX_TITLE_CHARS) if isinstance(value, str) else ""


def _describe_failure(step: Step, table: TaskTable) -> str:
    if step.status == "skipped":  # its reason is a sentence that says so already
        return escape(step.error)
    return f"I could not {table[step.task.task].act}: {escape(step.error)}"


def _name_outputs(step: Step, request: RespondRequest) -> dict[str, str]:
    """Return the file that each output is of, by its name, where a task worked on several at once."""
    labels = {resource.name: resource.origin.label for resource in request.attached}
    for value in step.task.args.values():
        if not isinstance(value, str) and len(value) == len(step.outputs) and all(name in labels for name in value):
            return {output.name: labels[name] for output, name in zip(step.outputs, value, strict=True)}
    return {}


def _describe_results(step: Step, table: TaskTable, files: Mapping[str, str]) -> Iterator[str]:
    needs_names = len(step.outputs) > 1 and len({output.kind for output in step.outputs}) < len(step.outputs)
    for output in step.outputs:
        prefix = f"{output.name}: " if needs_names and output.text is not None else ""
        prefix = f"**{escape(files[output.name])}**\n\n" if output.name in files else prefix
        yield prefix + _format_sentence(step, output, table)
    if step.note:
        yield f"_{escape(step.note)}_"


def _format_sentence(step: Step, output: Resource, table: TaskTable) -> str:
    templates = _load_templates()
    text = _format_rows(output) or escape(shorten(output.text or "", _MAX_QUOTE_CHARS))  # escaped once it is cut
    return templates[_choose_template(step.task.task, output)].format(
        text=text,
        phrase=text.rstrip("."),  # for templates that go on behind it
        quote=quote_text(output.text or "", _MAX_QUOTE_CHARS),
        name=output.name,
        measure=output.measure,
        noun=table[step.task.task].noun,
    )


def _format_rows(output: Resource) -> str:
    """Return a sentence and the rows of a table that belong to it; empty for a text without rows."""
    header, rows = output.data.get("header"), output.data.get("rows")
    if not isinstance(header, list) or not isinstance(rows, list) or not rows:
        return ""
    lines = [[escape(fold_into_line(str(cell), _MAX_TITLE_CHARS)) for cell in line] for line in (header, *rows)]
    lines.insert(1, ["---"] * len(header))
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{escape(str(output.data.get('sentence', '')))}\n\n{table}"


def _choose_template(task: str, output: Resource) -> str:
    """Choose the line of ``answers.yaml`` that says a result best."""
    templates = _load_templates()
    if task.endswith("-text-to-image"):  # one sentence for all control kinds
        return "picture from a control image"
    if output.text is None:
        file_template = f"{task} file"
        return file_template if file_template in templates else task if _needs_no_text(templates.get(task)) else "other file"
    if task in _LOOKING and output.data.get("sure") is False:
        return "picture not recognised"
    if task == "image-to-text" and ("classes" in output.data or not output.data.get("lines")):  # it both reads and describes
        return f"{task} seen" if "classes" in output.data else f"{task} described"
    if output.data.get("unsure") and f"{task} unsure" in templates:
        return f"{task} unsure"
    return task if task in templates else "other text"


def _needs_no_text(template: str | None) -> bool:
    return template is not None and not any(word in template for word in ("{text}", "{quote}", "{phrase}"))


def _format_credits(steps: Sequence[Step]) -> str:
    """Name each model that ran once, and how long all of them took."""
    names = list(dict.fromkeys(name for step in steps for name in _list_models(step)))
    shown = names if len(names) <= _MAX_CREDITS + 1 else [*names[:_MAX_CREDITS], f"{len(names) - _MAX_CREDITS} more"]
    return f"By {_join(shown)}, in {format_duration(sum(step.seconds for step in steps))}."


def _join(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _list_models(step: Step) -> list[str]:
    """Return the models of a step, each with its provider; several that ran together stand in one reference."""
    if step.model is None:
        return ["nobody"]
    place = f" at {escape(step.model.provider)}" if step.model.provider else ""
    return [escape(name) + place for name in step.model.id.split(" + ")]
