"""Confidence in what a recognizer has heard: is it English speech, or words made up for something else?

Whisper writes fluent English for other languages, music and speech played backwards (arXiv 2212.04356, section 4.6), and
its log-probability alone doesn't show it: a loop of one sentence is very likely to itself. What it makes up comes out
differently each time, so doubtful segments are decoded again from a copy at another speed, and compared word by word.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_COMPRESSION: Final = 2.4
"""Greatest ratio of a text's length to its length compressed: more is a loop of the same words (the paper's threshold)."""
_CLEAR_PROBABILITY: Final = 0.85
"""Mean probability of a segment's words from which it isn't decoded again: 9 of 10 clear English ones are above it."""
_SURE_CONFIDENCE, _MIN_CONFIDENCE = 0.6, 0.37
"""Least confidence of a segment that is given plainly, and of one that is given at all; ``benchmarks.truth speech``
measures both. English was above 0.65 but for robot voices (0.48 and more); other languages, backwards or sung, below 0.36."""
_UNSURE_PROBABILITY: Final = 0.5  # of a single word
_SPEED_UP, _SPEED_DOWN = 25, 27  # the copy is 8 % faster: as easy to hear, other frames
_MAX_GAP_SECONDS: Final = 5.0  # between doubtful segments that are decoded again as one piece
_MARGIN_SECONDS: Final = 0.3

_DIGITS: Final = {
    name: str(digit) for digit, name in enumerate("zero one two three four five six seven eight nine".split())
} | {"oh": "0"}

Outcome = Literal["sure", "unsure", "none"]


@dataclass(frozen=True, slots=True)
class Word:
    """A word that was heard."""

    text: str
    """With the blank before it, and its punctuation."""
    start: float
    """In seconds, as `end`."""
    end: float
    probability: float
    confirmed: bool = True
    """True if the other decoding has it, too, or none was needed."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Words that were heard in one breath."""

    words: tuple[Word, ...]
    compression: float
    """Ratio of the text's length to its compressed length."""

    @property
    def start(self) -> float:
        """Seconds from the recording's beginning."""
        return self.words[0].start

    @property
    def end(self) -> float:
        """Seconds from the recording's beginning."""
        return max(word.end for word in self.words)

    @property
    def probability(self) -> float:
        """Mean probability of the words, 0..1."""
        return sum(word.probability for word in self.words) / len(self.words)

    @property
    def confidence(self) -> float:
        """0..1: how likely the words are, times the share of them that was heard twice."""
        if self.compression > MAX_COMPRESSION:
            return 0.0
        return self.probability * sum(word.confirmed for word in self.words) / len(self.words)

    @property
    def is_clear(self) -> bool:
        """True if it need not be heard twice."""
        return self.compression <= MAX_COMPRESSION and self.probability >= _CLEAR_PROBABILITY

    @property
    def outcome(self) -> Outcome:
        """The way to tell its words: plainly, as doubtful, or not at all."""
        return "sure" if self.confidence >= _SURE_CONFIDENCE else "unsure" if self.confidence >= _MIN_CONFIDENCE else "none"

    def list_unsure(self) -> list[str]:
        """Return the words that may be others."""
        return [_strip(word.text) for word in self.words if self._is_unsure(word)]

    def format_text(self) -> str:
        """Return the words as one text, unsure ones as “[word?]”."""
        return "".join(_mark(word.text) if self._is_unsure(word) else word.text for word in self.words).strip()

    def shift(self, seconds: float) -> Segment:
        """Return it as said some seconds later."""
        return replace(self, words=tuple(replace(w, start=w.start + seconds, end=w.end + seconds) for w in self.words))

    def _is_unsure(self, word: Word) -> bool:
        doubts = (not word.confirmed, word.probability < _UNSURE_PROBABILITY)
        return bool(_strip(word.text)) and (all(doubts) if self.outcome == "sure" else any(doubts))


def make_segment(found: Any) -> Segment | None:
    """Return a segment of faster-whisper's; None where it has no words."""
    words = tuple(Word(w.word, w.start, w.end, w.probability) for w in found.words or () if w.word.strip())
    return Segment(words, found.compression_ratio) if words else None


def confirm(
    segments: Sequence[Segment], samples: NDArray[np.float32], rate: int, decode: Callable[[NDArray[np.float32]], str]
) -> list[Segment]:
    """Decode what isn't clear again, and note which words come out again.

    Args:
        segments: In order; times from the beginning of `samples`.
        samples: Shape (n,).
        rate: Samples per second.
        decode: Returns the words heard in a piece of sound.
    """
    from scipy.signal import resample_poly

    found: list[Segment] = []
    for group in _group(segments):
        if all(segment.is_clear for segment in group):
            found += group
            continue
        first, last = group[0].start - _MARGIN_SECONDS, group[-1].end + _MARGIN_SECONDS
        piece = samples[max(0, int(first * rate)) : int(last * rate)]
        found += mark_confirmed(group, decode(resample_poly(piece, _SPEED_UP, _SPEED_DOWN).astype(samples.dtype)))
    return found


def mark_confirmed(segments: Sequence[Segment], again: str) -> list[Segment]:
    """Mark the words of segments that another decoding has in the same order."""
    tokens = [(index, token) for index, word in enumerate(_list_words(segments)) for token in _tokenize(word.text)]
    others = [token for word in again.split() for token in _tokenize(word)]
    matcher = SequenceMatcher(None, [token for _, token in tokens], others, autojunk=False)
    matched = {block.a + i for block in matcher.get_matching_blocks() for i in range(block.size)}
    confirmed = {index for index, _ in tokens} - {tokens[i][0] for i in range(len(tokens)) if i not in matched}
    numbers = itertools.count()
    return [
        replace(segment, words=tuple(replace(word, confirmed=next(numbers) in confirmed) for word in segment.words))
        for segment in segments
    ]


def _list_words(segments: Sequence[Segment]) -> list[Word]:
    return [word for segment in segments for word in segment.words]


def _tokenize(word: str) -> list[str]:
    """Return a word for comparison; of a number each digit, which two decodings may put together or write in words."""
    stripped = _strip(word)
    return [_DIGITS.get(part, part) for part in re.findall(r"\d|[^\W\d_]+", stripped)] or [stripped]


def _group(segments: Iterable[Segment]) -> list[list[Segment]]:
    """Group neighbours that are all clear, or all not; a decoding costs the same for 1 and for 30 seconds."""
    groups: list[list[Segment]] = []
    for segment in segments:
        last = groups[-1] if groups else []
        near = last and segment.start - last[-1].end < _MAX_GAP_SECONDS
        if near and last[-1].is_clear == segment.is_clear:
            last.append(segment)
        else:
            groups.append([segment])
    return groups


def _strip(word: str) -> str:
    return "".join(re.findall(r"[^\W_]+", word)).lower()


def _mark(word: str) -> str:
    """Put a word into brackets, its punctuation outside."""
    return re.sub(r"[^\W_](?:.*[^\W_])?", lambda found: f"[{found[0]}?]", word, count=1)
