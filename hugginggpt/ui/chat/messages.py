"""Events as chat messages: pure functions from what happened to what is shown.

One request is one thought that nests a thought for each task, then the answer, then what was made. A thought is one
line until it is opened: status, model, seconds; inside, why that model, what went in and what came out.
"""

import html
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import gradio as gr
from gradio.components.chatbot import MetadataDict

from hugginggpt.core import markdown
from hugginggpt.core.events import (
    ApprovalAsked,
    ApprovalGiven,
    Event,
    ModelRef,
    ModelSelected,
    Notice,
    Planned,
    RequestDone,
    RequestFailed,
    RequestStarted,
    Step,
    TaskProgress,
)
from hugginggpt.core.markdown import escape, link_names, quote_text, sanitize_markdown
from hugginggpt.core.model_card import BACKENDS, get_traits
from hugginggpt.core.recording import Recording
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind, TaskTable
from hugginggpt.core.trace import answer_text, describe_cost, fold_steps, format_duration
from hugginggpt.planning.approval import CHANGED
from hugginggpt.ui.chat.retry_options import list_retry_options
from hugginggpt.ui.i18n import Words
from hugginggpt.workspace.media import read_first_rows

_COMPONENTS: Final[dict[Kind, Any]] = {Kind.IMAGE: gr.Image, Kind.AUDIO: gr.Audio, Kind.VIDEO: gr.Video}
_SHOWN_RESULT_CHARS: Final = 600
_SHOWN_DATA_CHARS: Final = 4_000
_SHOWN_ROWS: Final = 11  # the head and ten more
_HUB_ID: Final = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_MAX_NOTICES: Final = 50
BUILT_IN_NAME: Final = "built-in planner"
"""The built-in planner's own name."""
_ENGLISH: Final = Words()


def draw_user_messages(text: str, resources: Sequence[Resource]) -> list[gr.ChatMessage]:
    """Return the request as it stands in the chat: its words, then its files with their names below.

    Gradio offers to edit what ends in a text, and edits the first text alone: so words come first and names last.
    """
    files = [resource for resource in resources if resource.path]
    names = ["_" + ", ".join(resource.name for resource in files) + "_"] if files else []
    shown_text = escape(text) if is_marked(text) else text
    contents = [*([shown_text] if shown_text or not files else []), *map(draw_media, files), *names]
    return [gr.ChatMessage(role="user", content=content) for content in contents]


def is_marked(text: str) -> bool:
    """Return whether a request holds HTML or pictures, which the chat would draw instead of the text."""
    return "<" in text or "![" in text


def draw_media(resource: Resource) -> Any:
    """Return a file as it is shown: a picture, a player, or a link to keep it."""
    component = _COMPONENTS.get(resource.kind)
    if component is None:
        return {"path": str(resource.path)}
    return component(value=str(resource.path), label=resource.name, show_label=False, interactive=False, buttons=["download"])


def draw_error(error: str) -> gr.ChatMessage:
    """Return a sentence in the place where it happened."""
    return gr.ChatMessage(role="assistant", content=escape(error))


def draw_messages(
    recording: Recording, table: TaskTable, words: Words = _ENGLISH, *, known: Sequence[Resource] = (), again: bool = False
) -> list[gr.ChatMessage]:
    """Return what the assistant's side of one request looks like.

    Args:
        recording: What has happened so far.
        table: For what tasks are called in words.
        words: The visitor's language.
        known: Resources of earlier requests; where an answer names one, or one of this request, that is a link.
        again: Whether tasks that failed are offered to be run once more.
    """
    events, stopped = recording.events, recording.stopped
    over = stopped or any(isinstance(event, RequestDone) for event in events)
    steps = fold_steps(events)
    shown = [_plan_thought(events, steps, words, over=over)]
    shown += [_step_thought(step, events, words, over=over) for step in steps]
    notices = [escape(event.message) for event in events if isinstance(event, Notice)]
    shown += [gr.ChatMessage(role="assistant", content=notice) for notice in notices[:_MAX_NOTICES]]  # a trace may have many
    if answer := answer_text(events):
        files = [*known, *(r for e in events if isinstance(e, RequestStarted) for r in e.resources), *_list_files(steps)]
        shown.append(gr.ChatMessage(role="assistant", content=link_names(sanitize_markdown(answer), _map_urls(files))))
    shown += [gr.ChatMessage(role="assistant", content=each) for each in _draw_results(_list_files(steps))]
    shown += [draw_error(e.error) for e in events if isinstance(e, RequestFailed)]
    options = list_retry_options(recording, steps, words) if again and over else []
    if stopped and not options:
        shown.append(gr.ChatMessage(role="assistant", content=words("chat.stopped")))
    failed_early = over and not steps and not any(isinstance(e, Planned) for e in events)
    shown += options
    return shown[1:] if failed_early else shown  # there is no plan to speak of


def _draw_results(made: Sequence[Resource]) -> list[Any]:
    """Return what was made, to look at and to keep: several pictures side by side, of a table its first rows and the file."""
    pictures = [resource for resource in made if resource.kind is Kind.IMAGE]
    if len(pictures) < 2:
        return [_draw_result(resource) for resource in made]
    gallery = gr.Gallery(
        value=[(str(picture.path), picture.name) for picture in pictures],
        show_label=False,
        columns=min(len(pictures), 3),
        object_fit="contain",
        interactive=False,
        buttons=["download"],
    )
    return [gallery, *(_draw_result(resource) for resource in made if resource not in pictures)]


def _draw_result(resource: Resource) -> Any:
    rows = read_first_rows(resource.path, _SHOWN_ROWS) if resource.kind is Kind.TABLE and resource.path else []
    return [markdown.format_table(rows), draw_media(resource)] if rows else draw_media(resource)


def _plan_thought(events: Sequence[Event], steps: Sequence[Step], words: Words, *, over: bool) -> gr.ChatMessage:
    plans = [e for e in events if isinstance(e, Planned)]
    started = next((e for e in events if isinstance(e, RequestStarted)), None)
    done = next((e for e in events if isinstance(e, RequestDone)), None)
    log = started.controller if started else ""
    log = words("chat.built_in") if log == BUILT_IN_NAME else log
    if plans:
        log = f"{log} · {format_duration(sum(planned.seconds for planned in plans))}"
    title = _plan_title(events, steps, words, planned=bool(plans), done=done is not None, over=over)
    metadata = MetadataDict(title=title, log=log, id="plan", status="done" if over else "pending")
    if plans and done:
        metadata["duration"] = round(done.seconds, 1)
    lines = [f"- {escape(note)}" for note in dict.fromkeys(note for planned in plans for note in planned.plan.notes)]
    lines += [f"- {_describe_replan(planned, words)}" for planned in plans[1:]]
    lines += [f"- {describe_cost(usage)}" for usage in (done.usage if done else ())]
    return gr.ChatMessage(role="assistant", content="\n".join(lines), metadata=metadata)


def _describe_replan(planned: Planned, words: Words) -> str:
    if planned.because == CHANGED:
        return words("chat.changed")
    return words("chat.planned_anew", why=escape(planned.because))


def _plan_title(events: Sequence[Event], steps: Sequence[Step], words: Words, *, planned: bool, done: bool, over: bool) -> str:
    count = len(steps)
    if not planned:
        return words("chat.planning_count", count=count) if steps else words("chat.planning")
    if done:
        if not count:
            return words("chat.without_task")
        finished = sum(step.status == "done" for step in steps)
        return words("chat.did_some", done=finished, count=count) if finished < count else words("chat.did", count=count)
    if waits_for_word(events) and not over:
        return words("chat.waits", count=count)
    return words("chat.planned", count=count) if count else words("chat.nothing")


def waits_for_word(events: Sequence[Event]) -> bool:
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


def _step_thought(step: Step, events: Sequence[Event], words: Words, *, over: bool) -> gr.ChatMessage:
    model = f"{step.model.id} · {_name_place(step.model, words)}" if step.model else ""
    pending = step.status in {"pending", "running"} and not over
    status = "stopped" if over and step.status in {"pending", "running"} else step.status  # stopping leaves them as they were
    state = "" if status == "done" else f" · {words(f'chat.status_{status}')}"
    metadata = MetadataDict(
        title=f"{step.task.task}{state}",
        log=_progress(step, events) or model,
        id=f"task-{step.task.id}",
        parent_id="plan",
        status="pending" if pending else "done",
    )
    if step.status == "done" or (step.status == "failed" and step.seconds):
        metadata["duration"] = round(step.seconds, 1)
    return gr.ChatMessage(role="assistant", content=_step_details(step, events, words), metadata=metadata)


def _progress(step: Step, events: Sequence[Event]) -> str:
    if step.status != "running":
        return ""
    reports = [e.message for e in events if isinstance(e, TaskProgress) and e.task_id == step.task.id]
    return reports[-1] if reports else ""


def _step_details(step: Step, events: Sequence[Event], words: Words) -> str:
    lines = []
    if step.model:
        is_local = get_traits(step.model.backend).place == "here"
        where = words("chat.on_this_machine") if is_local else f"({escape(_name_place(step.model, words))})"
        lines.append(f"**{words('chat.model')}** {_link_model(step.model)} {where}. {escape(step.reason)}")
    if source := _describe_source(step, events):
        lines.append(f"**{words('chat.candidates')}** {escape(source)}")
    inputs = ", ".join(f"{escape(name)} = {_quote_value(value)}" for name, value in step.task.as_json()["args"].items())
    lines.append(f"**{words('chat.input')}** {inputs}")
    lines += [
        f"**{words('chat.tried')}** {_link_model(e.model)} ({escape(_name_place(e.model, words))}): {escape(e.error)}"
        for e in step.attempts
    ]
    for output in step.outputs:
        if output.text is not None:
            lines.append(f"**{words('chat.result')}** {output.name}\n\n{quote_text(output.text, _SHOWN_RESULT_CHARS)}")
        else:
            lines.append(f"**{words('chat.result')}** {output.name}, {escape(output.measure)}")
        if output.data:
            lines.append(_fold_data(output, words))
    if step.note:
        lines.append(f"_{escape(step.note)}_")
    if step.error:
        lines.append(escape(step.error))
    return "\n\n".join(lines)


def _fold_data(resource: Resource, words: Words) -> str:
    """Return boxes, scores and the like as a block that is folded."""
    text = json.dumps(dict(resource.data), ensure_ascii=False, indent=1, default=str)  # experts' data may hold any type
    cut = html.escape(text[:_SHOWN_DATA_CHARS]) + ("…" if len(text) > _SHOWN_DATA_CHARS else "")
    lines = cut.replace("\n", "<br>").replace("`", "&#96;")  # in Markdown an empty line would end the HTML
    return f"<details><summary>{words('chat.data', name=resource.name)}</summary><pre>{lines}</pre></details>"


def _link_model(model: ModelRef) -> str:
    """Return a model's id, linked to its card where it is one of the Hub's."""
    if get_traits(model.backend).on_hub and _HUB_ID.fullmatch(model.id):
        return f"[{escape(model.id)}](https://huggingface.co/{model.id})"
    return escape(model.id)


def _name_place(model: ModelRef, words: Words) -> str:
    """Return where a model runs, as people call it."""
    if model.provider:
        return words("chat.where_hosted_by", provider=model.provider)
    return words(f"chat.where_{model.backend}") if model.backend in BACKENDS else model.backend


def _describe_source(step: Step, events: Sequence[Event]) -> str:
    """Return whether hosted candidates came from the Hub's search or from the shipped list."""
    selected = (e for e in events if isinstance(e, ModelSelected) and e.task_id == step.task.id)
    return next((f"{e.source[:1].upper()}{e.source[1:]}." for e in selected if e.source and e.source != "you"), "")


def _list_files(steps: Sequence[Step]) -> list[Resource]:
    return [r for step in steps if step.status == "done" for r in step.outputs if r.path is not None]


def _quote_value(value: object) -> str:
    text = str(value).replace("\n", " ").replace("`", "'")  # it stands in a code span
    return f"`{text[:120]}{'…' if len(text) > 120 else ''}`"
