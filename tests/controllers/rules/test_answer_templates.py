"""The built-in answer: from the results alone, in sentences."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hugginggpt.controllers.base import RespondRequest
from hugginggpt.controllers.rules.answer_templates import compose
from hugginggpt.core.events import ModelRef, Step
from hugginggpt.core.plan import Plan, Task
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind, load_task_table

READ = Task("image-to-text", 0, (), {"image": "image-1"})
SPEAK = Task("text-to-speech", 1, (0,), {"text": "<resource>-0"})
TEXT = Resource(
    "text-1", Kind.TEXT, Origin("task", "image-to-text", 0), text="INVOICE\tNo. 20417", data={"lines": [{"text": "INVOICE"}]}
)
SPEECH = Resource("audio-1", Kind.AUDIO, Origin("task", "text-to-speech", 1), measure="2.1 s")
OCR, VOICE = ModelRef("PP-OCR", "bundled"), ModelRef("voice", "bundled")


def answer(*steps: Step) -> str:
    return "".join(compose(RespondRequest("read it", (), Plan(tuple(s.task for s in steps)), steps), load_task_table()))


def test_results_first_then_who_did_them() -> None:
    said = answer(
        Step(READ, "done", OCR, seconds=1.44, outputs=(TEXT,)), Step(SPEAK, "done", VOICE, seconds=0.5, outputs=(SPEECH,))
    )
    assert said.splitlines() == [
        "The picture says:",
        "",
        "> INVOICE · No. 20417  ",
        "",
        "It is read aloud in audio-1 (2.1 s).",
        "",
        "_By PP-OCR and voice, in 1.9 s._",
    ]


def test_what_was_asked_for_comes_before_what_it_was_drawn_from() -> None:
    heard = Resource("text-1", Kind.TEXT, Origin("task", "automatic-speech-recognition", 0), text="Good morning. It rains.")
    short = Resource("text-2", Kind.TEXT, Origin("task", "summarization", 1), text="It rains.")
    said = answer(
        Step(Task("automatic-speech-recognition", 0, (), {"audio": "audio-1"}), "done", OCR, outputs=(heard,)),
        Step(Task("summarization", 1, (0,), {"text": "<resource>-0"}), "done", VOICE, outputs=(short,)),
    )
    assert said.index("In short:") < said.index("What is said:") < said.index("_By ")


def test_what_two_tasks_see_in_a_picture_is_said_once() -> None:
    def see(name: str, number: int, text: str, picture: str) -> Step:
        data = {"classes": [{"label": "cat", "score": 0.9}]}
        output = Resource(f"text-{number}", Kind.TEXT, Origin("task", name, number), text=text, data=data)
        return Step(Task(name, number, (), {"image": picture}), "done", OCR, outputs=(output,))

    described = see("image-to-text", 0, "cat (90%). Written in it: “PIX”.", "image-1")
    said = answer(described, see("image-classification", 1, "cat (90%).", "image-1"))
    assert said.count("cat (90%)") == 1
    assert answer(described, see("image-classification", 1, "cat (90%).", "image-2")).count("cat (90%)") == 2


def test_the_results_of_several_texts_bear_the_names_of_their_files() -> None:
    pages = [Resource(f"text-{n}", Kind.TEXT, Origin("upload", f"a.pdf, page {n}")) for n in (1, 2)]
    outputs = tuple(Resource(f"text-{n}", Kind.TEXT, Origin("task", "summarization", 0), text=f"It is {n}.") for n in (3, 4))
    step = Step(Task("summarization", 0, (), {"text": ("text-1", "text-2")}), "done", OCR, outputs=outputs)
    said = "".join(compose(RespondRequest("x", tuple(pages), Plan((step.task,)), (step,)), load_task_table()))
    assert said.startswith("**a.pdf, page 1**\n\nIn short:\n\n> It is 3.  \n\n**a.pdf, page 2**\n\nIn short:")


def ask_files(question: str, answers: Mapping[str, str]) -> str:
    """The answer where each file was asked the same; an empty text stands for nothing found."""
    attached = [Resource(f"text-{n}", Kind.TEXT, Origin("upload", name)) for n, name in enumerate(answers)]
    steps = []
    for number, (file, found) in enumerate(zip(attached, answers.values(), strict=True)):
        origin = Origin("task", "question-answering", number)
        output = Resource(f"text-{number + 10}", Kind.TEXT, origin, text=found or "I did not find it.", data={"answer": found})
        task = Task("question-answering", number, (), {"question": question, "text": file.name})
        steps.append(Step(task, "done", VOICE, outputs=(output,)))
    plan = Plan(tuple(step.task for step in steps))
    return "".join(compose(RespondRequest(question, tuple(attached), plan, steps), load_task_table())).partition("\n\n_By")[0]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"a.txt": "", "b.txt": "a spade", "c.txt": ""}, "**b.txt**\n\na spade\n\nI did not find it in a.txt and c.txt."),
        ({"a.txt": "a saw", "b.txt": "a spade"}, "**a.txt**\n\na saw\n\n**b.txt**\n\na spade"),
        ({"a.txt": "", "b.txt": ""}, "**a.txt**\n\nI did not find it.\n\n**b.txt**\n\nI did not find it."),
    ],
)
def test_of_several_files_those_that_answer_come_first_and_the_others_are_named_together(
    answers: Mapping[str, str], said: str
) -> None:
    assert ask_files("Which one mentions it?", answers) == said


def test_models_are_named_once_and_not_without_end() -> None:
    steps = [
        Step(Task("text-to-speech", n), "done", ModelRef(f"m{min(n, 5)}", "hosted", provider="together"), seconds=1.0)
        for n in range(8)
    ]
    assert answer(*steps).endswith("_By m0 at together, m1 at together, m2 at together and 3 more, in 8.0 s._")


def test_a_model_that_ran_in_two_steps_is_named_once() -> None:
    both = ModelRef("PP-OCR + voice", "bundled")
    assert answer(Step(READ, "done", both, outputs=(TEXT,)), Step(SPEAK, "done", VOICE, outputs=(SPEECH,))).endswith(
        "_By PP-OCR and voice, in 0 ms._"
    )


FILES = tuple(Resource(f"image-{n}", Kind.IMAGE, Origin("upload", f"page_{n}.png")) for n in (1, 2))


@pytest.mark.parametrize(
    ("tasks", "titles"),
    [
        ([("image-to-text", {"image": "image-1"}), ("image-to-text", {"image": "image-2"})], ["page\\_1.png", "page\\_2.png"]),
        ([("image-to-text", {"image": "image-1"})], []),
        (
            [
                ("question-answering", {"text": "a", "question": "Who?"}),
                ("question-answering", {"text": "a", "question": "When?"}),
            ],
            ["Who?", "When?"],
        ),
        (
            [("visual-question-answering", {"image": "image-1", "text": f"{word}?"}) for word in ("What", "Where")],
            ["What?", "Where?"],
        ),
        ([("text-to-speech", {"text": "a"}), ("text-to-speech", {"text": "b"})], []),
        (
            [
                ("image-to-text", {"image": "image-1"}),
                ("image-to-text", {"image": "image-2"}),
                ("summarization", {"text": "<resource>-0"}),
                ("summarization", {"text": "<resource>-1"}),
            ],
            ["page\\_1.png", "page\\_2.png"] * 2,
        ),
    ],
)
def test_results_of_several_files_or_questions_say_which_is_which(tasks: list[tuple[str, Any]], titles: list[str]) -> None:
    steps = tuple(
        Step(
            Task(name, n, (), args),
            "done",
            OCR,
            outputs=(Resource(f"text-{n}", Kind.TEXT, Origin("task", name, n), text="so"),),
        )
        for n, (name, args) in enumerate(tasks)
    )
    said = "".join(compose(RespondRequest("read", FILES, Plan(tuple(step.task for step in steps)), steps), load_task_table()))
    assert re.findall(r"\*\*(.+?)\*\*", said) == titles


def test_what_failed_is_said_and_its_model_is_not_credited() -> None:
    said = answer(Step(READ, "done", OCR, outputs=(TEXT,)), Step(SPEAK, "failed", VOICE, error="voice took longer than 3 s."))
    assert "I could not read it aloud: voice took longer than 3 s." in said
    assert "_By PP-OCR, in" in said
    assert "voice," not in said


def test_a_note_is_passed_on() -> None:
    assert "_It names things only._" in answer(Step(READ, "done", OCR, outputs=(TEXT,), note="It names things only."))


def test_a_picture_without_text_is_not_said_to_say_anything() -> None:
    seen = Resource("text-1", Kind.TEXT, Origin("task", "image-to-text", 0), text="a cat (90%)", data={"classes": []})
    assert answer(Step(READ, "done", OCR, outputs=(seen,))).startswith("The picture seems to show: a cat (90%)")


@pytest.mark.parametrize(
    ("task", "data", "text", "said"),
    [
        ("image-to-text", {"classes": [], "sure": True, "lines": [{}]}, "cat (92%). Written", "The picture seems to show: cat"),
        ("image-to-text", {"classes": [], "sure": False, "lines": []}, "I can't tell what", "I can't tell what"),
        ("image-classification", {"classes": [], "sure": False}, "I can't tell what", "I can't tell what"),
        ("image-classification", {"classes": []}, "cat (92%)", "The picture seems to show: cat"),
    ],
)
def test_what_a_picture_shows_is_said_with_the_doubt_that_is_due(task: str, data: dict[str, Any], text: str, said: str) -> None:
    seen = Resource("text-1", Kind.TEXT, Origin("task", task, 0), text=text, data=data)
    assert answer(Step(Task(task, 0), "done", OCR, outputs=(seen,))).startswith(said)


@pytest.mark.parametrize("text", ["# Not a heading", "[click](http://evil.example)", "<img src=x onerror=alert(1)>", "a_b*c"])
def test_what_was_read_is_text_and_never_markup(text: str) -> None:
    read = Resource("text-1", Kind.TEXT, Origin("task", "image-to-text", 0), text=text)
    quoted = answer(Step(READ, "done", OCR, outputs=(read,))).split("\n\n> ")[1]
    for mark in "#[]<>_*":
        assert f"\\{mark}" in quoted or mark not in text


def test_an_answer_from_a_page_is_no_markup_either() -> None:
    task = Task("document-question-answering", 0)
    found = Resource("text-1", Kind.TEXT, Origin("task", task.task, 0), text="![x](http://evil.example/x.png) <b>5</b>")
    said = answer(Step(task, "done", OCR, outputs=(found,), note="see [this](http://evil.example)"))
    assert r"!\[x\](http://evil.example/x.png) \<b\>5\</b\>" in said
    assert r"\[this\]" in said


def test_a_long_text_is_cut_in_the_answer() -> None:
    read = Resource("text-1", Kind.TEXT, Origin("task", "image-to-text", 0), text="word " * 2000)
    said = answer(Step(READ, "done", OCR, outputs=(read,)))
    assert len(said) < 2000
    assert "word …" in said


def test_several_results_are_told_apart() -> None:
    both = tuple(Resource(f"text-{n}", Kind.TEXT, Origin("task", "image-to-text", 0), text=f"page {n}") for n in (1, 2))
    said = answer(Step(READ, "done", OCR, outputs=both))
    assert "text-1: " in said
    assert "text-2: " in said


def test_rows_of_a_table_are_shown_as_one_and_their_markup_as_text() -> None:
    data = {"sentence": "Found 1 of 2 rows.", "header": ["name", "note"], "rows": [["Ann", "a|b <b>\n*c*"]]}
    found = Resource("text-1", Kind.TEXT, Origin("task", "table-question-answering", 0), text="Found.", data=data)
    said = answer(Step(Task("table-question-answering", 0), "done", OCR, outputs=(found,)))
    assert said.splitlines()[:5] == [
        "Found 1 of 2 rows.",
        "",
        "| name | note |",
        "| --- | --- |",
        "| Ann | a\\|b \\<b\\> \\*c\\* |",
    ]


@pytest.mark.parametrize("name", list(load_task_table()))
def test_every_task_has_words_for_its_result(name: str) -> None:
    row = load_task_table()[name]
    outputs = tuple(
        Resource(f"{kind}-1", kind, Origin("task", name, 0), text="it is so" if kind is Kind.TEXT else None, measure="1 s")
        for kind in row.outputs
    )
    said = answer(Step(Task(name, 0), "done", ModelRef("m", "local"), outputs=outputs))
    assert all(output.name in said for output in outputs if output.text is None)
    assert "it is so" in said or Kind.TEXT not in row.outputs


@pytest.mark.parametrize(
    ("task", "output", "said"),
    [
        ("image-to-text", {"text": "a cat on a mat"}, "The picture shows:\n\n> a cat on a mat  "),
        ("object-detection", {"text": "2 cats."}, "Found: 2 cats."),
        ("object-detection", {"path": Path("image-2.png")}, "What was found is marked in result."),
        ("image-segmentation", {"text": "4 regions: road (48%)."}, "It has 4 regions: road (48%)."),
        ("text-classification", {"text": "positive (91%)."}, "The tone is positive (91%)."),
        ("canny-text-to-image", {"path": Path("image-2.png")}, "The new picture is result (64 × 64)."),
        ("tabular-classification", {"path": Path("table.csv")}, "The table with a class for each row is result."),
        ("fill-mask", {"text": "a cat"}, "> a cat  "),
    ],
)
def test_each_kind_of_result_is_told_in_its_own_words(task: str, output: dict[str, Any], said: str) -> None:
    planned = Task(task, 0, (), {})
    kind = Kind.TEXT if "text" in output else Kind.IMAGE
    result = Resource("result", kind, Origin("task", task, 0), measure="64 × 64", **output)
    assert answer(Step(planned, "done", OCR, outputs=(result,))).startswith(said)


def test_words_that_were_hardly_heard_are_not_told_as_what_is_said() -> None:
    listen = Task("automatic-speech-recognition", 0, (), {"audio": "audio-1"})
    heard = Resource("text-1", Kind.TEXT, Origin("task", listen.task, 0), text="The train [leads?].", data={"unsure": True})
    said = answer(Step(listen, "done", VOICE, outputs=(heard,)))
    assert said.startswith("I could not make out English speech with confidence; here is what it may be:\n\n> The train")
    assert "What is said" not in said
