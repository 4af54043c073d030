"""``rules.yaml``, read: what follows where several cues are found, and what tasks are to each other."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hugginggpt.controllers.rules.cue_table import compiled, load


@dataclass(frozen=True, slots=True)
class Rules:
    """What goes before what, with what, instead of what."""

    source_language: re.Pattern[str]
    feelings: re.Pattern[str]
    ranks: Mapping[str, int]
    other_rank: int
    later_rank: int
    """Of what is done with a result that is named."""
    outranks: tuple[tuple[str, str, str], ...]
    """The stronger task, the weaker one, and the kind that must be there for it, or BESIDE, if any."""
    complements: frozenset[frozenset[str]]
    text_tasks: frozenset[str]
    findings: frozenset[str]
    answers: frozenset[str]
    changes: frozenset[str]
    prompted: frozenset[str]
    joining: frozenset[str]
    shortened: frozenset[str]
    looks: frozenset[str]
    text_words: re.Pattern[str]

    @property
    def first_rank_of_a_picture(self) -> int:
        """The rank of what is made of a new picture."""
        return self.ranks["text-to-image"] + 1

    def rank(self, task: str) -> int:
        """Tasks of a lower rank are done first."""
        return self.ranks.get(task, self.other_rank)


BESIDE: Final = "beside"
"""Of a rule that counts only where two wants stand in the same part of a request."""
_SETS: Final = ("text_tasks", "findings", "answers", "changes", "prompted", "joining", "shortened", "looks")


@functools.cache
def rules() -> Rules:
    """The rules as shipped, read once."""
    raw: dict[str, Any] = load("rules.yaml")
    return Rules(
        source_language=re.compile(raw["source_language"]),
        feelings=compiled(raw["feelings"]),
        text_words=compiled(rf"\b{raw['text_words']}\b"),
        ranks=raw["ranks"],
        other_rank=raw["other_rank"],
        later_rank=raw["later_rank"],
        outranks=tuple((row[0], row[1], row[2] if len(row) > 2 else "") for row in raw["outranks"]),
        complements=frozenset(map(frozenset, raw["complements"])),
        **{name: frozenset(raw[name]) for name in _SETS},
    )
