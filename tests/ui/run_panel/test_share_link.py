"""A link fills the box with a request: with words, and with shipped examples at most."""

from __future__ import annotations

from pathlib import Path

import pytest

from hugginggpt.ui.run_panel.share_link import build_query, read_link


@pytest.mark.parametrize("text", ["read the image example.jpg for me", "A & B = C? 100 %", "把它翻译成中文", "two\nlines", ""])
def test_what_a_link_was_made_of_stands_in_the_box(text: str) -> None:
    box = read_link(build_query(text, ("cat.jpg",)))
    assert box["text"] == text
    assert [Path(path).name for path in box["files"]] == ["cat.jpg"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "missing.jpg", "file:///etc/passwd", "../examples.yaml"])
def test_a_link_names_no_file_but_a_shipped_example(name: str) -> None:
    assert read_link(build_query("Read it.", (name,)))["files"] == []


def test_an_address_without_a_request_leaves_the_box_empty() -> None:
    assert read_link("") == read_link("?__theme=dark") == {"text": "", "files": []}


@pytest.mark.parametrize("search", ["?" + "&".join(f"a{n}=1" for n in range(100)), "?request=%ff%fe", "?%", "?&&&="])
def test_no_query_breaks_the_page(search: str) -> None:
    assert read_link(search)["files"] == []


def test_half_a_letter_is_no_trouble() -> None:
    assert read_link(build_query("\ud800 a"))["text"] == "? a"


def test_a_very_long_request_is_cut() -> None:
    assert len(read_link(f"?request={'a' * 50_000}")["text"]) == 4_000
    assert len(build_query("a" * 50_000)) < 4_100
