"""Extractive summaries, by comparing a text's sentences with MiniLM.

Nothing is generated: a summary consists of the text's own sentences, so it can't invent anything.
"""

import re
from collections.abc import Sequence
from typing import Final

from hugginggpt.core.page_marks import strip_page_marks
from hugginggpt.core.sentences import split_sentences, strip_item_mark
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.bundled.embeddings import embed_texts
from hugginggpt.experts.languages import describe_foreign_text

_MAX_SENTENCES: Final = 1_500
_LEAD_BONUS: Final = 0.10  # added to the score (0..1) of a text's first sentence; it decays over the next ones
_REDUNDANCY_PENALTY: Final = 0.7  # weight of a sentence's similarity to sentences that are already chosen
_NUMBER_WORDS: Final = {word: n for n, word in enumerate("one two three four five six seven eight nine ten".split(), 1)}
_LENGTH_PATTERN: Final = re.compile(
    rf"\b(\d{{1,3}}|an?|{'|'.join(_NUMBER_WORDS)})[\s-]+(?:\w+\s+)?(sentence|bullet|point|line)s?\b", re.IGNORECASE
)
_STOPS: Final = ".!?…。！？।؟\"'”’»)"
_TROUBLE: Final = re.compile(r"\b(?:ERROR|FATAL|CRITICAL|SEVERE)\b|\b(?:error|failed|failure|exception)\b", re.IGNORECASE)
"""Words of the lines that a log is read for."""
_MAX_LENGTH: Final = 10  # longest summary, in sentences


def summarize(call: Call) -> Result:
    """Run summarization: some of the text's own sentences, in order.

    They are a fifth of all, two to six, unless the optional input `instruction` asks for a number ("three sentences",
    "five bullet points"): one to ten, as a list if bullets or points are asked for.

    Returns:
        One text; ``data["sentences"]`` holds the chosen sentences, ``data["of"]`` counts those of the text.
    """
    sentences = _list_points(call.text())[:_MAX_SENTENCES] or [call.text()]
    has_stops = _is_prose(sentences)
    count, listed = parse_length(str(call.inputs.get("instruction") or ""))
    target = count or min(max(2, round(len(sentences) / 5)), 6)
    chosen = sentences if len(sentences) <= target else select_central_sentences(sentences, target, call)
    note = (
        "The text is so short that it is its own summary."
        if len(sentences) <= target
        else f"Made of {len(chosen)} of the text's own {len(sentences)} {'sentences' if has_stops else 'lines'}, word for word."
    )
    as_list = listed or (len(chosen) > 1 and not has_stops)  # in a row, lines without a full stop would run into each other
    text = "\n".join(f"- {sentence}" for sentence in chosen) if as_list else " ".join(chosen)
    return Result(
        (Output(Kind.TEXT, text=text, data={"sentences": chosen, "of": len(sentences)}),),
        note=f"{note} {describe_foreign_text(call)}".strip(),
    )


def parse_length(instruction: str) -> tuple[int | None, bool]:
    """Return the number of sentences that an instruction asks for (1..10, None if it names none), and whether it wants a list.

    >>> parse_length("in five bullet points")
    (5, True)
    """
    found = _LENGTH_PATTERN.search(instruction)
    listed = bool(re.search(r"\b(?:bullet|point)", instruction, re.IGNORECASE))
    if not found:
        return None, listed
    word = found[1].lower()
    count = int(word) if word.isdigit() else _NUMBER_WORDS.get(word, 1)  # "a sentence"
    return min(max(count, 1), _MAX_LENGTH), listed


def _list_points(text: str) -> list[str]:
    """Return what a summary may be made of, in order, each once: sentences, but no headings; of notes and chats every line."""
    sentences = [strip_item_mark(sentence) for sentence in split_sentences(strip_page_marks(text))]
    if _is_prose(sentences):
        return list(dict.fromkeys(s for s in sentences if not _is_heading(s)))
    return list(dict.fromkeys(s for s in sentences if not _has_nothing_to_say(s)))


def _is_prose(sentences: Sequence[str]) -> bool:
    """Tell whether most sentences end in a stop; those of lists, chats and logs don't."""
    return sum(sentence[-1] in _STOPS for sentence in sentences) > len(sentences) / 2


def _is_heading(sentence: str) -> bool:
    return len(sentence.split()) < 10 and sentence[-1].isalnum()


def _has_nothing_to_say(line: str) -> bool:
    """Tell whether a line introduces others ("To do:"), or is a rule or a lone mark."""
    return line.endswith(":") or not re.search(r"\w\w", line)


def select_central_sentences(sentences: Sequence[str], count: int, call: Call | None = None) -> list[str]:
    """Return the `count` sentences nearest to the whole text's meaning and least like each other, in order."""
    import numpy as np

    vectors = embed_texts(sentences, call)
    alike = vectors @ vectors.T
    whole = vectors.mean(0) / (np.linalg.norm(vectors.mean(0)) + 1e-9)
    score = 0.5 * (vectors @ whole) + 0.5 * (np.maximum(alike, 0).sum(1) - 1) / max(len(sentences) - 1, 1)  # - 1: itself
    score = (score - score.min()) / (np.ptp(score) + 1e-9)  # 1e-9: all may be equally central
    score += _LEAD_BONUS * np.exp(-np.arange(len(sentences)) / 2.0)
    words = np.array([len(sentence.split()) for sentence in sentences])
    if not _is_prose(sentences):
        score += 0.3 * np.array([bool(_TROUBLE.search(sentence)) for sentence in sentences])
    # fragments, very long sentences and questions make poor summaries
    score -= 0.5 * (words < 6) + 0.2 * (words > 45) + 0.4 * np.array([s.endswith("?") for s in sentences])
    chosen: list[int] = []
    while len(chosen) < count:
        repeated = alike[:, chosen].max(1) if chosen else np.zeros(len(sentences))
        value = score - _REDUNDANCY_PENALTY * np.maximum(repeated - 0.3, 0)  # sentences of one text are somewhat alike anyway
        value[chosen] = -np.inf
        chosen.append(int(value.argmax()))
    return [sentences[number] for number in sorted(chosen)]
