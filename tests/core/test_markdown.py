"""Text inside Markdown, and names that become links."""

from __future__ import annotations

import re
import time

import pytest

from hugginggpt.core import markdown
from hugginggpt.core.markdown import fold_into_line, link_names, shorten

FILES = {"image-1": "f/1.png", "image-10": "f/10 (a).png"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("See image-1.", "See [image-1](<f/1.png>)."),
        ("image-10, not image-1", "[image-10](<f/10 (a).png>), not [image-1](<f/1.png>)"),
        ("image-1/image-10", "[image-1](<f/1.png>)/[image-10](<f/10 (a).png>)"),
        ("结果在image-1中。", "结果在[image-1](<f/1.png>)中。"),
        ("image-2 and image-1.png and my-image-1", "image-2 and image-1.png and my-image-1"),
        ("`image-1` and ``a image-1 b``", "`image-1` and ``a image-1 b``"),
        ("```\nimage-1\n```", "```\nimage-1\n```"),
        ("~~~\nimage-1", "~~~\nimage-1"),
        ("[image-1](x) ![image-1](y)", "[image-1](x) ![image-1](y)"),
        ("https://a.org/image-1", "https://a.org/image-1"),
        ('<img src="image-1">', '<img src="image-1">'),
        ("a < b, image-1 > c", "a < b, [image-1](<f/1.png>) > c"),
    ],
)
def test_names_are_linked_where_they_are_words(text: str, shown: str) -> None:
    assert link_names(text, FILES) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a cat", "a cat"),
        ("a cat on the mat", "a cat on …"),
        ("猫 在垫子上睡着了的一只小小的猫", "猫 在垫子上睡着了的 …"),  # one blank says nothing of where words end
        ("a\tcat\n on the mat", "a\tcat\n on …"),
    ],
)
def test_what_is_too_long_is_cut_between_words(text: str, shown: str) -> None:
    assert shorten(text, 10) == shown


@pytest.mark.parametrize(
    ("text", "line"),
    [(" a\tcat\n\n", "a cat"), ("a cat" + " " * 50 + "on the mat", "a cat on …"), ("x\n" * 10**6, "x x x x x …"), ("", "")],
)
def test_a_line_is_as_full_as_it_may_be(text: str, line: str) -> None:
    assert fold_into_line(text, 10) == line


def test_nothing_takes_long() -> None:
    begun = time.monotonic()
    for text in ("[" * 20_000, "`" * 20_000, "<a" * 20_000, "image-" * 20_000):
        link_names(text, FILES)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    "text",
    [
        "<img src=https://evil.example/x.png>",
        "a <form action=https://evil.example><input name=key></form>",
        "![x](https://evil.example/x.png)",
        "![x][1]\n\n[1]: https://evil.example/x.png",
        "\\`<img src=x>\\`",
        "```a`\n<img src=x>",
        "- item\n    ```\n<img src=x>",
        "<!-- <b> -->",
    ],
)
def test_markdown_of_strangers_draws_neither_tags_nor_pictures(text: str) -> None:
    from markdown_it import MarkdownIt

    drawn = MarkdownIt("commonmark").render(markdown.sanitize_markdown(text))
    assert not re.search(r"<(img|form|input|script|iframe|svg|!--)", drawn), drawn


def test_code_links_and_emphasis_stay_as_they_are() -> None:
    text = "**See** [this](https://a.example), a < b:\n\n```python\nif a<b: print('<i>![x](y)')\n```\nand 1 <2"
    assert markdown.sanitize_markdown(text) == text


def test_what_was_escaped_can_be_read_again() -> None:
    text = "a *b* <c> [d](e) `f` \\ #"
    assert markdown.strip_markdown(markdown.escape(text)) == text
