"""A controller's reply while it is being written: each task as soon as its object is closed, the answer's words as they come.

What `json_reply.read_tasks` reads of the whole is what counts in the end: objects that stand where a task stands in the usual
forms (a list, or an object around a list) are read early, everything else when the reply is over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import json_repair

from hugginggpt.controllers.llm.json_reply import read_tasks
from hugginggpt.core.text import lowercase_keys

_SIGN: Final = re.compile(r'["\\\[\]{}:]')
_IN_STRING: Final = re.compile(r'["\\]')
_WHERE_TASKS_STAND: Final = frozenset({"", "[", "{["})
"""Which brackets are open around a task: none, a list's, those of an object around a list."""
_COMPLETE: Final = re.compile(r"(?:[^\\]|\\u(?![dD][89abAB])[0-9a-fA-F]{4}|\\u[dD][89abAB]\w{2}\\u\w{4}|\\[^u])+", re.DOTALL)
"""The beginning of a JSON string's inside that can be decoded by itself: no escape is cut in two."""
_NO_TASK: Final = re.compile(r'"tasks"\s*:\s*(?:\[\s*\]|null)')
_DEEPEST: Final = 100
ANSWER: Final = "answer"
"""The key under which a reply answers a request that needs no task."""


class PlanStreamReader:
    """Reads one reply."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        self._text = ""
        self._at = 0
        self._open: list[tuple[str, int]] = []
        """The brackets that are open, each with where it stands."""
        self._string = -1
        """Where the string begins that is being read; -1 outside of one."""
        self._last = ""
        """The string read last, which a colon makes a key."""
        self._key = ""
        self._answer_from = -1
        """Up to where the answer's string has been told; -1 where it isn't being read."""
        self._told: list[Mapping[str, Any]] = []
        self._words = ""
        """Of the answer, while it isn't clear yet that there is no task."""
        self._answers = False

    @property
    def text(self) -> str:
        """All that has come."""
        return self._text

    def feed(self, text: str) -> Iterator[Mapping[str, Any] | str]:
        """Take the next piece of the reply; yields the tasks that it completes, and words of an answer that needs none."""
        self._text += text
        while len(self._open) <= _DEEPEST and (found := self._next()):
            yield from self._sign(found)
            self._at = found.end() + (found[0] == "\\" and self._string >= 0)  # what is escaped says nothing
        self._at = max(self._at, len(self._text))
        if self._answer_from >= 0:
            yield from self._decoded(len(self._text))

    def _next(self) -> re.Match[str] | None:
        return (_IN_STRING if self._string >= 0 else _SIGN).search(self._text, self._at)

    def _sign(self, found: re.Match[str]) -> Iterator[Mapping[str, Any] | str]:
        sign, at = found[0], found.start()
        if sign == '"' and self._open:  # in prose it may be an inch
            yield from self._quote(at)
        elif sign == ":" and self._string < 0:
            self._key = self._last
        elif sign in "[{" and self._string < 0:
            self._open.append((sign, at))
        elif sign in "]}" and self._string < 0 and self._open:
            _, begun = self._open.pop()
            if sign == "}" and "".join(opened for opened, _ in self._open) in _WHERE_TASKS_STAND:
                yield from self._task(self._text[begun : at + 1])

    def _quote(self, at: int) -> Iterator[str]:
        if self._string < 0:
            self._string = at + 1
            if len(self._open) == 1 and self._key == ANSWER and self._text[self._open[0][1]] == "{" and self._is_value(at):
                self._answer_from = at + 1
            return
        if self._answer_from >= 0:
            yield from self._decoded(at, whole=True)
            self._answer_from = -1
        self._last, self._key = self._text[self._string : at], ""
        self._string = -1

    def _is_value(self, at: int) -> bool:
        return self._text[:at].rstrip().endswith(":")

    def _decoded(self, end: int, *, whole: bool = False) -> Iterator[str]:
        """What can be told of the answer up to a place; with `whole` all of it, escapes unknown to JSON as they stand."""
        part = self._text[self._answer_from : end]
        complete = _COMPLETE.match(part)
        known = complete[0] if complete else ""
        self._answer_from += len(part) if whole else len(known)
        for piece in (known, part[len(known) :] if whole else ""):
            self._words += _unescaped(piece)
        if self._words and not self._told and _NO_TASK.search(self._text, 0, self._string):  # no task will follow
            self._answers = True
            words, self._words = self._words, ""
            yield words

    def _task(self, block: str) -> Iterator[Mapping[str, Any]]:
        try:
            value = json.loads(block)
        except ValueError:
            value = json_repair.loads(block)
        except RecursionError:
            return
        if isinstance(value, dict) and isinstance(lowercase_keys(value).get("task"), str):
            self._told.append(value)
            yield value

    def finish(self) -> Iterator[Any]:
        """The reply is over: yields the tasks that were not told yet.

        Raises:
            PlanError: It is nested too deep to be read.
        """
        left = list(self._told)
        for task in read_tasks(self._text):
            told = next((known for known in left if _same(known, task)), None)
            if told is None:
                self._told.append(task)
                yield task
            else:
                left.remove(told)

    @property
    def answer(self) -> str:
        """What is left to say of the answer, once the reply is over and has told no task."""
        return "" if self._told else self._words

    @property
    def says_something(self) -> bool:
        """Whether the reply is a plan, if an empty one, or an answer: not prose without either."""
        return bool(self._told) or self._answers or bool(self._words) or bool(re.search(r"\[\s*\]", self._text))


def _unescaped(inside: str) -> str:
    """The inside of a JSON string as the text that it means; of half a surrogate pair a question mark."""
    try:
        said = str(json.loads(f'"{inside}"', strict=False))
    except ValueError:
        said = inside
    return said.encode("utf-8", "replace").decode()


def _same(one: Any, other: Any) -> bool:
    """Whether two readings are of one object: it may be whole by itself, where what stands around it had to be mended."""
    if not (isinstance(one, Mapping) and isinstance(other, Mapping)):
        return bool(one == other)
    one, other = lowercase_keys(one), lowercase_keys(other)
    return one == other or (one.get("id") is not None and (one.get("task"), one["id"]) == (other.get("task"), other.get("id")))
