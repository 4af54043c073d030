"""Chats with language models: a reply to a message, and work on a text that an instruction describes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from hugginggpt.core.errors import ExpertError
from hugginggpt.core.sentences import Piece, pack_pieces, split_pieces
from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.llm import load_instructions
from hugginggpt.experts.local.text.decoding import Continuation, Writer, continue_prompt
from hugginggpt.experts.local.text.thoughts import drop_thoughts, find_open_thoughts
from hugginggpt.experts.local.text.token_budget import cut_out_middle, make_token_counter
from hugginggpt.experts.outputs.text import build_text_result
from hugginggpt.hub.cache import Checkpoint

MAX_REPLY_TOKENS: Final = 512
"""Longest text of a language model."""
CUT_NOTE: Final = "The text is longer than the model reads: its middle was left out."
_ALONE: Final = "Reply with the result alone, without comment."
_MIN_ROOM: Final = 16  # fewest tokens of a text that a model is given at once
_PROMPT_END_TOKENS: Final = 24  # tokens of a prompt's end that show whether it opens thoughts


@dataclass(frozen=True, slots=True)
class _ChatReply:
    text: str
    ended: bool
    """True if the model ended it, not the limit of tokens."""


def is_chat_model(checkpoint: Checkpoint) -> bool:
    """Return whether a checkpoint is a decoder alone, which does other tasks than writing on only by instruction."""
    return checkpoint.architecture.endswith("ForCausalLM") or checkpoint.architecture == "GPT2LMHeadModel"


def write_reply(writer: Writer, text: str, call: Call) -> Result:
    """Reply to a message; a reply that meets the limit of tokens ends at a sentence, and its note says so.

    Raises:
        ExpertError: The model wrote nothing, or nothing but thoughts.
    """
    limit = limit_output(writer, MAX_REPLY_TOKENS)
    message, was_cut = cut_out_middle(text, writer.tokenizer, max(writer.max_input_tokens - limit - _measure(writer, ""), 1))
    reply = _generate_reply(writer, message, call, limit)
    notes = [*([CUT_NOTE] if was_cut else []), *([] if reply.ended else [describe_limit("The reply", limit)])]
    return build_text_result(reply.text, {"written": reply.text}, " ".join(notes))


def work_on_text(
    writer: Writer, text: str, call: Call, task: str, *, limit: Callable[[int], int], **words: str
) -> tuple[list[Piece], str]:
    """Have a chat model do a text task, piece by piece where the text is longer than it reads; return the pieces' results.

    Args:
        writer: The model, with a chat template.
        text: The text to work on.
        call: Call that waits for it.
        task: Task whose instruction the model gets.
        limit: Returns the most tokens to write for a piece of so many tokens.
        words: Placeholders of the instruction: language, instruction.

    Returns:
        For each piece what the model wrote and the gap behind it; and a note where a limit was met.
    """
    told = load_instructions()[task].format_map({"language": "English", "instruction": ""} | words).strip()
    count = make_token_counter(writer.tokenizer)
    window = writer.max_input_tokens - _measure(writer, f"{told} {_ALONE}\n\n")
    room = next((n for n in range(window, _MIN_ROOM, -_MIN_ROOM) if n + min(limit(n), window // 2) <= window), _MIN_ROOM)
    parts = pack_pieces(split_pieces(text), count, room)
    written, ended = [], True
    for number, part in enumerate(parts):
        call.token.check()
        if len(parts) > 1:
            call.progress(f"Working, part {number + 1} of {len(parts)}", number / len(parts))
        most = max(min(limit(count(part.text)), window // 2), 1)
        reply = _generate_reply(writer, f"{told} {_ALONE}\n\n{part.text}", call, most)
        written.append(Piece(reply.text, part.gap))
        ended = ended and reply.ended
    return written, "" if ended else describe_limit("The text", max(min(limit(room), window // 2), 1))


def limit_output(writer: Writer, requested: int) -> int:
    """Return the tokens to write: at most half the window, so that the other half is left for the text."""
    return max(min(requested, writer.max_input_tokens // 2), 1)


def describe_limit(what: str, limit: int) -> str:
    """Return a note on a text that met the limit of tokens."""
    return f"{what} met the limit of {limit} tokens: it may end early."


def end_at_sentence(text: str) -> str:
    """Cut a text to the end of its last whole sentence, where that keeps more than half of it; else mark its end."""
    parts = split_pieces(text)
    shortened = text[: len(text) - len(parts[-1])].rstrip() if parts else text
    if len(shortened) <= len(text) / 2:
        shortened = f"{text.rstrip()} …" if text.strip() else text
    return f"{shortened}\n```" if shortened.count("```") % 2 else shortened  # code that is cut is still code


def _generate_reply(writer: Writer, message: str, call: Call, limit: int) -> _ChatReply:
    tokenizer = writer.tokenizer
    encoded = _encode_message(tokenizer, message)
    found = continue_prompt(writer, encoded, call, limit=limit)
    if tokenizer.chat_template:
        opened = find_open_thoughts(tokenizer.decode(encoded["input_ids"][0, -_PROMPT_END_TOKENS:]))
        reply = _drop_thoughts(found, opened)
    else:  # it goes on with the transcript
        reply = found.text.split("\nUser:")[0].strip()
        found = Continuation(reply, reply, found.ended or reply != found.text.strip())
    if not reply and not found.ended:
        raise ExpertError(f"{call.card.id} thought for {limit} tokens and came to no reply: ask for less, or another model.")
    return _ChatReply(reply if found.ended else end_at_sentence(reply), found.ended)


def _drop_thoughts(found: Continuation, opened: str) -> str:
    """Return the reply of what was written; its special tokens are looked at only where they mark thoughts."""
    if drop_thoughts(found.text_with_marks) == found.text_with_marks.strip() and not opened:
        return found.text.strip()
    return found.remove_special(drop_thoughts(opened + found.text_with_marks)).strip()


def _measure(writer: Writer, text: str) -> int:
    """Return the tokens of a message with what the template adds."""
    return int(_encode_message(writer.tokenizer, text)["input_ids"].shape[1])


def _encode_message(tokenizer: Any, text: str) -> Any:
    """Build the ``input_ids`` and ``attention_mask`` of a message."""
    if not tokenizer.chat_template:
        return tokenizer(f"User: {text}\nAssistant:", return_tensors="pt")
    return tokenizer.apply_chat_template(
        [{"role": "user", "content": text}],
        add_generation_prompt=True,
        return_dict=True,
        return_tensors="pt",
        enable_thinking=False,  # for templates of reasoning models; others ignore it
    )
