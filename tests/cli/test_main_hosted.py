"""Hosted models in the terminal: which would be taken, and running them on the token of whoever types."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from hugginggpt.cli.main import EXIT_ANSWERED, EXIT_BAD_USAGE, EXIT_FAILED, main
from hugginggpt.core.tasks import load_task_table
from tests import hosted_server as at_server
from tests.checkpoints import HubCache
from tests.hosted_server import HostedServer

TOKEN = "hf_typed4711verySecret"
PAINT = "Paint a red fox in the snow."
NO_ORGANIZATION = "This is no name of an organization: enter the one in its address, huggingface.co/NAME."


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> HubCache:
    return HubCache(tmp_path_factory.mktemp("hosted"))


@pytest.fixture
def server(cache: HubCache, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HostedServer]:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"):
        monkeypatch.delenv(name, raising=False)
    with HostedServer(cache) as started:
        started.accounts.add(TOKEN)
        started.serve("text-to-image", "o/paints", downloads=1_234, likes=5, provider="nscale", tags=("license:mit",))
        monkeypatch.setenv("HUGGINGGPT_SESSIONS", str(tmp_path / "sessions"))
        monkeypatch.setenv("HUGGINGGPT_CATALOGUE", str(tmp_path / "kept"))
        monkeypatch.setenv("HUGGINGGPT_HUB", started.url)
        monkeypatch.setenv("HUGGINGGPT_ROUTER", started.url)
        monkeypatch.setenv("HUGGINGGPT_ENDPOINTS", started.url)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield started


def models(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main(["models", "--json", *arguments]) == EXIT_ANSWERED
    return json.loads(capsys.readouterr().out)


def test_candidates_are_listed_with_where_they_run_and_why_one_is_taken(
    server: HostedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    (row,) = models(capsys, "--task", "text-to-image")
    assert row["task"] == "text-to-image"
    (candidate,) = row["candidates"]
    assert candidate == {
        "id": "o/paints",
        "where": "hosted by nscale",
        "downloads": 1_234,
        "likes": 5,
        "size_mb": None,
        "license": "mit",
        "languages": [],
        "gated": False,
        "source": "the Hub's search, just now",
        "description": "Made for text-to-image, transformers.",
    }
    assert row["reason"] == "The only model for this task."
    assert row["left_out"] == []
    assert main(["models", "--task", "tts"]) == EXIT_ANSWERED
    said = capsys.readouterr().out
    assert "→ hibari-tts (bundled, 14 MB, Apache-2.0, en)" in said
    assert "The only model here for this task." in said


def test_all_tasks_are_listed_with_one_question_for_each(server: HostedServer, capsys: pytest.CaptureFixture[str]) -> None:
    rows = models(capsys)
    assert len(rows) == len(load_task_table())
    tags = [asked.one("pipeline_tag") for asked in server.asked]
    assert len(tags) == len(set(tags)) > 15
    models(capsys)
    assert len(server.asked) == len(tags)  # what was answered is kept


def test_what_a_visitor_settles_shows(server: HostedServer, capsys: pytest.CaptureFixture[str]) -> None:
    (row,) = models(capsys, "--task", "text-to-image", "--ban", "o/paints")
    assert (row["candidates"], row["left_out"]) == ([], ["o/paints banned by you"])
    own = server.endpoint("text-to-image")
    (row,) = models(capsys, "--task", "text-to-image", "--pin", f"text-to-image={own}?key=abc")
    assert row["candidates"][0]["id"] == own
    assert row["reason"] == "You have pinned it for this task."
    (row,) = models(capsys, "--task", "text-to-image", "--provider", "fal-ai")
    assert row["candidates"] == []


def test_a_provider_that_nobody_knows_is_bad_usage(server: HostedServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--provider", "nobody"]) == EXIT_BAD_USAGE
    assert capsys.readouterr().err.startswith("“nobody” is no provider: these are baseten, cerebras, ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["models", "--task", "juggling"], "“juggling” is no task: “python -m hugginggpt tasks” lists them.\n"),
        (["models", "--pin", "nonsense"], "“nonsense” is not of the form TASK=MODEL, such as text-to-image=owner/name.\n"),
        (["models", "--bill-to", "my org"], f"{NO_ORGANIZATION}\n"),
        (["models", "--task", ""], "“” is no task: “python -m hugginggpt tasks” lists them.\n"),
        ([PAINT, "--ban", "a b"], "“a b” is no model's id, which looks like owner/name, and no endpoint's address.\n"),
    ],
)
def test_what_can_not_be_meant_is_bad_usage(
    server: HostedServer, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(arguments) == EXIT_BAD_USAGE
    assert capsys.readouterr().err == said


@pytest.mark.parametrize(("arguments", "payer"), [([], "owner-org"), (["--bill-to", "my-org"], "my-org")])
def test_an_organization_pays(server: HostedServer, monkeypatch: pytest.MonkeyPatch, arguments: list[str], payer: str) -> None:
    monkeypatch.setenv("HUGGINGGPT_BILL_TO", "owner-org")
    assert main([PAINT, "--json", *arguments]) == EXIT_ANSWERED
    paid = {asked.headers.get("x-hf-bill-to") for asked in server.asked if asked.method == "POST"}
    assert paid == {payer}


def test_a_request_runs_on_a_hosted_model(server: HostedServer, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main([PAINT, "--json", "--out", str(tmp_path / "out")]) == EXIT_ANSWERED
    printed = capsys.readouterr()
    trace = json.loads(printed.out)
    (step,) = trace["steps"]
    assert step["model"] == {
        "id": "o/paints",
        "backend": "hosted",
        "provider": "nscale",
        "reason": "The only model for this task.",
    }
    with Image.open(tmp_path / "out" / "image-1.png") as made:
        assert made.width > 8
    assert (
        "[0] o/paints (hosted by nscale): The only model for this task. (candidates: the Hub's search, just now)" in printed.err
    )
    assert TOKEN not in printed.out + printed.err
    assert all(TOKEN.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_the_accounts_endpoints_are_listed_as_they_can_be_pinned(
    server: HostedServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.endpoint("text-to-image", path="mine")
    server.states["/endpoint/mine"] = "paused"
    assert main(["models", "endpoints"]) == EXIT_ANSWERED
    assert capsys.readouterr().out.split() == ["mine", "owner/name", "text-to-image", "paused", f"text-to-image={url}"]
    assert models(capsys, "endpoints")[0]["pin"] == f"text-to-image={url}"
    monkeypatch.delenv("HF_TOKEN")
    assert main(["models", "endpoints"]) == EXIT_BAD_USAGE
    assert "set HF_TOKEN" in capsys.readouterr().err


def test_an_endpoint_that_sleeps_is_waited_for_and_that_is_told(
    server: HostedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    url = server.endpoint("text-classification", path="mine")
    server.states["/endpoint/mine"] = "scaledToZero"
    server.faults["/endpoint/mine"] = [
        at_server.status(503, {"error": "503 Service Unavailable"}, {"Retry-After": "0.01"}),
        at_server.wrong_json([{"label": "joyful", "score": 0.9}, {"label": "sad", "score": 0.1}]),
    ]
    assert main(["What is the sentiment of “What a lovely day”?", "--pin", f"text-classification={url}"]) == EXIT_ANSWERED
    printed = capsys.readouterr()
    assert "[0] The endpoint is starting…" in printed.err
    assert "joyful" in printed.out


def test_a_fallback_is_told(server: HostedServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.serve("text-to-image", "o/second", provider="together")
    server.faults["/nscale"].append(at_server.status(500))
    assert main([PAINT]) == EXIT_ANSWERED
    printed = capsys.readouterr()
    assert "[0] o/paints (hosted by nscale) failed, trying the next: nscale has trouble of its own (status 500)" in printed.err
    assert "By o/second at together, in " in printed.out


def test_without_a_token_or_offline_nobody_is_asked(
    server: HostedServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main([PAINT, "--offline"]) == EXIT_FAILED
    assert "No model for picture generation is here" in capsys.readouterr().out
    monkeypatch.delenv("HF_TOKEN")
    assert main([PAINT]) == EXIT_FAILED
    assert server.asked == []


def test_another_services_key_is_not_sent(
    server: HostedServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "sk-of-openai")
    assert main([PAINT]) == EXIT_FAILED
    printed = capsys.readouterr()
    assert "HF_TOKEN holds no Hugging Face token, which begins with hf_: hosted models are left out.\n" in printed.err
    assert "sk-of-openai" not in printed.out + printed.err
    assert server.asked == []
