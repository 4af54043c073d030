"""Conditional parts of a request: they are left out with a notice, and the condition becomes a question.

A plan is made before anything is known, so "if there is a cat in it, make a painting of it" can't be planned by rules: that
there is a cat in it is asked, the painting is left out, and the person is told.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hugginggpt.controllers.rules.cue_table import compile_pattern, load, load_cue_table
from hugginggpt.controllers.rules.question_routing import is_polite
from hugginggpt.controllers.rules.request_parser import parse_request
from hugginggpt.core.markdown import shorten
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind

_ANY_KIND: Final = frozenset(kind.value for kind in Kind)
_MAX_QUOTE_CHARS: Final = 80  # most characters that are quoted of a part that was left out
_CONNECTIVE: Final = re.compile(r"\b(?:only|but|if|in case|provided that|as long as|when|unless)$")
_MAX_CONNECTIVE_CHARS: Final = 14
_BLANKS: Final = ", \t\n\r\v\f\xa0"
_VERB_E: Final = re.compile(r"(?:(?<=ch)|(?<=sh)|(?<=ss)|(?<=x)|(?<=o))e$")
_THIRD_PERSON: Final = {"seems": "seem", "sounds": "sound", "looks": "look", "has": "have"}


@dataclass(frozen=True, slots=True)
class UnconditionalText:
    """The part of a request that can be planned."""

    text: str
    regret: str = ""
    """One sentence that names what was left out; empty where nothing was."""


@dataclass(frozen=True, slots=True)
class _ConditionalRules:
    patterns: tuple[re.Pattern[str], ...]
    asks: re.Pattern[str]
    asks_for: re.Pattern[str]
    polite: re.Pattern[str]
    does: re.Pattern[str]
    inverted: re.Pattern[str]
    does_so: re.Pattern[str]
    short: Mapping[str, str]
    regret: str


@functools.cache
def _load_rules() -> _ConditionalRules:
    raw: dict[str, Any] = load("conditions.yaml")
    return _ConditionalRules(
        patterns=tuple(compile_pattern(raw[name]) for name in ("follow", "first", "last")),
        asks=compile_pattern(raw["asks"]),
        asks_for=compile_pattern(raw["asks_for"]),
        polite=compile_pattern(raw["polite"]),
        does=compile_pattern(raw["does"]),
        inverted=compile_pattern(raw["inverted"]),
        does_so=compile_pattern(raw["does_so"]),
        short=raw["short"],
        regret=raw["regret"],
    )


def strip_conditions(text: str, attached: Sequence[Resource] = ()) -> UnconditionalText:
    """Strip a request of what depends on a condition; ask instead whether the condition holds."""
    if not re.search(r"\b(?:if|unless|otherwise|else|in case|as long as|provided that|when)\b", text, re.IGNORECASE):
        return UnconditionalText(text)
    parsed = parse_request(text, attached)
    text, instruction = parsed.text, parsed.instruction
    left_out: list[tuple[int, str]] = []
    questions: list[str] = []
    for pattern in _load_rules().patterns:
        for match in pattern.finditer(instruction):
            if not _is_condition(match, instruction):
                continue
            start, end = match.span()
            left_out.append((start, f"“{shorten(_trim_part(text[start:end]), _MAX_QUOTE_CHARS)}”"))
            if condition := match.groupdict().get("if"):
                where = match.start("if")
                questions.append(_form_question(text[where : where + len(condition)]))
            text = text[:start] + " " * (end - start) + text[end:]  # of the same length: positions of both texts agree
            instruction = instruction[:start] + " " * (end - start) + instruction[end:]
    if not left_out:
        return UnconditionalText(text)
    rest = re.sub(r"\s+(?=[.!?])|(?<=[.!?])\s*[.!?]+(?=\s|$)", "", re.sub(r"[,;:]?\s{2,}", " ", text)).strip(" ,;")
    rest = rest if not rest or rest[-1] in ".!?\"”'" else rest + "."  # a sentence of its own before the questions
    return UnconditionalText(" ".join([rest, *questions]).strip(" ."), _format_regret([part for _, part in sorted(left_out)]))


def _is_condition(match: re.Match[str], instruction: str) -> bool:
    rules = _load_rules()
    action = match["do"].strip()
    condition = (match.groupdict().get("if") or "").strip()
    before = instruction[: match.start("if")] if condition else ""
    before = _strip_connectives(before)
    asked = instruction[match.end() :].startswith("?") and not is_polite(action)
    if asked or rules.polite.search(condition) or rules.asks.search(before):
        return False  # "what happens if a tree falls on it?" asks about a condition
    follows_plain_if = condition and match.start("if") > match.start("do") and not re.search(r"\b(?:only|unless)\b", match[0])
    if follows_plain_if and rules.asks_for.search(action):
        return False  # "tell me out loud if there is a dog in it"
    return bool(rules.does.search(action) or (condition and load_cue_table().match(action, _ANY_KIND)))


def _strip_connectives(text: str) -> str:
    """Strip commas, blanks and words such as "only if" from the end; a pattern for it would try every place of the text."""
    text = text.rstrip(_BLANKS)
    while match := _CONNECTIVE.search(text, max(0, len(text) - _MAX_CONNECTIVE_CHARS)):
        text = text[: match.start()].rstrip(_BLANKS)
    return text


def _format_regret(parts: Sequence[str]) -> str:
    return _load_rules().regret.format(parts=" and ".join(parts) + (" was" if len(parts) == 1 else " were"))


def _trim_part(text: str) -> str:
    return re.sub(r"^(?:[\s,;.]|\b(?:and|but|then|also)\b)+", "", text.strip(), flags=re.IGNORECASE).rstrip(" ,.;")


def _form_question(condition: str) -> str:
    """Turn a condition into a question: "there is a cat in it" becomes "Is there a cat in it?"."""
    rules = _load_rules()
    condition = condition.strip(" ,")
    for contraction, full in rules.short.items():
        condition = re.sub(rf"^{contraction}\b", full, condition, flags=re.IGNORECASE)
    if re.match(r"you\b", condition, re.IGNORECASE):
        return f"Do {re.sub(r'^you can', 'you', condition, flags=re.IGNORECASE)}?"
    match = re.match(rules.inverted.pattern, condition, re.IGNORECASE)  # the condition keeps the person's capitals
    if not match and (does := re.match(rules.does_so.pattern, condition, re.IGNORECASE)):
        return f"Does {does['subject']} {_VERB_E.sub('', does['verb'])}{does['rest']}?"
    if not match:
        return f"Is it so that {condition}?"  # clumsy, but true of any clause
    verb = match["verb"].lower()
    if verb in _THIRD_PERSON:
        return f"Does {match['subject']} {_THIRD_PERSON[verb]} {match['rest']}?"
    return f"{verb.capitalize()} {match['subject']} {match['rest']}".strip() + "?"
