"""Events as chat messages: pure functions from what happened to what is shown.

One request is one thought that nests a thought for each task, then the answer, then what was made. A thought is one
line until it is opened: status, model, seconds; inside, why that model, what went in and what came out.

Texts are sent as finished HTML, which Gradio's chat shows as it is: its own Markdown is off.
"""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import gradio as gr
from gradio.components.chatbot import MetadataDict
from gradio.data_classes import FileData

from hugginggpt.core.events import (
    ApprovalAsked,
    ApprovalGiven,
    Event,
    ModelSelected,
    Notice,
    Planned,
    RequestDone,
    RequestFailed,
    RequestProgress,
    RequestStarted,
    Step,
    TaskProgress,
    Usage,
)
from hugginggpt.core.markdown import fold_into_line, shorten
from hugginggpt.core.recording import Recording
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind, TaskTable
from hugginggpt.core.trace import answer_text, fold_steps, format_cost, format_duration
from hugginggpt.planning.approval import PLAN_CHANGED
from hugginggpt.ui.chat.retry_options import Fetchable, list_retry_options
from hugginggpt.ui.chat.step_details import CUT, MAX_NAME_CHARS, draw_note, draw_step_details, list_first, name_place
from hugginggpt.ui.export.html_media import render_table
from hugginggpt.ui.i18n import Words
from hugginggpt.ui.markup import escape_text, neutralize_markup, render_markdown, wrap_prose
from hugginggpt.ui.session.admission import describe_waiting
from hugginggpt.workspace.media import read_first_rows

_COMPONENTS: Final[dict[Kind, Any]] = {Kind.IMAGE: gr.Image, Kind.AUDIO: gr.Audio, Kind.VIDEO: gr.Video}
_MAX_TABLE_ROWS: Final = 11  # the head and ten more
_MAX_CELL_CHARS: Final = 80
_MAX_DETAILS_CHARS: Final = 300_000
"""Most characters of the details of all tasks; those of further tasks are left out."""
_MAX_DRAWN_RESULTS: Final = 200
_MAX_DRAWN_FILES: Final = 512
BUILT_IN_NAME: Final = "built-in planner"
"""Name by which the built-in planner reports itself in events; the page shows a translation."""
_ENGLISH: Final = Words()


def draw_user_messages(text: str, resources: Sequence[Resource]) -> list[gr.ChatMessage]:
    """Return the request as it stands in the chat: its words, then its files with their names below.

    Gradio offers to edit what ends in a text, and edits the first text alone: so words come first and names last.
    """
    files = [resource for resource in resources if resource.path]
    shown = files[:_MAX_DRAWN_RESULTS]
    listed = [*map(_name_file, shown), *([CUT] if len(files) > len(shown) else [])]
    names = [f"<em>{', '.join(listed)}</em>"] if files else []
    contents = [*([neutralize_markup(text)] if text or not files else []), *map(_draw_given, shown), *names]
    return [gr.ChatMessage(role="user", content=content) for content in contents]


def _name_file(resource: Resource) -> str:
    """Return a file's name in the conversation; of what has no preview the name that it came with, too."""
    label = shorten(resource.origin.label, MAX_NAME_CHARS)
    return resource.name if resource.kind in _COMPONENTS or not label else f"{resource.name}: {escape_text(label)}"


def _draw_given(resource: Resource) -> Any:
    """Return a file as it is shown; a link bears the name that it came with, and the suffix of what is kept of it."""
    if resource.kind in _COMPONENTS or not resource.origin.label or resource.path is None:
        return draw_media(resource)
    name = Path(resource.origin.label.partition(",")[0]).stem + resource.path.suffix
    return FileData(path=str(resource.path), orig_name=shorten(name, MAX_NAME_CHARS))


def draw_media(resource: Resource) -> Any:
    """Return a file as it is shown: a picture, a player, or a link to keep it."""
    return _draw_file(resource.kind, str(resource.path), resource.name)


@functools.lru_cache(maxsize=_MAX_DRAWN_FILES)  # drawn at each event; a resource's file never changes
def _draw_file(kind: Kind, path: str, name: str) -> Any:
    component = _COMPONENTS.get(kind)
    if component is None:
        return {"path": path}
    return component(value=path, label=name, show_label=False, interactive=False, buttons=["download"])


def draw_waiting(ahead: int, words: Words) -> gr.ChatMessage:
    """Return the line of a request that waits for its turn."""
    metadata = MetadataDict(title=describe_waiting(ahead, words), id="waiting", status="pending")
    return gr.ChatMessage(role="assistant", content="", metadata=metadata)


def draw_error(error: str) -> gr.ChatMessage:
    """Return an error as a message of the chat, in the place where it happened."""
    return make_message(f"<p>{draw_note(error)}</p>")


def make_message(html: str, **fields: Any) -> gr.ChatMessage:
    """Return a message of the assistant's: blocks of HTML; `fields` are its other fields."""
    return gr.ChatMessage(role="assistant", content=wrap_prose(html), **fields)


def draw_messages(
    recording: Recording,
    table: TaskTable,
    words: Words = _ENGLISH,
    *,
    known: Sequence[Resource] = (),
    retry: Fetchable | None = None,
) -> list[gr.ChatMessage]:
    """Return the assistant's messages of one request.

    Args:
        recording: What has happened so far.
        table: For what tasks are called in words.
        words: The visitor's language.
        known: Resources of earlier requests; where an answer names one, or one of this request, that is a link.
        retry: Returns the model that may be fetched for a task, where tasks that failed are offered to be run once more; else
            None.
    """
    events, stopped = recording.events, recording.stopped
    over = stopped or any(isinstance(event, RequestDone | RequestFailed) for event in events)
    steps = fold_steps(events)
    shown = [_draw_plan_thought(events, steps, words, over=over)]
    reports = {event.task_id: event.message for event in events if isinstance(event, TaskProgress)}  # the last counts
    sources = _map_sources(events)
    room = _MAX_DETAILS_CHARS
    for step in steps:
        details = draw_step_details(step, sources.get(step.task.id, ""), words) if room > 0 else f"<p>{CUT}</p>"
        room -= len(details)
        shown.append(_draw_step_thought(step, details, reports.get(step.task.id, ""), words, over=over))
    notices = (event.message for event in events if isinstance(event, Notice))
    shown += [make_message(f"<p>{each}</p>") for each in list_first(notices, draw_note)]
    if answer := answer_text(events):
        files = [*known, *(r for e in events if isinstance(e, RequestStarted) for r in e.resources), *_list_files(steps)]
        shown.append(make_message(render_markdown(answer, _map_urls(files), copy_buttons=True)))
    results = _list_files(steps)
    shown += [gr.ChatMessage(role="assistant", content=each) for each in _draw_results(results[:_MAX_DRAWN_RESULTS])]
    shown += [make_message(f"<p>{CUT}</p>")] if len(results) > _MAX_DRAWN_RESULTS else []  # they lie among the resources
    shown += [draw_error(e.error) for e in events if isinstance(e, RequestFailed)]
    options = list_retry_options(recording, steps, words, retry) if retry and over else []
    if stopped and not options:
        shown.append(make_message(f"<p>{words('chat.stopped')}</p>"))
    failed_early = over and not steps and not any(isinstance(e, Planned) for e in events)
    shown += options
    return shown[1:] if failed_early else shown  # there is no plan to speak of


def _draw_results(resources: Sequence[Resource]) -> list[Any]:
    """Return what was made, to look at and to keep: several pictures side by side, of a table its first rows and the file."""
    pictures = [resource for resource in resources if resource.kind is Kind.IMAGE]
    if len(pictures) < 2:
        return [_draw_result(resource) for resource in resources]
    gallery = _draw_gallery(tuple((str(picture.path), picture.name) for picture in pictures))
    return [gallery, *(_draw_result(resource) for resource in resources if resource not in pictures)]


@functools.lru_cache(maxsize=_MAX_DRAWN_FILES)
def _draw_gallery(pictures: tuple[tuple[str, str], ...]) -> gr.Gallery:
    return gr.Gallery(
        value=list(pictures),
        show_label=False,
        columns=min(len(pictures), 3),
        object_fit="contain",
        interactive=False,
        buttons=["download"],
    )


def _draw_result(resource: Resource) -> Any:
    rows = read_first_rows(resource.path, _MAX_TABLE_ROWS) if resource.kind is Kind.TABLE and resource.path else []
    lines = [[fold_into_line(cell, _MAX_CELL_CHARS) for cell in row] for row in rows]
    return [wrap_prose(render_table(lines)), draw_media(resource)] if rows else draw_media(resource)


def _draw_plan_thought(events: Sequence[Event], steps: Sequence[Step], words: Words, *, over: bool) -> gr.ChatMessage:
    plans = [e for e in events if isinstance(e, Planned)]
    started = next((e for e in events if isinstance(e, RequestStarted)), None)
    done = next((e for e in events if isinstance(e, RequestDone)), None)
    log = started.controller if started else ""
    log = words("chat.built_in") if log == BUILT_IN_NAME else shorten(log, MAX_NAME_CHARS)
    if plans:
        log = f"{log} · {format_duration(sum(planned.seconds for planned in plans))}"
    title = _make_title(events, steps, words, planned=bool(plans), done=done is not None, over=over)
    metadata = MetadataDict(title=title, log=log, id="plan", status="done" if over else "pending")
    if plans and done:
        metadata["duration"] = round(done.seconds, 1)
    notes = dict.fromkeys(note for planned in plans for note in planned.plan.notes)
    lines = list_first(notes, draw_note)
    lines += list_first(plans[1:], lambda planned: draw_note(_describe_replan(planned, words)))
    lines += list_first(done.usage if done else (), lambda usage: draw_note(_describe_usage(usage, words)))
    items = "".join(f"<li>{line}</li>" for line in lines)
    return make_message(items and f"<ul>{items}</ul>", metadata=metadata)


def _describe_usage(usage: Usage, words: Words) -> str:
    cost = "" if usage.cost is None else format_cost(usage.cost)
    if cost and usage.estimated:
        cost = words("share.list_price", cost=cost)
    counts = {"prompt": f"{usage.prompt_tokens:,}", "completion": f"{usage.completion_tokens:,}"}
    stage, time = words(f"share.stage_{usage.stage}"), format_duration(usage.seconds)
    line = words("chat.usage", stage=stage, count=usage.calls, time=time, **counts)
    return words("chat.usage_cost", line=line, cost=cost) if cost else line


def _describe_replan(planned: Planned, words: Words) -> str:
    if planned.because == PLAN_CHANGED:
        return words("chat.changed")
    return words("chat.planned_anew", why=planned.because)


def _make_title(events: Sequence[Event], steps: Sequence[Step], words: Words, *, planned: bool, done: bool, over: bool) -> str:
    count = len(steps)
    if not planned:
        reading = next((e.message for e in reversed(events) if isinstance(e, RequestProgress)), "") if not over else ""
        title = escape_text(shorten(reading, MAX_NAME_CHARS)) or words("chat.planning")
        return words("chat.planning_count", count=count) if steps else title
    if done:
        if not count:
            return words("chat.without_task")
        finished = sum(step.status == "done" for step in steps)
        return words("chat.did_some", done=finished, count=count) if finished < count else words("chat.did", count=count)
    if waits_for_approval(events) and not over:
        return words("chat.waits", count=count)
    return words("chat.planned", count=count) if count else words("chat.nothing")


def waits_for_approval(events: Sequence[Event]) -> bool:
    """Return whether the plan waits for the person."""
    approvals = [event for event in events if isinstance(event, ApprovalAsked | ApprovalGiven)]
    return bool(approvals) and isinstance(approvals[-1], ApprovalAsked)


def _map_urls(resources: Sequence[Resource]) -> dict[str, str]:
    return {resource.name: get_url(resource) for resource in resources if resource.path is not None}


def get_url(resource: Resource) -> str:
    """Return where the page finds a resource's file."""
    return get_file_url(resource.path) if resource.path else ""


def get_file_url(path: Path) -> str:
    """Return where the page finds a file: relative to itself, so that it may lie anywhere."""
    return f"gradio_api/file={quote(str(path))}"


def _draw_step_thought(step: Step, details: str, report: str, words: Words, *, over: bool) -> gr.ChatMessage:
    model = f"{shorten(step.model.id, MAX_NAME_CHARS)} · {name_place(step.model, words)}" if step.model else ""
    pending = step.status in {"pending", "running"} and not over
    status = "stopped" if over and step.status in {"pending", "running"} else step.status  # stopping leaves them as they were
    state = "" if status == "done" else f" · {words(f'chat.status_{status}')}"
    metadata = MetadataDict(
        title=escape_text(f"{step.task.task}{state}"),
        log=(shorten(report, MAX_NAME_CHARS) if step.status == "running" else "") or model,
        id=f"task-{step.task.id}",
        parent_id="plan",
        status="pending" if pending else "done",
    )
    if step.status == "done" or (step.status == "failed" and step.seconds):
        metadata["duration"] = round(step.seconds, 1)
    return make_message(details, metadata=metadata)


def _map_sources(events: Sequence[Event]) -> dict[int, str]:
    """Return by task whether hosted candidates came from the Hub's search or from the shipped list."""
    sources: dict[int, str] = {}
    for event in events:
        if isinstance(event, ModelSelected) and event.source and event.source != "you":
            sources.setdefault(event.task_id, f"{event.source[:1].upper()}{event.source[1:]}.")  # the first selection counts
    return sources


def _list_files(steps: Sequence[Step]) -> list[Resource]:
    return [r for step in steps if step.status == "done" for r in step.outputs if r.path is not None]
