"""English counts, plurals and enumerations."""

import re
from collections.abc import Iterable
from typing import Final

_IRREGULAR_PLURALS: Final = {
    "person": "people", "man": "men", "woman": "women", "child": "children", "mouse": "mice", "knife": "knives",
    "foot": "feet", "tooth": "teeth", "goose": "geese", "sheep": "sheep", "fish": "fish", "deer": "deer",
    "aircraft": "aircraft", "bus": "buses", "shelf": "shelves", "leaf": "leaves", "wolf": "wolves", "calf": "calves",
}  # fmt: skip
"""Plurals that follow no rule, by singular."""


def format_count(label: str, number: int) -> str:
    """Return a label with its number: "2 cats", "1 sofa", "3 people", "2 wine glasses"."""
    return f"{number} {label if number == 1 else pluralize(label)}"


def pluralize(label: str) -> str:
    """Return the English plural of a label whose last word is its noun."""
    start, noun = label[: label.rfind(" ") + 1], label[label.rfind(" ") + 1 :]
    if (found := _IRREGULAR_PLURALS.get(noun.lower())) is not None:
        return start + found
    if re.search(r"(?:s|x|z|ch|sh)$", noun) and not re.search(r"[^s]s$", noun):
        return f"{label}es"
    if noun.endswith("s"):  # skis, scissors: plural already
        return label
    return f"{label[:-1]}ies" if re.search(r"[^aeiou]y$", noun) else f"{label}s"


def join_parts(parts: Iterable[str]) -> str:
    """Join the parts of an enumeration: "a", "a and b", "a, b and c"."""
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last
