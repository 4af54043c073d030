"""Imports run one way, and heavy libraries come late."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "hugginggpt"

FLOORS = (
    ("ui", "cli"),
    ("agent",),
    ("execution",),
    ("planning", "selection", "response"),
    ("controllers",),
    ("experts",),
    ("hub", "llm", "workspace"),
    ("core",),
)
"""The folders, from the top: each may import those of lower floors, and none of its own floor but itself."""

APART = {
    "ui": {"controllers", "experts", "execution", "planning.repair"},
    "controllers": {f"experts.{name}" for name in ("bundled", "hosted", "llm", "local", "outputs")},
    "experts": {"core.plan"},
}
"""What a folder may not import though it lies below.

A front end knows events, a controller of experts no more than their seam, and an expert knows nothing of plans.
"""

FLOOR = {folder: number for number, floor in enumerate(FLOORS) for folder in floor}


def imports(folder: str) -> Iterator[tuple[str, str]]:
    """Each file of a folder and each module of the package that it imports, wherever in the file."""
    for file in sorted((PACKAGE / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "hugginggpt":
                for name in [node.module] if "." in node.module else [f"hugginggpt.{alias.name}" for alias in node.names]:
                    yield file.relative_to(PACKAGE).as_posix(), name.removeprefix("hugginggpt.")
            assert not isinstance(node, ast.ImportFrom) or not node.level, f"{file}: name modules in full"


def test_the_listing_is_the_house() -> None:
    found = {path.name for path in PACKAGE.iterdir() if path.name != "__pycache__"}
    assert found == {*FLOOR, "__init__.py", "__main__.py"}


@pytest.mark.parametrize("folder", FLOOR)
def test_imports_run_one_way(folder: str) -> None:
    seen = list(imports(folder))
    assert seen
    upward = [pair for pair in seen if (other := pair[1].split(".")[0]) != folder and FLOOR[other] <= FLOOR[folder]]
    skipping = [pair for pair in seen if any(f"{pair[1]}.".startswith(f"{each}.") for each in APART.get(folder, ()))]
    assert [*upward, *skipping] == []


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
