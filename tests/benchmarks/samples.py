"""Small sets of requests with their right plans, for the tests of the planning benchmark."""

import json
from pathlib import Path
from typing import Any

from benchmarks.planning.items import Data, Graph, Item, graph_of
from benchmarks.planning.results import Outcome
from benchmarks.planning.taskbench import read_taskbench
from hugginggpt.core.tasks import load_task_table
from hugginggpt.planning.repair import make_plan
from tests.conftest import attached

OCR = {"task": "image-to-text", "id": 0, "dep": [-1], "args": {"image": "image-1"}}
SPEAK = {"task": "text-to-speech", "id": 1, "dep": [0], "args": {"text": "<resource>-0"}}
OBJECTS = {"task": "object-detection", "id": 1, "dep": [-1], "args": {"image": "image-1"}}
SIGN = {"name": "sign.jpg", "kind": "image"}
CHAIN = {"id": "c", "request": "Read this aloud", "files": [SIGN], "plan": [OCR, SPEAK]}
ROWS: list[dict[str, Any]] = [
    CHAIN,
    {"id": "s", "request": "What is written here?", "files": [SIGN], "plan": [OCR]},
    {"id": "g", "request": "Read it and name what it shows", "files": [SIGN], "plan": [OCR, OBJECTS]},
    {"id": "n", "request": "Thanks, that was all", "plan": []},
]


TASKBENCH = {
    "id": "17",
    "user_request": "Translate the text in 'example.jpg', then put it on https://a.b/other.jpg as example.wav",
    "type": "dag",
    "task_nodes": [
        {"task": "Image-to-Text", "arguments": ["example.jpg"]},
        {"task": "Translation", "arguments": [{"name": "text", "value": "<node-0>"}, {"name": "language", "value": "French"}]},
        {"task": "Image Stitcher", "arguments": ["<node-1>", "https://a.b/other.jpg"]},
    ],
    "task_links": [{"source": "Image-to-Text", "target": "Translation"}, {"source": "Translation", "target": "Image Stitcher"}],
}


def taskbench(path: Path, *rows: Any) -> Data:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return read_taskbench(path)


def written(path: Path, rows: Any) -> Path:
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def graph(*raw: Any) -> Graph:
    return graph_of(make_plan(raw, load_task_table(), [attached("image-1")]))


def outcome(item: Item, *raw: Any, seconds: float = 1.0, **more: Any) -> Outcome:
    return Outcome(item.id, item.digest, seconds, plan=make_plan(raw, load_task_table(), item.attached).as_json(), **more)
