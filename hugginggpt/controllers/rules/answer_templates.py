"""The answer from templates: first the results, then the models that made them, then what failed."""

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import yaml

from hugginggpt.controllers.base import RespondRequest
from hugginggpt.core.events import Step
from hugginggpt.core.markdown import escape, quote_text, shorten
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import TaskTable
from hugginggpt.core.trace import format_duration

_FILE: Final = Path(__file__).with_name("answers.yaml")
_MAX_QUOTE_CHARS: Final = 1_500  # longer texts are cut in the answer; the resource holds all of it


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
    for step in done:
        for sentence in _describe_results(step, table):
            yield separator + sentence
            separator = "\n\n"
    for step in request.steps:
        if step.status != "done":
            yield f"{separator}Not done, {table[step.task.task].noun}: {escape(step.error)}"
            separator = "\n\n"
    if done:
        yield separator + "Done by " + ", ".join(_format_credit(step) for step in done) + "."


def _describe_results(step: Step, table: TaskTable) -> Iterator[str]:
    needs_names = len(step.outputs) > 1 and len({output.kind for output in step.outputs}) < len(step.outputs)
    for output in step.outputs:
        prefix = f"{output.name}: " if needs_names and output.text is not None else ""
        yield prefix + _format_sentence(step, output, table)
    if step.note:
        yield f"_{escape(step.note)}_"


def _format_sentence(step: Step, output: Resource, table: TaskTable) -> str:
    templates = _load_templates()
    text = escape(shorten(output.text or "", _MAX_QUOTE_CHARS))  # escaped after the cut, which must not split an escape
    return templates[_choose_template(step.task.task, output)].format(
        text=text,
        phrase=text.rstrip("."),  # for templates that go on behind it
        quote=quote_text(output.text or "", _MAX_QUOTE_CHARS),
        name=output.name,
        measure=output.measure,
        noun=table[step.task.task].noun,
    )


def _choose_template(task: str, output: Resource) -> str:
    """Choose the line of ``answers.yaml`` that says a result best."""
    templates = _load_templates()
    if task == "image-to-text" and not output.data.get("lines"):  # one task both reads and describes
        return f"{task} without text" if "classes" in output.data else f"{task} described"
    if task.endswith("-text-to-image"):  # one sentence for all control kinds
        return "picture from a control image"
    if output.text is None:
        file_template = f"{task} file"
        return file_template if file_template in templates else task if _needs_no_text(templates.get(task)) else "other file"
    return task if task in templates else "other text"


def _needs_no_text(template: str | None) -> bool:
    return template is not None and not any(word in template for word in ("{text}", "{quote}", "{phrase}"))


def _format_credit(step: Step) -> str:
    model = step.model.id if step.model else "nobody"
    where = f", hosted by {step.model.provider}" if step.model and step.model.provider else ""
    return f"{model} ({step.task.task}{where}, {format_duration(step.seconds)})"
