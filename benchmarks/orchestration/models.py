"""The back end that is measured with: every model is a POST to the model server."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Self

import httpx2

from benchmarks.orchestration.shapes import BACKEND, Shape, candidates
from hugginggpt.core.model_card import ModelCard
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result


class HTTPModels:
    """An Expert whose models lie behind a URL; to be used in an ``async with``, whose connections it keeps."""

    backend = BACKEND

    def __init__(self, url: str, shape: Shape) -> None:
        """Have the models that a shape's plan needs.

        Args:
            url: Where they are; the kind of task follows.
            shape: Whose results they make.
        """
        self._url = url
        self._tasks = tuple(dict.fromkeys(task["task"] for task in shape.plan))
        self._client = httpx2.AsyncClient(trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    def cards(self, tasks: Collection[str] | None = None) -> Sequence[ModelCard]:
        """Five for each kind of task, or one."""
        return [card for task in self._tasks if tasks is None or task in tasks for card in candidates(task)]

    async def run(self, call: Call) -> Result:
        """One POST."""
        inputs = {name: value if isinstance(value, str) else _content(value) for name, value in call.inputs.items()}
        body = {"model": call.card.id, "inputs": inputs}
        reply = await self._client.post(f"{self._url}/{call.card.task}", json=body, timeout=call.seconds)
        return Result(tuple(_output(made, call) for made in reply.raise_for_status().json()["outputs"]))


def _content(resource: Resource) -> str:
    if resource.path is None:
        return resource.text or ""
    return base64.b64encode(resource.path.read_bytes()).decode()


def _output(made: Mapping[str, Any], call: Call) -> Output:
    kind = Kind(made["kind"])
    if kind is Kind.TEXT:
        return Output(kind, text=made["text"])
    path = call.new_path(f".{made['suffix']}")
    path.write_bytes(base64.b64decode(made["content"]))
    return Output(kind, path=path)
