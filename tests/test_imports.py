"""Imports run one way, and heavy libraries come late."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "hugginggpt"

MAY_NOT_KNOW = {
    "plan.py": {"repair", "experts", "controller", "scheduler", "agent", "ui", "resources"},
    "events.py": {"experts", "controller", "scheduler", "agent", "ui", "catalog"},
    "resources.py": {"plan", "experts", "controller", "scheduler", "agent", "ui", "catalog"},
    "catalog": {"experts", "controller", "scheduler", "agent", "ui"},
    "experts": {"plan", "repair", "controller", "scheduler", "agent", "ui"},
    "selection.py": {"experts", "controller", "scheduler", "agent", "ui"},
    "hub_client.py": {"catalog", "experts", "controller", "scheduler", "agent", "ui"},
    "language_model.py": {"catalog", "experts", "controller", "scheduler", "agent", "ui"},
    "choosing.py": {"agent", "ui"},
    "controller": {"experts", "scheduler", "agent", "ui", "repair"},
    "scheduler.py": {"controller", "agent", "ui"},
    "turns.py": {"plan", "controller", "scheduler", "agent", "ui"},
    "planning.py": {"experts", "scheduler", "stages", "agent", "ui"},
    "growing.py": {"experts", "controller", "scheduler", "agent", "ui"},
    "reply_stream.py": {"experts", "controller", "scheduler", "agent", "ui", "repair"},
    "habits.py": {"catalog", "experts", "controller", "scheduler", "agent", "ui"},
    "connection.py": {"catalog", "experts", "controller", "scheduler", "agent", "ui"},
    "window.py": {"catalog", "experts", "controller", "scheduler", "agent", "ui"},
    "stages.py": {"agent", "ui"},
    "agent.py": {"ui"},
    "trace.py": {"experts", "controller", "scheduler", "agent", "ui", "catalog"},
    "approval.py": {"experts", "controller", "scheduler", "agent", "ui"},
    "recording.py": {"experts", "controller", "scheduler", "agent", "ui"},
    "sharing": {"experts", "controller", "scheduler", "repair"},
    "ui": {"experts", "controller", "scheduler", "repair"},
}
"""For each room of the house, the rooms it may not import."""


def imported(path: Path) -> set[str]:
    """The rooms of the package that a file imports, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("hugginggpt."):
            names.add(node.module.split(".")[1])
    return names


@pytest.mark.parametrize("room", MAY_NOT_KNOW)
def test_imports_run_one_way(room: str) -> None:
    place = PACKAGE / room
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))
    assert files
    for file in files:
        assert not imported(file) & MAY_NOT_KNOW[room], file


@pytest.mark.parametrize(
    ("entry", "late"),
    [
        ("app", {"torch", "transformers", "diffusers", "onnxruntime", "cv2", "scipy", "sklearn", "faster_whisper"}),
        ("hugginggpt.__main__", {"torch", "transformers", "diffusers", "onnxruntime", "cv2", "gradio", "openai"}),
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(entry: str, late: set[str]) -> None:
    code = f"import {entry}, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert not late & set(done.stdout.split())
