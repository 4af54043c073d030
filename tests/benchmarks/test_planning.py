"""The planning benchmark: its measures by hand, its chart, its command over the real clients."""

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from benchmarks.planning.__main__ import DONE, EXIT_BAD_USAGE, EXIT_FAILED, main, read
from benchmarks.planning.chart import draw
from benchmarks.planning.items import Graph, Item, normal
from benchmarks.planning.metrics import Counts, by_shape, edit_distance, judge, nearest, overlap, percentile, score
from benchmarks.planning.results import Outcome
from benchmarks.planning.taskbench import PUBLISHED
from tests.benchmarks.samples import OBJECTS, OCR, ROWS, SPEAK, TASKBENCH, graph, lines, outcome, taskbench, written
from tests.conftest import attached
from tests.scripted_server import KEY, ScriptedServer, completion, error, pieces, scripted_server


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four requests, one of each shape; JSON is YAML too."""
    return written(tmp_path / "work.yaml", ROWS)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture
def llm(data: Path, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command line that asks the scripted server."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    monkeypatch.setenv("OPENAI_MODEL", "tiny")
    return ["--data", str(data), "--controller", "llm", "--results", str(data.with_name("results.jsonl"))]


# the measures


def test_f1_is_of_multisets_and_micro() -> None:
    one = overlap(["ocr", "ocr", "tts"], ["ocr", "translation"])
    assert one == Counts(hits=1, planned=3, wanted=2)
    assert one.f1 == pytest.approx(2 * 1 / 5)
    assert (one + overlap(["tts"], ["tts"])).f1 == pytest.approx(2 * 2 / 7)  # not the mean of 2/5 and 1
    assert overlap([], []).f1 is None
    assert overlap([], ["ocr"]).f1 == 0


@pytest.mark.parametrize(
    ("planned", "wanted", "distance"),
    [("", "", 0), ("a", "", 1), ("ab", "ab", 0), ("ab", "acb", 1 / 3), ("abc", "b", 2 / 3), ("kitten", "sitting", 3 / 7)],
)
def test_edit_distance_is_levenshteins_over_the_longer(planned: str, wanted: str, distance: float) -> None:
    assert edit_distance(planned, wanted) == pytest.approx(distance)
    assert edit_distance(wanted, planned) == pytest.approx(distance)


def test_p95_is_the_nearest_rank() -> None:
    assert percentile([float(n) for n in range(1, 101)], 0.95) == 95
    assert percentile([3.0], 0.95) == 3


def test_a_plan_becomes_a_graph_of_names() -> None:
    found = graph(OCR, SPEAK)
    assert found.tasks == ("image-to-text", "text-to-speech")
    assert found.edges == (("image-to-text", "text-to-speech"),)
    assert found.arguments == (("image-to-text", "image", "image-1"), ("text-to-speech", "text", "<image-to-text>"))
    assert [graph(*raw).shape for raw in ((), (OCR,), (OCR, SPEAK), (OCR, OBJECTS))] == ["none", "single", "chain", "graph"]
    assert normal(
        " “Cat.JPG” ", [replace(attached("image-1"), origin=replace(attached("image-1").origin, label="cat.jpg"))]
    ) == ("image-1")


def test_in_a_graph_the_order_is_free_and_in_a_chain_it_is_not() -> None:
    other_order = graph({**OBJECTS, "id": 0}, {**OCR, "id": 1})
    assert judge(other_order, graph(OCR, OBJECTS)).exact
    assert judge(other_order, graph(OCR, OBJECTS)).distance == 1
    assert not judge(graph(OCR, OBJECTS, {**SPEAK, "id": 2}), graph(OCR, OBJECTS)).exact
    sequence = Graph(("image-to-text", "text-to-speech"))
    assert judge(graph(OCR, SPEAK), sequence) == replace(judge(sequence, sequence), edges=None, arguments=None)
    assert not judge(graph(OCR), sequence).exact


def test_the_nearest_of_several_right_plans_counts() -> None:
    right = (graph(OCR), graph(OCR, SPEAK))
    assert nearest(graph(OCR, SPEAK), right).exact
    assert nearest(graph(OCR, SPEAK, {**OBJECTS, "id": 2}), right).nodes == Counts(2, 3, 2)


def test_a_score_sums_up(data: Path) -> None:
    chain, single, _, none = read(data).items
    scores = by_shape(
        [
            (chain, outcome(chain, OCR, seconds=1.0, prompt_tokens=100, completion_tokens=20)),  # half of it
            (single, Outcome("s", single.digest, 3.0, refused="no plan")),
            (none, outcome(none, seconds=2.0, prompt_tokens=50, completion_tokens=10)),
        ]
    )
    assert list(scores) == ["single", "chain", "none", "all"]
    every = scores["all"]
    assert every.node_f1 == pytest.approx(2 * 1 / (1 + 3))
    assert every.edge_f1 == 0
    assert every.argument_f1 == pytest.approx(2 * 1 / (1 + 3))
    assert every.edit_distance == pytest.approx((0.5 + 1 + 0) / 3)
    assert (every.exact, every.invalid) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert (every.prompt_tokens, every.completion_tokens) == (75, 15)
    assert (every.median, every.p95, every.longest) == (2, 3, 3)
    assert scores["none"].node_f1 is None
    assert scores["none"].exact == 1


def test_where_nothing_is_to_be_run_words_are_right_and_a_broken_plan_is_not(data: Path) -> None:
    none = read(data).items[3]
    in_words = Outcome("n", none.digest, 1.0, refused="Attach a picture.", in_words=True)
    assert (score([(none, in_words)]).exact, score([(none, in_words)]).invalid) == (1, 0)
    broken = replace(in_words, in_words=False)
    assert (score([(none, broken)]).exact, score([(none, broken)]).invalid) == (0, 1)


# the command


def test_the_built_in_planner_is_measured(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["--data", str(data), "--out", str(tmp_path / "out")]
    assert main([*argv, "--limit", "2"]) == DONE
    assert main(argv) == DONE
    said = capsys.readouterr().out
    assert [line.split()[:2] for line in said.splitlines() if line.startswith("all")] == [["all", "2"], ["all", "4"]]
    assert said.count("work.yaml: 4 of 4 requests planned by the built-in planner") == 1
    (results,) = (tmp_path / "out").glob("*work-offline-*.jsonl")
    assert [row["id"] for row in lines(results)[1:]] == ["c", "s", "g", "n"]  # the first two were not planned again
    with Image.open(results.with_suffix(".png")) as chart:
        assert chart.format == "PNG"
        assert chart.width >= 1000
        assert chart.height >= 600


def test_a_language_model_is_measured_over_its_server(
    llm: list[str], server: ScriptedServer, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.will(answered(OCR, SPEAK), answered(OCR), answered(OCR, OBJECTS), answered())
    assert main(llm) == DONE
    said = capsys.readouterr()
    rows = {line.split()[0]: line.split() for line in said.out.splitlines() if line[:1].isalpha()}
    assert rows["all"][1:10] == ["4", "100.0", "100.0", "100.0", "0.00", "100.0", "0.0", "100", "10"]
    assert "planned by tiny (127.0.0.1)" in said.out
    asked = len(server.asked)
    assert main(llm) == DONE
    assert len(server.asked) == asked
    kept = data.with_name("results.jsonl").read_text()
    assert lines(data.with_name("results.jsonl"))[0]["server"] == "127.0.0.1"
    assert KEY not in kept + said.out + said.err


def answered(*plan: Any) -> Any:
    """A whole reply or a streamed one, as it is asked for."""
    text = json.dumps({"tasks": plan})

    def reply(handler: Any, asked: Any) -> None:
        (pieces(text) if asked.body.get("stream") else completion(text))(handler, asked)

    return reply


def test_an_unusable_plan_is_counted_and_a_failing_server_is_not(
    llm: list[str], server: ScriptedServer, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.will(answered(OCR, SPEAK), answered({"task": "brew-tea", "id": 0}), error(401), answered())
    assert main(llm) == EXIT_FAILED
    said = capsys.readouterr()
    assert [row["id"] for row in lines(data.with_name("results.jsonl"))[1:]] == ["c", "s", "n"]
    assert lines(data.with_name("results.jsonl"))[2]["plan"] is None
    assert "g: 127.0.0.1 refused the key: check it, or enter another one." in said.err
    assert "1 of 4 failed at the server and are not counted: run it again to try them again." in said.err
    server.will(answered(OCR, OBJECTS))
    server.replies.pop(0)
    assert main(llm) == DONE
    assert len(lines(data.with_name("results.jsonl"))) == 5


@pytest.mark.parametrize("parallel", ["1", "2"])
def test_three_failures_in_a_row_stop_it(
    llm: list[str], server: ScriptedServer, data: Path, parallel: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server.will(error(401))
    assert main([*llm, "--parallel", parallel]) == EXIT_FAILED
    said = capsys.readouterr()
    assert said.err.endswith(
        "3 requests in a row failed, so the benchmark stopped. 127.0.0.1 refused the key: check it, or enter another one.\n"
    )
    assert said.out == ""
    assert len(lines(data.with_name("results.jsonl"))) == 1


def test_ctrl_c_keeps_what_is_done(
    llm: list[str], server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(handler: Any, asked: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    server.will(answered(OCR, SPEAK), answered(OCR), interrupt)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # which those who run in the background don't have
    try:
        assert main(llm) == EXIT_FAILED
    finally:
        signal.signal(signal.SIGINT, before)
    assert "Stopped: 2 of 4 are kept in" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--beside", "huggingface"], "--beside is for TaskBench's own files, and work.yaml is none: leave it out."),
        (["--model", "tiny"], "--model, --base-url and --parallel are for a language model: add --controller llm."),
        (["--controller", "llm"], "OpenAI wants a key: set OPENAI_API_KEY, or name another server with --base-url."),
    ],
)
def test_what_can_not_be_measured_is_said(
    data: Path, argv: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"):
        monkeypatch.delenv(name, raising=False)
    assert main(["--data", str(data), "--results", str(data.with_name("r")), *argv]) == EXIT_BAD_USAGE
    assert capsys.readouterr().err == said + "\n"


def test_taskbench_is_shown_beside_what_it_has_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    taskbench(tmp_path / "data.jsonl", TASKBENCH)
    argv = ["--data", str(tmp_path / "data.jsonl"), "--out", str(tmp_path / "out"), "--beside", "huggingface"]
    assert main(argv) == DONE
    said = capsys.readouterr().out
    assert "33.3% of the 3 steps of the right plans are of tools that no task here does (1 tools; most often Image S" in said
    assert [row.split() for row in said.splitlines() if row.startswith("gpt-4")] == [["gpt-4", "81.5", "54.7"]]


def test_a_chart_is_drawn_of_times_alone_too(tmp_path: Path) -> None:
    item = Item("1", "Hello")
    scores = by_shape([(item, Outcome("1", item.digest, 12.0, refused="no"))])
    draw(scores, tmp_path / "a.png", title="unlabelled", published=PUBLISHED["huggingface"])
    with Image.open(tmp_path / "a.png") as chart:
        assert chart.getextrema() != ((255, 255),) * 4
