"""Classes, names, gaps and similarity of texts.

The networks are run by transformers' own pipelines (https://huggingface.co/docs/transformers/main_classes/pipelines);
texts longer than a network's window go through it in pieces.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hugginggpt.core.sentences import pack_pieces, split_pieces
from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.labels import split_labels
from hugginggpt.experts.local.class_scores import has_independent_labels, is_regression
from hugginggpt.experts.local.runtime.runtime import SAFE, Runtime, select_weights
from hugginggpt.experts.local.text.embeddings import load_encoder
from hugginggpt.experts.local.text.token_budget import compute_text_window, make_token_counter
from hugginggpt.experts.outputs.text import (
    MAX_NAMED,
    build_classes_result,
    build_entities_result,
    build_gaps_result,
    build_similarity_result,
    mask_gaps,
)
from hugginggpt.hub.cache import Checkpoint

_BATCH_SIZE: Final = 16  # most pieces of text that go through a network at once


@dataclass(frozen=True, slots=True)
class _Part:
    """Piece of a call's text."""

    call: int
    text: str
    start: int
    """Its start in that text, in characters."""
    tokens: int


def classify(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run text-classification: a sentence each; ``data["classes"]`` has label and score of all classes, the likeliest first.

    Scores are in 0..1: they add up to 1, or are independent where several labels may hold, or none. A regression model's are
    plain values. The scores of a long text are the mean over its pieces.

    Raises:
        InputError: A text is empty.
    """
    texts = [call.text() for call in calls]
    load = _make_loader("text-classification", "AutoModelForSequenceClassification", runtime)
    with runtime.load_model("text classifier", load, calls[0].token) as pipe:
        parts = _split_into_parts(texts, pipe)
        found = list(_run_batches(pipe, parts, calls, top_k=None))
        config = pipe.model.config
    by_call = [[(p, f) for p, f in zip(parts, found, strict=True) if p.call == i] for i in range(len(calls))]
    if is_regression(config):
        return [build_classes_result(_average(parts), values=True) for parts in by_call]
    several = has_independent_labels(config)
    return [build_classes_result(_average(parts), several=several, shares=True) for parts in by_call]


def _average(found: Sequence[tuple[_Part, Sequence[Mapping[str, Any]]]]) -> list[dict[str, Any]]:
    """Return the scores of one text, likeliest first: the mean over its parts, weighted by their tokens."""
    total = sum(part.tokens for part, _ in found)  # pieces differ in length: a short rest counts for little
    means: dict[str, float] = {}
    for part, entries in found:
        for entry in entries:
            means[entry["label"]] = means.get(entry["label"], 0.0) + entry["score"] * part.tokens / total
    ranked = sorted(means.items(), key=lambda pair: -pair[1])
    return [{"label": label, "score": score} for label, score in ranked]


def find_entities(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run token-classification: names with their kinds, one a line.

    ``data["entities"]`` has text, label, score (0..1), start and end: offsets in the trimmed text, in characters, the end
    exclusive.

    Raises:
        InputError: A text is empty.
    """
    texts = [call.text() for call in calls]
    load = _make_loader("token-classification", "AutoModelForTokenClassification", runtime)
    # the pipeline warns at every token of a vocabulary without word boundaries; `entities` corrects the spans it makes then
    warnings.filterwarnings("ignore", "Tokenizer does not support real words", UserWarning)
    names: list[list[dict[str, Any]]] = [[] for _ in texts]
    with runtime.load_model("entity finder", load, calls[0].token) as pipe:
        parts = _split_into_parts(texts, pipe)
        for part, found in zip(parts, _run_batches(pipe, parts, calls, aggregation_strategy="first"), strict=True):
            # the pipeline's offsets count from the start of the part
            names[part.call] += [
                {**entry, "start": part.start + int(entry["start"]), "end": part.start + int(entry["end"])} for entry in found
            ]
    return [build_entities_result(text, found) for text, found in zip(texts, names, strict=True)]


def fill_mask(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run fill-mask: the text with its gaps filled, and the likeliest words for each gap.

    A gap is written as ``[MASK]``, ``<mask>``, the model's own mask token, ``___`` or ``…``. ``data["gaps"]`` has
    the candidates of each gap (word, and score in 0..1), independent of the other gaps; ``data["filled"]`` the text.

    Raises:
        InputError: There is no gap.
    """
    (call,) = calls
    text = call.text()
    load = _make_loader("fill-mask", "AutoModelForMaskedLM", runtime)
    with runtime.load_model("gap filler", load, call.token) as pipe:
        mask = pipe.tokenizer.mask_token
        text = mask_gaps(text, mask)  # the pipeline knows only its own
        parts = [part for part in _split_into_parts([text], pipe) if mask in part.text]  # the pipeline refuses others
        found: list[Any] = []
        for part in parts:
            call.token.check()
            entries = pipe(part.text, top_k=2 * MAX_NAMED)  # `gaps` drops parts of words
            found += entries if isinstance(entries[0], list) else [entries]  # one list per gap where a part has several
    return [build_gaps_result(text, mask, found)]


def classify_zero_shot(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run zero-shot-classification: the likeliest labels; ``data["classes"]`` has all, with scores (0..1) that add up to 1.

    Each label is tried as the hypothesis "This example is LABEL." of a natural language inference model (Yin et al.,
    "Benchmarking zero-shot text classification", EMNLP 2019). A long text's scores are the mean over its pieces.

    Raises:
        InputError: The text is empty, or there are fewer than two labels.
    """
    (call,) = calls
    text, labels = call.text(), split_labels(call.text("labels"))
    load = _make_loader("zero-shot-classification", "AutoModelForSequenceClassification", runtime)
    with runtime.load_model("inference model", load, call.token) as pipe:
        # a pair of text and hypothesis: the pipeline cuts what doesn't fit, so the longest hypothesis gets its room first
        count = make_token_counter(pipe.tokenizer)
        parts = _split_into_parts([text], pipe, max(map(count, labels)) + count("This example is .") + 2)
        found = list(_run_batches(pipe, parts, calls, candidate_labels=labels))
    entries = [[{"label": n, "score": s} for n, s in zip(f["labels"], f["scores"], strict=True)] for f in found]
    return [build_classes_result(_average(list(zip(parts, entries, strict=True))), shares=True)]


def compare(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run sentence-similarity: a sentence; ``data["similarity"]`` is the cosine of the two texts' vectors, -1..1.

    Raises:
        InputError: One of the texts is empty.
        ExpertError: The checkpoint has modules that can't be run here.
    """
    import torch

    (call,) = calls
    first, second = call.text(), call.text("other_text")
    load: Callable[[Checkpoint], Any] = lambda checkpoint: load_encoder(checkpoint, runtime)  # noqa: E731
    with runtime.load_model("sentence encoder", load, call.token) as encoder, torch.inference_mode():
        cosine = float(encoder.embed(first, call) @ encoder.embed(second, call))  # unit vectors
    return [build_similarity_result(cosine)]


def _make_loader(task: str, class_name: str, runtime: Runtime) -> Callable[[Checkpoint], Any]:
    """Return a function that loads a checkpoint as a pipeline whose tokenizer knows the model's window."""

    def load(checkpoint: Checkpoint) -> Any:
        import transformers

        tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint.folder, **SAFE)
        model = getattr(transformers, class_name).from_pretrained(
            checkpoint.folder, dtype=runtime.dtype, **select_weights(checkpoint)
        )
        tokenizer.model_max_length = compute_text_window(tokenizer, model.config) + tokenizer.num_special_tokens_to_add()
        make: Any = transformers.pipeline  # its overloads want the task as a literal
        return make(task, model=model.to(runtime.device.name).eval(), tokenizer=tokenizer, device=runtime.device.name)

    return load


def _split_into_parts(texts: Sequence[str], pipe: Any, reserved: int = 0) -> list[_Part]:
    """Split texts into parts that fit the model's window and leave `reserved` tokens of it free."""
    count = make_token_counter(pipe.tokenizer)
    room = max(pipe.tokenizer.model_max_length - pipe.tokenizer.num_special_tokens_to_add() - reserved, 1)
    parts = []
    for number, text in enumerate(texts):
        start = 0
        for piece in pack_pieces(split_pieces(text), count, room):
            parts.append(_Part(number, piece.text, start, max(count(piece.text), 1)))  # a weight of 0 would lose it
            start += len(piece)  # with the gap behind it
    return parts


def _run_batches(pipe: Any, parts: Sequence[_Part], calls: Sequence[Call], **options: Any) -> Iterator[Any]:
    """Yield a pipeline's findings in each part; check the calls' tokens between batches."""
    size = _BATCH_SIZE if pipe.tokenizer.pad_token else 1  # texts of different lengths need padding to share a batch
    for start in range(0, len(parts), size):
        check_cancelled(calls)
        batch = [part.text for part in parts[start : start + size]]
        if len(parts) > size:
            for call in calls:
                call.progress(f"Reading, part {start + 1} of {len(parts)}", start / len(parts))
        yield from pipe(batch, batch_size=size, **options)


def check_cancelled(calls: Sequence[Call]) -> None:
    """Check the tokens of calls that are worked on together, between two steps.

    Raises:
        StoppedError: All of the calls are cancelled.
    """
    for call in calls:
        if not call.token.cancelled:
            call.token.check()
            return
    calls[0].token.check()
