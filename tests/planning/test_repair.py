"""From what a controller wrote to a valid plan, or to one sentence that says why not."""

from typing import Any

import pytest

from hugginggpt.core.errors import PlanError
from hugginggpt.core.plan import Plan
from tests.conftest import attached, made, say

READ = {"task": "image-to-text", "id": 0, "dep": [-1], "args": {"image": "a.png"}}
DETECT = {"task": "object-detection", "id": 0, "dep": [-1], "args": {"image": "a.png"}}


def speak(text: Any = "<resource>-0", *dep: Any, number: Any = 1) -> dict[str, Any]:
    return {"task": "text-to-speech", "id": number, "dep": list(dep), "args": {"text": text}}


def test_a_good_plan_is_left_as_it_is() -> None:
    raw = [READ, speak("<resource>-0", 0)]
    plan = made(*raw)
    assert plan.as_json() == raw
    assert plan.notes == ()


def test_an_empty_plan_is_a_plan() -> None:
    assert made() == Plan(())


@pytest.mark.parametrize("written", ["Image-To-Text", " image to text ", "image_to_text", "ocr"])
def test_a_task_name_in_another_spelling_is_repaired_and_noted(written: str) -> None:
    plan = made(READ | {"task": written})
    assert plan.tasks[0].task == "image-to-text"
    assert "image-to-text" in plan.notes[0]


def test_keys_in_another_case_are_read() -> None:
    assert made({"Task": "text-to-speech", "ID": 3, "Args": {"Text": "Hi."}}).tasks[0].args == {"text": "Hi."}


def test_fields_that_are_null_count_as_left_out() -> None:
    assert made(READ | {"args": {"image": "a.png", "text": None, "audio": ""}}).notes == ()


@pytest.mark.parametrize("number", [0, "0", "T0", 0.0, "task-0", " 0 "])
def test_an_id_is_read_however_it_is_written(number: Any) -> None:
    plan = made(READ | {"id": number}, speak("<GENERATED>-0", number))
    assert [(task.id, task.dep) for task in plan.tasks] == [(0, ()), (1, (0,))]


@pytest.mark.parametrize("dep", [0, "0", "[0]", ["0"], [[0], 0], "0, -1", None, [], [-1], "none"])
def test_a_dep_in_any_form_ends_in_what_the_arguments_need(dep: Any) -> None:
    assert made(READ, speak() | {"dep": dep}).tasks[1].dep == (0,)


def test_a_dep_that_lacks_what_an_argument_names_is_completed_and_noted() -> None:
    plan = made(READ, speak("Hello.", number=1), speak("<resource>-0", 1, number=2))
    assert plan.tasks[2].dep == (1, 0)
    assert plan.notes == ("Task 2 (text-to-speech): dep lacked 0.",)


@pytest.mark.parametrize(("dep", "what"), [(1, "itself"), (9, "not in the plan")])
def test_a_dep_on_itself_or_on_nothing_is_dropped_and_noted(dep: int, what: str) -> None:
    plan = made(READ, speak("Hello.", dep))
    assert plan.tasks[1].dep == ()
    assert what in plan.notes[0]


def test_a_forward_reference_is_kept() -> None:
    assert made(speak("<resource>-1", number=0), READ | {"id": 1}).tasks[0].dep == (1,)


def test_ids_left_out_are_the_tasks_positions() -> None:
    plan = made({"task": "image-to-text", "args": {"image": "a.png"}}, speak() | {"id": None})
    assert [task.id for task in plan.tasks] == [0, 1]
    assert plan.tasks[1].dep == (0,)


@pytest.mark.parametrize("number", [-5, "none", float("nan"), float("inf"), 10**30, True, [], {"id": 1}])
def test_an_id_that_is_none_is_replaced(number: Any) -> None:
    assert made(READ | {"id": number}).tasks[0].id == 0


def test_two_tasks_with_one_id_get_two_and_references_go_to_the_nearest_before() -> None:
    plan = made(READ, READ | {"args": {"image": "b.png"}}, speak("<resource>-0", 0, number=0))
    assert [task.id for task in plan.tasks] == [0, 1, 2]
    assert plan.tasks[2].args == {"text": "<resource>-1"}
    assert plan.tasks[2].dep == (1,)
    assert len(plan.notes) == 2


def test_of_two_tasks_with_one_id_that_one_is_meant_which_makes_the_kind_wanted() -> None:
    caption = {"task": "image-to-text", "id": 2, "args": {"image": "<resource>-1"}}
    draw = {"task": "text-to-image", "id": 1, "args": {"text": "a boat"}}
    plan = made(draw, say(1, "a poem"), caption)
    assert plan.tasks[2].args == {"image": "<resource>-1"}
    assert plan.tasks[0].id == 1


def test_the_papers_figure_4_a_reference_to_the_task_itself_means_what_it_waits_for() -> None:
    plan = made(READ, speak("<resource>-1", 0))
    assert plan.tasks[1].args == {"text": "<resource>-0"}
    assert plan.notes == ("Task 1 (text-to-speech): text named the result of task 1; task 0 is meant.",)


def test_a_reference_to_the_wrong_kind_means_the_only_dependency_that_makes_the_right_one() -> None:
    plan = made(READ, {"task": "depth-estimation", "id": 1, "args": {"image": "a.png"}}, speak("<resource>-1", 0, 1, number=2))
    assert plan.tasks[2].args == {"text": "<resource>-0"}


def test_a_number_where_a_resource_belongs_is_a_tasks_id() -> None:
    draw = {"task": "text-to-image", "id": 0, "args": {"text": "a boat"}}
    for value in (0, "0"):
        assert made(draw, READ | {"id": 1, "args": {"image": value}}).tasks[1].args == {"image": "<resource>-0"}


def test_a_number_where_a_text_belongs_is_its_text() -> None:
    assert made(speak(42)).tasks[0].args == {"text": "42"}


@pytest.mark.parametrize(
    "value",
    [
        "<GENERATED>-0,<GENERATED>-1",
        "<resource-0> and <resource-1>",
        ["<resource>-0", "<GENERATED-1>"],
        [0, "1"],
        "<resource>-0 <resource>-1",
    ],
)
def test_several_references_in_a_picture_argument_stay_several(value: Any) -> None:
    draw = {"task": "text-to-image", "args": {"text": "a boat"}}
    plan = made(draw | {"id": 0}, draw | {"id": 1}, READ | {"id": 2, "args": {"image": value}})
    assert plan.tasks[2].args == {"image": ("<resource>-0", "<resource>-1")}
    assert plan.tasks[2].dep == (0, 1)


def test_several_references_in_a_text_stay_in_their_sentence() -> None:
    plan = made(READ, READ | {"id": 1}, speak("First <GENERATED>-0, then <resource-1>!", number=2))
    assert plan.tasks[2].args == {"text": "First <resource>-0, then <resource>-1!"}
    assert plan.tasks[2].dep == (0, 1)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("image-1, image-2", ("image-1", "image-2")),
        ("cat.jpg and dog.jpg", ("cat.jpg", "dog.jpg")),
        (["image-1", "image-2"], ("image-1", "image-2")),
        ("my holiday, day 2.jpg", "my holiday, day 2.jpg"),
        ("https://example.com/a,b.png", "https://example.com/a,b.png"),
        ({"resource": "image-1"}, "image-1"),
        (" image-1 ", "image-1"),
    ],
)
def test_the_names_in_a_picture_argument_are_told_apart(value: Any, names: Any) -> None:
    assert made(READ | {"args": {"image": value}}).tasks[0].args == {"image": names}


@pytest.mark.parametrize("args", ["a.png", ["a.png"], [{"image": "a.png"}], {"Image": "a.png"}])
def test_args_in_another_form_are_read(args: Any) -> None:
    assert made(READ | {"args": args}).tasks[0].args == {"image": "a.png"}


def test_an_argument_under_another_name_is_read() -> None:
    plan = made({"task": "translation", "args": {"text": "Hello.", "Target Language": "German"}})
    assert plan.tasks[0].args == {"text": "Hello.", "language": "German"}


@pytest.mark.parametrize("order", [("question", "text"), ("text", "question")])
def test_an_arguments_own_name_wins_over_an_alias(order: tuple[str, str]) -> None:
    args = {name: name for name in order} | {"image": "a.png"}
    plan = made({"task": "visual-question-answering", "args": args})
    assert plan.tasks[0].args["text"] == "text"
    assert "“question” is not used" in plan.notes[0]


def test_an_argument_that_the_task_does_not_take_is_left_out_and_noted() -> None:
    plan = made(READ | {"args": {"image": "a.png", "text": "Read it."}})
    assert plan.tasks[0].args == {"image": "a.png"}
    assert plan.notes == ("Task 0 (image-to-text): the argument “text” is not used.",)


def test_an_argument_left_out_is_what_the_task_waits_for() -> None:
    plan = made(READ, speak(None, 0))
    assert plan.tasks[1].args == {"text": "<resource>-0"}
    assert "was missing" in plan.notes[0]


def test_an_argument_left_out_is_the_only_attached_file_of_its_kind() -> None:
    plan = made(READ | {"args": {"image": "  "}}, given=(attached("image-1"), attached("audio-1")))
    assert plan.tasks[0].args == {"image": "image-1"}


def test_a_video_is_filled_in_where_sound_is_wanted() -> None:
    assert made({"task": "asr"}, given=(attached("video-1"),)).tasks[0].args == {"audio": "video-1"}


def test_without_dep_and_attachment_the_only_earlier_task_is_meant() -> None:
    assert made(READ, {"task": "text-to-speech", "id": 1, "dep": [-1]}).tasks[1].dep == (0,)


def test_nothing_is_filled_in_where_two_things_can_be_meant() -> None:
    with pytest.raises(PlanError, match=r"^Task 0 \(image-to-text\): the argument image is missing"):
        made({"task": "image-to-text"}, given=(attached("image-1"), attached("image-2")))


def test_one_file_does_not_fill_two_arguments() -> None:
    with pytest.raises(PlanError, match="the argument mask is missing"):
        made({"task": "inpainting", "args": {}}, given=(attached("image-1"),))


REFUSED = {
    "no object": (["image-to-text"], ["Task 0", "image-to-text"]),
    "no task": ([{"id": 4, "args": {}}], ["Task 4", "field task"]),
    "task is a list": ([{"task": ["tts"]}], ["Task 0", "field task"]),
    "unknown task": ([READ, {"task": "make-coffee", "id": 7}], ["Task 7", "field task", "make-coffee"]),
    "args is a number": ([READ | {"args": 5}], ["Task 0 (image-to-text)", "args"]),
    "missing argument": ([{"task": "text-to-speech", "id": 3}], ["Task 3 (text-to-speech)", "text"]),
    "argument is an object": ([speak({"a": "x", "b": "y"})], ["Task 1 (text-to-speech)", "text"]),
    "argument is nested": ([speak([["a", "b"]])], ["Task 1 (text-to-speech)", "text"]),
    "unknown reference": ([speak("<resource>-5")], ["Task 1 (text-to-speech)", "text", "task 5"]),
    "reference to itself": ([speak("<resource>-1")], ["Task 1 (text-to-speech)", "text", "itself"]),
    "reference to the wrong kind": (
        [speak("Hello.", number=0), READ | {"id": 1, "args": {"image": "<resource>-0"}}],
        ["Task 1 (image-to-text)", "image", "task 0", "audio"],
    ),
    "circle of references": (
        [say(0, "<resource>-1"), say(1, "<resource>-0")],
        ["Task 0 (text-generation)", "text", "task 1", "circle"],
    ),
    "too many tasks": ([READ] * 2001, ["2,001", "2,000"]),
}


@pytest.mark.parametrize(("raw", "named"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_repaired_is_refused_in_one_sentence_that_names_task_and_field(raw: list[Any], named: list[str]) -> None:
    with pytest.raises(PlanError) as refusal:
        made(*raw)
    message = str(refusal.value)
    assert all(part in message for part in named), message
    assert message.endswith(".")
    assert ". " not in message
    assert "\n" not in message


def test_what_a_refusal_quotes_is_cut_short_and_in_one_line() -> None:
    with pytest.raises(PlanError) as refusal:
        made({"task": "no\nsuch " + "task " * 1000})
    assert len(str(refusal.value)) < 200
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("value", [["text-1", "text-2"], "text-1, text-2", "text-1 and text-2"])
def test_several_texts_in_one_argument_are_several_resources(value: Any) -> None:
    assert made({"task": "summarization", "args": {"text": value}}).tasks[0].args == {"text": ("text-1", "text-2")}


@pytest.mark.parametrize(("number", "named"), [(1, "image-1"), (2, "image-2")])
def test_a_reference_to_no_task_means_the_file_of_that_number(number: int, named: str) -> None:
    raw = READ | {"args": {"image": f"<resource>-{number}"}}
    plan = made(raw, given=[attached("image-1"), attached("image-2"), attached("audio-1")])
    assert plan.tasks[0].args == {"image": named}
    assert plan.tasks[0].dep == ()
    assert plan.notes == (f"Task 0 (image-to-text): image named the result of task {number}; {named} is meant.",)


def test_a_reference_to_no_task_means_the_only_file_of_its_kind() -> None:
    plan = made(READ | {"args": {"image": "<resource>-7"}}, given=[attached("image-3"), attached("audio-7")])
    assert plan.tasks[0].args == {"image": "image-3"}


def test_a_reference_to_no_task_that_may_mean_two_files_is_refused() -> None:
    with pytest.raises(PlanError, match="task 7, which is not in the plan"):
        made(READ | {"args": {"image": "<resource>-7"}}, given=[attached("image-1"), attached("image-2")])


@pytest.mark.parametrize("value", [["a.png"] * 1_001, ", ".join(["a.png"] * 1_001), ["<resource>-1"] * 20_000])
def test_an_argument_with_more_values_than_calls_can_be_made_is_refused(value: Any) -> None:
    with pytest.raises(PlanError, match=r"^Task 0 \(image-to-text\): the argument image has [\d,]+ values; 1,000 is the limit"):
        made(READ | {"args": {"image": value}}, READ | {"id": 1})


def test_a_text_of_many_names_is_refused_too() -> None:
    with pytest.raises(PlanError, match="the argument text has 2,000 values"):
        made({"task": "summarization", "id": 0, "args": {"text": ", ".join(f"text-{n}" for n in range(2_000))}})
