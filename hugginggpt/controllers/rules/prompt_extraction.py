"""The words of a request that are themselves what to work on: "draw a cat on a mat" draws a cat on a mat."""

import re
from typing import Final

from hugginggpt.controllers.rules.cue_table import Intent, load_pattern, load_rules
from hugginggpt.controllers.rules.request_parser import BLANK, ParsedRequest, sentences

_LEAD: Final = load_pattern("prompts", "lead")
_TAIL: Final = load_pattern("prompts", "tail")
_TAIL_CHARS: Final = 80
_NEED_A_TEXT: Final = frozenset(
    {"summarization", "question-answering", "token-classification", "zero-shot-classification", "sentence-similarity"}
)
"""Tasks whose own words are never what they work on."""
_INTO: Final = load_pattern("prompts", "into")
_POINTING: Final = load_pattern("prompts", "pointing")
_OWN: Final = load_pattern("prompts", "own")
_CONTENT: Final = load_pattern("prompts", "content")
_JOINT: Final = load_pattern("prompts", "joint")
_FEW_WORDS: Final = 4
_AND_IT: Final = load_pattern("prompts", "and_it")


def extract_prompt(want: Intent, wording: ParsedRequest, following: int | None) -> str | None:
    """Return the words after a cue, when they themselves are what to work on; None where they only point at something.

    Args:
        want: The step.
        wording: The request.
        following: Where the words of the next step stand.
    """
    text = wording.text
    if wording.given:
        return wording.given
    if wording.quotes and not (want.task in load_rules().prompted and _says_itself(want, wording, following)):
        return max(wording.quotes, key=len)
    if want.task == "conversational":
        return text
    bounds = wording.sentence(want.start)
    end = following if following is not None and want.start < following else bounds[1]
    if want.task == "text-generation":
        return strip_tail(_AND_IT.sub("", strip_tail(text[want.start : end]))).strip()
    rest = [text[s:e] for s, e in sentences(text) if s > want.start]
    if want.task not in load_rules().prompted and rest:
        return " ".join(rest)
    if want.task in _NEED_A_TEXT:
        return None
    found = _phrase(want, wording, following)
    if want.task == "translation":
        found = _INTO.sub("", found)
    return None if _POINTING.fullmatch(found.lower()) else found or None


def has_own(want: Intent, wording: ParsedRequest, following: int | None) -> bool:
    """Return whether a step names what it shall make ("a dragon"), rather than what another step made ("it", "the tale")."""
    if wording.given or wording.quotes:
        return False
    found = _phrase(want, wording, following, behind=True)
    return bool(_OWN.match(found)) and not _CONTENT.search(found.lower())


def _says_itself(want: Intent, wording: ParsedRequest, following: int | None) -> bool:
    """Return whether a step names what to make while a quote belongs to another ("a film of a dragon, and narrate “...”")."""
    end = following if following is not None and want.start < following else len(wording.text)
    return BLANK not in wording.instruction[want.start : end] and bool(
        _OWN.match(_phrase(want, wording, following, behind=True))
    )


def _phrase(want: Intent, wording: ParsedRequest, following: int | None, *, behind: bool = False) -> str:
    """Return the words behind a cue, or those before it where there are none behind, unless only those are wanted."""
    text, bounds = wording.text, wording.sentence(want.start)
    end = _before(following, want, wording) if following is not None and want.start < following else bounds[1]
    said = re.split(r",? (?:and )?then\b", text[want.start : max(end, want.start)])[0]
    phrase = strip_tail(_AND_IT.sub("", _LEAD.sub("", said, count=1))).strip(" .,;:!?")
    before = _LEAD.sub("", text[bounds[0] : want.start].strip(" ,.;:"), count=1)
    return (phrase if behind or len(phrase) > 2 else before).replace(BLANK, "")


def _before(following: int, want: Intent, wording: ParsedRequest) -> int:
    """Return where the words of a step end that another follows: at the "and" or the comma before it, if that is near."""
    ends = [m.start() for m in _JOINT.finditer(wording.instruction, want.end, following)]
    return ends[-1] if ends and len(wording.instruction[ends[-1] : following].split()) <= _FEW_WORDS else following


def strip_tail(text: str) -> str:
    """Return a phrase without the order words and thanks at its end, of which only the end is looked at."""
    return text[:-_TAIL_CHARS] + _TAIL.sub("", text[-_TAIL_CHARS:])
