"""Parsing of label lists as people write them: "billing, support or sales"."""

import re
from typing import Final

from hugginggpt.core.errors import InputError
from hugginggpt.core.json_text import JsonError, parse_json

_QUOTED: Final = re.compile(r"[\"“„«]([^\"“”„«»]+)[\"”“»]")
_ARTICLE: Final = re.compile(r"^(?:an?|the|some|any)\s+(?=\S)", re.IGNORECASE)
_MIN_LABELS: Final = 2
_MAX_LABELS: Final = 100
_MAX_CHARS: Final = 20_000


def split_labels(text: str, *, min_labels: int = _MIN_LABELS) -> list[str]:
    """Return the distinct labels in a text, in order, without articles.

    Accepts a JSON list, quoted labels, lines (with or without bullets), and lists with commas, "or" and "and".

    Args:
        text: "a cat, a dog or a car".
        least: Lowest number of labels: two for sorting, one for looking for something.

    Raises:
        InputError: There are fewer labels than `least`, or more than 100, or they are too long.

    >>> split_labels("billing, support or research and development")
    ['billing', 'support', 'research and development']
    """
    if len(text) > _MAX_CHARS:
        raise InputError(f"The labels take {len(text):,} characters: name at most {_MAX_LABELS}, each in a few words.")
    found = (_ARTICLE.sub("", label.strip(" \t\r\n.:;-–•*\"'")).strip() for label in _split_parts(text.strip()))
    labels = list(dict.fromkeys(label for label in found if label))
    if not labels:
        raise InputError("There are no labels to choose from: name some, such as “cat, dog, car”.")
    if len(labels) < min_labels:
        raise InputError("Sorting needs at least two labels, such as “billing, shipping or support”.")
    if len(labels) > _MAX_LABELS:
        raise InputError(f"These are {len(labels)} labels: name at most {_MAX_LABELS}.")
    return labels


def _split_parts(text: str) -> list[str]:
    if text.startswith("["):
        try:
            return [str(label) for label in parse_json(text)]
        except JsonError:
            text = text.strip("[]")
    if len(quoted := _QUOTED.findall(text)) >= _MIN_LABELS:
        return list(quoted)
    if len(lines := [line for line in re.split(r"[\n;]", text) if line.strip()]) >= _MIN_LABELS:
        return lines
    *first, last = re.split(
        r",\s*|\s+or\s+|\s+/\s+", " ".join(text.split())
    )  # runs of blanks would be searched from each of them
    last = re.sub(r"^(?:or|and)\s+", "", last)
    # "and" may stand inside a label; between two labels it stands only before the last one, where nobody wrote "or"
    return [*first, *([last] if re.search(r"\bor\b", text) else re.split(r"\s+and\s+", last))]
