"""Text inside Markdown."""

from __future__ import annotations

import pytest

from hugginggpt.core.markdown import escape, fold_into_line, quote_text, shorten


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


def test_marks_are_made_literal() -> None:
    assert escape("a *b* <c> [d](e) `f` \\ #") == "a \\*b\\* \\<c\\> \\[d\\](e) \\`f\\` \\\\ \\#"


def test_a_quotation_keeps_its_lines() -> None:
    assert quote_text("a\tb\n\n*c*", 80) == "> a · b  \n> \\*c\\*  "
