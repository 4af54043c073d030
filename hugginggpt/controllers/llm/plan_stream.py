"""Incremental reading of a plan: each task as soon as its object is closed, the answer's words as they come.

In the end `json_reply.read_tasks` decides, which reads the whole: objects that stand where a task stands in the usual forms
(a list, or an object around a list) are read early, everything else when the reply is over.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from hugginggpt.controllers.llm.json_reply import read_block, read_tasks
from hugginggpt.core.errors import PlanError
from hugginggpt.core.text import lower_keys

_TOKEN: Final = re.compile(r'["\\\[\]{}:]')
_IN_STRING: Final = re.compile(r'["\\]')
_BRACKETS_AROUND_TASK: Final = frozenset({"", "[", "{["})
"""Brackets that may be open around a task: none, a list's, those of an object around a list."""
_DECODABLE: Final = re.compile(r"(?:[^\\]|\\u(?![dD][89abAB])[0-9a-fA-F]{4}|\\u[dD][89abAB]\w{2}\\u\w{4}|\\[^u])+", re.DOTALL)
"""Beginning of a JSON string's content that can be decoded by itself: no escape is cut in two."""
_EMPTY_PLAN: Final = re.compile(r'"tasks"\s*:\s*(?:\[\s*\]|null)')  # null: servers without strict schemas
_MAX_ESCAPE_CHARS: Final = 12  # a surrogate pair, two escapes of six characters
_REPAIR_SECONDS: Final = 0.03  # for one object, on the event loop
_MAX_TASK_CHARS: Final = 16_000  # longest object read while the reply is being written: a quoted text may stand in it
_MAX_DEPTH: Final = 100  # deeper ones are left to `finish`, which refuses them
ANSWER_KEY: Final = "answer"
"""Key under which a reply answers a request that needs no task."""


class PlanStreamReader:
    """Reader of one reply."""

    def __init__(self) -> None:
        """Start with an empty reply."""
        self._text = ""
        self._position = 0
        self._brackets: list[tuple[str, int]] = []
        """Open brackets, each with its position."""
        self._string_start = -1
        """Start of the string that is being read; -1 outside of one."""
        self._last_string = ""
        """String read last, which a colon makes a key."""
        self._key = ""
        self._value_start = 0
        """Position behind the colon that made it one."""
        self._answer_position = -1
        """Position up to which the answer's string has been decoded; -1 while it isn't being read."""
        self._tasks: list[Mapping[str, Any]] = []
        self._held_words: list[str] = []
        """Decoded words of the answer, held back until it is clear that there is no task."""
        self._searched = 0
        """Position up to which an empty list of tasks has been looked for; no text is searched twice."""
        self._is_empty_plan = False
        self._has_answered = False

    @property
    def text(self) -> str:
        """The reply so far."""
        return self._text

    def feed(self, text: str) -> Iterator[Mapping[str, Any] | str]:
        """Read the next piece of the reply; yield the tasks that it completes, and the words of a direct answer."""
        self._text += text
        while len(self._brackets) <= _MAX_DEPTH and (found := self._find_token()):
            yield from self._handle_token(found)
            self._position = found.end() + (found[0] == "\\" and self._string_start >= 0)  # skip what is escaped
        self._position = max(self._position, len(self._text))  # past the end if a backslash escapes what comes next
        if self._answer_position >= 0:
            yield from self._decode_answer(len(self._text))

    def _find_token(self) -> re.Match[str] | None:
        return (_IN_STRING if self._string_start >= 0 else _TOKEN).search(self._text, self._position)

    def _handle_token(self, match: re.Match[str]) -> Iterator[Mapping[str, Any] | str]:
        sign, position = match[0], match.start()
        if sign == '"' and self._brackets:  # in prose a quote may be an inch
            yield from self._handle_quote(position)
        elif sign == ":" and self._string_start < 0:
            self._key, self._value_start = self._last_string, position + 1
        elif sign in "[{" and self._string_start < 0:
            self._brackets.append((sign, position))
        elif sign in "]}" and self._string_start < 0 and self._brackets:
            _, start = self._brackets.pop()
            if sign == "}" and "".join(bracket for bracket, _ in self._brackets) in _BRACKETS_AROUND_TASK:
                yield from self._read_task(self._text[start : position + 1])

    def _handle_quote(self, position: int) -> Iterator[str]:
        if self._string_start < 0:
            self._string_start = position + 1
            at_top = len(self._brackets) == 1 and self._text[self._brackets[0][1]] == "{"
            is_value = not self._text[self._value_start : position].strip()
            if at_top and self._key == ANSWER_KEY and is_value:  # an argument of a task may be called so
                self._answer_position = position + 1
                self._is_empty_plan |= bool(_EMPTY_PLAN.search(self._text, self._searched, position))
                self._searched = position
            return
        if self._answer_position >= 0:
            yield from self._decode_answer(position, whole=True)
            self._answer_position = -1
        self._last_string, self._key = self._text[self._string_start : position], ""  # no key until a colon follows
        self._string_start = -1

    def _decode_answer(self, end: int, *, whole: bool = False) -> Iterator[str]:
        """Decode the answer up to a position; with `whole` all of it, escapes unknown to JSON as they stand."""
        part = self._text[self._answer_position : end]
        match = _DECODABLE.match(part)
        decodable = match[0] if match else ""
        whole = whole or len(part) - len(decodable) > _MAX_ESCAPE_CHARS  # it is no escape that is still being written
        self._answer_position += len(part) if whole else len(decodable)
        for piece in (decodable, part[len(decodable) :] if whole else ""):
            self._held_words += filter(None, [_unescape(piece)])
        # once the list of tasks has come and is empty, no task will follow
        if self._held_words and not self._tasks and self._is_empty_plan:
            self._has_answered = True
            words, self._held_words = "".join(self._held_words), []
            yield words

    def _read_task(self, block: str) -> Iterator[Mapping[str, Any]]:
        if len(block) > _MAX_TASK_CHARS:  # left to `finish`, which runs in a thread
            return
        try:
            value = read_block(block, _REPAIR_SECONDS)
        except (PlanError, RecursionError):  # left to `finish`, which has more time, and says so
            return
        if isinstance(value, dict) and isinstance(lower_keys(value).get("task"), str):
            self._tasks.append(value)
            yield value

    def finish(self) -> Iterator[Any]:
        """Yield the tasks that were not yielded yet, now that the reply is complete.

        Raises:
            PlanError: It is nested too deep to be read, or takes too long to be repaired.
        """
        unmatched = Counter(map(_make_key, self._tasks))
        for task in read_tasks(self._text):
            key = _make_key(task)
            if unmatched[key] > 0:  # a plan may rightly hold two equal tasks, so each matches once
                unmatched[key] -= 1
            else:
                self._tasks.append(task)
                yield task

    @property
    def answer(self) -> str:
        """Rest of the answer, once the reply is complete and has no task."""
        return "" if self._tasks else "".join(self._held_words)

    @property
    def is_plan_or_answer(self) -> bool:
        """True if the reply is a plan, maybe an empty one, or an answer, rather than prose."""
        return bool(self._tasks) or self._has_answered or bool(self._held_words) or bool(re.search(r"\[\s*\]", self._text))


def _unescape(content: str) -> str:
    """Return the text that a JSON string's content means; half a surrogate pair becomes a question mark."""
    try:
        text = str(json.loads(f'"{content}"', strict=False))  # not strict: models write line breaks into strings
    except ValueError:
        text = content
    return text.encode("utf-8", "replace").decode()  # a lone surrogate can't be encoded as UTF-8


def _make_key(task: Any) -> str:
    """Return a key by which two readings of one object are equal: `read_tasks` may have repaired what surrounds it."""
    if not isinstance(task, Mapping):
        return ""  # never read early
    task = lower_keys(task)
    return repr(task if task.get("id") is None else (task.get("task"), task["id"]))
