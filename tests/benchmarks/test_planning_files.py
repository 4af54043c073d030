"""What the planning benchmark reads, ours and TaskBench's, and the results that it keeps and goes on with."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.planning.__main__ import read
from benchmarks.planning.items import BenchmarkError, Shape
from benchmarks.planning.metrics import Counts, judge, score
from benchmarks.planning.results import Header, Outcome, Results
from benchmarks.planning.taskbench import mentioned
from hugginggpt.core.tasks import Kind
from tests.benchmarks.samples import CHAIN, OCR, ROWS, SIGN, SPEAK, TASKBENCH, graph, outcome, taskbench, written


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four requests, one of each shape; JSON is YAML too."""
    return written(tmp_path / "work.yaml", ROWS)


# the files


def test_our_files_name_resources_in_order_after_those_of_earlier_turns(tmp_path: Path) -> None:
    made = [{"name": "room.jpg", "kind": "image"}, {"name": "image-to-text", "kind": "text", "text": "A room."}]
    row = {**CHAIN, "earlier": [{"request": "Describe it", "made": made}], "files": [SIGN, {"name": "a.wav", "kind": "audio"}]}
    row["plan"] = [{**OCR, "args": {"image": "image-2"}}]
    row["or"] = [[{**OCR, "args": {"image": "image-1"}}]]
    (item,) = read(written(tmp_path / "x.yaml", [row])).items
    assert [resource.name for resource in item.resources] == ["image-1", "text-1", "image-2", "audio-1"]
    assert [resource.origin.source for resource in item.turns[0].resources] == ["upload", "task"]
    assert item.turns[0].resources[1].text == "A room."
    assert [right.arguments for right in item.right] == [(("image-to-text", "image", name),) for name in ("image-2", "image-1")]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"request": "secret", "files": []}, "x.yaml, request 1: plan is missing."),
        ({**CHAIN, "files": []}, "x.yaml, request c: its right plan names image-1, which it doesn't have."),
        ({**CHAIN, "plan": [{"task": "brew-tea"}]}, "x.yaml, request c: its right plan is refused. Task 0: the field task"),
        ({**CHAIN, "files": [{"name": "a", "kind": "smell"}]}, "x.yaml, request c: a field is not what it should be."),
    ],
)
def test_what_is_wrong_in_our_files_is_told_without_the_request(tmp_path: Path, row: Any, said: str) -> None:
    with pytest.raises(BenchmarkError) as caught:
        read(written(tmp_path / "x.yaml", [row]))
    assert str(caught.value).startswith(said)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_yaml_or_not_there_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("- request: [secret\n- {", encoding="utf-8")
    with pytest.raises(BenchmarkError, match=r"^x\.yaml is not YAML \(line 2\)\.$"):
        read(tmp_path / "x.yaml")
    with pytest.raises(BenchmarkError, match=r"can't be read \(No such file"):
        read(tmp_path / "y.jsonl")


def test_taskbench_is_read_with_our_names(tmp_path: Path) -> None:
    found = taskbench(tmp_path / "data.json", TASKBENCH)
    (item,) = found.items
    (right,) = item.right
    assert item.shape is Shape.GRAPH  # TaskBench says so
    assert [(r.name, r.origin.label) for r in item.attached] == [("image-1", "example.jpg"), ("audio-1", "example.wav")]
    assert right.tasks == ("image-to-text", "translation", "Image Stitcher")
    assert right.edges == (("image-to-text", "translation"), ("translation", "Image Stitcher"))
    assert right.arguments == (
        ("image-to-text", "", "image-1"),
        ("translation", "", "<image-to-text>"),
        ("translation", "", "french"),
        ("Image Stitcher", "", "<translation>"),
        ("Image Stitcher", "", "https://a.b/other.jpg"),
    )
    assert (found.unknown, found.steps) == ({"Image Stitcher": 1}, 3)
    assert judge(graph(OCR), right).arguments == Counts(1, 1, 5)


def test_the_hubs_form_is_the_same_and_links_may_stand_in_the_arguments_alone(tmp_path: Path) -> None:
    hub = {
        "id": "17",
        "instruction": TASKBENCH["user_request"],
        "type": "dag",
        "tool_nodes": json.dumps(TASKBENCH["task_nodes"]),
        "tool_links": json.dumps(TASKBENCH["task_links"]),
    }
    (ours,) = taskbench(tmp_path / "a.json", TASKBENCH).items
    assert taskbench(tmp_path / "b.json", hub).items == (ours,)
    assert taskbench(tmp_path / "c.json", {**TASKBENCH, "task_links": []}).items == (ours,)


def test_requests_without_right_plans_and_ids_that_come_twice_are_read(tmp_path: Path) -> None:
    bare = {"id": "1", "user_request": "Hello"}
    found = taskbench(tmp_path / "a.json", bare, bare)
    assert [(item.id, item.right, item.shape) for item in found.items] == [("1", (), None), ("1#2", (), None)]
    with pytest.raises(BenchmarkError, match=r"a\.json, line 1: that is no request"):
        taskbench(tmp_path / "a.json", {"id": 3})


def test_files_that_a_request_names_become_resources_once_each() -> None:
    found = list(
        mentioned("Mix a.mp3 and B_2.WAV, a.mp3 twice, at 1.5x, as on example.com/c.mp4 and www.d.org/e.png; see f.csv.")
    )
    assert [(r.kind, r.origin.label) for r in found] == [(Kind.AUDIO, "a.mp3"), (Kind.AUDIO, "B_2.WAV"), (Kind.TABLE, "f.csv")]


# results, and going on with them


def test_results_go_on_where_they_were_and_survive_a_line_that_was_cut_off(data: Path, tmp_path: Path) -> None:
    items, header, path = read(data).items, Header("work.yaml", "offline"), tmp_path / "deep" / "results.jsonl"
    Results.open(path, header, items).append(outcome(items[0], OCR, SPEAK))
    whole = path.read_bytes()
    for cut in (b'{"id": "s", "dig', b'{"id": "s", "dig\n', b"\xff\x00\n"):
        path.write_bytes(whole + cut)
        again = Results.open(path, header, items)
        assert list(again.done) == ["c"]
        assert path.read_bytes() == whole
    assert again.done["c"].graph(items[0]) == items[0].right[0]
    again.append(Outcome("s", items[1].digest, 1.0, refused="no"))
    assert list(Results.open(path, header, items).done) == ["c", "s"]
    path.write_bytes(whole[:10])
    assert not Results.open(path, header, items).done  # the header itself was cut off


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"data": "report.yaml"}, "the data work.yaml, not report.yaml"),
        ({"controller": "llm"}, "the controller offline, not llm"),
        ({"model": "big"}, "the model none, not big"),
        ({"version": "2"}, "an earlier version of the planner"),
    ],
)
def test_results_of_something_else_are_refused(data: Path, tmp_path: Path, other: dict[str, str], said: str) -> None:
    header = Header("work.yaml", "offline", version="1")
    Results.open(tmp_path / "r", header, read(data).items)
    with pytest.raises(BenchmarkError) as caught:
        Results.open(tmp_path / "r", replace(header, **other), read(data).items)
    assert str(caught.value) == f"{tmp_path / 'r'} holds the results of {said}: name another --results."


def test_a_changed_request_is_refused_and_a_corrected_plan_is_scored_anew(data: Path, tmp_path: Path) -> None:
    header, path = Header("work.yaml", "offline"), tmp_path / "r"
    Results.open(path, header, read(data).items).append(outcome(read(data).items[0], OCR))
    corrected = read(written(data, [{**CHAIN, "plan": [OCR]}])).items
    done = Results.open(path, header, corrected).done["c"]
    assert score([(corrected[0], done)]).exact == 1
    changed = read(written(data, [{**CHAIN, "request": "Now sing it"}])).items
    with pytest.raises(BenchmarkError, match="holds other requests than"):
        Results.open(path, header, changed)


def test_foreign_files_are_refused(data: Path, tmp_path: Path) -> None:
    foreign = written(tmp_path / "r", {"a": 1})
    foreign.write_text(foreign.read_text() + "\n")
    with pytest.raises(BenchmarkError, match="is no results file"):
        Results.open(foreign, Header("work.yaml", "offline"), read(data).items)
    with pytest.raises(BenchmarkError, match="can't be kept in"):
        Results.open(data / "r", Header("work.yaml", "offline"), read(data).items)
