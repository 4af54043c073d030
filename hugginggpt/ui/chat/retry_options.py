"""Retry options below a request that failed in part or was stopped: again, with another model, the rest, or with a model that
is fetched for it."""

from collections.abc import Callable, Sequence
from typing import Final

import gradio as gr
from gradio.components.chatbot import OptionDict

from hugginggpt.agent.agent import HuggingGPT
from hugginggpt.core.events import Event, ModelRef, ModelSelected, Step
from hugginggpt.core.markdown import escape
from hugginggpt.core.recording import Recording
from hugginggpt.core.trace import answer_text
from hugginggpt.hub.catalog import SmallModel, find_small_model
from hugginggpt.hub.download import format_size
from hugginggpt.ui.chat.step_details import draw_note, list_first
from hugginggpt.ui.i18n import Words
from hugginggpt.ui.markup import escape_text, wrap_prose

_MAX_MODELS, _MAX_OPTIONS = 3, 8
"""Most other models offered for a task that failed, and most options in all."""
RETRY: Final = "again"
"""The option that has what failed run once more; a task's id and a model's follow where one was chosen."""
FETCH: Final = "fetch"
"""The option that has a model fetched, and what failed run with it; the task's id follows."""

Fetchable = Callable[[str], SmallModel | None]
"""Function that returns the small model that may be fetched for a task; None where none may."""


def fetch_nothing(task: str) -> SmallModel | None:
    """Offer no model."""
    del task
    return None


def find_fetchable(agent: HuggingGPT, task: str) -> SmallModel | None:
    """Find the model that may be fetched for a task; None where models don't run here, or it is larger than allowed."""
    model = find_small_model(task) if agent.expert("local") else None
    return model if model and model.max_bytes <= agent.settings.max_download_bytes else None


def list_retry_options(
    recording: Recording, steps: Sequence[Step], words: Words, fetchable: Fetchable = fetch_nothing
) -> list[gr.ChatMessage]:
    """Return options below what failed or was stopped; in one message: Gradio draws those of the last message alone.

    Args:
        recording: What has happened.
        steps: The request's tasks.
        words: The visitor's language.
        fetchable: Returns the model that may be fetched for a task that has none.
    """
    failed = [step for step in steps if step.status == "failed"]
    unfinished = [step for step in steps if step.status in {"pending", "running"}]
    options = [
        OptionDict(
            label=words("chat.other_model", model=model.id, task=step.task.task), value=f"{RETRY} {step.task.id} {model.id}"
        )
        for step in failed
        for model in _list_untried(step, recording.events)
    ]
    options = [*_list_fetches(failed, recording.events, words, fetchable), *options]
    if failed:
        answer = answer_text(recording.events)
        untold = [step for step in failed if not _is_told(step.error, answer)]
        message = "".join(list_first(untold, lambda step: _format_failure(step, words)))
        message = message or f"<p>{escape_text(words('chat.try_again'))}</p>"
        options.insert(0, OptionDict(label=words("chat.again"), value=RETRY))  # in front, so never cut off
    elif recording.stopped and unfinished:
        message = f"<p>{words('chat.stopped')}</p>"
        options.insert(0, OptionDict(label=words("chat.go_on"), value=RETRY))
    else:
        return []
    return [gr.ChatMessage(role="assistant", content=wrap_prose(message), options=options[:_MAX_OPTIONS])]


def _list_fetches(steps: Sequence[Step], events: Sequence[Event], words: Words, fetchable: Fetchable) -> list[OptionDict]:
    """Return the options to fetch a model for tasks that have none, each task once."""
    selected = {event.task_id for event in events if isinstance(event, ModelSelected)}
    by_task = {step.task.task: step for step in steps if step.task.id not in selected}
    offers = [(step, model) for task, step in by_task.items() if (model := fetchable(task))]
    return [
        OptionDict(
            label=words("chat.fetch", model=model.id, size=format_size(model.max_bytes), license=model.license or "?"),
            value=f"{FETCH} {step.task.id}",
        )
        for step, model in offers
    ]


def _is_told(error: str, answer: str) -> bool:
    """Return whether an answer says why a task failed, in the words of the error."""
    return error in answer or escape(error) in answer


def _format_failure(step: Step, words: Words) -> str:
    failed = escape_text(words("chat.failed_task", task=step.task.task))
    return f"<p><strong>{failed}</strong> {draw_note(step.error)}</p>"


def _list_untried(step: Step, events: Sequence[Event]) -> list[ModelRef]:
    """Return models for a task that have not failed on it."""
    candidates = [e.candidates for e in events if isinstance(e, ModelSelected) and e.task_id == step.task.id]
    tried = {attempt.model.id for attempt in step.attempts} | ({step.model.id} if step.model else set())
    # the last selection counts; several back ends may offer one model, which is one choice here
    remaining = {model.id: model for model in (candidates[-1] if candidates else ()) if model.id not in tried}
    return list(remaining.values())[:_MAX_MODELS]
