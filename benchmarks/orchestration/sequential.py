"""The agent that one writes first: every call waits for the one before. Plan, then task by task select and run, then answer."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

from benchmarks.orchestration.shapes import Shape, candidates
from hugginggpt.core.plan import Reference, split_references
from hugginggpt.core.tasks import Kind, load_task_table

Made = Mapping[str, str]
"""What a task made, by kind: a text, or a file's content in base64."""
_PROMPTS: Final[Mapping[str, str]] = {
    "plan": "Plan the tasks that do what is asked.",
    "select": "Choose the model that suits the task best.",
    "respond": "Write the answer from the results.",
}


@dataclass
class Sequential:
    """Works on one request with blocking calls over connections that it keeps."""

    shape: Shape
    llm_url: str
    models_url: str
    client: httpx2.Client
    made: dict[int, Made] = field(default_factory=dict)

    def run(self) -> str:
        """The answer."""
        tasks = json.loads(self._ask("plan", self.shape.request))["tasks"]
        for task in tasks:
            self.made[task["id"]] = self._task(task)
        texts = [made["text"] for made in self.made.values() if "text" in made]
        return self._ask("respond", json.dumps({"request": self.shape.request, "results": texts}))

    def _ask(self, stage: str, question: str) -> str:
        messages = [{"role": "system", "content": _PROMPTS[stage]}, {"role": "user", "content": question}]
        content: str = self._post(f"{self.llm_url}/chat/completions", messages=messages)["choices"][0]["message"]["content"]
        return content

    def _task(self, task: Mapping[str, Any]) -> Made:
        cards = candidates(task["task"])
        model = cards[0].id
        if len(cards) > 1:
            question = json.dumps({"task": task, "models": [[card.id, card.description] for card in cards]})
            chosen = json.loads(self._ask("select", question))["selections"]
            model = next(entry["id"] for entry in chosen if entry["task"] == task["id"])
        wanted = {row.name: row.kind for row in load_task_table()[task["task"]].inputs}
        inputs = {name: self._value(value, wanted[name]) for name, value in task["args"].items() if value is not None}
        outputs = self._post(f"{self.models_url}/{task['task']}", model=model, inputs=inputs)["outputs"]
        return {made["kind"]: made.get("text") or made["content"] for made in outputs}

    def _value(self, value: str, kind: Kind) -> str:
        """An argument with what it names put in."""
        if kind is not Kind.TEXT and "<" not in value:
            return base64.b64encode(self._file(value).read_bytes()).decode()
        parts = split_references(value)
        return "".join(self.made[part.task_id][kind] if isinstance(part, Reference) else part for part in parts)

    def _file(self, name: str) -> Any:
        """The file that came as image-1 or audio-1: no request comes with two of a kind."""
        pictures = {".jpg", ".png"}
        return next(file for file in self.shape.files if (file.suffix in pictures) == name.startswith("image"))

    def _post(self, url: str, **body: Any) -> Any:
        return self.client.post(url, json=body).raise_for_status().json()


def answer(shape: Shape, llm_url: str, models_url: str) -> str:
    """Work on a shape's request one call after the other."""
    with httpx2.Client(trust_env=False, timeout=60) as client:
        return Sequential(shape, llm_url, models_url, client).run()
