"""Bytes on the disk: a budget for a session, one for all, and who makes room."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hugginggpt.core.errors import ResourceError
from hugginggpt.core.resources import Origin
from hugginggpt.core.settings import Settings
from hugginggpt.core.tasks import Kind
from hugginggpt.workspace.process_folders import make_name, remove_ended
from hugginggpt.workspace.storage import Storage
from hugginggpt.workspace.workspace import Workspace
from tests.conftest import MEDIA, WebServer

KB = 1024


class Clock:
    """Time that passes when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def make_workspace(folder: Path, storage: Storage | None = None, **limits: int) -> Workspace:
    settings = Settings(sessions=folder / "sessions", **limits)  # type: ignore[arg-type]
    return Workspace.create(settings, storage=storage, allowed=lambda address: address == "127.0.0.1")


@pytest.fixture
def note(tmp_path: Path) -> Path:
    """A text of 6 kB."""
    path = tmp_path / "note.txt"
    path.write_text("words " * KB, encoding="utf-8")
    return path


def files_of(workspace: Workspace) -> list[Path]:
    return [path for path in workspace.folder.rglob("*") if path.is_file()]


def test_a_session_holds_so_many_bytes_and_says_what_to_do(tmp_path: Path, note: Path) -> None:
    with make_workspace(tmp_path, max_session_bytes=10 * KB) as workspace:
        kept = workspace.add_file(note)
        with pytest.raises(ResourceError, match="clear the conversation, or attach smaller files"):
            workspace.add_file(note)
        assert files_of(workspace) == [kept.path]
        workspace.discard([kept])
        workspace.add_file(note)  # there is room again


def test_results_and_downloads_count_and_nothing_of_one_too_many_stays(tmp_path: Path, web: WebServer) -> None:
    with make_workspace(tmp_path, max_session_bytes=10 * KB) as workspace:
        path = workspace.new_path(".wav")
        path.write_bytes(bytes(11 * KB))
        with pytest.raises(ResourceError, match="would take more"):
            workspace.add_output(Kind.AUDIO, Origin("task", "text-to-speech", 0), path=path)
        assert files_of(workspace) == []


async def test_a_download_ends_where_there_is_no_room(tmp_path: Path, web: WebServer) -> None:
    with make_workspace(tmp_path, max_session_bytes=10 * KB) as workspace:
        with pytest.raises(ResourceError, match="would take more"):
            await workspace.resolve(web.serve("/long.txt", b"words " * 4 * KB))
        assert files_of(workspace) == []
        assert (await workspace.resolve(web.serve("/short.txt", b"words " * KB))).name == "text-1"


def test_a_file_that_takes_the_place_of_another_counts_once(tmp_path: Path) -> None:
    with make_workspace(tmp_path, max_session_bytes=10 * KB) as workspace:
        for content in (bytes(4 * KB), bytes(5 * KB), bytes(3 * KB)):
            with workspace.files.rewrite(workspace.folder / "page.html", len(content)) as part:
                part.write_bytes(content)
        assert [path.stat().st_size for path in files_of(workspace)] == [3 * KB]


def test_the_session_that_was_used_longest_ago_makes_room(tmp_path: Path, note: Path, clock: Clock) -> None:
    storage = Storage(20 * KB, tmp_path, idle_seconds=300, clock=clock)
    oldest, older, newest = (make_workspace(tmp_path, storage) for _ in range(3))
    for workspace in (oldest, older, newest):
        workspace.add_file(note)
        clock.now += 200
    make_workspace(tmp_path, storage).add_file(note)
    assert [workspace.files.expired for workspace in (oldest, older, newest)] == [True, False, False]
    assert not oldest.folder.exists()
    assert not oldest.files.touch()
    assert older.resources[0].path is not None
    assert older.resources[0].path.exists()
    with pytest.raises(ResourceError, match="deleted meanwhile"):
        oldest.add_file(note)


def test_a_session_that_is_worked_on_or_was_just_used_keeps_its_files(tmp_path: Path, note: Path, clock: Clock) -> None:
    storage = Storage(13 * KB, tmp_path, idle_seconds=300, clock=clock)
    working, reading, late = (make_workspace(tmp_path, storage) for _ in range(3))
    working.add_file(note)
    reading.add_file(note)
    with working.files.hold():
        clock.now += 1000
        assert reading.files.touch()
        with pytest.raises(ResourceError, match="used up by others just now: try again in a few minutes"):
            late.add_file(note)
    assert not working.files.expired
    clock.now += 1000
    late.add_file(note)
    assert working.files.expired or reading.files.expired


def test_what_a_failed_model_has_left_goes_with_the_request(tmp_path: Path) -> None:
    with make_workspace(tmp_path) as workspace:
        kept = workspace.add_file(MEDIA / "cat.jpg")
        with workspace.files.hold():
            workspace.new_path(".png").write_bytes(b"half a picture")
        assert files_of(workspace) == [kept.path]


def test_a_session_whose_folder_can_not_be_made_works_without_files_and_says_so(tmp_path: Path, note: Path) -> None:
    (tmp_path / "sessions").touch()
    with make_workspace(tmp_path) as workspace:
        workspace.add_output(Kind.TEXT, Origin("task", "translation", 0), text="Good day.")
        with pytest.raises(ResourceError, match="No files can be stored on this machine just now"):
            workspace.add_file(note)
        (tmp_path / "sessions").unlink()
        assert workspace.add_file(note).name == "text-2"  # it is tried again


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that is full soon."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if (
        os.name == "nt"
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(folder)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)  # the lock is held


def test_a_full_disk_is_one_sentence_and_nothing_half_written_stays(small_disk: Path, tmp_path: Path) -> None:
    large = tmp_path / "large.txt"
    large.write_text("words " * 100 * KB, encoding="utf-8")
    with make_workspace(small_disk, Storage(2**30, tmp_path)) as workspace:
        with pytest.raises(ResourceError, match=r"^The disk is full: free some space and try again\.$"):
            workspace.add_file(large)
        assert files_of(workspace) == []
        with pytest.raises(ResourceError, match="The disk is full"), workspace.files.rewrite(workspace.folder / "a", 1) as part:
            part.write_bytes(bytes(2**20))
        assert files_of(workspace) == []


def test_a_disk_that_is_nearly_full_is_not_filled(small_disk: Path, note: Path) -> None:
    with make_workspace(small_disk) as workspace, pytest.raises(ResourceError, match="The disk is full"):
        workspace.add_file(note)


def test_when_the_process_ends_all_files_go_and_none_comes(tmp_path: Path, note: Path) -> None:
    storage = Storage(2**30, tmp_path)
    workspace = make_workspace(tmp_path, storage)
    workspace.add_file(note)
    storage.close()
    assert not workspace.folder.exists()
    with pytest.raises(ResourceError):
        workspace.new_path(".png")
    assert not workspace.folder.exists()


MAKE_FOLDER = """
import pathlib, sys, hugginggpt.workspace.process_folders as folders
folder = pathlib.Path(sys.argv[1])
(folder / folders.make_name(folder / ".lock")).mkdir()
print("made", flush=True)
sys.stdin.read()
"""


def test_what_a_process_has_left_goes_when_it_has_ended_and_not_before(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MAKE_FOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"made\n"
        own = tmp_path / make_name(tmp_path / ".lock")
        own.mkdir()
        (tmp_path / "somebody's").mkdir()
        remove_ended(tmp_path, tmp_path / ".lock")
        assert len(list(tmp_path.iterdir())) == 4
        other.kill()
    remove_ended(tmp_path, tmp_path / ".lock")
    assert {path.name for path in tmp_path.iterdir()} == {own.name, "somebody's", ".lock"}
