"""Texts that are written: shorter, in other words, in another language, further, or in reply."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hugginggpt.core.languages import detect_language, parse_language
from hugginggpt.core.sentences import cut_piece, pack_pieces, split_pieces
from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.local.runtime.runtime import Runtime
from hugginggpt.experts.local.text.decoding import Writer, continue_prompt, generate_texts, make_writer_loader
from hugginggpt.experts.local.text.token_budget import cut_out_middle, make_token_counter
from hugginggpt.experts.local.text.translation import build_translation_prompt
from hugginggpt.experts.outputs.text import build_text_result
from hugginggpt.hub.cache import Checkpoint

_SETTINGS: Final = ("num_beams", "length_penalty", "no_repeat_ngram_size", "early_stopping", "repetition_penalty")
"""Settings of a task in a configuration that ``generate`` takes as they are."""
_PREFIXES: Final = {("t5", "summarization"): "summarize: "}
"""By model type and task, where the configuration names none (T5: Raffel et al., JMLR 2020)."""
_FOLLOWING: Final = frozenset({"flan", "t0", "mt0", "t0pp", "instruct", "coedit", "lamini", "alpaca"})
"""Words in the ids of encoder-decoder models that were trained to follow instructions."""
_NUMBERS: Final = {w: n for n, w in enumerate("one two three four five six seven eight nine ten".split(), 1)} | {
    "a": 1,
    "an": 1,
}
_COUNT: Final = re.compile(
    rf"\b(\d{{1,4}}|{'|'.join(_NUMBERS)})[\s-]+(?:\w+\s+)?(word|sentence|bullet|point|line)s?\b", re.IGNORECASE
)
_FACTORS: Final = {
    r"\b(?:very short|shorter|short|brief|briefly|concise|tiny)\b": 0.5,
    r"\b(?:long|longer|detailed|thorough)\b": 2.0,
}
_TOKENS_PER_WORD, _WORDS_PER_SENTENCE = 1.4, 25
_TOLERANCE: Final = (1.3, 0.5)
"""Factors by which a text may be longer and shorter than wished, so that its last sentence comes to an end."""
_USUAL_SUMMARY: Final = 142
"""The longest summary of one piece, in tokens, where nothing says otherwise (CNN/DailyMail's, as in BART)."""
_REPLY, _TALK = 512, 128
"""The longest text of a language model, and of one that only talks, in tokens."""
_CUT: Final = "The text is longer than the model reads: its middle was left out."
_THOUGHT: Final = re.compile(r"<think>.*?</think>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Wish:
    """The wished length of a text."""

    tokens: int | None = None
    sentences: int | None = None
    listed: bool = False
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class _Task:
    """Settings of a task in a checkpoint's configuration (``task_specific_params``)."""

    prefix: str
    """Goes before each text."""
    settings: Mapping[str, Any]
    """For ``generate``."""
    least: int
    """Tokens to write; 0 where it doesn't say."""
    longest: int


def summarize(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run summarization: a shorter text; ``data["parts"]`` counts the pieces that were summed up one by one.

    A text longer than the model's window is split at sentences, and the pieces' summaries are joined. The optional
    `instruction` sets the length: "two sentences", "50 words", "short", "detailed", "five bullet points".

    Raises:
        InputError: The text is empty.
    """
    (call,) = calls
    text, wish = call.text(), _wish(call)
    with runtime.load_model("writer", make_writer_loader("AutoModelForSeq2SeqLM", runtime), call.token) as writer:
        task = _task(runtime.checkpoint, "summarization")
        parts = _pieces(writer, text, task.prefix)
        config = writer.model.generation_config
        longest = round((task.longest or config.max_length or _USUAL_SUMMARY) * wish.factor)
        least = round((task.least or config.min_length or 0) * wish.factor)
        if wish.tokens:
            longest, least = (round(factor * wish.tokens / len(parts)) for factor in _TOLERANCE)
        least = min(least, min(map(make_token_counter(writer.tokenizer), parts)) // 2)  # of little, little
        texts = [task.prefix + part for part in parts]
        found = generate_texts(
            writer, texts, call, doing="Summing up", most=lambda _: max(longest, 8), min_length=least, **task.settings
        )
    return [build_text_result(_fitted(" ".join(filter(None, found)), wish), {"parts": len(parts)})]


def rewrite(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run text2text-generation: the text as the model rewrites it.

    A model that was trained on instructions gets the optional `instruction` with each piece of the text; of any other
    it sets the length alone ("50 words", "shorter"), and the result's note says so.

    Raises:
        InputError: The text is empty.
    """
    (call,) = calls
    text, wish = call.text(), _wish(call)
    instruction = str(call.inputs.get("instruction") or "").strip()
    follows = bool(_FOLLOWING & set(re.split(r"[^a-z0-9]+", runtime.checkpoint.id.lower())))
    with runtime.load_model("writer", make_writer_loader("AutoModelForSeq2SeqLM", runtime), call.token) as writer:
        task = _task(runtime.checkpoint, "text2text-generation")
        prefix = f"{instruction.rstrip(' .:')}: " if instruction and follows else task.prefix
        parts = _pieces(writer, text, prefix)
        wished = round(_TOLERANCE[0] * wish.tokens / len(parts)) if wish.tokens else None
        texts = [prefix + part for part in parts]
        found = generate_texts(
            writer, texts, call, doing="Rewriting", most=lambda read: wished or 2 * read + 32, min_length=0, **task.settings
        )
    note = (
        ""
        if follows or not instruction
        else f"{runtime.checkpoint.id} takes no instructions: it rewrote the text in its own way."
    )
    return [build_text_result(_fitted(" ".join(filter(None, found)), wish), {"parts": len(parts)}, note)]


def translate(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run translation: the text in another language, its lines kept.

    It goes through the model sentence by sentence, as translation models were trained. The optional `language` is any
    name or code of one ("German", "de", "Deutsch"); without it, the model's own target or English is meant.
    ``data`` holds source and target as ISO 639 codes, None where a model doesn't tell.

    Raises:
        InputError: The text is empty, or the language isn't known.
        ExpertError: The model doesn't do this pair of languages.
    """
    (call,) = calls
    text = call.text()
    wanted = parse_language(call.text("language")) if call.inputs.get("language") else None
    spoken = detect_language(text)
    with runtime.load_model("writer", make_writer_loader("AutoModelForSeq2SeqLM", runtime), call.token) as writer:
        if wanted and spoken == wanted:
            same = {"source": wanted.code, "target": wanted.code}
            return [build_text_result(text, same, f"The text is in {wanted.name} already.")]
        way = build_translation_prompt(writer, runtime.checkpoint, spoken, wanted)
        if way.source_code:
            writer.tokenizer.src_lang = way.source_code
        count = make_token_counter(writer.tokenizer)
        parts = [
            piece for part in split_pieces(text) for piece in cut_piece(part, count, max(writer.room - count(way.prefix), 1))
        ]
        first = {} if way.first_token is None else {"forced_bos_token_id": way.first_token}
        texts = [way.prefix + part.text for part in parts]
        found = generate_texts(writer, texts, call, doing="Translating", most=lambda read: 2 * read + 16, **first)
    joined = "".join(made + (part.gap or " ") for made, part in zip(found, parts, strict=True)).strip()
    codes = {"source": way.source.code if way.source else None, "target": way.target.code if way.target else None}
    return [build_text_result(joined, codes)]


def go_on(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run text-generation: what the text asks for, by a model that chats; else the text and how the model goes on with it.

    ``data["written"]`` is the model's own part. At most 512 tokens are written; of a text that is longer than the
    model's window the middle is left out.

    Raises:
        InputError: The text is empty.
    """
    (call,) = calls
    text = call.text()
    with runtime.load_model("language model", make_writer_loader("AutoModelForCausalLM", runtime), call.token) as writer:
        if writer.tokenizer.chat_template:
            return [_reply(writer, text, call)]
        most = _room_to_write(writer, _REPLY)
        prompt, was_cut = cut_out_middle(text, writer.tokenizer, writer.room - most)
        inputs = writer.tokenizer(prompt, return_tensors="pt")
        more, ended = continue_prompt(writer, inputs, call, most=most, no_repeat_ngram_size=4)
    more = more if ended else _whole_sentences(more)
    return [build_text_result(text + more, {"written": more.strip()}, _CUT if was_cut else "")]


def converse(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run conversational: the model's reply, at most 512 tokens.

    A model with a chat template gets the text as the user's message; one without, as a transcript to go on with; an
    encoder-decoder (Blenderbot: Roller et al., EACL 2021) as it is.

    Raises:
        InputError: The text is empty.
    """
    (call,) = calls
    text = call.text()
    if runtime.checkpoint.architecture.endswith("ForConditionalGeneration"):
        with runtime.load_model("writer", make_writer_loader("AutoModelForSeq2SeqLM", runtime), call.token) as writer:
            heard, was_cut = cut_out_middle(text, writer.tokenizer, writer.room)
            (reply,) = generate_texts(writer, [heard], call, doing="Replying", most=lambda read: _TALK)
        return [build_text_result(reply, {}, _CUT if was_cut else "")]
    with runtime.load_model("language model", make_writer_loader("AutoModelForCausalLM", runtime), call.token) as writer:
        return [_reply(writer, text, call)]


def _reply(writer: Writer, text: str, call: Call) -> Result:
    tokenizer = writer.tokenizer
    most = _room_to_write(writer, _REPLY)
    around = _prompt(tokenizer, "")["input_ids"].shape[1]
    heard, was_cut = cut_out_middle(text, tokenizer, max(writer.room - most - around, 1))
    said, _ = continue_prompt(writer, _prompt(tokenizer, heard), call, most=most)
    reply = _THOUGHT.sub("", said).split("\nUser:")[0].strip()
    return build_text_result(reply, {"written": reply}, _CUT if was_cut else "")


def _prompt(tokenizer: Any, text: str) -> Any:
    """Return the ``input_ids`` and ``attention_mask`` of a message."""
    if not tokenizer.chat_template:
        return tokenizer(f"User: {text}\nAssistant:", return_tensors="pt")
    return tokenizer.apply_chat_template(
        [{"role": "user", "content": text}],
        add_generation_prompt=True,
        return_dict=True,
        return_tensors="pt",
        enable_thinking=False,  # known to the templates of models that would else think aloud first
    )


def _room_to_write(writer: Writer, wanted: int) -> int:
    return max(min(wanted, writer.room // 2), 1)


def _task(checkpoint: Checkpoint, name: str) -> _Task:
    params: Mapping[str, Any] = (checkpoint.config.get("task_specific_params") or {}).get(name) or {}
    own = params.get("prefix", checkpoint.config.get("prefix"))
    return _Task(
        str(own if own is not None else _PREFIXES.get((checkpoint.model_type, name), "")),
        {setting: params[setting] for setting in _SETTINGS if params.get(setting) is not None},
        int(params.get("min_length") or 0),
        int(params.get("max_length") or 0),
    )


def _pieces(writer: Writer, text: str, prefix: str) -> list[str]:
    """Return the text in as few pieces as the model can read."""
    count = make_token_counter(writer.tokenizer)
    room = max(writer.room - count(prefix), 1)
    return [text] if count(text) <= room else [piece.text for piece in pack_pieces(split_pieces(text), count, room)]


def _wish(call: Call) -> _Wish:
    instruction = str(call.inputs.get("instruction") or "").lower()
    factor = next((value for pattern, value in _FACTORS.items() if re.search(pattern, instruction)), 1.0)
    found = _COUNT.search(instruction)
    if not found:
        return _Wish(factor=factor)
    number = max(int(found[1]) if found[1].isdigit() else _NUMBERS[found[1]], 1)
    if found[2] == "word":
        return _Wish(tokens=round(number * _TOKENS_PER_WORD))
    words = number * _WORDS_PER_SENTENCE
    return _Wish(round(words * _TOKENS_PER_WORD), number, listed=found[2] in {"bullet", "point"})


def _fitted(text: str, wish: _Wish) -> str:
    """Return a text cut to the number of sentences that was wished, as a list where one was."""
    parts = [piece.text.strip() for piece in split_pieces(text)][: wish.sentences]
    return "\n".join(f"- {part}" for part in parts) if wish.listed else " ".join(parts) if wish.sentences else text


def _whole_sentences(text: str) -> str:
    """Return a text that was cut off, to the end of its last whole sentence, where that keeps more than half of it."""
    parts = split_pieces(text)
    kept = text[: len(text) - len(parts[-1])].rstrip() if parts else text
    return kept if len(kept) > len(text) / 2 else text
