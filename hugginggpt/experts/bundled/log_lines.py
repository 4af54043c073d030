"""Counting of a log's lines by their level: "how many errors are there?"."""

import re
from typing import Final

from hugginggpt.experts.bundled.sentence_choice import CELL_CONFIDENCE, ExtractedAnswer

_LEVELS: Final = {
    "error": r"ERROR|SEVERE",
    "warning": r"WARN(?:ING)?",
    "fatal": r"FATAL|CRITICAL",
    "info": r"INFO",
    "debug": r"DEBUG",
}
_ASKED: Final = re.compile(
    r"\bhow (?:many|often)\b.{0,40}?\b(?P<level>error|warning|fatal|info|debug)s?\b(?: (?:lines?|messages?|entries|errors?))?",
    re.IGNORECASE,
)
_MIN_LOG_LINES: Final = 2  # fewest lines with a level, of a log


def count_log_lines(text: str, question: str) -> ExtractedAnswer | None:
    """Return how many lines of a log have the level that is asked for; None where the text is no log, or it isn't asked."""
    asked = _ASKED.search(question)
    if not asked:
        return None
    lines = text.splitlines()
    levels = re.compile(rf"\b(?:{'|'.join(_LEVELS.values())})\b")
    if sum(bool(levels.search(line)) for line in lines) < _MIN_LOG_LINES:
        return None
    level = re.compile(rf"\b(?:{_LEVELS[asked['level'].lower()]})\b")
    found = [line.strip() for line in lines if level.search(line)]
    first = found[0] if found else "no line of that level"
    return ExtractedAnswer(first, str(len(found)), CELL_CONFIDENCE)
