"""The licences of what this project asks for are listed, and ask for no more than to be named."""

from __future__ import annotations

import pytest

from tests import licence_table

NAMES = [name for name, _ in licence_table.list_requirements()]


@pytest.mark.parametrize("name", NAMES)
def test_each_package_has_a_licence_that_may_be_used_here(name: str) -> None:
    licence = licence_table.read_licence(name)
    assert licence, f"{name}: read its licence file, and add it to tests/licence_table.py"
    assert licence_table.split_expression(licence) <= licence_table.ALLOWED


def test_the_page_lists_them_all() -> None:
    """`python -m tests.licence_table` writes it anew."""
    page = licence_table.PAGE.read_text(encoding="utf-8")
    assert licence_table.BEGIN + licence_table.table() + licence_table.END in page
