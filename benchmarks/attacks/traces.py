"""Traces that somebody sent: what opens can be drawn, exported and saved again, all else is refused in a sentence."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any, Final

from benchmarks.attacks.attack import Attack, Target, mutate_json
from hugginggpt.core.errors import HuggingGPTError
from hugginggpt.core.trace import fold_steps, trace_json
from hugginggpt.ui.chat.messages import draw_messages
from hugginggpt.ui.export.gradio_workflow import build_workflow
from hugginggpt.ui.export.html_report import build_report
from hugginggpt.ui.export.python_script import build_script
from hugginggpt.ui.export.trace_reader import read_trace
from hugginggpt.ui.export.trace_writer import write_trace
from hugginggpt.ui.run_panel.lineage import trace_lineage
from hugginggpt.ui.run_panel.plan_graph import draw_plan

WHOLE: Final = Path(__file__).with_name("trace.json").read_text(encoding="utf-8")
"""A run in which everything that can happen has happened."""
VALUES: Final[tuple[Any, ...]] = (
    None, True, -1, 0, 10**30, 2**63, 1.5, 1e308, -0.0, float("nan"), float("inf"), "", "0", "image-1", "text-1",
    "<resource>-9",
    "/etc/passwd", "../x.png", "http://127.0.0.1/", "\ud800", "\0", "x" * 3_000, "![x](http://evil.example/x.png)", "<script>",
    [], {}, [[]], ["text-1"], ["image-9"], {"": 1}, {"": {"": ""}}, {"a": []}, {"[key]": 1}, [1] * 2_000,
)  # fmt: skip
_KINDS: Final[tuple[Any, ...]] = (None, 1, "", [], {}, {"": {}})
_HEAD: Final = '{"format": "hugginggpt-trace", "version": 1, "events": '


def list_seeds() -> list[str]:
    """Return the catalogue: each field of a real trace gone, empty or of another kind, and what is no trace."""
    seeds = [WHOLE, "", "[]", "null", "{", WHOLE[:-100], _HEAD + "[" * 500, _HEAD + "[]," * 50_000 + "[]]}"]
    arguments: tuple[dict[str, Any], ...] = ({"": "text-1"}, {"image": ""}, {"": []}, {"text": "<resource>" + " " * 3_000})
    for changed in arguments:
        trace = json.loads(WHOLE)
        for event in trace["events"]:
            for task in (event.get("task"), *(event.get("plan") or {}).get("tasks", ())):
                if isinstance(task, dict):
                    task["args"] = changed
        seeds.append(json.dumps(trace))
    for name in json.loads(WHOLE):
        for value in _KINDS:
            seeds.append(json.dumps({**json.loads(WHOLE), name: value}))
    return seeds


def make_attack(target: Target) -> Attack:
    """Return the attack on what reads, draws and exports traces."""

    def check(text: str) -> None:
        try:
            recording = read_trace(text, target.workspace, table=target.table)
            steps = fold_steps(recording.events)
            json.dumps(trace_json(recording.events), allow_nan=False)
            draw_messages(recording, target.table)
            draw_plan(steps, target.table)
            trace_lineage([recording], target.table)
            for export in (build_report, build_script, build_workflow):
                try:
                    export(recording).encode()
                except HuggingGPTError:  # a run without tasks makes no script; its sentence has tests of its own
                    continue
            read_trace(write_trace(recording), target.workspace, table=target.table)
        finally:
            target.workspace.discard(target.workspace.resources)

    return Attack("traces", list_seeds(), vary, check)


def vary(chance: random.Random) -> str:
    """Return a further trace."""
    trace = json.loads(WHOLE)
    for _ in range(chance.randint(1, 3)):
        trace = mutate_json(chance, trace, VALUES) or json.loads(WHOLE)
    text = json.dumps(trace, ensure_ascii=chance.random() < 0.9)
    return text if chance.random() < 0.9 else text[: chance.randrange(len(text))]
