"""Requests without a task: small talk, questions about the world, and what no task does, such as booking flights.

Refusing helps more than a wrong task does, but only where the words leave no doubt; what else there is to do is done.
"""

import functools
import re
from dataclasses import dataclass
from typing import Any, Final

from hugginggpt.controllers.rules.cue_table import compile_pattern, load, load_cue_table
from hugginggpt.controllers.rules.request_parser import ParsedRequest

_MAX_QUESTION_WORDS: Final = 25
"""A longer request may speak of its files in passing."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Part of a request that no task does."""

    verb: int
    """Position of the word that asks for it."""
    reason: str
    """Without a full stop."""


@dataclass(frozen=True, slots=True)
class _Limits:
    talk: tuple[tuple[re.Pattern[str], str], ...]
    knowledge: str
    cannot: tuple[tuple[re.Pattern[str], str, frozenset[str]], ...]
    """Patterns of requests, the reason why each can't be done, and the kinds of which one must be attached for that."""
    styles: tuple[tuple[re.Pattern[str], str], ...]


@functools.cache
def _load_limits() -> _Limits:
    raw: dict[str, Any] = load("limits.yaml")
    return _Limits(
        talk=tuple((compile_pattern(say), row["answer"]) for row in raw["talk"] for say in row["say"]),
        knowledge=raw["knowledge"],
        cannot=tuple(
            (
                compile_pattern(say.replace("{do}", raw["do"]).replace("{office}", raw["office"])),  # before the shared words
                row["answer"],
                frozenset(row.get("given", ())),
            )
            for row in raw["cannot"]
            for say in row["say"]
        ),
        styles=tuple((compile_pattern(say), row["answer"]) for row in raw["styles"] for say in row["say"]),
    )


def answer_small_talk(parsed: ParsedRequest) -> str:
    """Answer a request that is nothing but small talk; empty for any other."""
    words = parsed.instruction.strip()
    return next((answer for pattern, answer in _load_limits().talk if words and pattern.fullmatch(words)), "")


@functools.cache
def _load_about() -> tuple[tuple[re.Pattern[str], str], ...]:
    raw: dict[str, Any] = load("about.yaml")
    return tuple(
        (compile_pattern(say.replace("{mine}", raw["mine"])), row["answer"]) for row in raw["answers"] for say in row["say"]
    )


def answer_about_app(parsed: ParsedRequest) -> str:
    """Answer a question about this app itself; empty for any other request."""
    words = parsed.instruction.strip()
    if parsed.given or parsed.quotes or len(words.split()) > _MAX_QUESTION_WORDS:
        return ""
    return next((answer for pattern, answer in _load_about() if pattern.search(words)), "")


def refuse_general_question(parsed: ParsedRequest) -> str:
    """Answer a question that there is nothing to answer from; empty for any other request."""
    words = parsed.instruction.strip()
    return (
        _load_limits().knowledge if load_cue_table().question.search(words) and not parsed.given and not parsed.quotes else ""
    )


def find_unavailable_styles(parsed: ParsedRequest) -> list[str]:
    """Find what is wished of the way in which something is done and can't be chosen: a sentence for each."""
    return list(dict.fromkeys(answer for pattern, answer in _load_limits().styles if pattern.search(parsed.instruction)))


def find_refusals(parsed: ParsedRequest, kinds: frozenset[str]) -> list[Refusal]:
    """Find all that is asked for and can't be done, in the order of the words, each reason once."""
    found: dict[str, Refusal] = {}
    for pattern, reason, given in _load_limits().cannot:
        if (not given or given & kinds) and (match := pattern.search(parsed.instruction)) and reason not in found:
            found[reason] = Refusal(match.end("before") if "before" in pattern.groupindex else match.start(), reason)
    return sorted(found.values(), key=lambda refusal: refusal.verb)  # found by pattern, sorted by position
