"""Reading of the heads of memos, mails and faxes: who wrote them, to whom, when and about what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from hugginggpt.experts.bundled.answer_spans import find_answer_spans
from hugginggpt.experts.bundled.question_analysis import extract_content_words, find_names, stem

_LABELS: Final[Mapping[str, str]] = {
    "sender": "from|sender|author|sent by|written by|signed by|signed",
    "recipient": "to|recipients?|addressees?|attention|attn|for the attention of",
    "date": "date|dated|sent|date sent|sent on",
    "subject": "subject|re|regarding|concerning|topic",
    "copies": "cc|copy|copies|copy to|copies to",
}
_LINE: Final = re.compile(
    "|".join(
        rf"(?P<{field}>^[ \t>*_#|-]{{0,6}}(?:{labels})[*_ \t]{{0,3}}:[*_ \t]{{0,3}}(?=\S))" for field, labels in _LABELS.items()
    ),
    re.IGNORECASE | re.MULTILINE,
)
_ASKED_FIELDS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = tuple(
    (field, re.compile(pattern, re.IGNORECASE))
    for field, pattern in (
        ("copies", r"\b(?:cc|copy|copies|copied)\b"),
        ("recipient", r"\bto whom\b|^\W*whom?\b.*\b(?:to|for)\W*$|\b(?:recipient|addressee)s?\b"
                      r"|^\W*who (?:received|receives|got|gets)\b"),
        ("sender", r"^\W*(?:and )?who (?:wrote|writes|sent|sends|signed|signs)\b|\b(?:from|by) whom\b"
                   r"|^\W*whom?\b.*\b(?:from|by)\W*$|\b(?:author|sender|writer)\b"),
        ("date", r"^\W*(?:and )?when\b.*\b(?:written|sent|dated|signed|write|send)\b|\bdated?\b|\bwhat day\b"),
        ("subject", r"^\W*what\b.*\babout\W*$|\b(?:subject|topic)\b|^\W*what\b.*\b(?:concern|deal with)"),
    )
)  # fmt: skip
"""Fields of a head and the questions that ask for them; the first that fits counts."""
_OWN_WORDS: Final = frozenset(
    stem(word)
    for word in (
        "write writes wrote written send sent sign signed address addressed direct dated date day subject topic line author "
        "sender writer recipient addressee receive received get got gets copy copied cc about concern deal memo "
        "memorandum contract agreement mail e email message letter fax note notice text document page scan file paper reminder "
        "circular picture image"
    ).split()
)
"""Words of a question about the message itself; "who sent the flowers?" has others."""
_MESSAGE: Final = re.compile(
    r"\b(?:memo|memorandum|fax|e-?mail|mail|message|letter|notice|note|circular|reminder|dear|hi|hello)\b|@", re.IGNORECASE
)
"""Words that tell a message from a ticket."""
_MAX_HEAD_CHARS: Final = 2_000
_MAX_VALUE_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class HeadField:
    """One line of a message's head."""

    value: str
    quote: str


def find_head_field(text: str, question: str) -> HeadField | None:
    """Return the line of a message's head that a question about the message asks for; None if there is none.

    >>> find_head_field("To: all staff\\nFrom: Ingrid Solberg <ingrid@example.org>", "Who wrote this memo?").value
    'Ingrid Solberg'
    """
    asked = find_asked_field(question)
    fields = _read_head(text) if asked else {}
    if not fields.keys() & {"date", "subject", "copies"} and not _MESSAGE.search(f"{question} {text[:_MAX_HEAD_CHARS]}"):
        return None  # the stations of a ticket have the same labels
    others = extract_content_words(question) - _OWN_WORDS
    known = extract_content_words(" ".join(field.quote for field in fields.values()))
    return fields.get(asked) if others <= known else None


def find_asked_field(question: str) -> str:
    """Return which field of a message's head a question asks for; empty if none."""
    return next((field for field, pattern in _ASKED_FIELDS if pattern.search(question)), "")


def is_about_message(question: str) -> bool:
    """Tell whether a question has no words but those about a message itself, and names: "who wrote this letter to Ann?"."""
    names = frozenset(map(stem, find_names(question)))
    return extract_content_words(question) <= _OWN_WORDS | names


def _read_head(text: str) -> dict[str, HeadField]:
    """Return the first line of each kind; hours ("From: 9 am") and numbers are no names."""
    fields: dict[str, HeadField] = {}
    for match in _LINE.finditer(text):
        name = str(match.lastgroup)
        line = text[match.end() : match.end() + _MAX_VALUE_CHARS].splitlines()[0]
        value = re.sub(r"\s*<[^<>]*>\s*", " ", line).strip(' \t*_|"') or line.strip(" <>")
        is_name = name not in {"sender", "recipient"} or not (value[:1].isdigit() or find_answer_spans("date", value, ""))
        is_date = name != "date" or bool(find_answer_spans("date", value, ""))
        if value and is_name and is_date:
            quote = f"{match[0].strip()} {line.strip()}"
            fields.setdefault(name, HeadField(value, quote))
    return fields


def join_labels(rows: Iterable[Iterable[str]]) -> str:
    """Return the cells of a page as lines, a label's with the value in the cell behind it: ["From", "Ann"] is "From: Ann"."""
    lines = []
    for row in rows:
        cells = list(row)
        while cells:
            cell = cells.pop(0)
            is_label = cells and re.fullmatch("|".join(_LABELS.values()), cell.rstrip(" :"), re.IGNORECASE)
            lines.append(f"{cell.rstrip(' :')}: {cells.pop(0)}" if is_label else cell)
    return "\n".join(lines)
