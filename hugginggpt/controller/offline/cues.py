"""Which tasks an instruction wants, by the cues of ``cues.yaml``."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_MAX_INTENTS = 200
"""A request has a dozen; more are somebody's joke."""
CUES_FILE = Path(__file__).with_name("cues.yaml")


@dataclass(frozen=True, slots=True)
class Cue:
    """One row: a task, the kinds that must be attached, and what people say."""

    task: str
    given: frozenset[str]
    patterns: tuple[re.Pattern[str], ...]


@dataclass(frozen=True, slots=True)
class Intent:
    """A task that the instruction wants, and the words that say so."""

    task: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class CueTable:
    """The whole of ``cues.yaml``."""

    cues: tuple[Cue, ...]
    verbs: Mapping[str, Mapping[str, str]]
    document: re.Pattern[str]
    question: re.Pattern[str]
    languages: tuple[str, ...]
    language: re.Pattern[str]
    tags: Mapping[str, re.Pattern[str]]
    """By what a model may be good at: the words that ask for it."""

    def intents(self, instruction: str, kinds: frozenset[str]) -> list[Intent]:
        """All tasks that the instruction asks for, where their words stand; the longer of two overlapping cues counts.

        Args:
            instruction: Lower case, with everything given blanked out.
            kinds: What is attached, "none" when nothing is.
        """
        found: list[Intent] = []
        for cue in self.cues:
            if cue.given and not cue.given & kinds:
                continue
            for pattern in cue.patterns:
                found += [Intent(cue.task, m.start(), m.end()) for m in pattern.finditer(instruction)]
        return sorted(found, key=lambda i: (i.start, i.start - i.end))[:_MAX_INTENTS]


@functools.cache
def cue_table() -> CueTable:
    """The table as shipped, read and compiled once (some 20 ms)."""
    raw: dict[str, Any] = yaml.safe_load(CUES_FILE.read_text(encoding="utf-8"))
    languages = tuple(raw["languages"])
    words = {name: _fill(text, {}) for name, text in raw["words"].items()}
    words |= {"lang": "(?:" + "|".join(languages) + ")"}
    cues = tuple(
        Cue(row["task"], frozenset(row.get("given", ())), tuple(_compiled(text, words) for text in row["say"]))
        for row in raw["cues"]
    )
    return CueTable(
        cues=cues,
        verbs=raw["verbs"],
        document=re.compile(r"(?<![a-z])" + raw["document_words"] + r"(?![a-z])"),
        question=re.compile(raw["question"]),
        languages=languages,
        language=re.compile(r"\b" + words["lang"] + r"\b"),
        tags={tag: _compiled(text, words) for tag, text in raw["tags"].items()},
    )


def _compiled(text: str, words: Mapping[str, str]) -> re.Pattern[str]:
    return re.compile(re.sub(r" (\?)?", lambda blank: r"\s?" if blank[1] else r"\s+", _fill(text, words)))


def _fill(text: str, words: Mapping[str, str]) -> str:
    return re.sub(r"\{([a-z]+)\}", lambda m: words.get(m[1], m[0]), text)
