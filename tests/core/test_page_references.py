"""References to pages: by number, by order, several at once, in Chinese."""

import time

import pytest

from hugginggpt.core.page_references import PageReference, find_page_references


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("What does page 3 say?", "page 3-3"),
        ("Read pages 2 and 3 aloud", "page 2-2, page 3-3"),
        ("page 1, 2 and 5", "page 1-1, page 2-2, page 5-5"),
        ("sum up chapters 2 to 4", "chapter 2-4"),
        ("Slides 2–5, please", "slide 2-5"),
        ("Page two and page four", "page 2-2, page 4-4"),
        ("Read the second page, then its last slide", "page 2-2, slide -1--1"),
        ("see p. 12", "page 12-12"),
        ("请读第三页", "page 3-3"),
        ("第 12 章讲了什么？", "chapter 12-12"),
        ("A page turner of 300 pages", ""),
        ("Turn the page, number one!", ""),
        ("homepage 2", ""),
    ],
)
def test_pages_are_found_by_number_and_by_order(text: str, named: str) -> None:
    found = dict.fromkeys(f"{each.unit} {each.first}-{each.last}" for each in find_page_references(text))
    assert ", ".join(found) == named


@pytest.mark.parametrize(
    ("first", "last", "numbers"), [(2, 2, [2]), (2, 4, [2, 3, 4]), (-1, -1, [7]), (9, 9, [9]), (4, 2, [4]), (0, 0, [0])]
)
def test_the_last_page_depends_on_the_document(first: int, last: int, numbers: list[int]) -> None:
    assert list(PageReference(0, 1, "page", first, last).list_numbers(7)) == numbers


@pytest.mark.parametrize("text", ["page 1, 2 and " * 5_000, "第" * 50_000, "the last " * 10_000, "page 1-9999 " * 5_000])
def test_long_texts_are_read_in_time(text: str) -> None:
    begun = time.process_time()
    assert len(find_page_references(text)) <= 50
    assert time.process_time() - begun < 2
