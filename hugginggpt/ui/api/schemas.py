"""Results of the API's endpoints: JSON values, and files as Gradio's clients fetch them.

Annotations are no texts here (no ``from __future__ import annotations``): Gradio makes the schemas of them.
"""

import mimetypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TypedDict

from gradio.data_classes import FileData

from hugginggpt.core.errors import RequestError
from hugginggpt.core.events import Answered, Event, RequestFailed
from hugginggpt.core.markdown import shorten
from hugginggpt.core.tasks import TaskType
from hugginggpt.core.trace import trace_json
from hugginggpt.hub.overview import OverviewRow
from hugginggpt.selection.ranking import Ranking
from hugginggpt.ui.export.queries import list_resources

_MAX_TEXT_CHARS: Final = 100_000  # of a text in a result


class PlanResult(TypedDict):
    """The result of `plan`."""

    controller: str
    plan: list[dict[str, Any]]
    notes: list[str]


class RunResult(TypedDict):
    """The result of `run`."""

    answer: str
    complete: bool
    controller: str
    plan: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    resources: list[dict[str, Any]]
    notes: list[str]
    usage: dict[str, Any]
    seconds: float


class TaskResult(TypedDict):
    """One entry of `list_tasks`."""

    task: str
    does: str
    inputs: list[dict[str, Any]]
    outputs: list[str]
    runs: bool
    models: int


class ModelResult(TypedDict):
    """One entry of `list_models`."""

    id: str
    where: str
    runs: bool
    license: str
    size_mb: float | None
    languages: list[str]
    gated: bool
    description: str
    why_first: str


def build_run_result(events: Sequence[Event]) -> RunResult:
    """Return the result of a request for its caller.

    Raises:
        RequestError: The request ended without an answer.
    """
    trace = trace_json(events)
    if failed := next((event for event in events if isinstance(event, RequestFailed)), None):
        raise RequestError(failed.error)
    files = {resource.name: resource.path for resource in list_resources(events)}
    complete = all(event.complete for event in events if isinstance(event, Answered))
    return RunResult(
        answer=trace["answer"],
        complete=complete,
        controller=trace["controller"],
        plan=trace["plan"],
        steps=trace["steps"],
        resources=[_attach_file(entry, files.get(entry["name"])) for entry in trace["resources"]],
        notes=trace["notes"],
        usage=trace["usage"],
        seconds=trace["seconds"] or 0.0,  # None where the request never ended
    )


def _attach_file(resource: dict[str, Any], path: Path | None) -> dict[str, Any]:
    """Return a resource with its file, if a task made it, for the caller to fetch; what came in they have already."""
    public = {key: _shorten_texts(value) for key, value in resource.items() if key != "path"}  # server paths stay private
    if path is None or resource["task_id"] is None:
        return public
    kind, _ = mimetypes.guess_type(path.name)
    file = FileData(path=str(path), orig_name=path.name, size=path.stat().st_size, mime_type=kind)
    return public | {"file": file.model_dump()}  # dumped, it has the mark that clients look for


def _shorten_texts(value: Any) -> Any:
    """Return a value with the beginnings of long texts: the whole text is in the file."""
    if isinstance(value, str):
        return shorten(value, _MAX_TEXT_CHARS)
    if isinstance(value, dict):
        return {key: _shorten_texts(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shorten_texts(item) for item in value]
    return value


def build_task_result(row: TaskType, ranking: Ranking) -> TaskResult:
    """Return the description of a task, with the number of models that can do it now."""
    return TaskResult(
        task=row.name,
        does=row.when,
        inputs=[{"name": i.name, "kind": i.kind.value, "required": i.required} for i in row.inputs],
        outputs=[kind.value for kind in row.outputs],
        runs=bool(ranking.cards),
        models=len({card.id for card in ranking.cards}),  # several back ends may run the same one
    )


_PLACE_DESCRIPTIONS: Final = {
    "bundled": "here, comes with the installation",
    "cache": "here, in the Hub's cache",
    "hosted": "hosted",
    "fetch": "not here yet, can be fetched",
    "server": "only hosted, with a Hugging Face token",
}


def build_model_result(row: OverviewRow, why: str) -> ModelResult:
    """Return the description of a model for one task.

    Args:
        row: The model for one task.
        why: Why it is the first; empty where it isn't.
    """
    return ModelResult(
        id=row.id,
        where=f"hosted by {row.provider}" if row.place == "hosted" and row.provider else _PLACE_DESCRIPTIONS[row.place],
        runs=row.is_runnable,
        license=row.license,
        size_mb=round(row.size_mb, 1) if row.size_mb else None,
        languages=list(row.languages),
        gated=row.gated,
        description=row.description,
        why_first=why,
    )
