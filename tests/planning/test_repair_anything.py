"""Nothing a controller returns may crash a request: thousands of plans as no controller should write them."""

import random
from typing import Any

from hugginggpt.core.errors import PlanError
from hugginggpt.core.tasks import TaskTable, load_task_table
from hugginggpt.planning.repair import make_plan
from tests.conftest import attached


def deep(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


JUNK: list[Any] = [
    None, True, 0, 1, -1, 3.7, float("nan"), float("inf"), 10**30, 10**6000, "", "  ", "0", "<resource>-0", "\ud800",
    "\0", "<GENERATED>-" + "9" * 5000, "<resource>-1, <resource-2> and x", "image-1", "a" * 1000, [], {}, [None],
    [[[]]], {"a": {}}, deep(50), deep(5000), {"task": "tts"}, "text-to-speech", "object-detection", ("a", "b"),
    b"bytes", {1: 2}, [{}, 0, "1"],
]  # fmt: skip


def mangled(rng: random.Random) -> list[Any]:
    """A plan as no controller should write it."""

    def task() -> Any:
        if rng.random() < 0.05:
            return rng.choice(JUNK)
        row = load_task_table()[rng.choice(list(load_task_table()))]
        args = {i.name: rng.choice([*JUNK, f"<resource>-{rng.randrange(5)}"]) for i in row.inputs if rng.random() < 0.8}
        item = {
            "task": row.name,
            "id": rng.choice([0, 1, 2, 3, *JUNK[:12]]),
            "dep": [rng.choice([0, 1, 2, 3, -1, *JUNK]) for _ in range(3)],
            "args": args,
        }
        for key in rng.sample(list(item), rng.randrange(3)):
            item[key] = rng.choice(JUNK)
        if rng.random() < 0.2:
            item.pop(rng.choice(list(item)))
        return item

    return [task() for _ in range(rng.randrange(1, 6))]


def test_whatever_a_controller_returns_becomes_a_valid_plan_or_a_refusal(table: TaskTable) -> None:
    rng = random.Random(2303)
    plans = 0
    for _ in range(4000):
        raw = mangled(rng)
        try:
            plan = make_plan(raw, table, (attached("image-1"), attached("text-1")))
        except PlanError as refusal:
            str(refusal).encode()
            continue
        plans += 1
        ids = [task.id for task in plan.tasks]
        assert len(set(ids)) == len(raw)
        for task in plan.tasks:
            assert {r.task_id for r in task.references} <= set(task.dep) <= set(ids) - {task.id}
            assert all(table[task.task].input(name) for name in task.args)
        repr(plan.as_json()).encode()
    assert plans > 200
