"""Tasks done by hosted chat models: talking, rewriting, captions, questions about pictures and documents.

Through the router's chat completions (https://huggingface.co/docs/inference-providers/tasks/chat-completion).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.errors import ExpertError
from hugginggpt.core.events import Usage
from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.hosted.chat_requests import complete_chat
from hugginggpt.experts.hosted.inputs import encode_image
from hugginggpt.experts.outputs import text
from hugginggpt.llm.completions import strip_thoughts

if TYPE_CHECKING:
    from huggingface_hub import AsyncInferenceClient

_DESCRIBE: Final = "Describe this picture in detail. If there is writing in it, quote it."
_FROM_DOCUMENT: Final = "{} Answer with the words or numbers that stand in the document, and nothing else."
_CUT_MARK: Final = " […]"
_REWRITE: Final = "Rewrite the following text{}. Reply with the result alone.\n\n{}"


async def converse(call: Call, client: AsyncInferenceClient) -> Result:
    """Run conversational and text-generation: the model's reply; ``data["written"]`` is the same."""
    reply, usage = await _ask(call, client, call.text())
    return _build_result(reply, {"written": reply}, usage)


async def rewrite(call: Call, client: AsyncInferenceClient) -> Result:
    """Run text2text-generation: the text rewritten by `instruction`, by default corrected and simplified."""
    instruction = str(call.inputs.get("instruction") or "").strip().rstrip(".")
    goal = f" so that this is followed: {instruction}" if instruction else ", correct and simple"
    reply, usage = await _ask(call, client, _REWRITE.format(goal, call.text()))
    return _build_result(reply, {"parts": 1}, usage)  # sent whole; the local back end counts the parts it works in


async def describe(call: Call, client: AsyncInferenceClient) -> Result:
    """Run image-to-text: what a picture shows, and what is written in it."""
    return await _ask_about_picture(call, client, _DESCRIBE)


async def answer_about_picture(call: Call, client: AsyncInferenceClient) -> Result:
    """Run visual-question-answering: the answer to `text`."""
    return await _ask_about_picture(call, client, call.text())


async def answer_about_document(call: Call, client: AsyncInferenceClient) -> Result:
    """Run document-question-answering: the answer to `text`, from a page that is a picture."""
    return await _ask_about_picture(call, client, _FROM_DOCUMENT.format(call.text()))


async def _ask_about_picture(call: Call, client: AsyncInferenceClient, question: str) -> Result:
    with encode_image(call) as sent:
        picture = {"type": "image_url", "image_url": {"url": sent.as_url}}  # a data URL: files of a session have no public one
        reply, usage = await _ask(call, client, [picture, {"type": "text", "text": question}])
    return _build_result(reply, {}, usage)


async def _ask(call: Call, client: AsyncInferenceClient, content: Any) -> tuple[str, Usage]:
    """Ask for a reply; return it without the thoughts that some models write first, and its usage.

    Raises:
        ExpertError: It is empty.
    """
    found = await complete_chat(call, client, [{"role": "user", "content": content}])
    choice = found.choices[0] if found.choices else None
    reply = strip_thoughts((choice.message.content if choice else "") or "").strip()
    if not reply:
        raise ExpertError(f"{call.card.id} answered nothing: try again, or choose another model.")
    if choice and choice.finish_reason == "length":
        reply += _CUT_MARK  # it ran out of tokens
    used = found.usage
    tokens = (used.prompt_tokens, used.completion_tokens) if used else (0, 0)  # not every provider counts
    return reply, Usage("work", 1, tokens[0] or 0, tokens[1] or 0)  # a server may send null for a count


def _build_result(reply: str, data: dict[str, Any], usage: Usage) -> Result:
    return replace(text.build_text_result(reply, data), usage=usage)
