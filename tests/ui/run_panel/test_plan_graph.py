"""The plan as a picture: what is drawn, what is read out, what stays where it is."""

from __future__ import annotations

import html
import re
import time
from dataclasses import replace

import pytest

from hugginggpt.core.events import ModelRef, Step
from hugginggpt.core.plan import Argument, Task
from hugginggpt.core.tasks import load_task_table
from hugginggpt.ui.i18n import Words
from hugginggpt.ui.run_panel.plan_graph import draw_plan

TABLE = load_task_table()
OCR = ModelRef("PaddlePaddle/PP-OCR", "bundled")


def step(task: str, number: int, *dep: int, **args: Argument) -> Step:
    return Step(Task(task, number, dep, args), "pending")


READ = step("image-to-text", 0, image="image-1")
SPEAK = step("text-to-speech", 1, 0, text="<resource>-0")


def told(drawn: str) -> list[str]:
    """What a screen reader says of each task."""
    return [html.unescape(text) for text in re.findall(r'class="hgpt-unseen">(.*?)</span>', drawn)]


def kinds(drawn: str) -> list[str]:
    return re.findall(r'<text class="kind"[^>]*>(.*?)</text>', drawn)


def files(drawn: str) -> list[str]:
    return [html.unescape(name) for name in re.findall(r'<div class="given"[^>]*><span>(.*?)</span>', drawn)]


def test_tasks_are_told_with_their_state_model_inputs_and_what_they_wait_for() -> None:
    read = replace(READ, status="done", model=OCR, seconds=1.42)
    assert told(draw_plan([read, SPEAK], TABLE)) == [
        "Task 0, image-to-text: done, model PaddlePaddle/PP-OCR, 1.4 s, takes image-1.",
        "Task 1, text-to-speech: waiting, waits for task 0 (image-to-text).",
    ]


def test_the_picture_is_labelled_in_the_visitors_language() -> None:
    steps = [replace(READ, status="done"), SPEAK]
    assert 'aria-label="Plan: 2 tasks, 1 done"' in draw_plan(steps, TABLE)
    assert kinds(draw_plan(steps, TABLE, Words("zh"))) == ["图像", "文本"]


def test_lines_say_which_kinds_pass() -> None:
    steps = [
        step("text-to-video", 0, text="a fox"),
        step("automatic-speech-recognition", 1, 0, audio="<resource>-0"),  # it takes the film's sound track
        step("text-to-speech", 2, 1),  # it only waits
    ]
    drawn = draw_plan(steps, TABLE)
    assert kinds(drawn) == ["video"]
    assert drawn.count('class="line"') == 2


@pytest.mark.parametrize(
    ("args", "shown"),
    [
        ({"image": "image-1"}, ["image-1"]),
        ({"image": ("image-1", "image-2")}, ["image-1", "image-2"]),
        ({"image": "https://example.org/a/cat.jpg?x=1"}, ["cat.jpg"]),
        ({"image": "<resource>-7"}, []),
        ({"image": tuple(f"image-{n}" for n in range(9))}, ["image-0", "image-1", "image-2", "image-3", "+ 5 more"]),
        ({"text": "text-1"}, ["text-1"]),
        ({"text": "report.txt"}, ["report.txt"]),
        ({"text": "What is image-1 about?"}, []),
        ({"text": "http://["}, ["http://["]),
    ],
)
def test_files_that_a_task_is_given_stand_above_it(args: dict[str, Argument], shown: list[str]) -> None:
    task = "image-to-text" if "image" in args else "text-to-speech"
    assert files(draw_plan([step(task, 0, **args)], TABLE)) == shown


def test_one_file_for_two_tasks_is_drawn_once() -> None:
    assert files(draw_plan([READ, step("image-classification", 1, image="image-1")], TABLE)) == ["image-1"]


def test_states_differ_by_more_than_their_colour() -> None:
    states = ("pending", "running", "done", "failed", "skipped")
    signs = {
        state: re.findall(r'class="sign".*?d="(.*?)"', draw_plan([replace(READ, status=state)], TABLE))[0] for state in states
    }
    assert len(set(signs.values())) == len(states)


def test_nothing_moves_while_the_plan_runs() -> None:
    def places(drawn: str) -> list[str]:
        return re.findall(r'(?:style|class="line" d)="([^"]*)"', drawn)

    ran = [replace(READ, status="failed", model=OCR, seconds=75), replace(SPEAK, status="skipped")]
    assert places(draw_plan(ran, TABLE)) == places(draw_plan([READ, SPEAK], TABLE))


def test_a_plan_that_is_still_growing_is_drawn() -> None:
    assert len(told(draw_plan([SPEAK], TABLE))) == 1  # what it waits for is not known yet


def test_a_task_that_no_table_knows_is_drawn() -> None:
    assert told(draw_plan([step("juggling", 0, balls="image-1"), SPEAK], TABLE))[0].startswith("Task 0, juggling: waiting")


def test_of_hundreds_of_tasks_the_first_are_drawn_at_once() -> None:
    steps = [step("image-to-text", n, *range(max(0, n - 3), n), image=(f"image-{n}", "image-0")) for n in range(400)]
    begun = time.process_time()
    drawn = draw_plan(steps, TABLE)
    assert time.process_time() - begun < 3
    assert len(told(drawn)) == 40
    assert "… and 360 more tasks" in drawn


def test_names_stay_text() -> None:
    nasty = '<img src=x onerror="alert(1)">'
    drawn = draw_plan([replace(step(nasty, 0, image=nasty), model=ModelRef(nasty, nasty), status="running")], TABLE)
    assert "<img" not in drawn
    assert 'onerror="' not in drawn


def test_without_a_plan_there_is_a_word() -> None:
    assert "as soon as there is one" in draw_plan([], TABLE)
