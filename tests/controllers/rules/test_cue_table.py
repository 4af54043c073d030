"""The tables of the built-in planner: whole, and of one mind with the table of tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

from hugginggpt.controllers.rules import cue_table
from hugginggpt.core.tasks import Kind, load_task_table
from hugginggpt.core.yaml_files import ConfigFileError


def test_a_key_that_stands_twice_is_an_error_and_loses_no_cue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cues.yaml").write_text("say: [aloud]\nsay: [speak]\n", encoding="utf-8")
    monkeypatch.setattr(cue_table, "_FOLDER", tmp_path)
    with pytest.raises(ConfigFileError, match="“say” stands here for the second time"):
        cue_table.load("cues.yaml")


def test_every_task_that_turns_text_into_text_is_in_one_of_the_planners_sets() -> None:
    """A new one that stands in none is planned as if it were about a picture."""
    rows = load_task_table().values()
    text = {row.name for row in rows if {given.kind for given in row.inputs} == {Kind.TEXT} == set(row.outputs)}
    rules = cue_table.load("rules.yaml")
    assert len(text) > 8
    assert text - {*rules["text_tasks"], *rules["prompted"]} == set()


def test_the_sets_name_tasks_alone() -> None:
    rules = cue_table.load("rules.yaml")
    sets = [rules[name] for name in ("text_tasks", "changes", "prompted")]
    assert {task for names in sets for task in names} <= set(load_task_table())
