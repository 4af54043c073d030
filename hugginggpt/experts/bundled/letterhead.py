"""The head of a page: who sent it, what a shop is called, whose card it is, and where they are."""

import re
from collections.abc import Sequence
from typing import Final

from hugginggpt.experts.bundled.answer_spans import find_spans_in_texts
from hugginggpt.experts.bundled.page_tables import Cell
from hugginggpt.experts.bundled.question_analysis import detect_answer_kind, extract_content_words
from hugginggpt.experts.bundled.sentence_choice import ExtractedAnswer

RECIPIENT: Final = r"\bfor\b|\bbilled\b|\bto\b|customer|client|addressee|recipient|buyer|\bowes?\b|\bpays?\b"
ISSUER: Final = (
    r"\bfrom\b|\bissu|\bsent\b|seller|vendor|supplier|sender|\bwrote\b|\bmade\b|\bby\b"
    r"|\bwho(?:m)? (?:do|must|should|shall|can) (?:i|we)\b.*\b(?:pay|owe)\b"
)
_SENDER_LABEL: Final = r"(?:from|issued by|seller|vendor|supplier|sender)\b"
_HEAD_ROWS: Final = 6  # rows at the top of a page in which its sender stands
HEAD_CONFIDENCE: Final = 0.5
_MAX_NAME_WORDS: Final = 6
_SAME_LEFT: Final = 1.5  # largest difference of two left edges that are aligned, in heights of a line
_FIRM: Final = re.compile(
    r"\b(?:Ltd|Limited|LLC|Inc|Corp|PLC|GmbH|AG|KG|SA|BV|Co|Company|Services|Group|Bros|Brothers|Sons|Partners|Clinic|Store|Shop)\b|&"
)
_PERSON_NOUN: Final = re.compile(
    r"\b(?:vet|doctor|dentist|person|owner|teacher|manager|director|lawyer|nurse|patient|holder|traveller|passenger|his|her)\b",
    re.IGNORECASE,
)
_PLACE_NOUN: Final = re.compile(
    r"\b(?:caf[eé]|shop|store|clinic|restaurant|bar|pub|hotel|company|firm|business|school|club|practice|museum|library|bakery|"
    r"pharmacy|supermarket|theatre|cinema|station)\b",
    re.IGNORECASE,
)
_TITLE: Final = re.compile(r"(?:Dr|Mr|Mrs|Ms|Prof)\b")
_PLACEHOLDERS: Final = frozenset("your logo company here slogan copy original paid draft tax sales".split())
"""Words of a form's empty places, which name nobody."""
LABEL_WORDS: Final = frozenset(
    "bill invoice receipt to from no date due total subtotal amount number vat tax account payment pay description quantity "
    "unit price page how".split()
)
"""Words of labels, which no name contains."""


def answer_from_head(rows: Sequence[Sequence[Cell]], question: str) -> ExtractedAnswer | None:
    """Answer who sent the page, where from, and what the shop is called: by the name in its head."""
    kind = detect_answer_kind(question)
    asks_issuer = kind in {"person", "name"} and re.search(ISSUER, question.lower())
    asks_person = bool(_PERSON_NOUN.search(question))
    asks_name = kind == "name" and not asks_issuer and (asks_person or bool(_PLACE_NOUN.search(question)))
    if not (asks_issuer or asks_name or (kind == "address" and not re.search(RECIPIENT, question.lower()))):
        return None
    head = [cell for row in rows[:_HEAD_ROWS] for cell in row]
    names = [(number, cell) for number, cell in enumerate(head) if _is_head_name(cell.text)]
    if kind == "address":
        return next((ExtractedAnswer(cell.text, cell.text, HEAD_CONFIDENCE) for cell in head if _is_street(cell.text)), None)
    if not names or (asks_issuer and any(re.match(_SENDER_LABEL, cell.text, re.IGNORECASE) for cell in head)):
        return None  # a label tells it more surely
    words = extract_content_words(question)
    rate = _rate_person if asks_name and asks_person else _rate_sender
    best = max(names, key=lambda each: rate(head, each[0], words))[1]
    return ExtractedAnswer(best.text, best.text, HEAD_CONFIDENCE)


def _is_street(text: str) -> bool:
    return bool(find_spans_in_texts("address", [text], "")[0])


def _is_head_name(text: str) -> bool:
    """Tell whether a line may be the name of a firm or a person: some words, no labels, no numbers, not "LOGO"."""
    words = [word.strip(".,:#").lower() for word in text.split()]
    return bool(
        1 <= len(words) <= _MAX_NAME_WORDS
        and text[0].isupper()
        and not re.search(r"[\d:@]|www\.", text)
        and not LABEL_WORDS & set(words)
        and not set(words) <= _PLACEHOLDERS
    )


def _rate_sender(head: Sequence[Cell], number: int, words: frozenset[str]) -> float:
    """Rate how likely a line of the head names who sent the page."""
    cell = head[number]
    below = [
        other for other in head[number + 1 :] if abs(other.box[0] - cell.box[0]) < _SAME_LEFT * (cell.box[3] - cell.box[1])
    ]
    tallest = max(other.box[3] - other.box[1] for other in head)
    height = (cell.box[3] - cell.box[1]) / max(tallest, 1)
    has_address = any(_is_street(other.text) for other in below[:2])
    is_firm = bool(_FIRM.search(cell.text))
    return 2 * has_address + 1.5 * is_firm + height + bool(words & extract_content_words(cell.text)) - 0.1 * number


def _rate_person(head: Sequence[Cell], number: int, words: frozenset[str]) -> float:
    """Rate how likely a line of the head names a person."""
    text = head[number].text
    return bool(_TITLE.match(text)) - bool(_FIRM.search(text)) - 0.1 * number
