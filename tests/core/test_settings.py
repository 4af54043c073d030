"""The settings of a deployment: where they come from and what is said of a bad one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hugginggpt.core.settings import Settings, SettingsError, load_settings
from tests.conftest import MEDIA

ROOT = MEDIA.parent.parent


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("HUGGINGGPT_SESSIONS", raising=False)


def test_sessions_lie_in_a_folder_of_this_user_alone(tmp_path: Path) -> None:
    settings = load_settings()
    assert settings.sessions == tmp_path / f"hugginggpt-{os.getuid()}"
    assert settings.sessions.stat().st_mode & 0o777 == 0o700
    assert load_settings() == settings


NAMELESS = """
import getpass, os
from hugginggpt.core.settings import Settings
os.setuid(12345)
try:
    getpass.getuser()
except (KeyError, OSError):
    print(Settings().sessions.name)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become a user without a name")
def test_a_user_without_a_name_has_a_folder() -> None:
    """As in ``docker run -u 12345``: no entry in passwd, no USER."""
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-c", NAMELESS], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("hugginggpt-12345\n", "")


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HUGGINGGPT_SESSIONS", "")
    monkeypatch.setenv("HUGGINGGPT_TOP_K", "")
    assert load_settings().sessions.parent == tmp_path
    assert Settings().top_k == 5


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("", None),
        ("off", ()),
        ("a/b", ("a/b",)),
        (" google-t5/t5-small ,hustvl/yolos-tiny,", ("google-t5/t5-small", "hustvl/yolos-tiny")),
    ],
)
def test_a_list_is_written_with_commas(monkeypatch: pytest.MonkeyPatch, written: str, read: tuple[str, ...] | None) -> None:
    monkeypatch.setenv("HUGGINGGPT_PRELOAD", written)
    assert load_settings().preload == read


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TASK_SECONDS", "abc"),
        ("TASK_SECONDS", "-1"),
        ("MAX_PIXELS", "1.5"),
        ("top_k", "many"),
        ("MAX_TASKS", "9" * 5000),
        ("PRELOAD", "t5-small"),
    ],
)
def test_a_value_that_cannot_be_used_is_one_sentence(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"HUGGINGGPT_{name}", value)
    with pytest.raises(SettingsError) as refusal:
        load_settings()
    said = str(refusal.value)
    assert said.startswith(f"HUGGINGGPT_{name.upper()} can't be “{value[:80]}”: ")
    assert said.endswith(".")
    assert "\n" not in said
    assert len(said) < 300


@pytest.mark.parametrize("place", ["file", "file/inside", "/proc/none", "long"])
def test_a_folder_that_cannot_be_used_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HUGGINGGPT_SESSIONS", str(tmp_path / place) if place != "long" else "x" * 300)
    with pytest.raises(
        SettingsError, match=r"^Sessions can't be kept in .*: set HUGGINGGPT_SESSIONS to a folder of your own\.$"
    ):
        load_settings()


def test_the_usual_folder_made_by_somebody_else_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    usual = tmp_path / f"hugginggpt-{os.getuid()}"
    usual.symlink_to(tmp_path / "theirs")
    with pytest.raises(SettingsError, match="it belongs to somebody else"):
        load_settings()


def test_a_folder_that_was_asked_for_may_be_a_link(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    monkeypatch.setenv("HUGGINGGPT_SESSIONS", str(tmp_path / "link"))
    assert load_settings().sessions == tmp_path / "link"
