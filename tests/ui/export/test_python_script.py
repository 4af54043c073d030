"""A plan as a script: short, harmless whatever people wrote, and it really runs."""

from __future__ import annotations

import ast
import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hugginggpt.agent.agent import HuggingGPT
from hugginggpt.agent.run_plan import describe_step, run_plan_with_agent
from hugginggpt.controllers.rules.controller import RulesController
from hugginggpt.core.errors import HuggingGPTError, PlanError, RequestError, ResourceError
from hugginggpt.core.events import Event, Planned, RequestStarted, TaskDone
from hugginggpt.core.plan import Plan, Task
from hugginggpt.core.recording import Recording
from hugginggpt.core.resources import Resource
from hugginggpt.core.settings import Settings
from hugginggpt.ui.export.python_script import build_script, name_script_files
from hugginggpt.ui.export.queries import list_resources
from hugginggpt.workspace.workspace import Workspace
from tests.conftest import MEDIA, Quick, say
from tests.ui.export.runs import NASTY, recorded

ROOT = Path(__file__).resolve().parents[3]


def literals(text: str) -> dict[str, Any]:
    """What a script's names stand for, read without running it."""
    return {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }


def put_files(recording: Recording, folder: Path) -> None:
    by_name = {resource.name: resource for resource in list_resources(recording.events)}
    for name, file in name_script_files(recording).items():
        shutil.copyfile(by_name[name].path or "", folder / file)


def test_the_script_of_a_real_run_runs_by_itself_and_makes_the_same(run: Recording, tmp_path: Path) -> None:
    text = build_script(run)
    assert len(text.splitlines()) <= 30
    put_files(run, tmp_path)
    (tmp_path / "again.py").write_text(text, encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if k not in {"HF_TOKEN", "OPENAI_API_KEY", "OPENAI_BASE_URL"}}
    environment |= {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "HUGGINGGPT_SESSIONS": str(tmp_path / "sessions")}
    ran = subprocess.run(
        [sys.executable, str(tmp_path / "again.py")],
        env=environment, cwd="/", capture_output=True, text=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    made = {r.name: r for e in run.events if isinstance(e, TaskDone) for r in e.outputs}
    assert made["text-1"].text
    assert made["text-1"].text in ran.stdout
    assert f"audio-1: {tmp_path / 'results' / 'audio-1.wav'}" in ran.stdout
    assert (tmp_path / "results" / "audio-1.wav").stat().st_size > 10_000
    assert list((tmp_path / "sessions").iterdir()) == [], "the session is over"


def test_whatever_people_wrote_is_a_literal(eventful: Recording) -> None:
    found = literals(build_script(eventful))
    assert found["REQUEST"] == NASTY
    assert [task["task"] for task in found["PLAN"]] == ["object-detection", "text-to-speech", "summarization"]
    assert found["MODELS"] == {0: "lab/second"}
    assert found["FILES"] == {"image-1": "a -cat- & -dog.png", "text-1": "notes.md", "text-2": "text-2.txt"}


@pytest.mark.parametrize("hurtful", ["'''", '"""', "\\", "\n\n", "{literals}", "\u2028", "\ud800", "\x00", "x" * 500, "#"])
def test_quotes_newlines_and_signs_are_harmless_everywhere(hurtful: str) -> None:
    task = Task("text-to-speech", 0, (), {"text": hurtful})
    text = build_script(recorded([RequestStarted(hurtful, (), "me"), Planned(Plan((task,)), 0.0)]))
    found = literals(text)
    assert (found["REQUEST"], found["PLAN"][0]["args"]["text"]) == (hurtful, hurtful)
    text.encode("utf-8")


def test_files_of_earlier_requests_are_asked_for_too() -> None:
    task = Task("image-to-image", 0, (), {"image": ("image-7", "table-2")})
    assert name_script_files(recorded([Planned(Plan((task,)), 0.0)])) == {"image-7": "image-7.png", "table-2": "table-2.csv"}


def test_a_run_without_a_plan_has_no_script(run: Recording) -> None:
    with pytest.raises(RequestError, match="no plan"):
        build_script(run.truncate(1))


@pytest.fixture
def agent(settings: Settings) -> HuggingGPT:
    return HuggingGPT([Quick(names=["one", "two"])], fallback=RulesController(), settings=settings)


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_TOKEN", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"):
        monkeypatch.delenv(name, raising=False)


async def test_the_models_that_are_named_run(agent: HuggingGPT, tmp_path: Path) -> None:
    plan = [say(0, "a"), say(1, "<resource>-0", 0), say(2, "c", 1)]
    events: list[Event] = []
    steps = await run_plan_with_agent(agent, plan, "Do it.", {}, {0: "quick/two", 2: "quick/gone"}, tmp_path, events.append)
    assert [step.model and step.model.id for step in steps] == ["quick/two", "quick/one", "quick/one"]
    assert describe_step(steps[1]) == "1 text-generation: done by quick/one\ntext-2: text-generation(text-generation(a))"
    assert events


async def test_files_keep_the_names_that_the_plan_has_for_them(agent: HuggingGPT, tmp_path: Path) -> None:
    for name in ("cat.jpg", "rocket.jpg"):
        shutil.copyfile(MEDIA / name, tmp_path / name)
    plan = [{"task": "depth-estimation", "id": 0, "dep": [-1], "args": {"image": "image-3"}}]
    (step,) = await run_plan_with_agent(agent, plan, "Do it.", {"image-3": "cat.jpg", "image-1": "rocket.jpg"}, {}, tmp_path)
    (depth,) = step.outputs
    assert depth.data == {"of": "depth-estimation(image-3)"}
    assert depth.path == tmp_path / "results" / f"{depth.name}.png"
    assert depth.path.is_file()


@pytest.mark.parametrize(
    ("plan", "files", "error"),
    [
        ([{"task": "nothing", "id": 0, "args": {}}], {}, PlanError),
        ([say(0, "a")], {"image-1": "gone.jpg"}, ResourceError),
        ([say(0, "a")], {"audio-1": "cat.jpg"}, RequestError),
        ([say(0, "a")], {"../x": "cat.jpg"}, RequestError),
    ],
)
async def test_what_can_not_be_run_is_told_in_a_sentence(
    plan: Any, files: dict[str, str], error: type[HuggingGPTError], agent: HuggingGPT, tmp_path: Path
) -> None:
    shutil.copyfile(MEDIA / "cat.jpg", tmp_path / "cat.jpg")
    with pytest.raises(error):
        await run_plan_with_agent(agent, plan, "Do it.", files, {}, tmp_path)
    assert list(agent.settings.sessions.iterdir()) == []


def test_a_resource_of_the_run_is_not_asked_for(workspace: Workspace) -> None:
    photo: Resource = workspace.add_file(MEDIA / "cat.jpg")
    task = Task("image-to-text", 0, (), {"image": photo.name})
    assert name_script_files(recorded([RequestStarted("x", (photo,), "me"), Planned(Plan((task,)), 0.0)])) == {
        "image-1": "cat.jpg"
    }


def test_a_script_of_an_earlier_version_finds_what_it_imports_under_its_old_name() -> None:
    old, new = importlib.import_module("hugginggpt.scripting"), importlib.import_module("hugginggpt.agent.run_plan")
    assert (old.run_plan, old.told) == (new.run_plan, new.describe_step)
