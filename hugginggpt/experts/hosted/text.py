"""Text tasks at providers, mostly hf-inference (https://huggingface.co/docs/inference-providers/providers/hf-inference)."""

from __future__ import annotations

import functools
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from hugginggpt.core.errors import ExpertError, InputError
from hugginggpt.core.languages import detect_language, parse_language
from hugginggpt.core.sentences import Piece, pack_pieces, split_pieces
from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.csv_tables import read_rows
from hugginggpt.experts.hosted.options import ask_with_options, may_ask_otherwise
from hugginggpt.experts.hosted.translation import choose_parameters
from hugginggpt.experts.labels import split_labels
from hugginggpt.experts.outputs import tables
from hugginggpt.experts.outputs import text as texts
from hugginggpt.hub.errors import read_hub_refusal

if TYPE_CHECKING:
    from hugginggpt.experts.hosted.pipeline_client import PipelineClient

T = TypeVar("T")

_MAX_CHARS: Final = 1_200
"""Most characters that are sent at once: about 400 tokens, which is what most of these models can read."""
_MAX_SUMMARY_CHARS: Final = 3_000  # the same for summarization models
_MASK, _OTHER_MASK = "[MASK]", "<mask>"  # of BERT and its kin, and of RoBERTa and its
_BAD_REQUEST: Final = 400
_MAX_CLASSES: Final = 10  # most classes of a text that are asked for; a pipeline gives the likeliest alone unless it is told
_MIN_DETECTION_CHARS: Final = 60  # length, in characters, up to which the detected language of a text isn't certain


async def classify(call: Call, client: PipelineClient) -> Result:
    """Run text-classification: a sentence, and all classes with their scores; a long text has the mean over its pieces."""
    pieces, ask = _split_for_models(call.text()), functools.partial(ask_with_options, call)
    found = await _ask_each(call, pieces, lambda piece: ask(client.text_classification, piece.text, top_k=_MAX_CLASSES))
    return _mean_classes([[(entry.label, entry.score) for entry in entries] for entries in found], pieces)


async def find_entities(call: Call, client: PipelineClient) -> Result:
    """Run token-classification: names with their kinds, one a line, and their offsets in the text."""
    text = call.text()
    pieces, ask = _split_for_models(text), functools.partial(ask_with_options, call)
    found = await _ask_each(call, pieces, lambda p: ask(client.token_classification, p.text, aggregation_strategy="first"))
    entries, start = [], 0
    for piece, names in zip(pieces, found, strict=True):
        for name in names:
            entries.append(
                {
                    "entity_group": name.entity_group or "",
                    "score": name.score,
                    "start": start + (name.start or 0),
                    "end": start + (name.end or 0),
                }
            )
        start += len(piece)  # with the space after it, which isn't sent
    return texts.build_entities_result(text, entries)


async def fill_mask(call: Call, client: PipelineClient) -> Result:
    """Run fill-mask: the text with its gap filled, and the likeliest words; each of several gaps is filled for itself.

    A model's mask token isn't known beforehand: a model that doesn't know the first one answers 400.
    """
    from huggingface_hub.errors import HfHubHTTPError

    text = call.text()
    try:
        return await _fill_with(text, _MASK, client)
    except HfHubHTTPError as error:
        refusal = read_hub_refusal(error)
        if error.response.status_code != _BAD_REQUEST or (refusal and refusal.reason):  # about something else
            raise
    return await _fill_with(text, _OTHER_MASK, client)


async def _fill_with(text: str, mask: str, client: PipelineClient) -> Result:
    marked = texts.mask_gaps(text, mask)
    single = [_keep_one_gap(marked, mask, gap) for gap in range(marked.count(mask))]
    found = [await client.fill_mask(each, top_k=2 * texts.MAX_NAMED) for each in single]  # parts of words will be dropped
    return texts.build_gaps_result(
        marked, mask, [[{"token_str": e.token_str, "score": e.score} for e in each] for each in found]
    )


def _keep_one_gap(text: str, mask: str, gap: int) -> str:
    """Return the text with one of its gaps; the others are left out."""
    before, *after = text.split(mask)
    parts = [before]
    for number, part in enumerate(after):
        parts += [mask if number == gap else "", part]
    return "".join(parts)


async def classify_zero_shot(call: Call, client: PipelineClient) -> Result:
    """Run zero-shot-classification: the likeliest of the labels, and all of them with their scores."""
    labels = split_labels(call.text("labels"))
    pieces = _split_for_models(call.text())
    found = await _ask_each(call, pieces, lambda piece: client.zero_shot_classification(piece.text, labels))
    return _mean_classes([[(entry.label, entry.score) for entry in entries] for entries in found], pieces)


async def compare(call: Call, client: PipelineClient) -> Result:
    """Run sentence-similarity: a sentence, and the cosine of the two texts' vectors."""
    return texts.build_similarity_result(await _compare(call, client))


async def _compare(call: Call, client: PipelineClient) -> float:
    """Return the cosine of two texts; an endpoint that makes vectors alone (feature-extraction) is asked for those."""
    from huggingface_hub.errors import HfHubHTTPError

    pair = [call.text(), call.text("other_text")]
    try:
        return float((await client.sentence_similarity(pair[0], pair[1:]))[0])
    except HfHubHTTPError as error:
        if not may_ask_otherwise(call, error):
            raise
    first, second = await client.feature_extraction(pair)
    return float(first @ second / (math.hypot(*first) * math.hypot(*second) or 1.0))


async def summarize(call: Call, client: PipelineClient) -> Result:
    """Run summarization: a shorter text; the summaries of a long text's pieces are joined."""
    pieces = _split_for_models(call.text(), _MAX_SUMMARY_CHARS)
    found = await _ask_each(call, pieces, lambda piece: client.summarization(piece.text))
    return texts.build_text_result(" ".join((each.summary_text or "").strip() for each in found), {"parts": len(pieces)})


async def translate(call: Call, client: PipelineClient) -> Result:
    """Run translation: the text in another language, piece by piece.

    Raises:
        ExpertError: The model isn't for that pair of languages, or has written another one.
    """
    text = call.text()
    target = parse_language(call.text("language")) if call.inputs.get("language") else None
    source = detect_language(text)
    codes = {"source": source.code if source else None, "target": target.code if target else None}
    if target and source == target:  # no call needed
        return texts.build_text_result(text, codes, f"The text is in {target.name} already.")
    parameters = choose_parameters(call.card, source, target)
    pieces = _split_for_models(text)

    def ask(piece: Piece) -> Awaitable[Any]:
        return client.translation(parameters.prefix + piece.text, src_lang=parameters.source, tgt_lang=parameters.target)

    found = await _ask_each(call, pieces, ask)
    joined = "".join(each.translation_text + (piece.gap or " ") for each, piece in zip(found, pieces, strict=True))
    written = detect_language(joined)  # a model may ignore the language that it is asked for
    if not parameters.sure and target and written and written != target and len(joined) > _MIN_DETECTION_CHARS:
        raise ExpertError(f"{call.card.id} wrote {written.name} where {target.name} was wanted: choose another model.")
    return texts.build_text_result(joined, codes | {"target": parameters.into.code if parameters.into else None})


async def answer_from_text(call: Call, client: PipelineClient) -> Result:
    """Run question-answering: the words of the text that answer, and their sentence."""
    text = call.text()
    found = await client.question_answering(call.text("question"), text, handle_impossible_answer=True)
    best = found[0] if isinstance(found, list) else found  # the client's type allows both
    if not best.answer.strip():
        return texts.build_no_answer_result(best.score or 0.0)
    if best.start is None:  # the model has written an answer that doesn't stand in the text
        return texts.build_written_answer_result(best.answer, best.score)
    return texts.build_answer_result(text, int(best.start), int(best.end), best.score)


async def answer_from_table(call: Call, client: PipelineClient) -> Result:
    """Run table-question-answering: the cells that answer, or what they add up to."""
    question, (header, *body) = call.text("question"), read_rows(call)
    table = {name: [row[column] for row in body] for column, name in enumerate(_dedupe(header))}
    found = await client.table_question_answering(table, question)
    aggregator = (found.aggregator or "NONE").upper()  # models that can't add up name none
    return tables.build_cells_result(found.cells, aggregator, found.coordinates)


async def classify_rows(call: Call, client: PipelineClient) -> Result:
    """Run tabular-classification: the table with a column of classes, and a sentence that counts them."""
    header, *body = read_rows(call)
    found = await client.tabular_classification({name: [row[i] for row in body] for i, name in enumerate(_dedupe(header))})
    return tables.build_classified_table(call, header, body, [str(label) for label in found])


def _dedupe(header: Sequence[str]) -> list[str]:
    """Number repeated names of columns: a table is sent as a mapping, which keeps each name once."""
    return [name if header.index(name) == i else f"{name} ({i + 1})" for i, name in enumerate(header)]


def _split_for_models(text: str, limit: int = _MAX_CHARS) -> list[Piece]:
    """Split a text into as few pieces as models can read; joined with their gaps they are the text."""
    return pack_pieces(split_pieces(text) or [Piece(text)], _estimate_length, limit)


def _estimate_length(text: str) -> int:
    """Estimate the length of a text in English letters: in most other scripts each letter is a token of its own."""
    return len(text) + 2 * sum(ord(sign) > 0x24F for sign in text)  # beyond the Latin letters: three letters' worth


async def _ask_each(call: Call, pieces: Sequence[Piece], ask: Callable[[Piece], Awaitable[T]]) -> list[T]:
    found: list[T] = []
    for number, piece in enumerate(pieces):
        call.token.check()
        if len(pieces) > 1:
            call.progress(f"part {number + 1} of {len(pieces)}", number / len(pieces))
        found.append(await ask(piece))
    return found


def _mean_classes(found: Sequence[Sequence[tuple[str, float]]], pieces: Sequence[Piece]) -> Result:
    total = sum(len(piece.text) for piece in pieces) or 1
    means: dict[str, float] = {}
    for piece, entries in zip(pieces, found, strict=True):
        for label, score in entries:
            means[label] = means.get(label, 0.0) + score * len(piece.text) / total  # a short last piece counts less
    if not means:
        raise InputError("The model found no class for this text.")
    ranked: list[dict[str, Any]] = [{"label": n, "score": s} for n, s in sorted(means.items(), key=lambda pair: -pair[1])]
    return texts.build_classes_result(ranked)
