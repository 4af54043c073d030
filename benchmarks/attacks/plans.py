"""Replies of language models: whatever they are, they end as a plan that can run, or as a sentence."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from graphlib import TopologicalSorter
from typing import Any, Final

from benchmarks.attacks.attack import Attack, Target, mix, mutate_json
from hugginggpt.controllers.llm.json_reply import read_selections
from hugginggpt.controllers.llm.plan_stream import PlanStreamReader
from hugginggpt.core.errors import PlanError
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.planning.repair import make_plan

GIVEN: Final = (
    Resource("image-1", Kind.IMAGE, Origin("upload", "a.png")),
    Resource("audio-1", Kind.AUDIO, Origin("upload", "b.wav")),
    Resource("text-1", Kind.TEXT, Origin("upload", "c.txt"), text="Hello."),
)
PLAN: Final[list[dict[str, Any]]] = [
    {"task": "image-to-text", "id": 0, "dep": [-1], "args": {"image": "image-1"}},
    {"task": "text-to-speech", "id": 1, "dep": [0], "args": {"text": "<GENERATED>-0"}},
    {"task": "summarization", "id": 2, "dep": [0, 1], "args": {"text": ["<resource>-0", "text-1"]}},
]
VALUES: Final[tuple[Any, ...]] = (
    None, True, -1, 0, 2, 10**30, 1e308, 1.5, "", "image-1", "<resource>-2", "<resource>-9", "<GENERATED>-0,<GENERATED>-1",
    "/etc/passwd", "../../x", "http://169.254.169.254/", "file:///etc/passwd", "rm -rf /", "__import__('os').system('id')",
    [], {}, [[]], {"": ""}, {"task": "x"}, ["<resource>-0"] * 50, "\ud800", "x" * 5_000, "image-to-text", "{image}", "0", "T1",
)  # fmt: skip
FRAGMENTS: Final = (
    "[", "]", "{", "}", '{"task":', '"id":', '"dep":[', '"args":{', ",", ":", '"', "\\", "\\u", "\\ud83d", "'", "```json\n",
    "```",
    "<think>", "</think>", '{"tasks":[', '"answer":"', "//x\n", "NaN", "-1", "null", " ", "\n", "“", "image-1", "<resource>-0",
    '{"":', "[]", "{}", "]}]", "1e999", "\0", "\ud800",
)  # fmt: skip
SEEDS: Final = (
    json.dumps(PLAN),
    json.dumps({"tasks": PLAN}),
    json.dumps({"tasks": [], "answer": "It is \\u00e9 \\ud83d\\ude42 so."}),
    "Here is the plan:\n```json\n" + json.dumps(PLAN, indent=1) + "\n```\nDone.",
    str(PLAN),
    json.dumps(PLAN)[:-30],
    json.dumps([{"id": "lab/model", "reason": "It suits."}]),
    json.dumps(
        [{"task": "summarization", "id": n, "dep": [(n + 1) % 9], "args": {"text": f"<resource>-{n}"}} for n in range(9)]
    ),
    json.dumps([{"task": "summarization", "id": 0, "dep": [-1], "args": {"text": "<resource>" + " " * 2_000}}] * 30),
    "[" * 5_000,
    '{"task":' * 2_000,
    '[{"task": "summarization", "args": {"text": "' + "a\\" * 2_000,
    ('{"a' + '"#' * 10_000)[:20_000],
    ("[{'a': '" + '"]{' * 7_000)[:20_000],
    "ab" * 5_000,
)


def make_attack(target: Target) -> Attack:
    """Return the attack on what reads and repairs plans."""

    def check(reply: str) -> None:
        reader = PlanStreamReader()
        tasks: list[Any] = []
        for at in range(0, len(reply), 97):
            tasks += [item for item in reader.feed(reply[at : at + 97]) if isinstance(item, Mapping)]
        refused: PlanError | None = None
        try:
            tasks += reader.finish()
            read_selections(reply)
        except PlanError as error:
            refused = error
        plan = make_plan(tasks, target.table, GIVEN)
        ids = [task.id for task in plan.tasks]
        assert len(set(ids)) == len(ids), "two tasks have one id"
        assert all(task.task in target.table for task in plan.tasks), "a task is unknown"
        TopologicalSorter({task.id: {*task.dep, *(r.task_id for r in task.references)} for task in plan.tasks}).prepare()
        json.dumps(plan.as_json(), allow_nan=False).encode()
        if refused is not None:
            raise refused

    return Attack("plans", SEEDS, vary, check)


def vary(chance: random.Random) -> str:
    """Return a further reply: a plan that was changed, or no plan at all."""
    if chance.random() < 0.4:
        return mix(chance, FRAGMENTS, SEEDS)
    plan = json.loads(json.dumps(PLAN))
    for _ in range(chance.randint(1, 4)):
        plan = mutate_json(chance, plan, VALUES) or json.loads(json.dumps(PLAN))
    text = json.dumps(plan)
    return text if chance.random() < 0.8 else text[: chance.randrange(len(text))]
