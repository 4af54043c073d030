"""The files of `models_config/` as they are shipped."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from hugginggpt.core.tasks import load_task_table
from hugginggpt.experts.hosted.task_table import TASKS as HOSTED
from hugginggpt.experts.local.expert import _TABLE as LOCAL
from hugginggpt.hub.catalog import CATALOG_FOLDER, MODALITIES, find_catalog_entry, list_small_models, load_catalog

ROOT = CATALOG_FOLDER.parent
FEW = {
    "hed-text-to-image", "mlsd-text-to-image", "normal-text-to-image", "openpose-text-to-image", "depth-text-to-image",
    "seg-text-to-image",
}  # fmt: skip
"""Tasks for which the Hub itself has few models."""
NO_MODEL = {"canny-control", "hed-control", "mlsd-control", "table-to-chart"}
"""Tasks that code here does, without a model of the Hub."""
LIBRARIES = ("transformers", "diffusers", "huggingface_hub", "sentence_transformers")


def test_every_task_has_five_models_where_the_hub_has_them() -> None:
    for task in load_task_table():
        found = len(load_catalog().get(task, ()))
        assert found >= (0 if task in NO_MODEL else 2 if task in FEW else 5), task


def test_every_task_has_a_model_for_a_laptop() -> None:
    cannot = {"text-to-video", "image-to-video"}
    for task, entries in load_catalog().items():
        assert task in cannot or any(entry.needs == "cpu" for entry in entries), task


def test_every_task_stands_in_the_file_of_its_modality() -> None:
    table = load_task_table()
    for task in load_catalog():
        path = CATALOG_FOLDER / f"{table[task].family}.yaml"
        assert re.search(rf"^{task}:", path.read_text(encoding="utf-8"), re.MULTILINE), task
    assert {row.family for row in table.values()} == set(MODALITIES)


@pytest.fixture(scope="module")
def sources() -> Mapping[str, bytes]:
    """All that stands in the libraries that are installed here."""
    found = {}
    for library in LIBRARIES:
        spec = importlib.util.find_spec(library)
        assert spec is not None
        assert spec.origin is not None
        found[library] = b"\n".join(path.read_bytes() for path in sorted(Path(spec.origin).parent.rglob("*.py")))
    return found


def test_an_id_that_is_said_to_stand_in_a_library_does(sources: Mapping[str, bytes]) -> None:
    said = {(entry.source.replace("-", "_"), entry.id) for entries in load_catalog().values() for entry in entries}
    checked = [(library, model) for library, model in said if library in sources]
    assert [(library, model) for library, model in checked if model.encode() not in sources[library]] == []
    assert len(checked) > 80


def test_every_other_id_names_a_page_or_the_list_of_2023() -> None:
    for entries in load_catalog().values():
        for entry in entries:
            assert (
                entry.source.replace("-", "_") in LIBRARIES or entry.source.startswith("https://") or entry.source == "hub-2023"
            )


def test_a_task_that_runs_here_has_a_small_model_to_fetch() -> None:
    nothing_small = {"audio-to-audio", "tabular-classification"}
    assert set(list_small_models()) == set(LOCAL) - nothing_small
    assert list_small_models()["canny-text-to-image"] == (
        "lllyasviel/sd-controlnet-canny",
        "stable-diffusion-v1-5/stable-diffusion-v1-5",
    )


def test_every_hosted_task_is_a_task_with_models() -> None:
    assert set(HOSTED) <= set(load_task_table())
    assert all(load_catalog().get(task) for task in HOSTED)


def test_what_is_known_of_a_model_is_found() -> None:
    entry = find_catalog_entry("openai/whisper-tiny", "automatic-speech-recognition")
    assert entry is not None
    assert entry.license == "apache-2.0"
    assert find_catalog_entry("openai/whisper-tiny", "text-to-image") is None


def test_a_broken_file_ends_the_page_and_the_terminal_before_they_begin(tmp_path: Path) -> None:
    """In a copy of the project, as somebody edits it."""
    for name in ("hugginggpt", "demos", "app.py"):
        (tmp_path / name).symlink_to(ROOT / name)
    code = (
        "import hugginggpt.hub.catalog as catalog, pathlib; catalog.read_catalog.__defaults__ = "
        f"(pathlib.Path({str(tmp_path)!r}),); from hugginggpt.cli.main import main; raise SystemExit(main(['tasks']))"
    )
    for modality in MODALITIES:
        (tmp_path / f"{modality}.yaml").write_text("text-to-image:\n- id: nobody\n" if modality == "text" else "{}\n")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "text.yaml, line 2: id: “nobody” is not of the form owner/name.\n"
