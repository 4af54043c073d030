"""Labels as people write them down: "billing, support or sales"."""

from __future__ import annotations

import json
import re
from typing import Final

from hugginggpt.core.errors import InputError

_QUOTED: Final = re.compile(r"[\"“„«]([^\"“”„«»]+)[\"”“»]")
_ARTICLE: Final = re.compile(r"^(?:an?|the|some|any)\s+(?=\S)", re.IGNORECASE)
_SEVERAL: Final = 2
_MOST: Final = 100


def split_labels(text: str, *, least: int = _SEVERAL) -> list[str]:
    """The labels that a text lists, each once, in its order, without articles.

    Read are a JSON list, quoted labels, lines (with or without bullets), and a list with commas, "or" and "and".

    Args:
        text: "a cat, a dog or a car".
        least: How many there must be: sorting needs two, looking for something one.

    Raises:
        InputError: There are fewer than that, or more than a hundred.

    >>> split_labels("billing, support or research and development")
    ['billing', 'support', 'research and development']
    """
    found = (_ARTICLE.sub("", label.strip(" \t\r\n.:;-–•*\"'")).strip() for label in _parts(text.strip()))
    labels = list(dict.fromkeys(label for label in found if label))
    if not labels:
        raise InputError("There are no labels to choose from: name some, such as “cat, dog, car”.")
    if len(labels) < least:
        raise InputError("Sorting needs at least two labels, such as “billing, shipping or support”.")
    if len(labels) > _MOST:
        raise InputError(f"These are {len(labels)} labels: name at most {_MOST}.")
    return labels


def _parts(text: str) -> list[str]:
    if text.startswith("["):
        try:
            return [str(label) for label in json.loads(text)]
        except ValueError:
            text = text.strip("[]")
    if len(quoted := _QUOTED.findall(text)) >= _SEVERAL:
        return list(quoted)
    if len(lines := [line for line in re.split(r"[\n;]", text) if line.strip()]) >= _SEVERAL:
        return lines
    *first, last = re.split(r",\s*|\s+or\s+|\s+/\s+", text)
    last = re.sub(r"^(?:or|and)\s+", "", last)
    # "and" may stand inside a label; between two labels it stands only before the last one, where nobody wrote "or"
    return [*first, *([last] if re.search(r"\bor\b", text) else re.split(r"\s+and\s+", last))]
