"""Findings about a text, or told as one: classes, names, words for gaps, likeness, answers."""

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
_LIKELY: Final = 0.5
_TRIMMED: Final = " \t\r\n.,;:!?…\"'“”‘’„«»()[]{}"
"""Characters around a name that don't belong to it."""
_KINDS: Final = {
    "PER": "person", "PERSON": "person", "LOC": "place", "GPE": "place", "ORG": "organisation", "MISC": "other name",
    "DATE": "date", "TIME": "time", "MONEY": "sum of money", "NORP": "people", "FAC": "building", "EVENT": "event",
}  # fmt: skip
"""Meaning of the usual corpora's labels (CoNLL-2003, OntoNotes 5); others are given as they are."""
_GAPS: Final = (r"\[MASK\]|<mask>|<extra_id_0>", r"_{2,}", r"…|\.{3,}")
"""Ways in which people write gaps, the surest first: dots are a gap only where there is no other."""
_SAME, _RELATED = 0.75, 0.4
"""Cosines of sentence vectors from which texts are called the same in meaning, and related."""


def build_text_result(text: str, data: Mapping[str, Any] | None = None, note: str = "") -> Result:
    """Return a text that a model wrote, without the white space around it.

    Args:
        text: The text.
        data: Goes with it.
        note: One sentence for the person.

    Raises:
        ExpertError: It is empty.
    """
    if not text.strip():
        raise ExpertError("The model wrote nothing: try another one.")
    return Result((Output(Kind.TEXT, text=text.strip(), data=data or {}),), note=note)


def build_classes_result(found: Sequence[Mapping[str, Any]], *, several: bool = False, shares: bool = False) -> Result:
    """Return the classes that something may belong to: a sentence, and ``data["classes"]`` with label and score of each.

    Args:
        found: label and score (0..1) of at least one, the likeliest first; the lone label of a regression model has its
            plain value as score.
        several: Whether each score stands for itself, so that the sentence names all that are likely.
        shares: Whether the score of a lone label is a share too, to be told as a percentage; else it is told as the
            plain value that it is in a regression model.
    """
    ranked = [{"label": entry["label"], "score": round(float(entry["score"]), 4)} for entry in found]
    if len(ranked) == 1 and not shares:
        text = f"{ranked[0]['label']}: {ranked[0]['score']:.2f}."
    elif several and (likely := [entry for entry in ranked if entry["score"] >= _LIKELY]):
        text = ", ".join(f"{entry['label']} ({entry['score']:.0%})" for entry in likely[:MAX_NAMED]) + "."
    else:
        text = describe_classes(ranked)
    return Result((Output(Kind.TEXT, text=text, data={"classes": ranked}),))


def describe_classes(ranked: Sequence[Mapping[str, Any]]) -> str:
    """Return labels with their scores (0..1), the likeliest first: "tabby (91%); less likely lynx (4%), cup (1%)." """
    told = [f"{entry['label']} ({entry['score']:.0%})" for entry in ranked]
    return f"{told[0]}; less likely {', '.join(told[1:3])}." if len(told) > 1 else f"{told[0]}."


def build_entities_result(text: str, found: Iterable[Mapping[str, Any]]) -> Result:
    """Return names with their kinds, one a line.

    Args:
        text: What they stand in.
        found: As pipelines of token classification give them: entity_group, score (0..1), start and end (characters of
            `text`, the end behind the last one), in their order.

    Returns:
        One text; ``data["entities"]`` holds text, label, score, start and end of each. Quotes, brackets and stops around
        a name are not part of it, and what is nothing else is left out.
    """
    names = [name for entry in found if (name := _entity(text, entry))]
    counted = Counter((" ".join(name["text"].split()), _KINDS.get(name["label"].upper(), name["label"])) for name in names)
    lines = [f"{name}: {kind}" + (f", {count} times" if count > 1 else "") for (name, kind), count in counted.items()]
    told = "\n".join(lines) or "There are no names in the text."
    return Result((Output(Kind.TEXT, text=told, data={"entities": names}),))


def _entity(text: str, entry: Mapping[str, Any]) -> dict[str, Any] | None:
    start, end = int(entry["start"]), int(entry["end"])
    while start < end and text[start] in _TRIMMED:
        start += 1
    while end > start and text[end - 1] in _TRIMMED:
        end -= 1
    if start == end:
        return None
    score = round(float(entry["score"]), 4)
    return {"text": text[start:end], "label": entry["entity_group"], "score": score, "start": start, "end": end}


def mask_gaps(text: str, mask: str) -> str:
    """Return a text with its gaps (``[MASK]``, ``<mask>``, the model's own mask, ``___``, ``…``) as the model writes them.

    Args:
        text: With one way of writing gaps; where there are several, the surest counts.
        mask: The model's mask token.

    Raises:
        InputError: There is no gap.
    """
    for pattern in (f"{_GAPS[0]}|{re.escape(mask)}", *_GAPS[1:]):
        marked, count = re.subn(pattern, lambda _: mask, text, flags=re.IGNORECASE)
        if count:
            return marked
    raise InputError("There is no gap in the text: write ___ where a word is missing.")


def build_gaps_result(text: str, mask: str, found: Sequence[Sequence[Mapping[str, Any]]]) -> Result:
    """Return a text with its gaps filled, and the likeliest words for each.

    Args:
        text: As `mask_gaps` gives it.
        mask: How a gap is written in it.
        found: For each gap, as pipelines that fill masks give them: token_str and score (0..1) of at least one
            candidate, the likeliest first. Ask for twice `MAX_NAMED`: parts of words are left out where there are whole ones.

    Returns:
        One text; ``data["gaps"]`` holds for each gap up to five candidates (word, score), each gap filled for itself;
        ``data["filled"]`` the text with the likeliest ones.
    """
    words = [_candidates(entries) for entries in found]
    filled = text
    for candidates in words:
        filled = filled.replace(mask, candidates[0]["word"], 1)
    lines = [", ".join(f"{entry['word']} ({entry['score']:.0%})" for entry in candidates) for candidates in words]
    numbered = [f"Gap {number}: {line}." for number, line in enumerate(lines, 1)] if len(lines) > 1 else [f"{lines[0]}."]
    return Result((Output(Kind.TEXT, text="\n".join([filled, *numbered]), data={"gaps": words, "filled": filled}),))


def _candidates(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the likeliest whole words; parts of words only where there is nothing else."""
    words = [{"word": entry["token_str"].strip(), "score": round(entry["score"], 4)} for entry in entries]
    whole = [entry for entry in words if entry["word"] and not entry["word"].startswith("##")]
    return (whole or words)[:MAX_NAMED]


def build_similarity_result(cosine: float) -> Result:
    """Return how alike two texts are: a sentence; ``data["similarity"]`` is the cosine of their vectors, cut to -1..1."""
    value = round(min(max(cosine, -1.0), 1.0), 4)
    said = "much the same" if value >= _SAME else "related things" if value >= _RELATED else "different things"
    text = f"Similarity {value:.2f}: the two texts say {said}."
    return Result((Output(Kind.TEXT, text=text, data={"similarity": value}),))


def build_answer_result(text: str, start: int, end: int, score: float) -> Result:
    """Return the words of a text that answer a question, and the sentence they stand in.

    Args:
        text: What was searched.
        start: Where the answer begins in it, in characters.
        end: Behind its last character.
        score: Its probability, 0..1.

    Returns:
        One text; ``data`` holds answer, score, start, end and sentence.
    """
    answer, sentence = text[start:end], _sentence_at(text, start)
    said = answer if answer == sentence else f"{answer} (“{sentence}”)"
    data = {"answer": answer, "score": round(score, 4), "start": start, "end": end, "sentence": sentence}
    return Result((Output(Kind.TEXT, text=said, data=data),))


def build_no_answer_result(score: float) -> Result:
    """Return the result for a text without an answer; ``data`` as in `build_answer_result`, with empty strings and None.

    Args:
        score: The probability of the best that was found all the same, 0..1; 0 where there is none.
    """
    data = {"answer": "", "score": round(score, 4), "start": None, "end": None, "sentence": ""}
    return Result((Output(Kind.TEXT, text="The answer is not in the text.", data=data),))


def _sentence_at(text: str, place: int) -> str:
    start = 0
    for piece in split_pieces(text):
        start += len(piece)
        if place < start:
            return piece.text.strip()
    return text
