"""The campaign: every row of the tables, then more made of them, each timed; what failed comes with the case that shows it."""

from __future__ import annotations

import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final

from benchmarks.attacks import addresses, documents, files, markup, plans, texts, traces
from benchmarks.attacks.attack import Attack, Target, run_case
from hugginggpt.core.settings import Settings
from hugginggpt.core.tasks import load_task_table
from hugginggpt.workspace.workspace import Workspace

KINDS: Final = (texts, plans, traces, markup, addresses, files, documents)
"""Modules of the attacks on this process; those on a running page are in `http_calls`."""
_SHOWN_CHARS: Final = 400
_MAX_SHOWN_FAILURES: Final = 5


@dataclass
class Tally:
    """The figures of one kind."""

    kind: str
    tried: int = 0
    failed: int = 0
    slowest_s: float = 0.0
    memory_mb: float = 0.0
    """Most that memory grew by, over what it was at the beginning."""
    failures: list[str] = field(default_factory=list)
    """The first few: the error, and the case as Python writes it."""


@contextmanager
def open_attacks() -> Iterator[list[Attack]]:
    """Make the attacks on this process, in a folder that goes with them."""
    with tempfile.TemporaryDirectory(prefix="attacks-") as folder:
        settings = Settings(sessions=Path(folder) / "sessions", max_file_bytes=4 * 2**20)
        with Workspace.create(settings) as workspace, ExitStack() as stack:
            target = Target(workspace, settings, load_task_table(), Path(folder), stack)
            yield [module.make_attack(target) for module in KINDS]


def run_campaign(
    attacks: Sequence[Attack],
    *,
    seed: int,
    tries: int | None = None,
    seconds: float | None = None,
    memory: Callable[[], float] | None = None,
) -> list[Tally]:
    """Try the catalogue of each kind, then further cases of all kinds in turn.

    Args:
        attacks: Their number shares tries and seconds out.
        seed: The same seed makes the same cases.
        tries: Most cases in all; None: as many as there is time for.
        seconds: Time after which no further case begins; None: as long as the tries take.
        memory: Tells megabytes; by default of this process, at its most so far.
    """
    memory = memory or _measure_peak_mb
    before = memory()
    tallies = [Tally(attack.kind) for attack in attacks]
    end = time.monotonic() + seconds if seconds is not None else float("inf")
    done = 0
    for number in count():
        for attack, tally in zip(attacks, tallies, strict=True):
            if (tries is not None and done >= tries) or time.monotonic() > end:
                return tallies
            _try_case(attack, make_case(attack, seed, number), tally)
            tally.memory_mb = max(tally.memory_mb, memory() - before)
            done += 1
    raise AssertionError("unreachable")


def make_case(attack: Attack, seed: int, number: int) -> Any:
    """Return a case by its number: those of the catalogue come first."""
    known = len(attack.seeds)
    return attack.seeds[number] if number < known else attack.vary(random.Random(f"{seed}/{attack.kind}/{number}"))


def _try_case(attack: Attack, case: Any, tally: Tally) -> None:
    fault, begun = "", attack.clock()
    try:
        run_case(attack, case)
    except Exception as error:  # whatever it is: that is what is looked for
        fault = f"{type(error).__name__}: {error}"[:_SHOWN_CHARS]
    taken = attack.clock() - begun
    tally.tried += 1
    tally.slowest_s = max(tally.slowest_s, taken)
    if not fault and taken > attack.max_seconds:
        fault = f"took {taken:.1f} s"
    if fault:
        tally.failed += 1
        if len(tally.failures) < _MAX_SHOWN_FAILURES:
            shown = repr(case)
            tally.failures.append(f"{fault}\n    {shown[:_SHOWN_CHARS]}{'…' if len(shown) > _SHOWN_CHARS else ''}")


def _measure_peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def format_tallies(tallies: Sequence[Tally]) -> str:
    """Return the figures as a table, and below it what failed."""
    lines = [f"{'kind':14}{'tried':>9}{'failed':>9}{'slowest':>12}{'most memory':>14}"]
    for tally in tallies:
        figures = f"{tally.tried:9,}{tally.failed:9,}{tally.slowest_s * 1000:9,.0f} ms{tally.memory_mb:11,.0f} MB"
        lines.append(f"{tally.kind:14}{figures}")
    lines += [f"\n{tally.kind}: {failure}" for tally in tallies for failure in tally.failures]
    return "\n".join(lines)
