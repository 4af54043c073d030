"""The models: a server that takes a kind of task's inputs, waits the delay and returns what such a model makes."""

from __future__ import annotations

import base64
import functools
import time
from collections.abc import Mapping
from typing import Any, Final

from benchmarks.orchestration.serving import Handler, Server, address, serve, sleep_until
from benchmarks.orchestration.shapes import MEDIA, Shape
from hugginggpt.core.tasks import Kind, load_task_table

_FILES: Final[Mapping[Kind, str]] = {Kind.IMAGE: "cat.jpg", Kind.AUDIO: "speech.flac"}
"""What is returned for a picture and for a recording: a real one of ordinary size."""


class _Handler(Handler):
    def do_POST(self) -> None:  # noqa: N802 (the base class says so)
        begun = time.monotonic()
        self.body()
        delay, shape, task = self.place()
        outputs = [_output(kind, shape, task) for kind in load_task_table()[task].outputs]
        sleep_until(begun + delay)
        self.send_json({"outputs": outputs})


def _output(kind: Kind, shape: Shape, task: str) -> dict[str, Any]:
    if kind is Kind.TEXT:
        return {"kind": kind, "text": shape.results[task]}
    return {"kind": kind, "suffix": _FILES[kind].partition(".")[2], "content": _content(kind)}


@functools.cache
def _content(kind: Kind) -> str:
    return base64.b64encode((MEDIA / _FILES[kind]).read_bytes()).decode()


if __name__ == "__main__":
    serve(Server(address(), _Handler))
