"""The task table."""

import pytest

from hugginggpt.core.tasks import Kind, TaskTable, is_usable_as, load_task_table, normalize_task_name


def test_table_has_the_tasks_of_the_original_and_of_the_hub(table: TaskTable) -> None:
    assert {"image-to-text", "text-to-speech", "canny-control", "openpose-text-to-image", "text-to-video"} <= set(table)
    assert len(table) >= 35


def test_every_row_tells_a_planner_when_to_use_it_and_a_person_what_it_is(table: TaskTable) -> None:
    for row in table.values():
        assert row.when, row.name
        assert row.noun, row.name
        assert row.outputs, row.name
        assert row.required, row.name


def test_an_alias_belongs_to_one_row_and_is_no_other_rows_name(table: TaskTable) -> None:
    aliases = [normalize_task_name(alias) for row in table.values() for alias in row.aliases]
    assert len(aliases) == len(set(aliases))
    assert not set(aliases) & set(table)


def test_argument_aliases_lead_to_arguments_of_the_row(table: TaskTable) -> None:
    for row in table.values():
        assert all(row.input(name) for name in (row.argument_aliases or {}).values()), row.name


@pytest.mark.parametrize("name", load_task_table())
def test_a_task_is_recognised_by_its_own_name(name: str, table: TaskTable) -> None:
    assert table.recognise(name) == name


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Image-To-Text", "image-to-text"),
        ("  text to speech ", "text-to-speech"),
        ("text_to_speech", "text-to-speech"),
        ("TextToSpeech", "text-to-speech"),
        ("tts", "text-to-speech"),
        ("ASR", "automatic-speech-recognition"),
        ("Sentiment Analysis", "text-classification"),
        ("vqa", "visual-question-answering"),
        ("image-captioning", "image-to-text"),
        ("object-detecton", "object-detection"),
        ("control-canny", "canny-control"),
    ],
)
def test_a_task_is_recognised_however_a_controller_spells_it(written: str, meant: str, table: TaskTable) -> None:
    assert table.recognise(written) == meant


@pytest.mark.parametrize(
    "written", ["", " - ", "make-coffee", "video-to-text", "audio-to-image", "image-to-3d", "text", "x" * 100_000]
)
def test_what_is_no_task_is_not_taken_for_one(written: str, table: TaskTable) -> None:
    assert table.recognise(written) is None


@pytest.mark.parametrize(
    ("given", "wanted", "answer"),
    [
        (Kind.IMAGE, Kind.IMAGE, True),
        (Kind.VIDEO, Kind.AUDIO, True),
        (Kind.AUDIO, Kind.VIDEO, False),
        (Kind.IMAGE, Kind.TEXT, False),
    ],
)
def test_a_video_serves_as_a_recording_and_nothing_else_changes_its_kind(given: Kind, wanted: Kind, answer: bool) -> None:
    assert is_usable_as(given, wanted) is answer
