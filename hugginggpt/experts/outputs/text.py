"""Builders of text results: generated text, classes, named entities, filled gaps, similarity, answers."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from hugginggpt.core.errors import ExpertError, InputError
from hugginggpt.core.sentences import split_pieces
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Output, Result

MAX_NAMED: Final = 5
"""Most classes or candidates that a sentence names."""
_MIN_LIKELY_SCORE: Final = 0.5  # lowest score at which one of several independent classes is named
_NAME_BORDER_CHARS: Final = " \t\r\n.,;:!?…\"'“”‘’„«»()[]{}"
"""Characters that may surround a name without belonging to it."""
_ENTITY_KINDS: Final = {
    "PER": "person", "PERSON": "person", "LOC": "place", "GPE": "place", "ORG": "organisation", "MISC": "other name",
    "DATE": "date", "TIME": "time", "MONEY": "sum of money", "NORP": "people", "FAC": "building", "EVENT": "event",
}  # fmt: skip
"""Meanings of the labels of the usual corpora (CoNLL-2003, OntoNotes 5); other labels are shown unchanged."""
_GAP_PATTERNS: Final = (r"\[MASK\]|<mask>|<extra_id_0>", r"_{2,}", r"…|\.{3,}")
"""Ways of writing a gap, surest first: dots count as a gap only if nothing surer is there."""
_SAME_COSINE, _RELATED_COSINE = 0.75, 0.4
"""Lowest cosines of sentence vectors at which texts are called the same in meaning, and related."""


def build_text_result(text: str, data: Mapping[str, Any] | None = None, note: str = "") -> Result:
    """Build the result of a model that wrote a text; white space around it is stripped.

    Raises:
        ExpertError: The text is empty.
    """
    if not text.strip():
        raise ExpertError("The model wrote nothing: try another one.")
    return Result((Output(Kind.TEXT, text=text.strip(), data=data or {}),), note=note)


def build_classes_result(
    found: Sequence[Mapping[str, Any]], *, several: bool = False, shares: bool = False, values: bool = False
) -> Result:
    """Name the likeliest classes in a sentence; ``data["classes"]`` holds label and score of each.

    Args:
        found: label and score (0..1) of at least one class, likeliest first; a regression model gives a lone label with a
            plain value as its score.
        several: Whether the scores are independent (multi-label), so that the sentence names all likely classes.
        shares: Whether the score of a lone label is a share too, shown as a percentage; if not, it is a regression
            model's plain value.
        values: Whether the scores are a regression model's plain values.
    """
    ranked = [{"label": entry["label"], "score": round(float(entry["score"]), 4)} for entry in found]
    if values or (len(ranked) == 1 and not shares):
        text = ", ".join(f"{entry['label']}: {entry['score']:.2f}" for entry in ranked[:MAX_NAMED]) + "."
    elif several and (likely := [entry for entry in ranked if entry["score"] >= _MIN_LIKELY_SCORE]):
        text = ", ".join(_name_score(entry) for entry in likely[:MAX_NAMED]) + "."
    elif several:
        text = f"None of the model's labels is likely: {', '.join(_name_score(entry) for entry in ranked[:3])}."
    else:
        text = describe_classes(ranked)
    return Result((Output(Kind.TEXT, text=text, data={"classes": ranked}),))


def _name_score(entry: Mapping[str, Any]) -> str:
    return f"{entry['label']} ({entry['score']:.0%})"


def describe_classes(ranked: Sequence[Mapping[str, Any]]) -> str:
    """Name labels with their scores (0..1), likeliest first: "tabby (91%); less likely lynx (4%), cup (1%)." """
    named = [_name_score(entry) for entry in ranked]
    return f"{named[0]}; less likely {', '.join(named[1:3])}." if len(named) > 1 else f"{named[0]}."


def build_entities_result(text: str, found: Iterable[Mapping[str, Any]]) -> Result:
    """List named entities with their kinds, one a line.

    Args:
        text: The text that holds them.
        found: Entities in order, as token classification pipelines return them: entity_group, score (0..1), start and end
            (character offsets in `text`, end exclusive).

    Returns:
        One text; ``data["entities"]`` holds text, label, score, start and end of each. Quotes, brackets and stops around
        a name are trimmed; entities of nothing else are dropped.
    """
    names = [name for entry in found if (name := _trim_entity(text, entry))]
    counts = Counter(
        (" ".join(name["text"].split()), _ENTITY_KINDS.get(name["label"].upper(), name["label"])) for name in names
    )
    lines = [f"{name}: {kind}" + (f", {count} times" if count > 1 else "") for (name, kind), count in counts.items()]
    listed = "\n".join(lines) or "There are no names in the text."
    return Result((Output(Kind.TEXT, text=listed, data={"entities": names}),))


def _trim_entity(text: str, entry: Mapping[str, Any]) -> dict[str, Any] | None:
    start, end = int(entry["start"]), int(entry["end"])
    while start < end and text[start] in _NAME_BORDER_CHARS:
        start += 1
    while end > start and text[end - 1] in _NAME_BORDER_CHARS:
        end -= 1
    if start == end:
        return None
    score = round(float(entry["score"]), 4)
    return {"text": text[start:end], "label": entry["entity_group"], "score": score, "start": start, "end": end}


def mask_gaps(text: str, mask: str) -> str:
    """Replace the gaps of a text (``[MASK]``, ``<mask>``, the model's own mask, ``___``, ``…``) by the model's mask token.

    Args:
        text: A text with gaps; if they are written in several ways, only the surest counts.
        mask: The model's mask token.

    Raises:
        InputError: There is no gap.
    """
    for pattern in (f"{_GAP_PATTERNS[0]}|{re.escape(mask)}", *_GAP_PATTERNS[1:]):
        marked, count = re.subn(pattern, lambda _: mask, text, flags=re.IGNORECASE)
        if count:
            return marked
    raise InputError("There is no gap in the text: write ___ where a word is missing.")


def build_gaps_result(text: str, mask: str, found: Sequence[Sequence[Mapping[str, Any]]]) -> Result:
    """Fill the gaps of a text, and list the likeliest words for each.

    Args:
        text: A text as `mask_gaps` returns it.
        mask: The mask token in it.
        found: For each gap, as fill-mask pipelines return them: token_str and score (0..1) of at least one candidate,
            likeliest first. Ask for twice `MAX_NAMED`: parts of words are dropped if there are whole ones.

    Returns:
        One text; ``data["gaps"]`` holds up to five candidates (word, score) per gap, each gap filled independently;
        ``data["filled"]`` is the text with the likeliest ones.
    """
    words = [_rank_candidates(entries) for entries in found]
    filled = text
    for candidates in words:
        filled = filled.replace(mask, candidates[0]["word"], 1)  # the next gap: those before are filled already
    lines = [", ".join(f"{entry['word']} ({entry['score']:.0%})" for entry in candidates) for candidates in words]
    numbered = [f"Gap {number}: {line}." for number, line in enumerate(lines, 1)] if len(lines) > 1 else [f"{lines[0]}."]
    return Result((Output(Kind.TEXT, text="\n".join([filled, *numbered]), data={"gaps": words, "filled": filled}),))


def _rank_candidates(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the likeliest whole words, or parts of words if there is nothing else."""
    words = [{"word": entry["token_str"].strip(), "score": round(entry["score"], 4)} for entry in entries]
    whole = [entry for entry in words if entry["word"] and not entry["word"].startswith("##")]  # WordPiece
    return (whole or words)[:MAX_NAMED]


def build_similarity_result(cosine: float) -> Result:
    """Build a sentence on the similarity of two texts; ``data["similarity"]`` is their vectors' cosine, clipped to -1..1."""
    value = round(min(max(cosine, -1.0), 1.0), 4)
    verdict = "much the same" if value >= _SAME_COSINE else "related things" if value >= _RELATED_COSINE else "different things"
    text = f"Similarity {value:.2f}: the two texts say {verdict}."
    return Result((Output(Kind.TEXT, text=text, data={"similarity": value}),))


def build_answer_result(text: str, start: int, end: int, score: float | None) -> Result:
    """Quote the words of a text that answer a question, and their sentence.

    Args:
        text: The text that was searched.
        start: Offset of the answer in it, in characters.
        end: Offset behind its last character.
        score: Probability of the answer, 0..1; None where the model doesn't tell.

    Returns:
        One text; ``data`` holds answer, score, start, end and sentence.
    """
    answer, sentence = text[start:end], _find_sentence(text, start)
    quoted = answer if answer == sentence else f"{answer} (“{sentence}”)"
    data = {"answer": answer, "score": _round_score(score), "start": start, "end": end, "sentence": sentence}
    return Result((Output(Kind.TEXT, text=quoted, data=data),))


def build_written_answer_result(answer: str, score: float | None) -> Result:
    """Give an answer that a model has written in its own words; ``data`` as in `build_answer_result`, with None offsets."""
    data = {"answer": answer, "score": _round_score(score), "start": None, "end": None, "sentence": ""}
    return build_text_result(answer, data)


def _round_score(score: float | None) -> float | None:
    return None if score is None else round(score, 4)


def build_no_answer_result(score: float) -> Result:
    """Say that a text doesn't answer a question; ``data`` as in `build_answer_result`, with empty texts and None offsets.

    Args:
        score: Probability of the best rejected answer, 0..1; 0 if there is none.
    """
    data = {"answer": "", "score": round(score, 4), "start": None, "end": None, "sentence": ""}
    return Result((Output(Kind.TEXT, text="I did not find it in the text.", data=data),))


def _find_sentence(text: str, offset: int) -> str:
    """Return the sentence around a character offset, stripped."""
    start = 0
    for piece in split_pieces(text):
        start += len(piece)
        if offset < start:
            return piece.text.strip()
    return text
