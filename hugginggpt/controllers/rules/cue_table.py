"""Tables of the built-in planner: the cues for each task, and the rules for combining tasks.

They are data: ``cues/`` says how people ask for a task, ``words.yaml`` holds the words that the cues share, ``rules.yaml`` what
follows where several cues are found, ``controls.yaml`` how new pictures are made from control pictures, ``limits.yaml`` what
can't be done, ``conditions.yaml`` what is done only if something holds, ``patterns.yaml`` the rest. All are regular
expressions over lower-case text.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hugginggpt.core.yaml_files import read_yaml

_MAX_INTENTS: Final = 200  # a request has a dozen; more are somebody's joke
_FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Cue:
    """Row of the table: a task, the kinds that must be attached, and the patterns that ask for it."""

    task: str
    given: frozenset[str]
    patterns: tuple[re.Pattern[str], ...]


@dataclass(frozen=True, slots=True)
class CueMatch:
    """A task that the instruction asks for, and the position of the words that do."""

    task: str
    start: int
    end: int
    given: frozenset[str] = frozenset()
    """The kinds of which one must be there for these words to mean it."""


@dataclass(frozen=True, slots=True)
class Intent:
    """Task that is asked for, with its slots as far as the request fills them."""

    task: str
    start: int
    """Start of its cue in the request."""
    end: int
    question: str = ""
    labels: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    """Into which to translate, one task for each."""
    instruction: str = ""
    """Wished length of a summary, or the way to rewrite a text, in the person's own words."""
    prompt: str = ""
    """Subject of a picture, sound or video."""
    follows: bool = False
    """True if it works on what the step right before it makes."""
    later: bool = False
    """True if its words speak of what another step makes, so that it comes after that one."""
    spoken: bool = False
    """True if its question is the one that is asked in a recording."""


@dataclass(frozen=True, slots=True)
class CueTable:
    """All cues, and the words that more than one module looks for."""

    cues: tuple[Cue, ...]
    verbs: Mapping[str, Mapping[str, str]]
    document: re.Pattern[str]
    question: re.Pattern[str]
    languages: tuple[str, ...]
    language: re.Pattern[str]
    tags: Mapping[str, re.Pattern[str]]
    """Words that ask for models with a tag, by tag."""

    def match(self, instruction: str, kinds: frozenset[str]) -> list[CueMatch]:
        """Match the cues against an instruction, in the order of the words; at one position the longest comes first.

        Args:
            instruction: Lower case, with everything given blanked out.
            kinds: What is attached, "none" when nothing is.
        """
        found: list[CueMatch] = []
        for cue in self.cues:
            if cue.given and not cue.given & kinds:  # first, as it is cheaper than a search
                continue
            for pattern in cue.patterns:
                found += [CueMatch(cue.task, m.start(), m.end(), cue.given) for m in pattern.finditer(instruction)]
        return sorted(found, key=lambda i: (i.start, i.start - i.end))[:_MAX_INTENTS]  # at one place the longest first


@functools.cache  # what it returns is shared: nobody may change it
def load(name: str) -> Any:
    """Return one of the tables, as it stands in its file; read once."""
    return read_yaml(_FOLDER / name, Any)  # which finds a key that stands twice


@functools.cache
def load_cue_table() -> CueTable:
    """Return the table as shipped, read and compiled once (some 20 ms)."""
    raw: dict[str, Any] = load("words.yaml")
    rules: dict[str, Any] = load("rules.yaml")
    rows = [row for path in sorted((_FOLDER / "cues").glob("*.yaml")) for row in load(f"cues/{path.name}")]
    return CueTable(
        cues=tuple(Cue(row["task"], frozenset(row.get("given", ())), tuple(map(compile_pattern, row["say"]))) for row in rows),
        verbs=rules["verbs"],
        document=re.compile(r"(?<![a-z])" + rules["document_words"] + r"(?![a-z])"),
        question=re.compile(rules["question"]),
        languages=tuple(raw["languages"]),
        language=re.compile(r"\b" + _load_words()["lang"] + r"\b"),
        tags={tag: compile_pattern(text) for tag, text in raw["tags"].items()},
    )


@functools.cache
def _load_words() -> Mapping[str, str]:
    """Return the words that patterns share, those among them that hold others filled in."""
    raw: dict[str, Any] = load("words.yaml")
    words = {"lang": "(?:" + "|".join(raw["languages"]) + ")"}
    for name, text in raw["words"].items():
        words[name] = _fill_in(text, words)  # in the file's order: each may use those above it
    return words


def compile_pattern(text: str, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    """Return a pattern of a table: {name} stands for one of the shared words, a blank for any white space."""
    filled = re.sub(r"(\(\?<[!=][^)]*)? (\?)?", _replace_blank, _fill_in(text, _load_words()))
    return re.compile(filled, flags)


@functools.cache
def _load_patterns() -> Mapping[str, Mapping[str, str]]:
    patterns: Mapping[str, Mapping[str, str]] = load("patterns.yaml")
    return patterns


def load_pattern(module: str, name: str) -> re.Pattern[str]:
    """Return a pattern of ``patterns.yaml``; case doesn't matter to it."""
    return compile_pattern(_load_patterns()[module][name], re.IGNORECASE)


def _replace_blank(match: re.Match[str]) -> str:
    """Replace a blank by any white space; in a look-behind by a single character of it."""
    if match[1]:
        return match[1] + r"\s"  # Python's look-behinds must have a fixed width
    return r"\s?" if match[2] else r"\s+"


def _fill_in(text: str, words: Mapping[str, str]) -> str:
    return re.sub(r"\{([a-z]+)\}", lambda m: words.get(m[1], m[0]), text)  # unknown ones stay: "{2}" and the like are regex


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules for combining tasks: their order, and which ones complement or replace each other."""

    source_language: re.Pattern[str]
    feelings: re.Pattern[str]
    ranks: Mapping[str, int]
    other_rank: int
    later_rank: int
    """Rank of tasks that work on a named result."""
    outranks: tuple[tuple[str, str, str], ...]
    """The stronger task, the weaker one, and the kind that must be there for it, or SAME_CLAUSE, if any."""
    complements: frozenset[frozenset[str]]
    text_tasks: frozenset[str]
    findings: frozenset[str]
    answers: frozenset[str]
    changes: frozenset[str]
    prompted: frozenset[str]
    joining: frozenset[str]
    shortened: frozenset[str]
    visual_tasks: frozenset[str]
    text_words: re.Pattern[str]

    @property
    def first_picture_rank(self) -> int:
        """Rank of tasks that work on a new picture."""
        return self.ranks["text-to-image"] + 1

    def get_rank(self, task: str) -> int:
        """Return the rank of a task; those of a lower rank are done first."""
        return self.ranks.get(task, self.other_rank)


SAME_CLAUSE: Final = "beside"
"""Third field of a rule that holds only for two intents in the same clause."""
_TASK_SET_NAMES: Final = ("text_tasks", "findings", "answers", "changes", "prompted", "joining", "shortened", "visual_tasks")


@functools.cache
def load_rules() -> Rules:
    """Return the rules as shipped, read once."""
    raw: dict[str, Any] = load("rules.yaml")
    return Rules(
        source_language=re.compile(raw["source_language"]),
        feelings=compile_pattern(raw["feelings"]),
        text_words=compile_pattern(rf"\b{raw['text_words']}\b"),
        ranks=raw["ranks"],
        other_rank=raw["other_rank"],
        later_rank=raw["later_rank"],
        outranks=tuple((row[0], row[1], row[2] if len(row) > 2 else "") for row in raw["outranks"]),
        complements=frozenset(map(frozenset, raw["complements"])),
        **{name: frozenset(raw[name]) for name in _TASK_SET_NAMES},
    )
