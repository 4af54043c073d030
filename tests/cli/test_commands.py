"""The terminal's commands: what can run here, and fetching more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hugginggpt.cli.main import EXIT_ANSWERED, EXIT_BAD_USAGE, EXIT_FAILED, main
from hugginggpt.core.tasks import load_task_table
from tests.checkpoints import HubCache
from tests.hub_server import HubServer

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Sessions lie in the test's own folder."""
    monkeypatch.setenv("HUGGINGGPT_SESSIONS", str(tmp_path / "sessions"))


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubServer]:
    """A Hub with one model, and the one that image-classification is pulled with."""
    snapshot = HubCache(tmp_path / "made").add("tiny/vit")
    model = {path.name: path.read_bytes() for path in snapshot.iterdir()}
    server = HubServer({"tiny/vit": model, "google/vit-base-patch16-224": model})
    server.start()
    yield server
    server.shutdown()
    server.server_close()


def run(hub: HubServer, tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own: the Hub's client reads its environment as it is imported."""
    environment = os.environ | {"HF_HUB_CACHE": str(tmp_path / "hub"), "HF_ENDPOINT": hub.url}
    command = [sys.executable, "-m", "hugginggpt", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)


def test_the_table_as_json_names_every_task_and_what_runs_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks", "--json"]) == EXIT_ANSWERED
    rows = {row["task"]: row for row in json.loads(capsys.readouterr().out)}
    assert list(rows) == list(load_task_table())
    assert rows["text-to-speech"]["models"][0]["id"] == "hibari-tts"
    assert rows["text-to-speech"]["inputs"] == [{"name": "text", "kind": "text", "required": True}]
    assert (rows["text-to-speech"]["runnable"], rows["text-to-video"]["runnable"]) == (True, False)


def test_the_table_in_words_says_how_to_get_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks"]) == EXIT_ANSWERED
    lines = capsys.readouterr().out.splitlines()
    assert any("object-detection" in line and "nothing yet: models pull object-detection" in line for line in lines)
    assert any("text-to-speech" in line and "hibari-tts (bundled)" in line for line in lines)
    assert lines[-1].endswith("tasks can run here and now.")


def test_a_model_that_was_pulled_runs_its_task(hub: HubServer, tmp_path: Path) -> None:
    model = "google/vit-base-patch16-224"
    pulled = run(hub, tmp_path, "models", "pull", "image-classification")
    assert pulled.returncode == EXIT_ANSWERED
    printed = pulled.stderr.split("\n")[:-2]  # a bar ends with an empty line where nobody watches it
    assert printed[0].startswith(f"{model}: 0.")
    assert printed[0].endswith(" to fetch")
    assert printed[-1].startswith(f"{model}: 0.")
    rows = json.loads(run(hub, tmp_path, "tasks", "--json").stdout)
    (row,) = [row for row in rows if row["task"] == "image-classification"]
    assert (row["models"][0]["id"], row["models"][0]["backend"]) == (model, "local")


def test_a_model_is_pulled_once_and_listed(hub: HubServer, tmp_path: Path) -> None:
    assert run(hub, tmp_path, "models", "pull", "tiny/vit").returncode == EXIT_ANSWERED
    fetched = len(hub.fetched)
    assert run(hub, tmp_path, "models", "pull", "tiny/vit").stderr == "tiny/vit: all of it is here\n"
    assert len(hub.fetched) == fetched
    assert run(hub, tmp_path, "models", "--task", "image-classification", "list").stdout.startswith("tiny/vit  0.")
    (pickled := tmp_path / "hub" / "models--owner--old" / "snapshots" / "1").mkdir(parents=True)
    (pickled / "pytorch_model.bin").write_bytes(b"")
    listed = run(hub, tmp_path, "models", "list").stdout
    assert listed.startswith("tiny/vit  0.")
    assert "In the cache, and can't be used:\nowner/old  Its weights are a pickle (pytorch_model.bin)" in listed
    other = run(hub, tmp_path, "models", "--task", "object-detection", "list")
    assert (other.returncode, other.stdout) == (EXIT_ANSWERED, "")
    hint = "No model for object-detection in the cache yet: “python -m hugginggpt models pull object-detection” fetches one.\n"
    assert other.stderr == hint


def test_a_model_that_does_not_exist_is_one_sentence(hub: HubServer, tmp_path: Path) -> None:
    pulled = run(hub, tmp_path, "models", "pull", "no/such")
    assert pulled.returncode == EXIT_FAILED
    assert pulled.stderr == "The Hub knows no model “no/such”, or it is private: check the name, or use a token.\n"


@pytest.mark.parametrize("what", ["nonsense", "canny-control"])
def test_what_is_neither_a_model_nor_a_task_to_pull_is_bad_usage(capsys: pytest.CaptureFixture[str], what: str) -> None:
    assert main(["models", "pull", what]) == EXIT_BAD_USAGE
    assert "is no task that a model is known for" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["models", "--tasks"], ["models", "pull"], ["tasks", "extra"]])
def test_a_command_that_makes_no_sense_is_bad_usage(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == EXIT_BAD_USAGE
