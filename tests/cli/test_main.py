"""The terminal: what it prints where, what it saves, and how it ends."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile

from hugginggpt.cli.main import EXIT_ANSWERED, EXIT_BAD_USAGE, EXIT_FAILED, main, render_plain_text
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call
from hugginggpt.experts.bundled.expert import BundledExpert
from hugginggpt.llm.errors import ERROR_SENTENCES
from hugginggpt.workspace import file_types
from tests.conftest import MEDIA
from tests.llm.replay import ROWS, refusal
from tests.scripted_server import KEY, ScriptedServer, completion, error, pieces, scripted_server

pytestmark = pytest.mark.slow

TUTORIAL = "read the image example.jpg for me"
INVOICE = str(MEDIA / "invoice.png")


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No key of whoever runs the tests; sessions and what is made lie in the test's own folder."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HUGGINGGPT_SESSIONS", str(tmp_path / "sessions"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", running.base_url)
        monkeypatch.setenv("OPENAI_MODEL", "tiny")
        yield running


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The command as a person types it, in a process of its own."""
    environment = os.environ | {"TMPDIR": str(folder)}
    command = [sys.executable, "-m", "hugginggpt", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)


async def heard(path: Path, folder: Path) -> str:
    """What a recording says, numbers without commas, doubtful words without their marks."""
    expert = BundledExpert()
    card = next(card for card in expert.cards() if card.task == "automatic-speech-recognition")
    recording = Resource("audio-1", Kind.AUDIO, Origin("upload", path.name), path=path)
    result = await expert.run(Call(card, {"audio": recording}, lambda suffix: folder / f"unused{suffix}"))
    return re.sub(r"[\[\],?]", "", str(result.outputs[0].text))


async def test_the_tutorials_case_in_a_process_of_its_own(tmp_path: Path) -> None:
    ended = run(TUTORIAL, INVOICE, "--json", "--out", str(tmp_path / "made"), folder=tmp_path)
    assert ended.returncode == EXIT_ANSWERED, ended.stderr
    trace = json.loads(ended.stdout)
    assert {"request", "plan", "steps", "resources", "answer", "usage"} <= set(trace)
    assert trace["request"] == TUTORIAL
    assert [task["task"] for task in trace["plan"]] == ["image-to-text", "text-to-speech"]
    for task in trace["plan"]:
        assert set(task) == {"task", "id", "dep", "args"}
    assert trace["plan"][1]["dep"] == [0]
    assert trace["plan"][1]["args"] == {"text": "<resource>-0"}
    for step in trace["steps"]:
        assert {"id", "task", "status", "model", "seconds", "outputs", "error"} <= set(step)
        assert set(step["model"]) == {"id", "backend", "reason"}
        assert (step["status"], step["model"]["backend"], step["error"]) == ("done", "bundled", None)
    assert "20417" in trace["answer"]
    resources = {resource["name"]: resource for resource in trace["resources"]}
    assert [(r["name"], r["kind"], r["task_id"]) for r in trace["resources"]] == [
        ("image-1", "image", None),
        ("text-1", "text", 0),
        ("table-1", "table", 0),
        ("audio-1", "audio", 1),
    ]
    assert "20417" in resources["text-1"]["text"]
    assert resources["image-1"]["path"] == INVOICE
    spoken = Path(resources["audio-1"]["path"])
    assert spoken == tmp_path / "made" / "audio-1.wav"
    assert "20417" in await heard(spoken, tmp_path)
    assert "planned in" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not list((tmp_path / "sessions").iterdir())


def test_bad_usage_in_a_process_of_its_own(tmp_path: Path) -> None:
    ended = run("read this", "no-such-file.png", folder=tmp_path)
    assert (ended.returncode, ended.stdout) == (EXIT_BAD_USAGE, "")
    assert ended.stderr == "There is no file “no-such-file.png”.\n"


def test_the_plan_alone_is_a_json_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([TUTORIAL, INVOICE, "--plan"]) == EXIT_ANSWERED
    assert json.loads(capsys.readouterr().out) == [
        {"task": "image-to-text", "id": 0, "dep": [-1], "args": {"image": "image-1"}},
        {"task": "text-to-speech", "id": 1, "dep": [0], "args": {"text": "<resource>-0"}},
    ]


def test_an_answer_goes_to_stdout_and_progress_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["What does this sign say?", str(MEDIA / "sign.jpg")]) == EXIT_ANSWERED
    printed = capsys.readouterr()
    assert "NO SWIMMING" in printed.out
    assert "[0] running on PP-OCRv6-small" in printed.err
    assert "running on" not in printed.out


def test_out_gets_texts_and_files_under_their_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new" / "made"
    assert main(["Read this sign aloud.", str(MEDIA / "sign.jpg"), "--out", str(folder)]) == EXIT_ANSWERED
    assert (folder / "text-1.txt").read_text(encoding="utf-8") == "BEACH CLOSED\nNO SWIMMING\nAFTER 6 PM\n"
    assert soundfile.info(folder / "audio-1.wav").duration > 1
    assert f"audio-1: {folder / 'audio-1.wav'}" in capsys.readouterr().out


def test_without_out_the_files_of_the_trace_are_there_after_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["Draw the edges of this picture.", str(MEDIA / "cat.jpg"), "--json"]) == EXIT_ANSWERED
    trace: dict[str, Any] = json.loads(capsys.readouterr().out)
    paths = [Path(resource["path"]) for resource in trace["resources"]]
    assert len(paths) == 2
    for path in paths:
        assert file_types.identify(path, path.name, max_pixels=10**7)[0] == "image"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([""], "The request is empty: write what you want done."),
        (["", INVOICE], "What should be done with invoice.png? Write it in a sentence."),
        (["x" * 100_000], "The request is 100,000 characters long and 32,000 is the limit"),
        (["read http://127.0.0.1:9/a.png"], "127.0.0.1"),
    ],
)
def test_a_request_that_cannot_be_done_is_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(arguments) == EXIT_FAILED
    printed = capsys.readouterr()
    assert said in printed.err
    assert "Traceback" not in printed.err + printed.out


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.png", b"", "“empty.png” is empty (0 bytes): attach it again."),
        ("cut.png", (MEDIA / "invoice.png").read_bytes()[:2000], "“cut.png”"),
        ("lying.png", b"I am a text.", "“lying.png” is named like a picture but holds text: attach the right file."),
        ("strange.bin", bytes(range(256)) * 10, "“strange.bin” is no kind of file that can be used here"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, said: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    assert main(["read this", str(file)]) == EXIT_FAILED
    printed = capsys.readouterr()
    assert (printed.out, len(printed.err.splitlines())) == ("", 1)
    assert said in printed.err


@pytest.mark.parametrize("target", ["file", "file/inside", "/proc/none"])
def test_a_folder_that_cannot_be_made_is_bad_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str], target: str) -> None:
    (tmp_path / "file").write_text("x")
    assert main(["read this", INVOICE, "--out", str(tmp_path / target)]) == EXIT_BAD_USAGE
    assert capsys.readouterr().err.startswith("--out: ")


@pytest.mark.parametrize("arguments", [[], ["x", "--plan", "--json"], ["x", "--nonsense"]])
def test_a_wrong_command_line_is_bad_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == EXIT_BAD_USAGE
    assert "usage: python -m hugginggpt" in capsys.readouterr().err


def test_a_task_without_a_model_fails_the_request_and_says_what_would_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["Translate “Guten Morgen” into English."]) == EXIT_FAILED
    assert "key" in capsys.readouterr().out


def test_with_a_key_in_the_environment_the_language_model_plans(
    server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = {"tasks": [{"task": "translation", "id": 0, "dep": [-1], "args": {"text": "Guten Morgen", "language": "English"}}]}
    server.will(completion(plan), completion("Good morning."), pieces("It means ", "“Good morning”."))
    assert main(["Translate “Guten Morgen”.", "--json"]) == EXIT_ANSWERED
    printed = capsys.readouterr()
    trace = json.loads(printed.out)
    assert trace["answer"] == "It means “Good morning”."
    assert trace["usage"]["calls"] == 3
    assert trace["steps"][0]["model"]["backend"] == "controller"
    assert KEY not in printed.out + printed.err


def test_what_each_stage_took_is_told_at_the_end(server: ScriptedServer, capsys: pytest.CaptureFixture[str]) -> None:
    plan = {"tasks": [{"task": "image-to-text", "id": 0, "dep": [-1], "args": {"image": "image-1"}}], "answer": None}
    server.will(completion(plan, prompt=1_700, made=40, cost=0.0021), completion("BEACH CLOSED", prompt=200, made=5))
    assert main(["What does it say?", str(MEDIA / "sign.jpg")]) == EXIT_ANSWERED
    printed = capsys.readouterr().err
    assert re.search(r"  Planning: 1 call, 1,700 tokens in, 40 out, [\d.]+ m?s, \$0.0021\n", printed)
    assert re.search(r"  The answer: 1 call, 200 tokens in, 5 out, [\d.]+ m?s\n", printed)


def test_text_tasks_are_left_to_models_and_pictures_looked_at_when_it_is_wished(
    server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = {"tasks": [{"task": "translation", "id": 0, "dep": [-1], "args": {"text": "Hallo", "language": "English"}}]}
    server.will(completion(plan), completion({"tasks": [], "answer": None}), completion("It could not be translated."))
    main(["Translate what it says.", INVOICE, "--no-text-work", "--look"])
    assert "No model for translation is here" in capsys.readouterr().err
    assert server.asked[0].body["messages"][-1]["content"][1]["type"] == "image_url"
    assert len(server.asked) == 3


def test_a_wrong_key_is_one_sentence(server: ScriptedServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.will(error(401, "no {key}"))
    assert main(["Hello", "--verbose"]) == EXIT_FAILED
    printed = capsys.readouterr()
    assert "127.0.0.1 refused the key: check it, or enter another one." in printed.err
    assert KEY not in printed.out + printed.err


@pytest.mark.parametrize("reason", [reason for reason in ROWS if reason != "parameters"])
def test_what_a_server_refuses_is_said_in_the_terminal(
    server: ScriptedServer, capsys: pytest.CaptureFixture[str], reason: str
) -> None:
    row = ROWS[reason][0]
    server.will(refusal(row))
    assert main(["Hello"]) == EXIT_FAILED
    sentence = ERROR_SENTENCES[reason].format(server="127.0.0.1", model="tiny", status=row["status"], wait="a minute")
    assert sentence in capsys.readouterr().err


def test_a_server_that_accepts_less_answers_in_the_terminal(server: ScriptedServer, capsys: pytest.CaptureFixture[str]) -> None:
    def reply(handler: Any, asked: Any) -> None:
        streams = asked.body.get("stream")
        (refusal(ROWS["parameters"][0]) if streams else completion({"tasks": [], "answer": "Hello."}))(handler, asked)

    server.will(reply)
    assert main(["Hello"]) == EXIT_ANSWERED
    assert capsys.readouterr().out == "Hello.\n"
    assert len(server.asked) == 2


def test_offline_leaves_the_key_alone(server: ScriptedServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([TUTORIAL, INVOICE, "--plan", "--offline"]) == EXIT_ANSWERED
    assert not server.asked
    assert json.loads(capsys.readouterr().out)


def test_marks_that_guard_quoted_text_are_not_shown_in_a_terminal() -> None:
    assert render_plain_text(r"> 2 \* 3 \_x\_ \<b\>  " + "\n> C:\\temp") == "> 2 * 3 _x_ <b>\n> C:\\temp"
    assert render_plain_text("**a\\_1.png**\n\nIt is *so*.\n\n_By m, in 1 s._") == "a_1.png\n\nIt is *so*.\n\nBy m, in 1 s."


def test_a_setting_that_cannot_be_used_is_bad_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HUGGINGGPT_TASK_SECONDS", "abc")
    assert main(["Hello"]) == EXIT_BAD_USAGE
    printed = capsys.readouterr()
    assert (printed.out, len(printed.err.splitlines())) == ("", 1)
    assert printed.err.startswith("HUGGINGGPT_TASK_SECONDS can't be “abc”: ")


def test_a_folder_for_sessions_that_cannot_be_used_is_bad_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HUGGINGGPT_SESSIONS", str(tmp_path / "file"))
    assert main(["Hello"]) == EXIT_BAD_USAGE
    printed = capsys.readouterr()
    assert (printed.out, len(printed.err.splitlines())) == ("", 1)
    assert "HUGGINGGPT_SESSIONS" in printed.err


@pytest.mark.parametrize("address", ["https://host.test/a.png", "HTTP://host.test/a.png"])
def test_an_address_as_a_file_is_told_where_it_belongs(capsys: pytest.CaptureFixture[str], address: str) -> None:
    assert main(["Read this.", address]) == EXIT_BAD_USAGE
    assert capsys.readouterr().err == f"Put the address into the request: “Read this. {address}”.\n"


def test_a_file_name_that_no_disk_can_hold_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["Read this.", "x" * 5000]) == EXIT_BAD_USAGE
    assert "There is no file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "said"),
    [("http://[", "The base URL is not valid"), ("http://127.0.0.1:9/v1?key=secret", "nothing behind its path")],
)
def test_a_base_url_that_is_none_is_one_sentence(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, capsys: Any, url: str, said: str
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    assert main(["Hello"]) == EXIT_FAILED
    printed = capsys.readouterr()
    assert (printed.out, len(printed.err.splitlines())) == ("\n", 1)
    assert said in printed.err
    assert "secret" not in printed.err
