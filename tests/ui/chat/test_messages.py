"""Events as messages: the page is a pure function of what happened."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio.data_classes import FileData

from hugginggpt.core.events import (
    AnswerDelta,
    Answered,
    ApprovalAsked,
    ApprovalGiven,
    AttemptFailed,
    Event,
    ModelRef,
    ModelSelected,
    Notice,
    Planned,
    RequestDone,
    RequestFailed,
    RequestProgress,
    RequestStarted,
    TaskDone,
    TaskFailed,
    TaskPlanned,
    TaskProgress,
    TaskSkipped,
    TaskStarted,
    Usage,
)
from hugginggpt.core.plan import Plan, Task
from hugginggpt.core.recording import Recording
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind, load_task_table
from hugginggpt.hub.catalog import SmallModel
from hugginggpt.ui.chat import messages as chat
from hugginggpt.ui.chat.inputs import read_fetched_task
from hugginggpt.ui.i18n import Words
from hugginggpt.ui.session.background_run import BackgroundRun
from hugginggpt.workspace.workspace import Workspace
from tests.conftest import MEDIA, made, say

ENGLISH = Words()
OCR, VOICE = ModelRef("PP-OCR", "bundled"), ModelRef("voice", "hosted")
STARTED = RequestStarted("Read this.", (), "built-in planner")
PLANNED = Planned(
    made(
        {"task": "image-to-text", "id": 0, "dep": [-1], "args": {"image": "example.jpg"}},
        {"task": "text-to-speech", "id": 1, "dep": [0], "args": {"text": "<resource>-0"}},
    ),
    0.012,
)
SELECTED = ModelSelected(0, OCR, "It reads print.", (OCR,))
READ = Resource("text-1", Kind.TEXT, Origin("task", "image-to-text", 0), text="INVOICE *20417*")
SPOKEN = Resource("audio-1", Kind.AUDIO, Origin("task", "text-to-speech", 1), path=Path("audio-1.wav"), measure="2.0 s")
WORKED: tuple[Event, ...] = (
    STARTED,
    PLANNED,
    SELECTED,
    TaskStarted(0, OCR),
    TaskDone(0, OCR, (READ,), 1.43, "A note."),
    TaskStarted(1, VOICE),
    TaskDone(1, VOICE, (SPOKEN,), 0.31),
    Answered("It says 20417."),
    RequestDone(1.9),
)


def offer(task: str) -> SmallModel | None:
    return SmallModel("tiny/yolos", 26_000_000, "apache-2.0") if task == "image-to-text" else None


def shown(*events: Event, stopped: bool = False, words: Words = ENGLISH, again: bool = False) -> list[gr.ChatMessage]:
    return chat.draw_messages(
        Recording(events, (0.0,) * len(events), stopped), load_task_table(), words, retry=offer if again else None
    )


def titles(messages: list[gr.ChatMessage]) -> list[str]:
    return [message.metadata["title"] for message in messages if message.metadata]


def thought(messages: list[gr.ChatMessage], name: str) -> Any:
    return next(message for message in messages if message.metadata and message.metadata.get("id") == name)


def lines(html: Any) -> list[str]:
    """What a message's HTML says, a line for each block."""
    assert not html or html.startswith('<div class="prose">')  # by which the page's styles and copying know it
    blocks = re.split(r"</?(?:p|li|ul|div|blockquote|summary|pre|tr)\b[^>]*>", html)
    return [unescape(re.sub("<[^>]*>", "", block)) for block in blocks if block]


def said(messages: list[gr.ChatMessage]) -> list[str]:
    contents = [message.content for message in messages if not message.metadata]
    return ["\n".join(lines(content)) for content in contents if isinstance(content, str)]


def test_before_there_is_a_plan_it_says_who_is_planning() -> None:
    (planning,) = shown(STARTED)
    assert planning.metadata == {"title": "Planning", "log": "built-in planner", "id": "plan", "status": "pending"}


def test_before_there_is_a_plan_it_says_which_page_of_a_document_is_read() -> None:
    (planning,) = shown(STARTED, RequestProgress("PP-OCR reads page 2 of “a.pdf” (2 of 3)", 0.3))
    assert planning.metadata is not None
    assert (planning.metadata["title"], planning.metadata["status"]) == ("PP-OCR reads page 2 of “a.pdf” (2 of 3)", "pending")


def test_nothing_turns_beside_a_refusal() -> None:
    refused = BackgroundRun.make_refused("Sum this letter up", "“letter.pdf” is protected by a password.")
    for events in (refused.events, [RequestFailed("The page is full.")]):
        (message,) = shown(*events)
        assert not message.metadata
    assert isinstance(refused.events[-1], RequestDone)  # so that whatever renders it knows that it is over


def test_of_what_is_long_or_much_the_beginning_is_shown() -> None:
    """A trace may hold thousands of everything, and a view is sent whole."""
    long = "word " * 4_000
    model = ModelRef("somebody/model + " * 100, long, long)
    found = Resource("text-9", Kind.TEXT, Origin("task", long, 0), text=long, measure=long, data={"labels": [long] * 5_000})
    task = Task("image-to-text", 0, (), {f"{long}{n}": (long,) * 300 for n in range(300)})
    messages = shown(
        RequestStarted(long, (SPOKEN,) * 300, long),
        Planned(Plan((task,), tuple(f"{long}{n}" for n in range(300))), 0.1),
        ModelSelected(0, model, long, (model,), long),
        *[AttemptFailed(0, model, long)] * 300,
        TaskDone(0, model, (found, SPOKEN) * 300, 1.0, long),
        *[Notice(long)] * 300,
        RequestFailed(long),
    )
    texts = [len(str(message.content)) for message in messages if isinstance(message.content, str)]
    assert max(texts) < 900_000
    assert sum(texts) < 1_200_000
    assert len(messages) < 300
    assert sum(content == "…" for content in said(messages)) == 2  # further notices and files
    assert all(len(text) < 500 for message in messages if message.metadata for text in map(str, message.metadata.values()))


def test_tasks_are_shown_while_the_plan_is_still_written() -> None:
    first, second = PLANNED.plan.tasks
    messages = shown(STARTED, TaskPlanned(first), SELECTED, TaskStarted(0, OCR))
    assert titles(messages) == ["Planning · 1 task so far", "image-to-text · running"]
    messages = shown(STARTED, TaskPlanned(first), TaskDone(0, OCR, (READ,), 1.0), TaskPlanned(second), PLANNED)
    assert titles(messages) == ["Planned 2 tasks", "image-to-text", "text-to-speech · waiting"]


def test_a_new_plan_for_the_rest_says_why() -> None:
    again = Planned(made(*PLANNED.plan.as_json(), say(2, "x")), 0.2, "Task 1 (text-to-speech) failed: No *voice*.")
    plan = thought(shown(STARTED, PLANNED, TaskFailed(1, "No *voice*.", 0.1), again), "plan")
    assert plan.metadata["title"] == "Planned 3 tasks"
    assert lines(plan.content) == ["Planned anew for the rest: Task 1 (text-to-speech) failed: No *voice*."]


def test_what_the_language_model_took_is_told_for_each_stage() -> None:
    usage = (
        Usage("plan", 1, 1_200, 40, 1.24, 0.0021),
        Usage("select", 1, 9, 8, 0.5, 0.0003, True),
        Usage("respond", 2, 300, 90, 0.5),
    )
    plan = thought(shown(STARTED, PLANNED, RequestDone(2.0, usage)), "plan")
    assert lines(plan.content) == [
        "Planning: 1 call, 1,200 tokens in, 40 out, 1.2 s, $0.0021",
        "Choosing models: 1 call, 9 tokens in, 8 out, 0.5 s, about $0.0003 by list price",
        "The answer: 2 calls, 300 tokens in, 90 out, 0.5 s",
    ]


def test_it_is_told_in_the_pages_language() -> None:
    usage = (Usage("plan", 2, 1_200, 40, 1.24, 0.0021, estimated=True),)
    plan = thought(shown(STARTED, PLANNED, RequestDone(2.0, usage), words=Words("zh")), "plan")
    assert lines(plan.content) == ["规划：调用 2 次，输入 1,200 个词元，输出 40 个，1.2 s，约 $0.0021（按标价）"]


def test_a_file_that_the_answer_names_is_a_link_and_what_does_not_exist_is_none() -> None:
    answer = shown(*WORKED[:-2], Answered("Hear audio-1 (`audio-1`), not audio-2 or text-1."))[-2].content
    assert re.findall('<a href="([^"]*)"', str(answer)) == ["gradio_api/file=audio-1.wav"]
    assert lines(answer) == ["Hear audio-1 (audio-1), not audio-2 or text-1."]


def test_a_plan_nests_a_step_for_each_task() -> None:
    messages = shown(STARTED, PLANNED)
    assert titles(messages) == ["Planned 2 tasks", "image-to-text · waiting", "text-to-speech · waiting"]
    assert thought(messages, "plan").metadata["log"] == "built-in planner · 12 ms"
    assert {message.metadata.get("parent_id") for message in messages[1:]} == {"plan"}
    assert {message.metadata["status"] for message in messages} == {"pending"}


def test_a_running_step_names_its_model_and_then_how_far_it_is() -> None:
    events = (STARTED, PLANNED, SELECTED, TaskStarted(0, OCR))
    running = thought(shown(*events), "task-0").metadata
    assert (running["title"], running["log"], running["status"]) == ("image-to-text · running", "PP-OCR · here", "pending")
    further = thought(shown(*events, TaskProgress(0, "2 of 5", 0.4)), "task-0").metadata
    assert further["log"] == "2 of 5"


def test_a_step_that_is_done_has_its_seconds_and_opens_to_model_reason_input_and_result() -> None:
    done = thought(shown(*WORKED), "task-0")
    assert (done.metadata["title"], done.metadata["duration"], done.metadata["status"]) == ("image-to-text", 1.4, "done")
    assert lines(done.content) == [
        "Model PP-OCR on this machine. It reads print.",
        "Input image = example.jpg",
        "Result text-1",
        "INVOICE *20417*",
        "A note.",
    ]


def test_a_file_that_was_made_is_measured_in_its_step_and_shown_after_the_answer() -> None:
    messages = shown(*WORKED)
    assert "Result audio-1, 2.0 s" in lines(thought(messages, "task-1").content)
    assert said(messages)[-1] == "It says 20417."
    assert isinstance(messages[-1].content, gr.Audio)


def test_when_all_is_done_the_plan_says_so_with_the_whole_time() -> None:
    plan = thought(shown(*WORKED), "plan").metadata
    assert (plan["title"], plan["duration"], plan["status"]) == ("Did 2 tasks", 1.9, "done")


def test_a_step_on_a_hosted_model_says_so() -> None:
    assert thought(shown(*WORKED), "task-1").metadata["log"] == "voice · hosted"


def test_failed_and_skipped_steps_say_why_and_are_counted_out() -> None:
    messages = shown(
        STARTED, PLANNED, SELECTED, TaskStarted(0, OCR), TaskFailed(0, "It is blank.", 0.2), TaskSkipped(1, "Skipped.", 0),
        Answered("Nothing.", False), RequestDone(0.4),
    )  # fmt: skip
    assert titles(messages) == ["0 of 2 tasks done", "image-to-text · failed", "text-to-speech · skipped"]
    assert lines(thought(messages, "task-0").content)[-1] == "It is blank."
    assert lines(thought(messages, "task-1").content)[-1] == "Skipped."


def test_a_model_that_failed_before_another_did_it_is_told() -> None:
    tried = AttemptFailed(0, ModelRef("first", "bundled"), "Out of order.")
    messages = shown(STARTED, PLANNED, SELECTED, tried, TaskStarted(0, OCR))
    assert "Tried first (here): Out of order." in lines(thought(messages, "task-0").content)


def test_a_step_says_whether_its_candidates_came_from_the_hubs_search_or_from_the_shipped_list() -> None:
    source = "the shipped list (The Hub can't be reached: check the network)"
    paints = ModelRef("o/paints", "hosted", "fal-ai")
    messages = shown(STARTED, PLANNED, ModelSelected(0, paints, "It paints.", (paints,), source))
    told = thought(messages, "task-0")
    assert told.metadata["log"] == "o/paints · hosted by fal-ai"
    assert "Candidates The shipped list (The Hub can't be reached: check the network)." in lines(told.content)
    assert "Model o/paints (hosted by fal-ai). It paints." in lines(told.content)
    assert '<a href="https://huggingface.co/o/paints"' in told.content


def test_an_answer_grows_and_may_begin_again() -> None:
    assert said(shown(STARTED, PLANNED, AnswerDelta("It "), AnswerDelta("says"))) == ["It says"]
    assert said(shown(STARTED, PLANNED, AnswerDelta("It "), AnswerDelta("That", restarts=True))) == ["That"]


def test_a_request_that_fails_before_a_plan_is_one_sentence() -> None:
    messages = shown(STARTED, RequestFailed("Enter a key."), RequestDone(0.1))
    assert (len(messages), said(messages)) == (1, ["Enter a key."])


def test_a_notice_stands_before_the_answer() -> None:
    assert said(shown(*WORKED[:7], Notice("The first ones are taken."), *WORKED[7:])) == [
        "The first ones are taken.",
        "It says 20417.",
    ]


def test_in_a_stopped_request_nothing_is_pending_and_what_was_finished_stays() -> None:
    messages = shown(*WORKED[:6], stopped=True)
    assert {message.metadata["status"] for message in messages if message.metadata} == {"done"}
    assert "text-1" in thought(messages, "task-0").content
    assert said(messages) == ["Stopped. What was finished before stays."]


def test_a_request_shows_its_words_its_files_and_their_names(workspace: Workspace) -> None:
    words, picture, table, names = chat.draw_user_messages(
        "Compare them.", [workspace.add_file(MEDIA / name) for name in ("cat.jpg", "people.csv")]
    )
    assert (words.content, names.content) == ("Compare them.", "<em>image-1, table-1: people.csv</em>")
    assert isinstance(picture.content, gr.Image)
    assert isinstance(table.content, FileData)
    assert (Path(table.content.path).name, table.content.orig_name) == ("table-1.csv", "people.csv")


def test_a_document_bears_its_own_name_and_the_suffix_of_what_was_read_from_it(tmp_path: Path) -> None:
    (path := tmp_path / "text-1.md").write_text("## Page 1\n\nDear Ann", encoding="utf-8")
    letter = Resource("text-1", Kind.TEXT, Origin("upload", "a <b>.pdf"), path=path, text="## Page 1\n\nDear Ann")
    _, file, names = chat.draw_user_messages("Sum it up.", [letter])
    assert isinstance(file.content, FileData)
    assert (file.content.orig_name, names.content) == ("a <b>.md", "<em>text-1: a &lt;b&gt;.pdf</em>")


def test_a_task_without_a_model_offers_to_fetch_one_and_what_that_takes() -> None:
    failed = TaskFailed(0, "No model for reading is here.", 0.1)
    (*_, last) = shown(STARTED, PLANNED, failed, RequestDone(0.1), again=True)
    assert [(option["label"], option["value"]) for option in last.options] == [
        ("Try again", "again"),
        ("Fetch tiny/yolos (up to 26 MB, apache-2.0) and go on", "fetch 0"),
    ]
    chinese = Words("zh")
    (*_, last) = shown(STARTED, PLANNED, failed, RequestDone(0.1), words=chinese, again=True)
    assert last.options[1]["label"] == "下载 tiny/yolos（至多 26 MB，apache-2.0）并继续"


def test_nothing_is_fetched_where_there_was_a_model_and_it_failed() -> None:
    (*_, last) = shown(STARTED, PLANNED, SELECTED, TaskFailed(0, "It broke.", 0.1), RequestDone(0.1), again=True)
    assert not [option for option in last.options if option["value"].startswith("fetch")]


@pytest.mark.parametrize(
    ("option", "task"),
    [
        ("fetch 3", 3),
        ("fetch", None),
        ("fetch x", None),
        ("fetch ²", None),
        ("again 3", None),
        (None, None),
        ("fetch " + "9" * 99, None),
    ],
)
def test_whatever_a_client_sends_as_an_option_is_read(option: object, task: int | None) -> None:
    assert read_fetched_task(option) == task


def test_what_was_stopped_can_go_on() -> None:
    (*_, last) = shown(*WORKED[:6], stopped=True, again=True)
    assert said([last]) == ["Stopped. What was finished before stays."]
    assert [option["value"] for option in last.options] == ["again"]


def test_a_long_result_is_cut_in_its_step() -> None:
    long = Resource("text-1", Kind.TEXT, Origin("task", "image-to-text", 0), text="word " * 1_000)
    messages = shown(STARTED, PLANNED, SELECTED, TaskDone(0, OCR, (long,), 1.0))
    assert len(thought(messages, "task-0").content) < 1_000


def test_marks_in_what_a_server_or_a_file_says_stay_text() -> None:
    failed = shown(STARTED, PLANNED, SELECTED, TaskStarted(0, OCR), TaskFailed(0, "“a*b*<i>.png” is blank.", 0.2))
    assert "“a*b*<i>.png” is blank." in lines(thought(failed, "task-0").content)
    marked = made({"task": "text-to-speech", "id": 0, "dep": [-1], "args": {"text": "a `b` c"}})
    assert "text = <code>a `b` c</code>" in thought(shown(STARTED, Planned(marked, 0.1)), "task-0").content


def test_a_table_that_was_made_is_shown_as_one_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("name,prediction\nInes | Varga,yes\n" + "Teodor,no\n" * 20, encoding="utf-8")
    classified = made({"task": "tabular-classification", "id": 0, "args": {"table": "people.csv"}})
    result = Resource("table-2", Kind.TABLE, Origin("task", "tabular-classification", 0), path=path)
    table, file = shown(STARTED, Planned(classified, 0.1), TaskStarted(0, OCR), TaskDone(0, OCR, (result,), 0.1))[-1].content
    assert "<tr><td>Ines | Varga</td><td>yes</td></tr>" in table
    assert table.count("<tr>") == 11
    assert file == {"path": str(path)}


def test_in_chinese_the_pages_own_words_are_chinese() -> None:
    messages = shown(*WORKED, words=Words("zh"))
    assert titles(messages) == ["已完成 2 个任务", "image-to-text", "text-to-speech"]
    assert lines(thought(messages, "task-0").content)[0].startswith("模型 PP-OCR 在本机运行")


def test_a_task_that_failed_can_be_tried_again_and_with_models_that_have_not_failed() -> None:
    paints = [ModelRef(f"o/{name}", "hosted") for name in ("one", "two", "three")]
    events = (
        STARTED,
        Planned(made({"task": "text-to-image", "id": 0, "args": {"text": "A fox."}}), 0.1),
        ModelSelected(0, paints[0], "It paints.", tuple(paints)),
        AttemptFailed(0, paints[0], "No credit."),
        TaskStarted(0, paints[1]),
        TaskFailed(0, "No credit.", 1.0),
        Answered("Nothing.", False),
        RequestDone(1.0),
    )
    chance = shown(*events, again=True)[-1]
    assert said([chance]) == ["text-to-image failed. No credit."]
    assert [option["value"] for option in chance.options] == ["again", "again 0 o/three"]
    assert not any(message.options for message in shown(*events))


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (
            "I could not make the picture: No \\*credit\\*.",
            "What failed can be tried again:",
        ),  # as the built-in planner writes it
        ("I could not draw it: No *credit*.", "What failed can be tried again:"),
        ("I could not draw it.", "text-to-image failed. No *credit*."),
    ],
)
def test_a_failure_that_the_answer_tells_is_not_told_once_more_below_it(answer: str, line: str) -> None:
    planned = Planned(made({"task": "text-to-image", "id": 0, "args": {"text": "A fox."}}), 0.1)
    *_, chance = shown(
        STARTED, planned, TaskFailed(0, "No *credit*.", 1.0), Answered(answer, False), RequestDone(1.0), again=True
    )
    assert said([chance]) == [line]
    assert [option["value"] for option in chance.options] == ["again"]


def test_several_pictures_stand_side_by_side() -> None:
    boxes = [Resource(f"image-{n}", Kind.IMAGE, Origin("task", "x", n), path=Path(f"image-{n}.png")) for n in (2, 3)]
    drawn = made(*({"task": "canny-control", "id": n, "args": {"image": "a.jpg"}} for n in (0, 1)))
    messages = shown(STARTED, Planned(drawn, 0.1), *(TaskDone(n, OCR, (boxes[n],), 1.0) for n in (0, 1)))
    assert isinstance(messages[-1].content, gr.Gallery)


def test_structured_results_are_behind_a_fold_and_stay_text() -> None:
    found = Resource("text-1", Kind.TEXT, Origin("task", "x", 0), text="cat", data={"label": "<b>`cat`</b>", "score": 0.9})
    details = thought(shown(STARTED, PLANNED, SELECTED, TaskDone(0, OCR, (found,), 1.0)), "task-0").content
    fold = details[details.index("<details>") :]
    assert "<summary>Data of text-1</summary>" in fold
    assert "&lt;b&gt;`cat`&lt;/b&gt;" in fold
    assert "\n" not in fold


def test_a_plan_that_waits_for_the_person_says_so() -> None:
    asked = (STARTED, PLANNED, ApprovalAsked({0: (OCR,)}))
    assert titles(shown(*asked))[0] == "Planned 2 tasks · waits for you"
    assert titles(shown(*asked, ApprovalGiven()))[0] == "Planned 2 tasks"
