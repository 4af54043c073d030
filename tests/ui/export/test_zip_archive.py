"""All files of a session in one zip, under names that are safe, unique and tell something."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import pytest

from hugginggpt.core.recording import Recording
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.ui.export.file_names import name_files
from hugginggpt.ui.export.queries import list_resources
from hugginggpt.ui.export.zip_archive import write_zip
from hugginggpt.workspace.workspace import Workspace
from tests.conftest import MEDIA


def index(archive: zipfile.ZipFile) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archive.read("index.csv").decode("utf-8-sig"))))


def test_the_files_of_a_real_run(run: Recording, tmp_path: Path) -> None:
    resources = list_resources(run.events)
    with zipfile.ZipFile(write_zip(resources, tmp_path / "all.zip", {"audio-1": ["text-1"]})) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == ["audio-1.wav", "index.csv", "sign.jpg", "text-1.txt"]
        assert archive.read("sign.jpg") == (MEDIA / "sign.jpg").read_bytes()
        assert archive.read("text-1.txt").decode() == next(r.text for r in resources if r.name == "text-1")
        rows = {row["name"]: row for row in index(archive)}
    assert rows["audio-1"]["made_from"] == "text-1"
    assert (rows["audio-1"]["origin"], rows["audio-1"]["label"]) == ("task", "text-to-speech")
    assert (rows["image-1"]["file"], rows["image-1"]["kind"]) == ("sign.jpg", "image")


def test_two_files_of_one_name_are_both_there(workspace: Workspace, tmp_path: Path) -> None:
    files = [workspace.add_file(MEDIA / "cat.jpg", name) for name in ("cat.jpg", "CAT.JPG", "cat.jpg")]
    with zipfile.ZipFile(write_zip(files, tmp_path / "all.zip")) as archive:
        assert archive.namelist() == ["cat.jpg", "image-2 CAT.jpg", "image-3 cat.jpg", "index.csv"]


def test_a_file_that_is_gone_stands_in_the_index_alone(workspace: Workspace, tmp_path: Path) -> None:
    photo = workspace.add_file(MEDIA / "cat.jpg")
    assert photo.path
    photo.path.unlink()
    with zipfile.ZipFile(write_zip([photo], tmp_path / "all.zip")) as archive:
        assert archive.namelist() == ["index.csv"]
        assert index(archive)[0]["file"] == ""


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("my cat.jpg", "my cat.jpg"),
        ("Cat.JPEG", "Cat.jpg"),
        ("../../etc/passwd", "passwd.jpg"),
        ("C:\\temp\\x.jpg", "x.jpg"),
        ("a<b>|c?.jpg", "a-b-c.jpg"),
        ("evil.exe", "evil.exe.jpg"),
        ("con.jpg", "_con.jpg"),
        ("...", "image-1.jpg"),
        ("", "image-1.jpg"),
        ("\u202egpj.x", "gpj.x.jpg"),
        ("猫.jpg", "猫.jpg"),
        ("index.csv", "index.csv.jpg"),
        ("x" * 300 + ".jpg", "x" * 80 + ".jpg"),
    ],
)
def test_a_name_is_safe_everywhere_and_tells_what_the_file_is(label: str, name: str) -> None:
    photo = Resource("image-1", Kind.IMAGE, Origin("upload", label), path=Path("x.jpg"))
    assert name_files([photo]) == {"image-1": name}


def test_a_label_is_no_formula_in_a_spreadsheet(workspace: Workspace, tmp_path: Path) -> None:
    photo = workspace.add_file(MEDIA / "cat.jpg", "=cmd|x.jpg")
    with zipfile.ZipFile(write_zip([photo], tmp_path / "all.zip")) as archive:
        assert index(archive)[0]["label"] == "'=cmd|x.jpg"
        assert archive.namelist()[0] == "=cmd-x.jpg"
