"""Resources have names, not paths; a plan reaches only what belongs to its session."""

import asyncio
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hugginggpt.core.errors import ResourceError
from hugginggpt.core.resources import Origin
from hugginggpt.core.settings import Settings
from hugginggpt.core.tasks import Kind
from hugginggpt.workspace import media
from hugginggpt.workspace.session_folder import remove_stale
from hugginggpt.workspace.workspace import EXAMPLE_MEDIA, Workspace
from tests.conftest import MEDIA, WebServer


@pytest.fixture
def online(settings: Settings) -> Iterator[Workspace]:
    """A workspace for which loopback is the public internet."""
    with Workspace.create(settings, allowed=lambda address: address == "127.0.0.1") as created:
        yield created


def test_names_are_the_kind_and_a_number(workspace: Workspace) -> None:
    added = [workspace.add_file(MEDIA / name) for name in ("cat.jpg", "speech.flac", "invoice.png", "report.txt")]
    assert [resource.name for resource in added] == ["image-1", "audio-1", "image-2", "text-1"]
    assert workspace.resources == tuple(added)


def test_a_controller_is_told_name_kind_origin_and_measure_and_no_path(workspace: Workspace) -> None:
    resource = workspace.add_file(MEDIA / "invoice.png", "my invoice.png")
    assert resource.description.startswith("image-1: image “my invoice.png”, ")
    assert "×" in resource.description
    assert str(workspace.folder) not in resource.description


def test_a_resource_remembers_where_it_came_from(workspace: Workspace) -> None:
    uploaded = workspace.add_file(MEDIA / "report.txt")
    made = workspace.add_output(Kind.TEXT, Origin("task", "summarization", 4), text="Short.")
    assert uploaded.origin == Origin("upload", "report.txt")
    assert made.origin.task_id == 4
    assert uploaded.text == (MEDIA / "report.txt").read_text()


def test_a_session_has_a_folder_of_its_own_that_no_one_else_may_enter(settings: Settings) -> None:
    with Workspace.create(settings) as one, Workspace.create(settings) as two:
        assert one.folder != two.folder
        assert stat.S_IMODE(one.folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(settings.sessions.stat().st_mode) == 0o700
        assert len(one.folder.name) >= 24


def test_files_lie_in_folders_that_cannot_be_guessed_under_names_a_person_can_read(workspace: Workspace) -> None:
    first, second = (workspace.add_file(MEDIA / "cat.jpg").path for _ in range(2))
    assert first
    assert second
    assert first.is_relative_to(workspace.folder)
    assert (first.name, second.name) == ("image-1.jpg", "image-2.jpg")
    assert first.parent != second.parent
    assert len(first.parent.name) >= 24


def test_what_sessions_long_gone_have_left_is_deleted(settings: Settings) -> None:
    left, used = Workspace.create(settings), Workspace.create(settings)
    long_ago = time.time() - 3 * 24 * 3600
    os.utime(left.folder, (long_ago, long_ago))
    remove_stale(settings)
    assert not left.folder.exists()
    assert used.folder.exists()
    used.close()


def test_closing_deletes_everything(settings: Settings) -> None:
    with Workspace.create(settings) as workspace:
        workspace.add_file(MEDIA / "cat.jpg")
    assert not workspace.folder.exists()
    assert workspace.resources == ()
    assert workspace.find("image-1") is None


def test_the_persons_own_file_is_left_where_it_is(settings: Settings, tmp_path: Path) -> None:
    own = tmp_path / "own.txt"
    own.write_text("Mine.")
    with Workspace.create(settings) as workspace:
        workspace.add_file(own)
    assert own.read_text() == "Mine."


@pytest.mark.parametrize("name", ["image-1", "IMAGE-1", " image-1 ", "[image-1]", '"image-1"', "<image-1>", "photo.JPG"])
async def test_a_resource_is_found_however_a_plan_writes_its_name(name: str, workspace: Workspace) -> None:
    resource = workspace.add_file(MEDIA / "cat.jpg", "Photo.jpg")
    assert await workspace.resolve(name) == resource


@pytest.mark.parametrize("name", ["/tmp/upload/photo.jpg", "C:\\pictures\\photo.jpg", "../photo.jpg"])
async def test_of_a_path_only_the_file_name_counts(name: str, workspace: Workspace) -> None:
    resource = workspace.add_file(MEDIA / "cat.jpg", "photo.jpg")
    assert await workspace.resolve(name) == resource


async def test_of_two_files_with_one_name_the_later_is_meant(workspace: Workspace) -> None:
    workspace.add_file(MEDIA / "cat.jpg", "photo.jpg")
    later = workspace.add_file(MEDIA / "rocket.jpg", "photo.jpg")
    assert await workspace.resolve("photo.jpg") == later


@pytest.mark.parametrize("name", ["invoice.png", "demos/media/invoice.png", "./demos/media/invoice.png", "./invoice.png"])
async def test_a_shipped_example_is_reached_by_its_name(name: str, workspace: Workspace) -> None:
    resource = await workspace.resolve(name)
    assert resource.origin == Origin("example", "invoice.png")
    assert resource.path
    assert resource.path.is_relative_to(workspace.folder)
    assert await workspace.resolve(name) == resource
    assert (EXAMPLE_MEDIA / "invoice.png").is_file()


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../../etc/passwd",
        "demos/media/../make_media.py",
        "demos/media/../../README.md",
        "demos/make_media.py",
        "../media/cat.jpg/../../make_media.py",
        str(MEDIA / "cat.jpg"),
        "~/.ssh/id_rsa",
        "\\\\server\\share",
        "demos/media",
        "",
        ".",
        "..",
        "image-9",
        "a\0b",
        "x" * 5000,
    ],
)
async def test_nothing_outside_the_session_and_the_examples_is_reached(name: str, workspace: Workspace) -> None:
    with pytest.raises(ResourceError, match=r"^There is no .*\.$"):
        await workspace.resolve(name)


async def test_another_sessions_files_are_not_reached(settings: Settings, workspace: Workspace) -> None:
    with Workspace.create(settings) as other:
        foreign = other.add_file(MEDIA / "cat.jpg", "private.jpg")
        for name in ("image-1", "private.jpg", str(foreign.path), f"../{other.folder.name}/{foreign.path.name}"):  # type: ignore[union-attr]
            with pytest.raises(ResourceError):
                await workspace.resolve(name)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "FILE:///etc/passwd", "file:/etc/passwd", "data:text/plain,x"])
async def test_an_address_that_is_no_web_address_is_refused(url: str, workspace: Workspace) -> None:
    with pytest.raises(ResourceError, match=r"only http and https|no “"):
        await workspace.resolve(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1/a", "http://169.254.169.254/a", "http://[", "http://localhost/a"])
async def test_an_address_that_is_not_public_is_refused_and_leaves_nothing(url: str, workspace: Workspace) -> None:
    with pytest.raises(ResourceError):
        await workspace.resolve(url)
    assert list(workspace.folder.iterdir()) == []


async def test_a_url_is_fetched_once_even_when_two_tasks_want_it(web: WebServer, online: Workspace) -> None:
    url = web.serve("/pictures/my%20cat.jpg", (MEDIA / "cat.jpg").read_bytes())
    first, second = await asyncio.gather(online.resolve(url), online.resolve(f" <{url}> "))
    assert first == second
    assert first.origin == Origin("url", "my cat.jpg")
    assert web.asked == ["/pictures/my%20cat.jpg"]


async def test_two_urls_that_end_alike_are_two_resources(web: WebServer, online: Workspace) -> None:
    online.add_file(MEDIA / "invoice.png", "a.jpg")
    cat = await online.resolve(web.serve("/cats/a.jpg", (MEDIA / "cat.jpg").read_bytes()))
    rocket = await online.resolve(web.serve("/rockets/a.jpg", (MEDIA / "rocket.jpg").read_bytes()))
    assert [cat.name, rocket.name] == ["image-2", "image-3"]


async def test_what_a_url_gives_is_looked_at_and_not_believed(web: WebServer, online: Workspace) -> None:
    url = web.serve("/cat.jpg", b"<html>Not found</html>", Content_Type="image/jpeg")
    with pytest.raises(ResourceError, match=r"“cat\.jpg” is named like a picture but holds text"):
        await online.resolve(url)
    assert list(online.folder.iterdir()) == []


async def test_of_a_web_page_the_readable_text_is_kept(web: WebServer, online: Workspace) -> None:
    url = web.serve("/news", b"<!doctype html><html><script>x()</script><p>It rains.</p></html>", Content_Type="text/html")
    resource = await online.resolve(url)
    assert resource.text == "It rains."
    assert resource.path
    assert resource.path.read_text() == "It rains."


async def test_after_a_failed_fetch_the_next_try_may_work(web: WebServer, online: Workspace) -> None:
    with pytest.raises(ResourceError):
        await online.resolve(web.url("/a.txt"))
    web.serve("/a.txt", b"Here now.")
    assert (await online.resolve(web.url("/a.txt"))).text == "Here now."


@pytest.mark.parametrize("path", ["nowhere.png", ".", "x" * 5000, "a\0b"])
def test_a_missing_file_is_told_in_a_sentence(path: str, workspace: Workspace) -> None:
    with pytest.raises(ResourceError, match=r"^There is no file .*\.$"):
        workspace.add_file(Path(path))


def test_a_file_over_the_limit_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "big.txt").write_bytes(b"x" * (2**20 + 1))
    with pytest.raises(ResourceError, match="larger than 1 MB"):
        workspace.add_file(tmp_path / "big.txt")


def test_a_table_in_another_encoding_is_kept_as_utf_8(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_bytes("name,town\r\nJürgen,Köln\r\n".encode("utf-16"))
    resource = workspace.add_file(tmp_path / "people.csv")
    assert resource.kind is Kind.TABLE
    assert resource.measure == "1 row"
    assert resource.path
    assert resource.path.read_bytes().decode() == "name,town\r\nJürgen,Köln\r\n"


def test_a_session_holds_only_so_many_files(tmp_path: Path) -> None:
    with Workspace.create(Settings(sessions=tmp_path, max_session_files=2)) as workspace:
        for _ in range(2):
            workspace.add_output(Kind.TEXT, Origin("task", "chat", 0), text="x")
        with pytest.raises(ResourceError, match="holds 2 resources already"):
            workspace.add_output(Kind.TEXT, Origin("task", "chat", 0), text="x")


def test_an_output_is_described_by_its_measure(workspace: Workspace) -> None:
    path = workspace.new_path(".wav")
    media.write_wav(path, np.zeros(16_000, np.float32), 8_000)
    assert workspace.add_output(Kind.AUDIO, Origin("task", "tts", 1), path=path).measure == "2.0 s"


def test_a_long_text_that_a_task_made_has_a_file_and_takes_room(settings: Settings) -> None:
    """A page links to it: a text within the link is percent-encoded, twelve bytes a letter."""
    with Workspace.create(settings.model_copy(update={"max_session_bytes": 100_000})) as workspace:
        short, long = (
            workspace.add_output(Kind.TEXT, Origin("task", "summarization", n), text=text)
            for n, text in enumerate(("A word.", "🙂\ud83d" * 10_000))
        )
        assert short.path is None
        assert long.path is not None
        assert long.path.name == "text-2.txt"
        assert long.path.read_text("utf-8") == "🙂?" * 10_000
        with pytest.raises(ResourceError, match="would take more than"):
            workspace.add_output(Kind.TEXT, Origin("task", "summarization", 2), text="x" * 60_000)
        workspace.discard([long])
        workspace.add_output(Kind.TEXT, Origin("task", "summarization", 3), text="x" * 60_000)


def test_a_name_is_kept_where_it_is_free_and_what_comes_later_counts_on_from_it(workspace: Workspace) -> None:
    origin = Origin("task", "summarization", 0)
    wished = [workspace.add_output(Kind.TEXT, origin, text="x", name=name).name for name in ("text-5", "text-2", "text-5")]
    assert wished == ["text-5", "text-2", "text-6"]
    assert workspace.add_output(Kind.TEXT, origin, text="x").name == "text-7"


def test_what_is_discarded_is_gone_with_its_file(workspace: Workspace) -> None:
    kept, gone = workspace.add_file(MEDIA / "cat.jpg"), workspace.add_file(MEDIA / "rocket.jpg")
    workspace.discard([gone])
    assert workspace.resources == (kept,)
    assert [path for path in workspace.folder.rglob("*") if path.is_file()] == [kept.path]


async def test_names_stay_unique_when_files_are_added_from_many_threads(workspace: Workspace) -> None:
    added = await asyncio.gather(*(asyncio.to_thread(workspace.add_file, MEDIA / "report.txt") for _ in range(40)))
    assert len({resource.name for resource in added}) == len(workspace.resources) == 40
