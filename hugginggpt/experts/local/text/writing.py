"""Writing of texts: summaries, other wordings, translations, continuations, replies."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hugginggpt.core.languages import Language, detect_language, parse_language
from hugginggpt.core.sentences import Piece, cut_piece, pack_pieces, split_pieces
from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.local.runtime.runtime import Runtime
from hugginggpt.experts.local.text.chat import (
    CUT_NOTE,
    MAX_REPLY_TOKENS,
    describe_limit,
    end_at_sentence,
    is_chat_model,
    limit_output,
    work_on_text,
    write_reply,
)
from hugginggpt.experts.local.text.decoding import Writer, continue_prompt, generate_texts, make_writer_loader
from hugginggpt.experts.local.text.token_budget import cut_out_middle, make_token_counter
from hugginggpt.experts.local.text.translation import build_translation_prompt, get_default_target
from hugginggpt.experts.outputs.text import build_text_result
from hugginggpt.hub.cache import Checkpoint

_GENERATE_SETTINGS: Final = ("num_beams", "length_penalty", "no_repeat_ngram_size", "early_stopping", "repetition_penalty")
"""Settings of a task in a configuration that are passed on to ``generate``."""
_PREFIXES: Final = {("t5", "summarization"): "summarize: "}
"""Prefixes by model type and task, where the configuration names none (T5: Raffel et al., JMLR 2020)."""
_INSTRUCTION_WORDS: Final = frozenset({"flan", "t0", "mt0", "t0pp", "instruct", "coedit", "lamini", "alpaca"})
"""Words in the ids of encoder-decoder models that were trained to follow instructions."""
_NUMBER_WORDS: Final = {w: n for n, w in enumerate("one two three four five six seven eight nine ten".split(), 1)} | {
    "a": 1,
    "an": 1,
}
_LENGTH: Final = re.compile(
    rf"\b(\d{{1,4}}|{'|'.join(_NUMBER_WORDS)})[\s-]+(?:\w+\s+)?(word|sentence|bullet|point|line)s?\b", re.IGNORECASE
)
_LENGTH_FACTORS: Final = {
    r"\b(?:very short|shorter|short|brief|briefly|concise|tiny)\b": 0.5,
    r"\b(?:long|longer|detailed|thorough)\b": 2.0,
}
_TOKENS_PER_WORD, _WORDS_PER_SENTENCE = 1.4, 25
_TOLERANCE: Final = (1.3, 0.5)
"""Most and least tokens relative to the requested number, so that the last sentence can come to an end."""
_DEFAULT_SUMMARY_TOKENS: Final = 142
"""Longest summary of one piece by default, in tokens (as BART's for CNN/DailyMail)."""
_MAX_CHAT_TOKENS: Final = 128
"""Longest text of an encoder-decoder that only chats."""


@dataclass(frozen=True, slots=True)
class _RequestedLength:
    """Requested length of a text."""

    tokens: int | None = None
    sentences: int | None = None
    as_list: bool = False
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class _TaskSettings:
    """Settings for a task in a checkpoint's configuration (``task_specific_params``)."""

    prefix: str
    """Text before each input."""
    options: Mapping[str, Any]
    """Arguments of ``generate``."""
    min_tokens: int
    """Fewest tokens to write; 0 where it isn't given, as `max_tokens`."""
    max_tokens: int


def summarize(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run summarization: a shorter text; ``data["parts"]`` is the number of pieces that were summarized one by one.

    A text longer than the model's window is split at sentences, and the pieces' summaries are joined. The optional
    `instruction` sets the length: "two sentences", "50 words", "short", "detailed", "five bullet points".

    Raises:
        InputError: The text is empty.
    """
    (call,) = calls
    text, length = call.text(), _parse_length(call)
    if is_chat_model(runtime.checkpoint):
        most = round(_TOLERANCE[0] * length.tokens) if length.tokens else MAX_REPLY_TOKENS
        pieces, note = _instruct(call, runtime, text, "summarization", lambda _: most)
        return [build_text_result(" ".join(piece.text for piece in pieces), {"parts": len(pieces)}, note)]
    with runtime.load_model("writer", make_writer_loader("AutoModelForSeq2SeqLM", runtime), call.token) as writer:
        task = _read_task_settings(runtime.checkpoint, "summarization")
        parts = _split_to_fit(writer, text, task.prefix)
        config = writer.model.generation_config
        max_tokens = round((task.max_tokens or config.max_length or _DEFAULT_SUMMARY_TOKENS) * length.factor)
        min_tokens = round((task.min_tokens or config.min_length or 0) * length.factor)
        if length.tokens:  # the pieces share it
            max_tokens, min_tokens = (round(factor * length.tokens / len(parts)) for factor in _TOLERANCE)
        min_tokens = min(min_tokens, min(map(make_token_counter(writer.tokenizer), parts)) // 2)  # short text, short summary
        texts = [task.prefix + part for part in parts]
        found = generate_texts(
            writer, texts, call, action="Summing up", limit=lambda _: max(max_tokens, 8), min_length=min_tokens, **task.options
        )
    return [build_text_result(_fit_to_request(" ".join(filter(None, found)), length), {"parts": len(parts)})]


def rewrite(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run text2text-generation: the text as the model rewrites it.

    A model that was trained on instructions gets the optional `instruction` with each piece of the text; of any other
    the instruction sets the length alone ("50 words", "shorter"), and the result's note says so.

    Raises:
        InputError: The text is empty.
    """
    (call,) = calls
    text, length = call.text(), _parse_length(call)
    if is_chat_model(runtime.checkpoint):
        pieces, note = _instruct(call, runtime, text, "text2text-generation", lambda read: 2 * read + 64)
        return [build_text_result(_join(pieces), {"parts": len(pieces)}, note)]
    instruction = str(call.inputs.get("instruction") or "").strip()
    follows_instructions = bool(_INSTRUCTION_WORDS & set(re.split(r"[^a-z0-9]+", runtime.checkpoint.id.lower())))
    with runtime.load_model("writer", make_writer_loader("AutoModelForSeq2SeqLM", runtime), call.token) as writer:
        task = _read_task_settings(runtime.checkpoint, "text2text-generation")
        prefix = f"{instruction.rstrip(' .:')}: " if instruction and follows_instructions else task.prefix
        parts = _split_to_fit(writer, text, prefix)
        max_tokens = round(_TOLERANCE[0] * length.tokens / len(parts)) if length.tokens else None
        texts = [prefix + part for part in parts]
        found = generate_texts(
            writer, texts, call, action="Rewriting", limit=lambda n: max_tokens or 2 * n + 32, min_length=0, **task.options
        )
    ignored = f"{runtime.checkpoint.id} takes no instructions: it rewrote the text in its own way."
    note = ignored if instruction and not follows_instructions else ""
    return [build_text_result(_fit_to_request(" ".join(filter(None, found)), length), {"parts": len(parts)}, note)]


def translate(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run translation: the text in another language, its lines kept.

    It goes through the model sentence by sentence, as translation models were trained. The optional `language` is any
    name or code ("German", "de", "Deutsch"); the default is the model's own target, else English. ``data`` has source and
    target as ISO 639 codes, None where they are unknown.

    Raises:
        InputError: The text is empty, or the language is unknown.
        ExpertError: The model doesn't do this pair of languages.
    """
    (call,) = calls
    text = call.text()
    target = parse_language(call.text("language")) if call.inputs.get("language") else None
    detected = detect_language(text)  # None where that isn't sure
    if is_chat_model(runtime.checkpoint):
        return [_translate_by_chat(call, runtime, text, detected, target)]
    with runtime.load_model("writer", make_writer_loader("AutoModelForSeq2SeqLM", runtime), call.token) as writer:
        if target and detected == target:
            same = {"source": target.code, "target": target.code}
            return [build_text_result(text, same, f"The text is in {target.name} already.")]
        prompt = build_translation_prompt(writer, runtime.checkpoint, detected, target)
        if prompt.source_code:
            writer.tokenizer.src_lang = prompt.source_code  # the tokenizer is shared, and keeps the last call's
        count = make_token_counter(writer.tokenizer)
        room = max(writer.max_input_tokens - count(prompt.prefix), 1)
        parts = [piece for part in split_pieces(text) for piece in cut_piece(part, count, room)]
        first = {} if prompt.first_token is None else {"forced_bos_token_id": prompt.first_token}
        texts = [prompt.prefix + part.text for part in parts]
        found = generate_texts(writer, texts, call, action="Translating", limit=lambda read: 2 * read + 16, **first)
    joined = _join([Piece(translated, part.gap) for translated, part in zip(found, parts, strict=True)])
    codes = {"source": prompt.source.code if prompt.source else None, "target": prompt.target.code if prompt.target else None}
    return [build_text_result(joined, codes)]


def _translate_by_chat(call: Call, runtime: Runtime, text: str, source: Language | None, target: Language | None) -> Result:
    goal = target or get_default_target(source)
    codes = {"source": source.code if source else None, "target": goal.code}
    if source == goal:
        return build_text_result(text, codes, f"The text is in {goal.name} already.")
    parts, note = _instruct(call, runtime, text, "translation", lambda read: 3 * read + 32, language=goal.name)
    return build_text_result(_join(parts), codes, note)


def _instruct(
    call: Call, runtime: Runtime, text: str, task: str, limit: Callable[[int], int], **words: str
) -> tuple[list[Piece], str]:
    """Have a language model that chats do a task; the person's instruction goes with it."""
    instruction = str(call.inputs.get("instruction") or "").strip()
    with runtime.load_model("language model", make_writer_loader("AutoModelForCausalLM", runtime), call.token) as writer:
        return work_on_text(writer, text, call, task, limit=limit, **{"instruction": instruction, **words})


def _join(parts: Sequence[Piece]) -> str:
    return "".join(part.text + (part.gap or " ") for part in parts).strip()


def continue_text(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run text-generation: the reply of a model that chats, or the text and the model's continuation of it.

    ``data["written"]`` is the model's own part. At most 512 tokens are written, and a note says where that cut it off; a
    text longer than the model's window loses its middle.

    Raises:
        InputError: The text is empty.
    """
    (call,) = calls
    text = call.text()
    with runtime.load_model("language model", make_writer_loader("AutoModelForCausalLM", runtime), call.token) as writer:
        if writer.tokenizer.chat_template:
            return [write_reply(writer, text, call)]
        limit = limit_output(writer, MAX_REPLY_TOKENS)
        prompt, was_cut = cut_out_middle(text, writer.tokenizer, writer.max_input_tokens - limit)
        inputs = writer.tokenizer(prompt, return_tensors="pt")
        found = continue_prompt(writer, inputs, call, limit=limit, no_repeat_ngram_size=4)
    more = found.text if found.ended else end_at_sentence(found.text)
    notes = [*([CUT_NOTE] if was_cut else []), *([] if found.ended else [describe_limit("The text", limit)])]
    return [build_text_result(text + more, {"written": more.strip()}, " ".join(notes))]


def converse(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run conversational: the model's reply, at most 512 tokens.

    A model with a chat template gets the text as the user's message; one without, as a transcript to continue; an
    encoder-decoder (Blenderbot: Roller et al., EACL 2021) as it is.

    Raises:
        InputError: The text is empty.
    """
    (call,) = calls
    text = call.text()
    if runtime.checkpoint.architecture.endswith("ForConditionalGeneration"):
        with runtime.load_model("writer", make_writer_loader("AutoModelForSeq2SeqLM", runtime), call.token) as writer:
            message, was_cut = cut_out_middle(text, writer.tokenizer, writer.max_input_tokens)
            (reply,) = generate_texts(writer, [message], call, action="Replying", limit=lambda read: _MAX_CHAT_TOKENS)
        return [build_text_result(reply, {}, CUT_NOTE if was_cut else "")]
    with runtime.load_model("language model", make_writer_loader("AutoModelForCausalLM", runtime), call.token) as writer:
        return [write_reply(writer, text, call)]


def _read_task_settings(checkpoint: Checkpoint, name: str) -> _TaskSettings:
    params: Mapping[str, Any] = (checkpoint.config.get("task_specific_params") or {}).get(name) or {}
    prefix = params.get("prefix", checkpoint.config.get("prefix"))
    return _TaskSettings(
        str(prefix if prefix is not None else _PREFIXES.get((checkpoint.model_type, name), "")),
        {setting: params[setting] for setting in _GENERATE_SETTINGS if params.get(setting) is not None},
        int(params.get("min_length") or 0),
        int(params.get("max_length") or 0),
    )


def _split_to_fit(writer: Writer, text: str, prefix: str) -> list[str]:
    """Split a text into as few pieces as the model can read."""
    count = make_token_counter(writer.tokenizer)
    room = max(writer.max_input_tokens - count(prefix), 1)
    return [text] if count(text) <= room else [piece.text for piece in pack_pieces(split_pieces(text), count, room)]


def _parse_length(call: Call) -> _RequestedLength:
    instruction = str(call.inputs.get("instruction") or "").lower()
    factor = next((value for pattern, value in _LENGTH_FACTORS.items() if re.search(pattern, instruction)), 1.0)
    found = _LENGTH.search(instruction)
    if not found:
        return _RequestedLength(factor=factor)
    number = max(int(found[1]) if found[1].isdigit() else _NUMBER_WORDS[found[1]], 1)  # "0 words"
    if found[2] == "word":
        return _RequestedLength(tokens=round(number * _TOKENS_PER_WORD))
    words = number * _WORDS_PER_SENTENCE
    return _RequestedLength(round(words * _TOKENS_PER_WORD), number, as_list=found[2] in {"bullet", "point"})


def _fit_to_request(text: str, length: _RequestedLength) -> str:
    """Cut a text to the requested number of sentences, as a list where one was requested."""
    parts = [piece.text.strip() for piece in split_pieces(text)][: length.sentences]
    return "\n".join(f"- {part}" for part in parts) if length.as_list else " ".join(parts) if length.sentences else text
