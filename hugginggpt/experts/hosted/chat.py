"""Tasks done by hosted chat models: talking, rewriting, captions, questions about pictures and documents.

Through the router's chat completions (https://huggingface.co/docs/inference-providers/tasks/chat-completion).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.errors import ExpertError
from hugginggpt.core.events import Usage
from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.hosted.chat_requests import complete_chat
from hugginggpt.experts.hosted.inputs import encode_image
from hugginggpt.experts.hosted.shapes.common import get_first
from hugginggpt.experts.outputs import text
from hugginggpt.hub.account import is_url
from hugginggpt.llm.completions import strip_thoughts

if TYPE_CHECKING:
    from hugginggpt.experts.hosted.pipeline_client import PipelineClient

_DESCRIBE: Final = "Describe this picture in detail. If there is writing in it, quote it."
_FROM_DOCUMENT: Final = "{} Answer with the words or numbers that stand in the document, and nothing else."
_NO_CHAT: Final = frozenset({404, 405})
"""Statuses of a server that has no route for chat completions."""
_LENGTH: Final[Mapping[str, int]] = {"max_new_tokens": 512}
"""Parameters of a pipeline that writes: its default is as low as 20 tokens."""
_CUT_MARK: Final = " […]"
_READ_IN_PART: Final = "The text was too long for {}: about {:.0%} of it was read, its beginning and its end."
_REWRITE: Final = "Rewrite the following text{}. Reply with the result alone.\n\n{}"


@dataclass(frozen=True, slots=True)
class _PipelineQuestion:
    """The same question for a pipeline, which takes no messages."""

    task: str
    inputs: Any
    parameters: Mapping[str, Any] = field(default_factory=dict)


async def converse(call: Call, client: PipelineClient) -> Result:
    """Run conversational and text-generation: the model's reply; ``data["written"]`` is the same."""
    reply = await _ask(call, client, call.text(), _PipelineQuestion("text-generation", call.text(), _LENGTH))
    return _build_result(reply, {"written": reply.text})


async def rewrite(call: Call, client: PipelineClient) -> Result:
    """Run text2text-generation: the text rewritten by `instruction`, by default corrected and simplified."""
    instruction = str(call.inputs.get("instruction") or "").strip().rstrip(".")
    goal = f" so that this is followed: {instruction}" if instruction else ", correct and simple"
    prompt = _REWRITE.format(goal, call.text())
    reply = await _ask(call, client, prompt, _PipelineQuestion("text2text-generation", prompt, _LENGTH))
    return _build_result(reply, {"parts": 1})  # sent whole; the local back end counts the parts it works in


async def describe(call: Call, client: PipelineClient) -> Result:
    """Run image-to-text: what a picture shows, and what is written in it."""
    return await _ask_about_picture(call, client, _DESCRIBE, "")


async def answer_about_picture(call: Call, client: PipelineClient) -> Result:
    """Run visual-question-answering: the answer to `text`."""
    return await _ask_about_picture(call, client, call.text(), call.text())


async def answer_about_document(call: Call, client: PipelineClient) -> Result:
    """Run document-question-answering: the answer to `text`, from a page that is a picture."""
    return await _ask_about_picture(call, client, _FROM_DOCUMENT.format(call.text()), call.text())


async def _ask_about_picture(call: Call, client: PipelineClient, question: str, bare_question: str) -> Result:
    """Ask about a picture; `bare_question` is what a pipeline is asked, empty for one that describes."""
    with encode_image(call) as sent:
        inputs = {"image": sent.as_base64, "question": bare_question} if bare_question else sent.as_base64
        picture = {"type": "image_url", "image_url": {"url": sent.as_url}}  # a data URL: files of a session have no public one
        asked = [picture, {"type": "text", "text": question}]
        reply = await _ask(call, client, asked, _PipelineQuestion(call.card.task, inputs))
    return _build_result(reply, {})


@dataclass(frozen=True, slots=True)
class _Reply:
    """Text of a reply, its usage, and what is to be said of it."""

    text: str
    usage: Usage
    note: str = ""


async def _ask(call: Call, client: PipelineClient, content: Any, instead: _PipelineQuestion) -> _Reply:
    """Ask for a reply. An endpoint without a chat is asked as a pipeline."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return await _chat(call, client, content)
    except HfHubHTTPError as error:
        if not is_url(call.card.id) or error.response.status_code not in _NO_CHAT:
            raise
    found = await client.run_pipeline(instead.task, instead.inputs, instead.parameters)
    reply = str(get_first(found[0], ("generated_text", "answer")) or "").strip()
    if not reply:
        raise ExpertError(f"{call.card.id} answered nothing: try again, or choose another model.")
    return _Reply(reply, Usage("work", 1))  # a pipeline doesn't count tokens


async def _chat(call: Call, client: PipelineClient, content: Any) -> _Reply:
    """Ask for a reply by chat completions; return it without the thoughts that some models write first.

    Raises:
        ExpertError: It is empty.
    """
    answer = await complete_chat(call, client, [{"role": "user", "content": content}])
    found = answer.completion
    choice = found.choices[0] if found.choices else None
    reply = strip_thoughts((choice.message.content if choice else "") or "").strip()
    if not reply:
        raise ExpertError(f"{call.card.id} answered nothing: try again, or choose another model.")
    if choice and choice.finish_reason == "length":
        reply += _CUT_MARK  # it ran out of tokens
    used = found.usage
    tokens = (used.prompt_tokens, used.completion_tokens) if used else (0, 0)  # not every provider counts
    note = _READ_IN_PART.format(call.card.id, answer.read) if answer.read < 1 else ""
    return _Reply(reply, Usage("work", 1, tokens[0] or 0, tokens[1] or 0), note)  # a server may send null for a count


def _build_result(reply: _Reply, data: dict[str, Any]) -> Result:
    return replace(text.build_text_result(reply.text, data, reply.note), usage=reply.usage)
