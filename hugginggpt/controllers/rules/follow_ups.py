"""Follow-up questions that say only what is new: "and the due date?", "from which platform?", "and York?".

They are completed from the question before them, so that they are answered from the same page, text or recording.
"""

import re
from dataclasses import replace
from typing import Final

from hugginggpt.controllers.base import PlanRequest
from hugginggpt.controllers.rules.cue_table import load_pattern, load_rules
from hugginggpt.controllers.rules.request_parser import ParsedRequest
from hugginggpt.core.recording import Turn

_THING: Final = load_pattern("follow_ups", "thing")
_DETAIL: Final = load_pattern("follow_ups", "detail")
_OPENING: Final = load_pattern("follow_ups", "opening")
_OTHER: Final = re.compile(
    r"^(?:[Aa]nd|[Ww]hat about|[Hh]ow about)\s+(?:(?:for|to|in|at)\s+)?"
    r"(?P<name>[A-Z][\w'’-]*(?:\s[A-Z][\w'’-]*){0,3})\s*\?$"
)
_NAME: Final = re.compile(r"(?<=\s)[A-Z][\w'’-]*(?:\s[A-Z][\w'’-]*)*(?=['’]s\b|[\s?,.])")
_MAX_CHARS: Final = 80  # a longer request stands for itself


def complete_follow_up(request: PlanRequest, parsed: ParsedRequest) -> PlanRequest | None:
    """Complete a follow-up question; None for any other request."""
    last = request.turns[-1] if request.turns else None
    text = parsed.text.strip()
    if last is None or request.attached or len(text) > _MAX_CHARS or not _was_answered(last):
        return None
    if match := _THING.match(text):
        return replace(request, text=f"What is {match['thing']}?")
    question = last.request.rsplit('"', 1)[-1].strip()  # behind a text in quotes
    opening = _OPENING.match(question)
    if opening and (match := _DETAIL.match(text)):
        words = (match["detail"].capitalize(), question[opening.end() :].rstrip(" ?."), match["preposition"])
        return replace(request, text=" ".join(filter(None, words)) + "?")  # "from" goes last: "which platform ... from?"
    if (match := _OTHER.match(text)) and (names := list(_NAME.finditer(question))):
        start, end = names[-1].span()
        return replace(request, text=question[:start] + match["name"] + question[end:])
    return None


def _was_answered(turn: Turn) -> bool:
    """Tell whether a request ended in an answer to a question."""
    results = [resource.origin.label for resource in turn.resources if resource.origin.source == "task"]
    return bool(results) and results[-1] in load_rules().answers
