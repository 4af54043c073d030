"""A plan on Gradio's canvas: the file loads in a real gr.Workflow, and runs there on the bundled models."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from gradio.workflow import _INFERENCE_ENDPOINT_SCHEMAS, _PIPELINE_TAG_TO_ENDPOINT
from gradio.workflow_api import WorkflowGraph, topo_sort
from gradio_client import Client, handle_file

from hugginggpt.agent.agent import HuggingGPT
from hugginggpt.controllers.rules.controller import RulesController
from hugginggpt.core.errors import ExpertError, InputError, RequestError
from hugginggpt.core.events import Event, ModelRef, Planned, RequestStarted, TaskDone, TaskStarted
from hugginggpt.core.plan import Plan, Task
from hugginggpt.core.recording import Recording
from hugginggpt.core.settings import Settings
from hugginggpt.core.tasks import Kind, load_task_table
from hugginggpt.ui.export.gradio_workflow import FILL_IN, _load_node_templates, build_workflow
from hugginggpt.ui.export.gradio_workflow_nodes import make_functions
from hugginggpt.workspace.workspace import Workspace
from tests.conftest import MEDIA, Failing, Quick
from tests.ui.app_server import ROOT, free_port, until
from tests.ui.export.runs import recorded

pytestmark = pytest.mark.slow

HOSTED = ModelRef("black-forest-labs/FLUX.1-schnell", "hosted", "fal-ai")
HERE = ModelRef("lab/model", "local")


@pytest.fixture(autouse=True)
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Gradio keeps files, in a folder of this test; no keys."""
    for name in ("HF_TOKEN", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "uploads"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


def run_of(*tasks: Task, models: dict[int, ModelRef] | None = None, request: str = "Do it.") -> Recording:
    events: list[Event] = [RequestStarted(request, (), "me"), Planned(Plan(tasks), 0.0)]
    return recorded([*events, *(TaskStarted(n, model) for n, model in (models or {}).items())])


def graph_of(recording: Recording) -> WorkflowGraph:
    """The workflow as Gradio reads it: every edge leads from a port to a port, and nothing runs in a circle."""
    graph = WorkflowGraph.from_json(build_workflow(recording))
    assert graph is not None
    topo_sort(list(graph.node_by_id), graph.edges)
    for edge in graph.edges:
        for end, ports in (("from", "outputs"), ("to", "inputs")):
            node = graph.node_by_id[edge[f"{end}_node_id"]]
            assert edge[f"{end}_port_id"] in {port["id"] for port in node[ports]}, edge
    return graph


@contextmanager
def opened_by_its_command(file: Path, home: Path) -> Iterator[str]:
    """The address of the canvas that the command in the file opens."""
    port = free_port()
    environment = os.environ | {
        "GRADIO_SERVER_PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "False", "HUGGINGGPT_SESSIONS": str(home / "sessions"),
    }  # fmt: skip
    command = [sys.executable, "-m", "hugginggpt.ui.export.gradio_workflow_nodes", str(file)]
    with (home / "log.txt").open("wb") as log:
        server = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
    try:
        until(lambda: b"Running on" in (home / "log.txt").read_bytes(), seconds=60)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


def test_the_workflow_of_a_real_run_runs_in_gradio_and_makes_the_same(run: Recording, tmp_path: Path) -> None:
    file = tmp_path / "workflow.json"
    file.write_text(build_workflow(run), encoding="utf-8")
    with opened_by_its_command(file, tmp_path) as url:
        client = Client(url, verbose=False, download_files=str(tmp_path / "got"))
        read, spoken = client.predict(handle_file(MEDIA / "sign.jpg"), api_name="/image_to_text_0")
        client.close()
    texts = [r.text for e in run.events if isinstance(e, TaskDone) for r in e.outputs if r.text]
    assert read == texts[0]
    assert Path(spoken).stat().st_size > 10_000
    assert list((tmp_path / "sessions").iterdir()) == []


def test_a_hosted_model_is_a_node_of_its_own_and_everything_else_a_function() -> None:
    tasks = (Task("text-to-image", 0, (), {"text": "a fox"}), Task("image-to-text", 1, (0,), {"image": "<resource>-0"}))
    graph = graph_of(run_of(*tasks, models={0: HOSTED, 1: HERE}))
    paint, describe = graph.operators
    assert (paint["kind"], paint["model_id"], paint["endpoint"], paint["provider"]) == (
        "model", "black-forest-labs/FLUX.1-schnell", "text_to_image", "fal-ai",
    )  # fmt: skip
    assert (describe["kind"], describe["fn"], describe["data"]) == ("fn", "image-to-text", {"in_model": "lab/model"})
    assert [node["data"] for node in graph.references] == [{"out": "a fox"}]
    assert [subject["asset_type"] for subject in graph.subjects] == ["image", "text"]
    assert "image-to-text 1" in graph.raw["about"]


def test_a_result_that_only_people_can_read_is_passed_to_no_task() -> None:
    tasks = (Task("text-classification", 0, (), {"text": "x"}), Task("text-to-speech", 1, (0,), {"text": "<resource>-0"}))
    assert [n["kind"] for n in graph_of(run_of(*tasks, models={0: HOSTED})).operators] == ["fn", "fn"]
    assert [n["kind"] for n in graph_of(run_of(tasks[0], models={0: HOSTED})).operators] == ["model"]


def test_of_two_results_the_one_that_is_wanted_is_passed_on() -> None:
    tasks = (Task("object-detection", 0, (), {"image": "image-1"}), Task("text-to-speech", 1, (0,), {"text": "<resource>-0"}))
    graph = graph_of(run_of(*tasks))
    edge = graph.incoming_edge("task_1", "in_text")
    assert edge is not None
    assert edge["from_port_id"] == "out_1"
    assert [node["label"] for node in graph.references] == ["image-1"]


def test_a_file_that_two_tasks_take_is_one_input(workspace: Workspace) -> None:
    photo, notes = workspace.add_file(MEDIA / "cat.jpg"), workspace.add_file(MEDIA / "report.txt")
    tasks = (
        Task("image-to-text", 0, (), {"image": photo.name}),
        Task("object-detection", 1, (), {"image": photo.name}),
        Task("summarization", 2, (), {"text": notes.name}),
    )
    run = recorded([RequestStarted("x", (photo, notes), "me"), Planned(Plan(tasks), 0.0)])
    graph = graph_of(run)
    assert [node["label"] for node in graph.references] == ["image-1 (cat.jpg)", "text-1 (report.txt)"]
    assert graph.references[1]["data"]["out"] == notes.text
    assert str(workspace.folder) not in build_workflow(run)


def test_a_result_within_a_text_is_filled_in() -> None:
    tasks = (
        Task("image-to-text", 0, (), {"image": "image-1"}),
        Task("text-to-image", 1, (0,), {"text": "A {small} fox: <resource>-0, or <GENERATED>-0!"}),
    )
    graph = graph_of(run_of(*tasks))
    fill = next(node for node in graph.operators if node["fn"] == FILL_IN)
    filled = make_functions(Agents.quick())[FILL_IN](fill["data"]["in_text"], "a {0} cat")
    assert filled == "A {small} fox: a {0} cat, or a {0} cat!"


@pytest.mark.parametrize(
    ("tasks", "told"),
    [
        ((), "no plan"),
        ((Task("object-detection", 0, (), {"image": ("image-1", "image-2")}),), "Task 0 (object-detection) takes several"),
        (
            (
                *(Task("text-generation", n, (), {"text": "x"}) for n in range(5)),
                Task("text-generation", 5, (), {"text": " ".join(f"<resource>-{n}" for n in range(5))}),
            ),
            "Task 5 (text-generation) takes more than 4 results",
        ),
        (
            (Task("text-to-speech", 0, (), {"text": "x"}), Task("image-to-text", 1, (0,), {"image": "<resource>-0"})),
            "Task 1 (image-to-text) wants image of task 0",
        ),
    ],
)
def test_what_a_workflow_can_not_express_is_refused_in_a_sentence(tasks: tuple[Task, ...], told: str) -> None:
    with pytest.raises(RequestError) as refused:
        build_workflow(run_of(*tasks))
    assert told in str(refused.value)


@pytest.mark.parametrize("task", _load_node_templates())
def test_a_hosted_node_has_the_ports_that_gradio_calls(task: str) -> None:
    way, row = _load_node_templates()[task], load_task_table()[task]
    schema = _INFERENCE_ENDPOINT_SCHEMAS[way.endpoint]
    assert set(way.inputs) <= {port["id"] for port in schema["inputs"]}
    assert set(way.inputs.values()) <= {wanted.name for wanted in row.inputs}
    made = {"markdown": "text"}.get(schema["outputs"][0]["type"], schema["outputs"][0]["type"])
    assert (way.output or row.outputs[0].value) == made
    assert _PIPELINE_TAG_TO_ENDPOINT.get(task, way.endpoint) == way.endpoint


@pytest.mark.parametrize("task", load_task_table())
def test_every_task_can_stand_in_a_workflow(task: str) -> None:
    row = load_task_table()[task]
    args = {wanted.name: "words" if wanted.kind is Kind.TEXT else f"{wanted.kind.value}-1" for wanted in row.inputs}
    for model in (HERE, HOSTED):
        graph = graph_of(run_of(Task(task, 0, (), args), models={0: model}))
        json.loads(json.dumps(graph.raw))


class Agents:
    """Agents of back ends that are quick, or broken."""

    @staticmethod
    def quick(*, broken: bool = False, settings: Settings | None = None) -> HuggingGPT:
        expert = Failing() if broken else Quick(names=["one", "two"])
        return HuggingGPT([expert], fallback=RulesController(), settings=settings)


@pytest.fixture
def bound(settings: Settings) -> dict[str, Any]:
    return make_functions(Agents.quick(settings=settings))


def test_a_function_takes_what_the_canvas_gives_and_gives_what_it_takes(bound: dict[str, Any], uploads: Path) -> None:
    photo = uploads / "a b.jpg"
    shutil.copyfile(MEDIA / "cat.jpg", photo)
    picture, said = bound["object-detection"]({"url": f"/gradio_api/file={str(photo).replace(' ', '%20')}"}, "quick/two")
    assert said == "object-detection(image-1)"
    assert picture["is_file"] is True
    assert uploads in Path(picture["path"]).parents
    assert bound["text-generation"]("Hello {you}", "") == ["text-generation(Hello {you})"]


def test_a_function_reads_no_file_that_was_not_uploaded(bound: dict[str, Any], uploads: Path) -> None:
    for path in (str(MEDIA / "cat.jpg"), {"path": "/etc/passwd"}, {"url": "file:///etc/passwd"}, f"{uploads}/../x.jpg"):
        with pytest.raises(RequestError, match="uploaded"):
            bound["image-to-text"](path, "")


def test_a_function_says_what_is_missing_and_what_failed(bound: dict[str, Any], settings: Settings) -> None:
    with pytest.raises(InputError, match="no image"):
        bound["image-to-text"](None, "")
    with pytest.raises(ExpertError, match="out of order"):
        make_functions(Agents.quick(broken=True, settings=settings))["text-generation"]("x", "")


def test_a_template_reaches_nothing_but_its_results(bound: dict[str, Any]) -> None:
    assert bound[FILL_IN]("{0.__class__} {{0}} {1}|{7}", "a", None) == "{0.__class__} {0} |"


@pytest.mark.parametrize("module", ["hugginggpt.ui.export.gradio_workflow_nodes", "hugginggpt.sharing.workflow_nodes"])
def test_the_command_has_its_name_of_today_and_that_of_earlier_versions(module: str) -> None:
    done = subprocess.run([sys.executable, "-m", module], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (
        1, "Name one workflow file: python -m hugginggpt.ui.export.gradio_workflow_nodes workflow.json\n"
    )  # fmt: skip
