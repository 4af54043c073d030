"""Words of questions about tables, from ``words.yaml``, and the comparison of words."""

import functools
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hugginggpt.core.yaml_files import read_yaml

MAX_PHRASE_WORDS: Final = 8
_FILE: Final = Path(__file__).with_name("words.yaml")
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Meaning:
    """Meaning of a phrase: what kind of word it is, and which."""

    kind: str
    """aggregate, superlative, comparison, verb, filler, unit, or a command's name."""
    name: str = ""
    about: frozenset[str] = frozenset()
    """Words for the columns that it speaks of; empty for any."""
    sums: bool = False


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The file, as it is looked up."""

    phrases: Mapping[tuple[str, ...], Meaning]
    synonyms: Sequence[frozenset[tuple[str, ...]]]
    asked: Mapping[str, frozenset[str]]
    events: Mapping[str, frozenset[str]]
    """By verb: words of the columns that tell when or where it happened."""
    last: Mapping[str, str]
    """Kinds of the words that mean something only where they are neither in a column's name nor in a cell."""
    not_additive: frozenset[str]
    true: frozenset[str]
    false: frozenset[str]


@functools.cache
def load_vocabulary() -> Vocabulary:
    """Return the shipped words, read once."""
    raw: dict[str, Any] = read_yaml(_FILE, dict[str, Any])
    phrases: dict[tuple[str, ...], Meaning] = {}

    def add(says: Collection[str], meaning: Meaning) -> None:
        phrases.update((tuple(str(say).split()), meaning) for say in says)

    add(raw["fillers"], Meaning("filler"))
    for row in raw["verbs"]:
        add(row["say"], Meaning("verb", about=frozenset(row["about"])))
    for symbol, says in raw["units"].items():
        add(says, Meaning("unit", symbol))
    for row in raw["comparisons"]:
        add(row["say"], Meaning("comparison", row["is"], frozenset(row.get("about", ()))))
    for row in raw["superlatives"]:
        add(row["say"], Meaning("superlative", row["best"], frozenset(row.get("about", ())), row.get("sums", False)))
    for name, says in raw["aggregates"].items():
        add(says, Meaning("aggregate", name))
    for name, says in raw["commands"].items():
        add(says, Meaning(name))
    return Vocabulary(
        phrases,
        [frozenset(singularize_all(word.split()) for word in group) for group in raw["synonyms"]],
        {name: frozenset(words) for name, words in raw["asked"].items()},
        {verb: frozenset(row["about"]) for row in raw["events"] for verb in row["say"]},
        {word: kind for kind, words in raw["last"].items() for word in words},
        frozenset(raw["not_additive"]),
        frozenset(raw["truths"]),
        frozenset(raw["untruths"]),
    )


def singularize(word: str) -> str:
    """Return a word without its plural's ending.

    >>> singularize("salaries"), singularize("boxes"), singularize("names"), singularize("address")
    ('salary', 'box', 'name', 'address')
    """
    if len(word) > 4 and word.endswith(("ies", "ie")):  # "movie" as well, so that it is that of "movies"
        return f"{word.removesuffix('s')[:-2]}y"
    if len(word) > 4 and word.endswith(("ses", "xes", "zes", "ches", "shes")):
        return word[:-1] if word.endswith(("ases", "ices", "izes", "ises", "uses")) else word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def singularize_all(words: Sequence[str]) -> tuple[str, ...]:
    """Return words without their plurals' endings."""
    return tuple(map(singularize, words))


@functools.lru_cache(maxsize=1_000)
def split_name(name: str) -> tuple[str, ...]:
    """Return the words of a column's name: `unitPrice`, `unit_price` and `Unit Price (EUR)` have the same.

    >>> split_name("unitPrice"), split_name("Unit Price (EUR)")
    (('unit', 'price'), ('unit', 'price'))
    """
    plain = re.sub(r"[(\[][^)\]]*[)\]]", " ", name[:200])
    return singularize_all(re.findall(r"[^\W_]+", _CAMEL.sub(" ", plain if plain.strip() else name).lower()))


def speaks_of(words: frozenset[str], name: str) -> bool:
    """Return whether a column's name has one of some words."""
    return not words.isdisjoint(split_name(name))
