"""Parts of a request that no task of its plan serves: they are named, so that nothing is lost in silence."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from hugginggpt.controllers.rules.cue_table import load_cue_table, load_pattern
from hugginggpt.controllers.rules.request_parser import BLANK, ParsedRequest, find_clauses
from hugginggpt.core.markdown import fold_into_line

_ASKS: Final = load_pattern("left_out", "asks")
_SERVED: Final = load_pattern("left_out", "served")
_MIN_WORDS: Final = 3
"""Fewer words ("please do", "save it") are seldom a wish of their own."""
_MAX_CHARS: Final = 80
_MAX_PARTS: Final = 3


def find_left_out(parsed: ParsedRequest, kinds: frozenset[str], tasks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Find the clauses that ask for something of their own and have no part in any task.

    Args:
        parsed: The request.
        kinds: Kinds of what it came with and of what its tasks make.
        tasks: The plan, in the paper's form: the words in its arguments are served, too.
    """
    used = " ".join(_list_texts(tasks)).lower()
    planned = {task["task"] for task in tasks}
    cues = [cue for cue in load_cue_table().match(parsed.instruction, kinds) if cue.task.isupper() or cue.task in planned]
    found = []
    for start, end in find_clauses(parsed):
        words = parsed.instruction[start:end].strip(" .,;:!?-")
        if len(words.split()) < _MIN_WORDS or not _ASKS.match(words) or _SERVED.search(words):
            continue
        if any(cue.start < end and start < cue.end for cue in cues) or words.replace(BLANK, "").strip() in used:
            continue
        found.append(fold_into_line(parsed.text[start:end].strip(" .,;:!?-"), _MAX_CHARS))
    return found[:_MAX_PARTS]


def _list_texts(tasks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for task in tasks:
        yield from (re.sub(r"\s+", " ", value) for value in task["args"].values() if isinstance(value, str))
