"""What was planned, kept line by line, so that an interrupted benchmark goes on where it was.

JSON lines: first a header that says what was measured, then one outcome a request, appended as soon as it is there. The
plans are kept, not the scores: these are worked out from them each time. Of the server only its name is written down.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from benchmarks.planning.items import BenchmarkError, Graph, Item, graph_of
from hugginggpt.core.plan import Plan, Task

_ROOT: Final = Path(__file__).resolve().parents[2]
_PLANNING: Final = (
    "hugginggpt/controllers/**/*",
    "hugginggpt/planning/*",
    "hugginggpt/llm/structured_output.py",
    "hugginggpt/core/plan.py",
    "hugginggpt/core/tasks.py",
    "hugginggpt/core/tasks.yaml",
    "demos/plans/*",
)
"""What a plan depends on, beside the model."""


@functools.cache  # the code that was loaded, whatever is edited meanwhile
def planner_version() -> str:
    """Changes when code, prompts, tables or demonstrations of planning do: a planner's old plans say nothing of a new one."""
    files = sorted(file for pattern in _PLANNING for file in _ROOT.glob(pattern) if file.suffix in {".py", ".yaml", ".md"})
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.relative_to(_ROOT).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Header:
    """What was measured."""

    data: str
    """The file's name."""
    controller: str
    """offline or llm."""
    model: str = ""
    server: str = ""
    """The host alone."""
    version: str = ""
    """Of the planner."""

    @property
    def title(self) -> str:
        """How people name what planned."""
        return f"{self.model} ({self.server})" if self.model else "the built-in planner"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one request."""

    id: str
    digest: str
    """Of the request (see `Item.digest`)."""
    seconds: float
    """From the question to the valid plan, or to its refusal."""
    plan: Sequence[Mapping[str, Any]] | None = None
    """The valid plan in the paper's form; None where there is none."""
    refused: str = ""
    """Why not, in a sentence."""
    in_words: bool = False
    """Whether it was the controller that said so, in answer to the request."""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    """None where no language model was asked."""

    def graph(self, item: Item) -> Graph:
        """The plan as the metrics see it; empty where there is none."""
        return graph_of(Plan(tuple(_task(task) for task in self.plan or ())), item.resources)


def _task(raw: Mapping[str, Any]) -> Task:
    args = {name: value if isinstance(value, str) else tuple(value) for name, value in raw["args"].items()}
    return Task(raw["task"], raw["id"], tuple(n for n in raw["dep"] if n >= 0), args)


class Results:
    """The outcomes of one benchmark, in their file."""

    def __init__(self, path: Path, outcomes: Iterable[Outcome] = ()) -> None:
        self.path = path
        self.done = {outcome.id: outcome for outcome in outcomes}

    @classmethod
    def open(cls, path: Path, header: Header, items: Sequence[Item]) -> Self:
        """Go on with a file, or begin one; a last line that was cut off is taken away.

        Args:
            path: Where it lies, or shall lie.
            header: What is measured now.
            items: All requests of the data.

        Raises:
            BenchmarkError: It holds something else than what is measured now, or can't be read or written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            rows = _complete_lines(path) if path.exists() else []
            if not rows:
                path.write_text(_line(asdict(header)), encoding="utf-8")
                return cls(path)
        except OSError as error:
            raise _unkept(path, error) from error
        _check_header(rows[0], header, path)
        outcomes = [_outcome(row, number, path) for number, row in enumerate(rows[1:], start=2)]
        digests = {item.id: item.digest for item in items}
        if any(digests.get(outcome.id) != outcome.digest for outcome in outcomes):
            raise BenchmarkError(f"{path} holds other requests than {header.data} does now: name another --results.")
        return cls(path, outcomes)

    def append(self, outcome: Outcome) -> None:
        """Keep one outcome, on disk at once.

        Raises:
            BenchmarkError: It can't be written.
        """
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(_line(asdict(outcome)))
        except OSError as error:
            raise _unkept(self.path, error) from error
        self.done[outcome.id] = outcome


def _unkept(path: Path, error: OSError) -> BenchmarkError:
    return BenchmarkError(f"The results can't be kept in {path} ({error.strerror}): name another --results.")


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"


def _complete_lines(path: Path) -> list[Any]:
    """The values of all lines; None for one that can't be read, except for the last, which is cut from the file."""
    *lines, rest = path.read_bytes().split(b"\n")
    rows = [_value(line) for line in lines]
    cut = len(rest)
    if rows and rows[-1] is None:
        rows.pop()
        cut += len(lines[-1]) + 1
    if cut:
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size - cut)
    return rows


def _value(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _check_header(row: Any, header: Header, path: Path) -> None:
    try:
        found = Header(**row)
    except TypeError:
        raise BenchmarkError(f"{path} is no results file of this benchmark: name another --results.") from None
    for name, now in asdict(header).items():
        if (then := getattr(found, name)) != now:
            what = (
                "an earlier version of the planner"
                if name == "version"
                else f"the {name} {then or 'none'}, not {now or 'none'}"
            )
            raise BenchmarkError(f"{path} holds the results of {what}: name another --results.")


def _outcome(row: Any, number: int, path: Path) -> Outcome:
    try:
        return Outcome(**row)
    except TypeError:
        raise BenchmarkError(
            f"{path}, line {number}: that is no result; delete the line, and its request is planned anew."
        ) from None
