"""A run's plan as a file for ``gr.Workflow``: Gradio's canvas of models and functions, schema version 2.

A task that a hosted model did is that model's node, where the canvas can call it. Every other task is a node of a Python
function, which `gradio_workflow_nodes.functions` binds. Files of the request and texts of the plan are the workflow's inputs.
"""

import functools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from hugginggpt.core.errors import RequestError
from hugginggpt.core.events import ModelRef, RequestStarted
from hugginggpt.core.markdown import shorten
from hugginggpt.core.plan import Argument, Reference, Task, split_references
from hugginggpt.core.recording import Recording
from hugginggpt.core.resources import NAME, Resource
from hugginggpt.core.tasks import Kind, TaskInput, TaskTable, load_task_table, serves
from hugginggpt.ui.export.queries import find_first, list_models, list_resources, list_tasks

PORTS: Final[Mapping[Kind, str]] = {
    Kind.TEXT: "text",
    Kind.IMAGE: "image",
    Kind.AUDIO: "audio",
    Kind.VIDEO: "video",
    Kind.TABLE: "file",
}
"""The canvas's names for the kinds."""
FILL_IN: Final = "fill-in"
"""The function that puts results into a text."""
GAPS: Final = 4
"""Most results that one text may take."""
_HUB_ID: Final = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_TITLE: Final = 60
_COMMAND: Final = "python -m hugginggpt.ui.export.gradio_workflow_nodes"


@dataclass(frozen=True, slots=True)
class _Way:
    """A hosted task as the canvas has it done."""

    endpoint: str
    inputs: Mapping[str, str]
    prompt: str = ""
    output: str = ""


def build_workflow(recording: Recording, *, table: TaskTable | None = None) -> str:
    """Return the plan as the JSON of a workflow; ``gr.Workflow(path, bind=functions())`` shows and runs it.

    Raises:
        RequestError: There is no plan, or one of its tasks can't be expressed; the sentence names it.
    """
    tasks = list_tasks(recording.events)
    if not tasks:
        raise RequestError("This run has no plan that could be a workflow.")
    started = find_first(recording.events, RequestStarted)
    given = {resource.name: resource for resource in list_resources(recording.events)}
    drawing = _Drawing(table or load_task_table(), tasks, list_models(recording.events), given)
    for task in tasks:
        drawing.add(task)
    name = shorten(" ".join(started.request.split()), _TITLE) if started else ""
    return json.dumps(drawing.as_json(name or "HuggingGPT"), ensure_ascii=False, indent=1)


@dataclass
class _Drawing:
    """The nodes and edges, as far as they are drawn."""

    table: TaskTable
    tasks: Sequence[Task]
    models: Mapping[int, ModelRef]
    given: Mapping[str, Resource]
    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    operators: list[dict[str, Any]] = field(default_factory=list)
    subjects: list[dict[str, Any]] = field(default_factory=list)
    edges: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._used = {reference.task_id for task in self.tasks for reference in task.references}
        self._task = {task.id: task for task in self.tasks}

    def as_json(self, name: str) -> dict[str, Any]:
        functions = [node["label"] for node in self.operators if node["kind"] == "fn"]
        return {
            "schema_version": "2",
            "name": name,
            "about": _about(functions),
            "references": list(self.inputs.values()),
            "operators": self.operators,
            "subjects": self.subjects,
            "edges": self.edges,
        }

    def add(self, task: Task) -> None:
        """Draw a task, what goes into it, and what it gives to people."""
        way, row = self._way(task), self.table[task.task]
        node = _model_node(task, self.models[task.id], way) if way else _function_node(task, self.models.get(task.id))
        ports = (
            {row_name: port for port, row_name in way.inputs.items()} if way else {i.name: f"in_{i.name}" for i in row.inputs}
        )
        for wanted in row.inputs:
            port = ports.get(wanted.name)
            if port is None:
                continue
            node["inputs"].append(_port(port, wanted.name, PORTS[wanted.kind], required=wanted.required))
            if (value := task.args.get(wanted.name)) is not None:
                self._connect(task, node["id"], port, wanted, value)
        if way and way.prompt:
            node["inputs"].append(_port("text", "text", "text"))
            node["data"]["text"] = way.prompt
        if not way:
            node["inputs"].append(_port("in_model", "model", "text"))
        types = [way.output or PORTS[row.outputs[0]]] if way else [PORTS[kind] for kind in row.outputs]
        node["outputs"] = [_port(f"out_{n}", kind, kind, output_index=n) for n, kind in enumerate(types)]
        self.operators.append(node)
        for port_of in node["outputs"][: 1 if task.id in self._used else None]:
            self._subject(task, node["id"], port_of)

    def _way(self, task: Task) -> _Way | None:
        """Return how a hosted model does a task on the canvas; None where it takes a function."""
        model, way = self.models.get(task.id), _ways().get(task.task)
        if way is None or model is None or model.backend != "hosted" or not _HUB_ID.fullmatch(model.id):
            return None
        whole = set(task.args) <= set(way.inputs.values())
        return way if whole and not (way.output and task.id in self._used) else None

    def _connect(self, task: Task, node: str, port: str, wanted: TaskInput, value: Argument) -> None:
        if not isinstance(value, str):
            raise RequestError(
                f"Task {task.id} ({task.task}) takes several resources at once as {wanted.name}, "
                "which a workflow can't express: give each a task of its own."
            )
        parts = list(split_references(value))
        if len(parts) == 1 and isinstance(parts[0], Reference):
            source, out = self._result(task, parts[0], wanted)
        elif any(isinstance(part, Reference) for part in parts):
            source, out = self._filled(task, wanted, parts)
        else:
            source, out = self._input(task, wanted, value.strip()), "out"
        self._edge(source, out, node, port, PORTS[wanted.kind])

    def _result(self, task: Task, reference: Reference, wanted: TaskInput) -> tuple[str, str]:
        """Return which node and port gives what a reference stands for."""
        other = self._task[reference.task_id]
        outputs = self.table[other.task].outputs
        fitting = [n for n, kind in enumerate(outputs) if kind is wanted.kind] or [
            n for n, kind in enumerate(outputs) if serves(kind, wanted.kind)
        ]
        if not fitting:
            raise RequestError(
                f"Task {task.id} ({task.task}) wants {wanted.kind.value} of task {other.id} ({other.task}), which makes none."
            )
        return _node_id(other), "out_0" if self._way(other) else f"out_{fitting[0]}"

    def _filled(self, task: Task, wanted: TaskInput, parts: Sequence[str | Reference]) -> tuple[str, str]:
        """Return a node that puts results into a text."""
        found = list(dict.fromkeys(part for part in parts if isinstance(part, Reference)))
        if wanted.kind is not Kind.TEXT or len(found) > GAPS:
            raise RequestError(
                f"Task {task.id} ({task.task}) takes more than {GAPS if wanted.kind is Kind.TEXT else 1} results as "
                f"{wanted.name}, which a workflow can't express."
            )
        node = _function("fill", f"{wanted.name} of task {task.id}", FILL_IN)
        node["id"] = f"fill_{task.id}_{wanted.name}"
        node["inputs"] = [_port("in_text", "text", "text")]
        text = "".join(f"{{{found.index(p)}}}" if isinstance(p, Reference) else _escaped(p) for p in parts)
        node["data"]["in_text"] = text
        for number, reference in enumerate(found):
            node["inputs"].append(_port(f"in_{number}", f"result {number}", "text"))
            self._edge(*self._result(task, reference, wanted), node["id"], f"in_{number}", "text")
        node["outputs"] = [_port("out_0", "text", "text", output_index=0)]
        self.operators.append(node)
        return node["id"], "out_0"

    def _input(self, task: Task, wanted: TaskInput, value: str) -> str:
        """Return the node for a file or a text that comes from outside; one for each file, however many tasks take it."""
        resource = self.given.get(value.strip("[]()<>\"'`").lower())
        named = resource is not None or NAME.fullmatch(value) or wanted.kind is not Kind.TEXT
        node_id = f"in_{re.sub(r'[^a-z0-9]+', '_', value.lower())[:60]}" if named else f"in_{task.id}_{wanted.name}"
        label = f"{value} ({resource.origin.label})" if resource else value if named else f"{wanted.name} of {task.task}"
        content: Any = resource.text if resource else None if named else value
        if wanted.kind is not Kind.TEXT:
            content = {"url": value} if value.startswith(("http://", "https://")) else None
        type_ = PORTS[wanted.kind]
        self.inputs.setdefault(
            f"{node_id} {type_}",
            {
                "id": node_id if f"{node_id} {type_}" in self.inputs or self._free(node_id) else f"{node_id}_{type_}",
                "role": "reference",
                "kind": "asset",
                "asset_type": type_,
                "label": shorten(label, _TITLE),
                "inputs": [_port("in", type_, type_)],
                "outputs": [_port("out", type_, type_)],
                "data": {} if content is None else {"out": content},
            },
        )
        return str(self.inputs[f"{node_id} {type_}"]["id"])

    def _free(self, node_id: str) -> bool:
        return all(node["id"] != node_id for node in self.inputs.values())

    def _subject(self, task: Task, node: str, port: Mapping[str, Any]) -> None:
        subject_id = f"result_{task.id}_{port['id'].rpartition('_')[2]}"
        self.subjects.append(
            {
                "id": subject_id,
                "role": "subject",
                "kind": "asset",
                "asset_type": port["type"],
                "label": f"{task.task} {task.id}",
                "inputs": [_port("in", port["type"], port["type"])],
                "outputs": [_port("out", port["type"], port["type"])],
                "data": {},
            }
        )
        self._edge(node, port["id"], subject_id, "in", port["type"])

    def _edge(self, source: str, out: str, target: str, port: str, type_: str) -> None:
        self.edges.append(
            {
                "id": f"edge_{len(self.edges)}",
                "from_node_id": source,
                "from_port_id": out,
                "to_node_id": target,
                "to_port_id": port,
                "type": type_,
            }
        )


def _node_id(task: Task) -> str:
    return f"task_{task.id}"


def _port(port: str, label: str, type_: str, **more: Any) -> dict[str, Any]:
    return {"id": port, "label": label, "type": type_, **more}


def _function(node_id: str, label: str, function: str) -> dict[str, Any]:
    return {
        "id": node_id, "role": "operator", "kind": "fn", "source": "fn", "fn": function, "label": label,
        "inputs": [], "outputs": [], "data": {},
    }  # fmt: skip


def _function_node(task: Task, model: ModelRef | None) -> dict[str, Any]:
    node = _function(_node_id(task), f"{task.task} {task.id}", task.task)
    return node | {"data": {"in_model": model.id if model else ""}}


def _model_node(task: Task, model: ModelRef, way: _Way) -> dict[str, Any]:
    return {
        "id": _node_id(task), "role": "operator", "kind": "model", "source": "hf", "model_id": model.id,
        "endpoint": way.endpoint, "pipeline_tag": task.task, "provider": model.provider or "auto",
        "label": model.id, "inputs": [], "outputs": [], "data": {},
    }  # fmt: skip


def _escaped(text: str) -> str:
    """Return a text as a template in which nothing is a gap."""
    return text.replace("{", "{{").replace("}", "}}")


def _about(functions: Iterable[str]) -> str:
    """Return what somebody should know who finds the file."""
    needed = ", ".join(functions)
    if not needed:
        return "Made by HuggingGPT. Its models are hosted: they run with your Hugging Face token."
    return f"Made by HuggingGPT, which does these nodes: {needed}. Open it with: {_COMMAND} <this file>"


@functools.cache
def _ways() -> Mapping[str, _Way]:
    raw = yaml.safe_load(Path(__file__).with_name("workflow_models.yaml").read_text(encoding="utf-8"))
    return {task: _Way(**way) for task, way in raw.items()}
