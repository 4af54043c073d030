"""How often the built-in planner plans the right tasks in the right order: ``python -m benchmarks.planning``.

Each set in ``requests/`` holds requests as people would type them, the kinds of files they come with, and every
sequence of tasks that a sensible person would call right. ``unseen`` was written by somebody who had not seen the
planner, and its requests were not read by the planner's authors, who saw only the scores; ``seen-*`` were written the
same way and then used to improve it.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from hugginggpt.controller.base import PlanRequest
from hugginggpt.controller.offline import OfflineController
from hugginggpt.errors import HuggingGPTError
from hugginggpt.repair import make_plan
from hugginggpt.resources import Origin, Resource
from hugginggpt.tasks import Kind, task_table

SETS: Final = Path(__file__).with_name("requests")


@dataclass(frozen=True, slots=True)
class Item:
    """One request and what is right for it."""

    request: str
    resources: tuple[Resource, ...]
    accept: tuple[tuple[str, ...], ...]

    @property
    def steps(self) -> int:
        """How many tasks it needs."""
        return len(self.accept[0])


@dataclass(frozen=True, slots=True)
class Score:
    """Right answers by number of steps, and the time that planning took."""

    right: Counter[int]
    asked: Counter[int]
    seconds: float

    def share(self, steps: int) -> float:
        """Which share of the requests of that many steps was planned right, 0..1."""
        return self.right[steps] / self.asked[steps]


def load(name: str) -> list[Item]:
    """The requests of one set."""
    rows: list[dict[str, Any]] = yaml.safe_load((SETS / f"{name}.yaml").read_text(encoding="utf-8"))
    return [Item(row["request"], tuple(_resources(row["files"])), tuple(tuple(plan) for plan in row["accept"])) for row in rows]


def _resources(files: Sequence[dict[str, str]]) -> Iterator[Resource]:
    count: Counter[str] = Counter()
    for file in files:
        count[file["kind"]] += 1
        name = f"{file['kind']}-{count[file['kind']]}"
        yield Resource(name, Kind(file["kind"]), Origin("upload", file["name"]))


def planned(item: Item, controller: OfflineController) -> tuple[str, ...]:
    """The tasks that the planner plans, valid and repaired; empty when it plans none."""
    try:
        raw = controller.tasks(PlanRequest(item.request, item.resources))
        return tuple(task.task for task in make_plan(raw, task_table(), item.resources).tasks)
    except HuggingGPTError:
        return ()


def score(items: Sequence[Item]) -> Score:
    """Plan all of them and count."""
    controller = OfflineController()
    controller.tasks(PlanRequest("say hello aloud"))  # reads its tables
    right: Counter[int] = Counter()
    begun = time.perf_counter()
    plans = [planned(item, controller) for item in items]
    seconds = time.perf_counter() - begun
    for item, plan in zip(items, plans, strict=True):
        right[item.steps] += plan in item.accept
    return Score(right, Counter(item.steps for item in items), seconds)


def main() -> None:
    """Print a row for each set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="*", default=sorted(path.stem for path in SETS.glob("*.yaml")))
    print(f"{'set':8}  {'one step':>16}  {'two steps':>16}  {'three steps':>16}  ms a request")
    for name in parser.parse_args().sets:
        result = score(load(name))
        cells = [f"{result.right[n]:3} of {result.asked[n]:3} {result.share(n):5.0%}" for n in (1, 2, 3)]
        print(f"{name:8}  {'  '.join(f'{cell:>16}' for cell in cells)}  {result.seconds / result.asked.total() * 1000:.1f}")


if __name__ == "__main__":
    main()
