"""The empty chat and its examples."""

from __future__ import annotations

import re
from pathlib import Path

from hugginggpt.core.tasks import load_task_table
from hugginggpt.experts.bundled.expert import BundledExpert
from hugginggpt.ui.chat.examples import GROUPS, draw_welcome, load_examples
from hugginggpt.ui.i18n import Words

BUNDLED = {card.task for card in BundledExpert().cards()}


def address(path: Path) -> str:
    return f"/file/{path.name}"


def cards(page: str, kind: str) -> list[int]:
    """The indexes of the examples that run, or that fill the box."""
    return [int(index) for index in re.findall(rf'data-index="(\d+)" class="{kind}"', page)]


def test_every_example_has_all_that_it_names() -> None:
    for example in load_examples():
        assert example.group in GROUPS
        assert load_task_table().keys() >= set(example.tasks)
        assert all(path.is_file() for path in (*example.files, example.icon))
        assert example.gloss


def test_each_group_has_something_that_runs_with_no_key() -> None:
    assert {example.group for example in load_examples() if example.is_runnable(BUNDLED.__contains__)} == set(GROUPS)


def test_an_example_that_lacks_a_model_says_so_and_fills_the_box() -> None:
    page = draw_welcome(BUNDLED.__contains__, address)
    runs, fills = cards(page, "runs"), cards(page, "fills")
    assert sorted(runs + fills) == list(range(len(load_examples())))
    assert {load_examples()[n].text for n in fills} >= {"Paint a red fox in the snow."}
    assert page.count("Needs a Hugging Face token") == len(fills)


def test_with_models_for_all_every_example_runs() -> None:
    page = draw_welcome(lambda task: True, address)
    assert len(cards(page, "runs")) == len(load_examples())
    assert "token" not in page


def test_in_chinese_the_english_request_is_kept_and_explained() -> None:
    page = draw_welcome(lambda task: True, address, Words("zh"))
    for example in load_examples():
        assert example.text in page
        assert example.gloss in page
    assert load_examples()[0].gloss not in draw_welcome(lambda task: True, address)


def test_pictures_come_from_where_the_page_says() -> None:
    assert '<img src="/file/cat.jpg"' in draw_welcome(lambda task: True, address)
