"""Text classification, entities, gaps to fill, and similarity.

The networks are run by transformers' own pipelines (https://huggingface.co/docs/transformers/main_classes/pipelines);
texts that are longer than a network's window go through it in pieces.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hugginggpt.core.sentences import pack_pieces, split_pieces
from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.labels import split_labels
from hugginggpt.experts.local.runtime.runtime import SAFE, SAFE_WEIGHTS, Runtime
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

_AT_ONCE: Final = 16
"""Pieces that go through a network together."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of one call's text."""

    call: int
    text: str
    start: int
    """Start in that text, in characters."""
    tokens: int


def classify(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run text-classification: a sentence each; ``data["classes"]`` holds label and score of all classes, the likeliest first.

    Scores are in 0..1: they add up to 1, or stand each for itself where the model was trained for several labels at
    once. A regression model has one label and its plain value. A long text has the mean over its pieces.

    Raises:
        InputError: A text is empty.
    """
    texts = [call.text() for call in calls]
    load = _loader("text-classification", "AutoModelForSequenceClassification", runtime)
    with runtime.load_model("text classifier", load, calls[0].token) as pipe:
        parts = _parts(texts, pipe)
        found = list(_run(pipe, parts, calls, top_k=None))
        several = pipe.model.config.problem_type == "multi_label_classification"
    return [_classes([(p, f) for p, f in zip(parts, found, strict=True) if p.call == i], several) for i in range(len(calls))]


def _classes(found: Sequence[tuple[_Part, Sequence[Mapping[str, Any]]]], several: bool) -> Result:
    total = sum(part.tokens for part, _ in found)
    means: dict[str, float] = {}
    for part, entries in found:
        for entry in entries:
            means[entry["label"]] = means.get(entry["label"], 0.0) + entry["score"] * part.tokens / total
    ranked = sorted(means.items(), key=lambda pair: -pair[1])
    return build_classes_result([{"label": label, "score": score} for label, score in ranked], several=several)


def find_entities(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run token-classification: names with their kinds, one a line.

    ``data["entities"]`` holds text, label, score (0..1), start and end: characters of the trimmed text, the end behind
    the last one.

    Raises:
        InputError: A text is empty.
    """
    texts = [call.text() for call in calls]
    load = _loader("token-classification", "AutoModelForTokenClassification", runtime)
    # a pipeline says so with every token of a vocabulary that has no word boundaries; what it does instead is corrected
    # by `build_entities_result`
    warnings.filterwarnings("ignore", "Tokenizer does not support real words", UserWarning)
    names: list[list[dict[str, Any]]] = [[] for _ in texts]
    with runtime.load_model("entity finder", load, calls[0].token) as pipe:
        parts = _parts(texts, pipe)
        for part, found in zip(parts, _run(pipe, parts, calls, aggregation_strategy="first"), strict=True):
            # a pipeline counts the characters of the part that it is given
            names[part.call] += [
                {**entry, "start": part.start + int(entry["start"]), "end": part.start + int(entry["end"])} for entry in found
            ]
    return [build_entities_result(text, found) for text, found in zip(texts, names, strict=True)]


def fill_gap(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run fill-mask: the text with its gaps filled, and for each gap the likeliest words.

    A gap is written as ``[MASK]``, ``<mask>``, the model's own mask token, ``___`` or ``…``. ``data["gaps"]`` holds for
    each its candidates (word, and score in 0..1), each gap filled for itself; ``data["filled"]`` the text.

    Raises:
        InputError: There is no gap.
    """
    (call,) = calls
    text = call.text()
    load = _loader("fill-mask", "AutoModelForMaskedLM", runtime)
    with runtime.load_model("gap filler", load, call.token) as pipe:
        mask = pipe.tokenizer.mask_token
        text = mask_gaps(text, mask)
        parts = [part for part in _parts([text], pipe) if mask in part.text]
        found: list[Any] = []
        for part in parts:
            call.token.check()
            entries = pipe(part.text, top_k=2 * MAX_NAMED)
            found += entries if isinstance(entries[0], list) else [entries]  # a list for each gap where there are several
    return [build_gaps_result(text, mask, found)]


def sort_into_labels(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run zero-shot-classification: the likeliest labels; ``data["classes"]`` holds all with scores (0..1) that add up to 1.

    Each label is tried as the hypothesis "This example is LABEL." of a natural language inference model (Yin et al.,
    "Benchmarking zero-shot text classification", EMNLP 2019). A long text has the mean over its pieces.

    Raises:
        InputError: The text is empty, or there are fewer than two labels.
    """
    (call,) = calls
    text, labels = call.text(), split_labels(call.text("labels"))
    load = _loader("zero-shot-classification", "AutoModelForSequenceClassification", runtime)
    with runtime.load_model("inference model", load, call.token) as pipe:
        longest = max(map(make_token_counter(pipe.tokenizer), labels)) + make_token_counter(pipe.tokenizer)("This example is .")
        parts = _parts([text], pipe, longest + 2)
        found = list(_run(pipe, parts, calls, candidate_labels=labels))
    entries = [[{"label": n, "score": s} for n, s in zip(f["labels"], f["scores"], strict=True)] for f in found]
    return [_classes(list(zip(parts, entries, strict=True)), several=False)]


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
        cosine = float(encoder.vector(first, call) @ encoder.vector(second, call))
    return [build_similarity_result(cosine)]


def _loader(task: str, auto: str, runtime: Runtime) -> Callable[[Checkpoint], Any]:
    """Return what loads a checkpoint as a pipeline whose tokenizer knows how much the model reads."""

    def load(checkpoint: Checkpoint) -> Any:
        import transformers

        tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint.folder, **SAFE)
        model = getattr(transformers, auto).from_pretrained(checkpoint.folder, dtype=runtime.dtype, **SAFE_WEIGHTS)
        tokenizer.model_max_length = compute_text_window(tokenizer, model.config) + tokenizer.num_special_tokens_to_add()
        make: Any = transformers.pipeline  # its overloads want the task as a literal
        return make(task, model=model.to(runtime.device.name).eval(), tokenizer=tokenizer, device=runtime.device.name)

    return load


def _parts(texts: Sequence[str], pipe: Any, kept_free: int = 0) -> list[_Part]:
    """Return the pieces of all texts, none longer than the pipeline's model reads less `kept_free` tokens."""
    count = make_token_counter(pipe.tokenizer)
    room = max(pipe.tokenizer.model_max_length - pipe.tokenizer.num_special_tokens_to_add() - kept_free, 1)
    parts = []
    for number, text in enumerate(texts):
        start = 0
        for piece in pack_pieces(split_pieces(text), count, room):
            parts.append(_Part(number, piece.text, start, max(count(piece.text), 1)))
            start += len(piece)
    return parts


def _run(pipe: Any, parts: Sequence[_Part], calls: Sequence[Call], **options: Any) -> Iterator[Any]:
    """Yield what a pipeline finds in each part; looks between batches whether anybody still wants it."""
    size = _AT_ONCE if pipe.tokenizer.pad_token else 1
    for start in range(0, len(parts), size):
        check_still_wanted(calls)
        some = [part.text for part in parts[start : start + size]]
        if len(parts) > size:
            for call in calls:
                call.progress(f"Reading, part {start + 1} of {len(parts)}", start / len(parts))
        yield from pipe(some, batch_size=size, **options)


def check_still_wanted(calls: Sequence[Call]) -> None:
    """Look between steps of work that is done for several calls together.

    Raises:
        StoppedError: Nobody waits for any of them any more.
    """
    for call in calls:
        if not call.token.cancelled:
            call.token.check()
            return
    calls[0].token.check()
