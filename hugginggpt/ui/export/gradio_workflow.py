"""A run's plan as a file for ``gr.Workflow``: Gradio's canvas of models and functions, schema version 2.

A task that a hosted model did is that model's node, where the canvas can call it. Every other task is a node of a Python
function, which `gradio_workflow_nodes.make_functions` binds. Files of the request and texts of the plan are its inputs.
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
from hugginggpt.core.resources import NAME_PATTERN, Resource
from hugginggpt.core.tasks import Kind, TaskInput, TaskTable, is_usable_as, load_task_table
from hugginggpt.ui.export.queries import find_first, list_models, list_resources, list_tasks

PORT_TYPES: Final[Mapping[Kind, str]] = {
    Kind.TEXT: "text",
    Kind.IMAGE: "image",
    Kind.AUDIO: "audio",
    Kind.VIDEO: "video",
    Kind.TABLE: "file",
}
"""The canvas's names for the kinds."""
FILL_IN: Final = "fill-in"
"""The function that puts results into a text."""
MAX_GAPS: Final = 4
"""Most results that may be filled into one text."""
_HUB_ID: Final = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_MAX_TITLE_CHARS: Final = 60
_COMMAND: Final = "python -m hugginggpt.ui.export.gradio_workflow_nodes"


@dataclass(frozen=True, slots=True)
class _NodeTemplate:
    """Template of the node by which the canvas has a hosted model do a task."""

    endpoint: str
    inputs: Mapping[str, str]
    prompt: str = ""
    output: str = ""


def build_workflow(recording: Recording, *, table: TaskTable | None = None) -> str:
    """Return the plan as the JSON of a workflow; ``gr.Workflow(path, bind=make_functions())`` shows and runs it.

    Raises:
        RequestError: There is no plan, or one of its tasks can't be expressed; the sentence names it.
    """
    tasks = list_tasks(recording.events)
    if not tasks:
        raise RequestError("This run has no plan that could be a workflow.")
    started = find_first(recording.events, RequestStarted)
    resources = {resource.name: resource for resource in list_resources(recording.events)}
    builder = _WorkflowBuilder(table or load_task_table(), tasks, list_models(recording.events), resources)
    for task in tasks:
        builder.add(task)
    name = shorten(" ".join(started.request.split()), _MAX_TITLE_CHARS) if started else ""
    return json.dumps(builder.as_json(name or "HuggingGPT"), ensure_ascii=False, indent=1)


@dataclass
class _WorkflowBuilder:
    """Builder of a workflow's nodes and edges, task by task."""

    table: TaskTable
    tasks: Sequence[Task]
    models: Mapping[int, ModelRef]
    resources: Mapping[str, Resource]
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
            "about": _describe_file(functions),
            "references": list(self.inputs.values()),
            "operators": self.operators,
            "subjects": self.subjects,
            "edges": self.edges,
        }

    def add(self, task: Task) -> None:
        """Add the nodes of a task, of its inputs, and of the results that people see."""
        template, row = self._find_template(task), self.table[task.task]
        node = (
            _make_model_node(task, self.models[task.id], template)
            if template
            else _make_function_node(task, self.models.get(task.id))
        )
        ports = (
            {row_name: port for port, row_name in template.inputs.items()}
            if template
            else {i.name: f"in_{i.name}" for i in row.inputs}
        )
        for param in row.inputs:
            port = ports.get(param.name)
            if port is None:
                continue
            node["inputs"].append(_make_port(port, param.name, PORT_TYPES[param.kind], required=param.required))
            if (value := task.args.get(param.name)) is not None:
                self._connect(task, node["id"], port, param, value)
        if template and template.prompt:
            node["inputs"].append(_make_port("text", "text", "text"))
            node["data"]["text"] = template.prompt
        if not template:
            node["inputs"].append(_make_port("in_model", "model", "text"))
        types = [template.output or PORT_TYPES[row.outputs[0]]] if template else [PORT_TYPES[kind] for kind in row.outputs]
        node["outputs"] = [_make_port(f"out_{n}", kind, kind, output_index=n) for n, kind in enumerate(types)]
        self.operators.append(node)
        for output_port in node["outputs"][: 1 if task.id in self._used else None]:  # one, where others go on with it
            self._add_subject(task, node["id"], output_port)

    def _find_template(self, task: Task) -> _NodeTemplate | None:
        """Return the template of a task's node for its hosted model; None where the task takes a function."""
        model, template = self.models.get(task.id), _load_node_templates().get(task.task)
        if template is None or model is None or model.backend != "hosted" or not _HUB_ID.fullmatch(model.id):
            return None
        complete = set(task.args) <= set(template.inputs.values())  # else an argument would be lost
        return template if complete and not (template.output and task.id in self._used) else None  # JSON goes to people alone

    def _connect(self, task: Task, node: str, port: str, param: TaskInput, value: Argument) -> None:
        if not isinstance(value, str):
            raise RequestError(
                f"Task {task.id} ({task.task}) takes several resources at once as {param.name}, "
                "which a workflow can't express: give each a task of its own."
            )
        parts = list(split_references(value))
        if len(parts) == 1 and isinstance(parts[0], Reference):
            source, out = self._find_output(task, parts[0], param)
        elif any(isinstance(part, Reference) for part in parts):
            source, out = self._add_fill_in(task, param, parts)
        else:
            source, out = self._add_input(task, param, value.strip()), "out"
        self._add_edge(source, out, node, port, PORT_TYPES[param.kind])

    def _find_output(self, task: Task, reference: Reference, param: TaskInput) -> tuple[str, str]:
        """Return the node and the port that give what a reference stands for."""
        other = self._task[reference.task_id]
        outputs = self.table[other.task].outputs
        fitting = [n for n, kind in enumerate(outputs) if kind is param.kind] or [
            n for n, kind in enumerate(outputs) if is_usable_as(kind, param.kind)
        ]
        if not fitting:
            raise RequestError(
                f"Task {task.id} ({task.task}) wants {param.kind.value} of task {other.id} ({other.task}), which makes none."
            )
        return _node_id(other), "out_0" if self._find_template(other) else f"out_{fitting[0]}"  # a model's node has one output

    def _add_fill_in(self, task: Task, param: TaskInput, parts: Sequence[str | Reference]) -> tuple[str, str]:
        """Add a node that puts results into a text; return its id and port."""
        references = list(dict.fromkeys(part for part in parts if isinstance(part, Reference)))
        if param.kind is not Kind.TEXT or len(references) > MAX_GAPS:
            raise RequestError(
                f"Task {task.id} ({task.task}) takes more than {MAX_GAPS if param.kind is Kind.TEXT else 1} results as "
                f"{param.name}, which a workflow can't express."
            )
        node = _make_function("fill", f"{param.name} of task {task.id}", FILL_IN)
        node["id"] = f"fill_{task.id}_{param.name}"  # a task may have several
        node["inputs"] = [_make_port("in_text", "text", "text")]
        text = "".join(f"{{{references.index(p)}}}" if isinstance(p, Reference) else _escape_braces(p) for p in parts)
        node["data"]["in_text"] = text
        for number, reference in enumerate(references):
            node["inputs"].append(_make_port(f"in_{number}", f"result {number}", "text"))
            self._add_edge(*self._find_output(task, reference, param), node["id"], f"in_{number}", "text")
        node["outputs"] = [_make_port("out_0", "text", "text", output_index=0)]
        self.operators.append(node)
        return node["id"], "out_0"

    def _add_input(self, task: Task, param: TaskInput, value: str) -> str:
        """Return the node for a file or a text that comes from outside; one for each file, however many tasks take it."""
        resource = self.resources.get(value.strip("[]()<>\"'`").lower())  # models bracket and quote names
        named = resource is not None or NAME_PATTERN.fullmatch(value) or param.kind is not Kind.TEXT
        node_id = f"in_{re.sub(r'[^a-z0-9]+', '_', value.lower())[:60]}" if named else f"in_{task.id}_{param.name}"
        label = f"{value} ({resource.origin.label})" if resource else value if named else f"{param.name} of {task.task}"
        content: Any = resource.text if resource else None if named else value
        if param.kind is not Kind.TEXT:
            content = {"url": value} if value.startswith(("http://", "https://")) else None  # no files of this machine
        type_ = PORT_TYPES[param.kind]  # one file may go out as two kinds: two nodes
        self.inputs.setdefault(
            f"{node_id} {type_}",
            {
                "id": node_id if f"{node_id} {type_}" in self.inputs or self._is_free(node_id) else f"{node_id}_{type_}",
                "role": "reference",
                "kind": "asset",
                "asset_type": type_,
                "label": shorten(label, _MAX_TITLE_CHARS),
                "inputs": [_make_port("in", type_, type_)],
                "outputs": [_make_port("out", type_, type_)],
                "data": {} if content is None else {"out": content},  # whoever opens it adds the file
            },
        )
        return str(self.inputs[f"{node_id} {type_}"]["id"])

    def _is_free(self, node_id: str) -> bool:
        return all(node["id"] != node_id for node in self.inputs.values())

    def _add_subject(self, task: Task, node: str, port: Mapping[str, Any]) -> None:
        subject_id = f"result_{task.id}_{port['id'].rpartition('_')[2]}"
        self.subjects.append(
            {
                "id": subject_id,
                "role": "subject",
                "kind": "asset",
                "asset_type": port["type"],
                "label": f"{task.task} {task.id}",
                "inputs": [_make_port("in", port["type"], port["type"])],
                "outputs": [_make_port("out", port["type"], port["type"])],
                "data": {},
            }
        )
        self._add_edge(node, port["id"], subject_id, "in", port["type"])

    def _add_edge(self, source: str, out: str, target: str, port: str, type_: str) -> None:
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


def _make_port(port: str, label: str, type_: str, **more: Any) -> dict[str, Any]:
    return {"id": port, "label": label, "type": type_, **more}


def _make_function(node_id: str, label: str, function: str) -> dict[str, Any]:
    return {
        "id": node_id, "role": "operator", "kind": "fn", "source": "fn", "fn": function, "label": label,
        "inputs": [], "outputs": [], "data": {},
    }  # fmt: skip


def _make_function_node(task: Task, model: ModelRef | None) -> dict[str, Any]:
    node = _make_function(_node_id(task), f"{task.task} {task.id}", task.task)
    return node | {"data": {"in_model": model.id if model else ""}}


def _make_model_node(task: Task, model: ModelRef, template: _NodeTemplate) -> dict[str, Any]:
    return {
        "id": _node_id(task), "role": "operator", "kind": "model", "source": "hf", "model_id": model.id,
        "endpoint": template.endpoint, "pipeline_tag": task.task, "provider": model.provider or "auto",
        "label": model.id, "inputs": [], "outputs": [], "data": {},
    }  # fmt: skip


def _escape_braces(text: str) -> str:
    """Escape the braces of a text, so that no part of it is a gap of the template."""
    return text.replace("{", "{{").replace("}", "}}")


def _describe_file(functions: Iterable[str]) -> str:
    """Return the file's description of itself: what it needs to run, and how to open it."""
    needed = ", ".join(functions)
    if not needed:
        return "Made by HuggingGPT. Its models are hosted: they run with your Hugging Face token."
    return f"Made by HuggingGPT, which does these nodes: {needed}. Open it with: {_COMMAND} <this file>"


@functools.cache
def _load_node_templates() -> Mapping[str, _NodeTemplate]:
    raw = yaml.safe_load(Path(__file__).with_name("workflow_models.yaml").read_text(encoding="utf-8"))
    return {task: _NodeTemplate(**template) for task, template in raw.items()}
