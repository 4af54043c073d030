"""Of a web page its readable text is used."""

import pytest

from hugginggpt.workspace.html_text import extract_page_text, is_html_page

PAGE = """<!DOCTYPE html>
<html><head><title>News</title><style>p {color: red}</style></head>
<body><nav><a href="/">Home</a></nav><h1>The bridge &amp; the river</h1>
<p>It opened in
1871.</p><script>alert("x")</script><ul><li>Long</li><li>Old</li></ul><footer>© 2026</footer></body></html>"""


def test_paragraphs_are_kept_and_scripts_menus_and_styles_are_not() -> None:
    assert extract_page_text(PAGE) == "The bridge & the river\n\nIt opened in 1871.\n\nLong\n\nOld"


@pytest.mark.parametrize(
    ("text", "page"), [(PAGE, True), ("<html><p>Hi", True), ("a < b and c > d", False), ("<p>a fragment</p>", False)]
)
def test_only_whole_pages_count(text: str, page: bool) -> None:
    assert is_html_page(text) is page


def test_a_page_that_closes_nothing_is_read_all_the_same() -> None:
    assert extract_page_text("<html><body><p>One<p>Two<script>x = 1") == "One\n\nTwo"
