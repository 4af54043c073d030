"""Analysis of questions: their parts, the kind of answer that each asks for, the words that carry their meaning."""

import re
from typing import Final

_STOP_WORDS: Final = frozenset(
    "the a an of in on at to is was are were did do does what who whom whose when where which why how many much long old "
    "far tall big and or for with by from it its this that be been has have had there their they he she you his her i my "
    "me tell please".split()
)
DOCUMENT_WORDS: Final = frozenset("invoice bill page receipt document letter form picture image scan statement".split())
"""Stems of words that name the page itself, and so don't tell which part of it is meant."""
_DOCUMENT_PATTERN: Final = "|".join(sorted(DOCUMENT_WORDS))  # sorted: a set's order changes from process to process
_KIND_PATTERNS: Final[tuple[tuple[str, str], ...]] = (
    ("date", r"^\W*(?:by )?when\b|\b(?:what|which) (?:date|day)\b"),
    ("person", r"^\W*who(?:m|se)?\b|\b(?:what|which) (?:company|firm|person|customer|business|shop)\b"),
    ("place", r"^\W*where\b"),
    ("age", r"\bhow old\b"),
    ("percent", r"\bper ?cent(?:age)?\b|\b(?:tax|vat|interest) rate\b|\brate of\b|\bhow much of\b"),
    ("code", rf"\bnumber of (?:this|the|my) (?:{_DOCUMENT_PATTERN})\b"
             r"|^(?!.*\bhow (?:many|much)\b).*\b(?:number|no\.|no$|code|reference|iban|id)(?! of)\b(?! of)"),
    ("money", r"\bhow much\b(?!.*\b(?:weigh|time|water|energy|power|electricity)\b)|\bowe\b|\btotal\b"
              r"|\b(?:what|which|the)\b.*\b(?:cost|price|total|sum|amount|vat|tax|subtotal|fee|balance|rent)\b"
              r"|\bwhat\b.{0,20}\bpay\b"),
    ("measure", r"\bhow (?:much|long|tall|far|big|deep|high|fast|heavy)\b"),
    ("number", r"\bhow many\b|\bnumber of\b|\bhow often\b"),
    ("date", r"\bwhen\b|\b(?:what|which|by what|the)\b.{0,20}\b(?:year|date|day|time|month|deadline)\b|\bdue\b"),
    ("person", r"\bwho(?:m|se)?\b"),
    ("place", r"\bwhere\b|\b(?:what|which) (?:city|country|town|place)\b"),
)  # fmt: skip
"""Kinds of answer and the questions that ask for them; the first match counts, so narrow patterns come first."""
_QUESTION_WORD: Final = r"(?:by |until |since )?(?:when|who|whom|whose|where|how|what|which|why)\b"
_PART_SEPARATOR: Final = re.compile(rf"\s*[,;?]?\s*\band\s+(?={_QUESTION_WORD})|\?\s+(?=\w)", re.IGNORECASE)
_OPENING: Final = re.compile(rf"\W*(?:how \w+|{_QUESTION_WORD})\s*", re.IGNORECASE)
_MAX_PARTS: Final = 5


def split_question(question: str) -> list[str]:
    """Split a question into its parts; a bare question word such as "when" is completed from another part.

    >>> split_question("How much is due, and when?")
    ['How much is due', 'when is due']
    """
    parts = [part.strip(" ?.!") for part in _PART_SEPARATOR.split(question, maxsplit=_MAX_PARTS - 1)]
    parts = [part for part in parts if part]
    complete = [part for part in parts if not _is_bare(part)]
    if len(parts) < 2 or not complete:
        return [question.strip()]
    rest = _OPENING.sub("", complete[0], count=1)
    return [f"{part} {rest}" if _is_bare(part) else part for part in parts]


def _is_bare(part: str) -> bool:
    """Return whether a part is a question word alone: "when", "how long", "by when"."""
    return len(part.split()) <= 2 and not extract_content_words(part)


def detect_answer_kind(question: str) -> str | None:
    """Return the kind of answer: age, percent, code, money, measure, number, date, person, place; None if none shows."""
    lower = question.lower()
    return next((kind for kind, pattern in _KIND_PATTERNS if re.search(pattern, lower)), None)


def extract_content_words(text: str) -> frozenset[str]:
    """Return the stems of the words that carry meaning."""
    return frozenset(stem(word) for word in re.findall(r"[^\W_]+", text) if word.lower() not in _STOP_WORDS)


def stem(word: str) -> str:
    """Return a word without its ending, in lower case."""
    word = word.lower()
    for ending in ("ing", "ies", "ed", "es", "s"):  # longer ones first: "es" before "s"
        if word.endswith(ending) and len(word) - len(ending) >= 3:  # "bus" and "red" stay whole
            return word[: -len(ending)]
    return word
