"""An attack: cases of one kind, how to make more of them, and what the program must do with each."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hugginggpt.core.errors import HuggingGPTError
from hugginggpt.core.settings import Settings
from hugginggpt.core.tasks import TaskTable
from hugginggpt.workspace.workspace import Workspace

_MAX_SENTENCE_CHARS: Final = 500


@dataclass(frozen=True)
class Attack:
    """One kind of attack."""

    kind: str
    seeds: Sequence[Any]
    """The catalogue: each of them is a case."""
    vary: Callable[[random.Random], Any]
    """Makes a further case, the same one for the same random numbers."""
    check: Callable[[Any], object]
    """Has the program take a case; raises a HuggingGPTError where it is refused, and anything else where that is wrong."""
    clock: Callable[[], float] = time.process_time
    """Clock for a case's time; another process's work takes no time of this one's."""
    max_seconds: float = 1.0
    """Longest that a case may take by that clock."""


@dataclass(frozen=True)
class Target:
    """The program's parts that cases are tried on, and a folder for files."""

    workspace: Workspace
    settings: Settings
    table: TaskTable
    folder: Path
    stack: ExitStack
    """Closes what an attack opens."""


def run_case(attack: Attack, case: Any) -> None:
    """Try one case.

    Raises:
        Exception: The program didn't take it, nor refused it in a sentence.
    """
    try:
        attack.check(case)
    except HuggingGPTError as error:
        check_sentence(str(error))


def check_sentence(text: str) -> None:
    """Refuse an error that no person can act on: it must be one line, end as a sentence, and not be endless."""
    assert re.fullmatch(r"\S[^\n]*[.!?]", text), f"no sentence: {text[:200]!r}"
    assert len(text) <= _MAX_SENTENCE_CHARS, f"a sentence of {len(text)} characters: {text[:200]!r}"


def mix(chance: random.Random, fragments: Sequence[str], seeds: Sequence[str], *, most: int = 20_000) -> str:
    """Return a text of fragments, repeated ones and parts of the seeds, of no more than `most` characters."""
    parts = []
    for _ in range(chance.randint(1, 8)):
        part = chance.choice(fragments if chance.random() < 0.6 else seeds)
        if chance.random() < 0.3 and part:
            part = part[: chance.randrange(len(part)) + 1]
        if chance.random() < 0.2:
            part *= chance.choice((2, 10, 100, 1_000))
        parts.append(part[:most])
    return "".join(parts)[:most]


def mutate_bytes(chance: random.Random, seed: bytes, others: Sequence[bytes]) -> bytes:
    """Return bytes of which some are changed, doubled, cut out or taken from others."""
    data = bytearray(seed)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(6):
            case 0:
                data[at : at + 1] = chance.randbytes(1)
            case 1:
                data[at : at + 4] = chance.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\xff\xff"))
            case 2:
                del data[at : at + chance.randint(1, 64)]
            case 3:
                data[at:at] = data[at : at + chance.randint(1, 256)]
            case 4:
                other = chance.choice(others)
                start = chance.randrange(len(other) + 1)
                data[at : at + 16] = other[start : start + chance.randint(1, 256)]
            case _:
                del data[max(at, 1) :]
    return bytes(data)


def mutate_json(chance: random.Random, whole: Any, values: Sequence[Any]) -> Any:
    """Return a value of JSON in which one place is another value, gone, doubled or under another name; `whole` is changed."""
    at = whole
    while True:
        keys = list(at) if isinstance(at, Mapping) else list(range(len(at)))
        key = chance.choice(keys)
        if not isinstance(at[key], dict | list) or not at[key] or chance.random() < 0.15:
            break
        at = at[key]
    match chance.randrange(5):
        case 0:
            del at[key]
        case 1 if isinstance(at, dict):
            at[chance.choice(("", "path", "[key]", "str", "\ud800", "__proto__", "x" * 500))] = at.pop(key)
        case 2 if isinstance(at, list):
            at *= chance.choice((2, 30))
        case _:
            at[key] = deepcopy(chance.choice(values))  # it may be changed in turn
    return whole
