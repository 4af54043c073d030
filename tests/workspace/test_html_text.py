"""Of a web page its readable text is used."""

import random
import time

import pytest

from hugginggpt.workspace.html_text import extract_page_text, is_html_page

PAGE = """<!DOCTYPE html>
<html><head><title>News</title><style>p {color: red}</style></head>
<body><nav><a href="/">Home</a></nav><h1>The bridge &amp; the river</h1>
<p>It opened in
1871.</p><script>alert("x")</script><ul><li>Long</li><li>Old</li></ul><footer>© 2026</footer></body></html>"""


def test_paragraphs_are_kept_and_scripts_menus_and_styles_are_not() -> None:
    assert extract_page_text(PAGE) == "The bridge & the river\n\nIt opened in 1871.\n\n- Long\n- Old"


@pytest.mark.parametrize(
    ("text", "page"), [(PAGE, True), ("<html><p>Hi", True), ("a < b and c > d", False), ("<p>a fragment</p>", False)]
)
def test_only_whole_pages_count(text: str, page: bool) -> None:
    assert is_html_page(text) is page


def test_a_page_that_closes_nothing_is_read_all_the_same() -> None:
    assert extract_page_text("<html><body><p>One<p>Two<script>x = 1") == "One\n\nTwo"


FRAGMENTS = (
    "<a |<|<!--|-->|<![|<![if x]>|<![endif]>|<![CDATA[|]]>|</a|<a b=|<a b='|&|&#|&amp|<?|<!|<script>|<p>|</|<textarea>|>|'|x "
).split("|")


@pytest.mark.parametrize("fragment", FRAGMENTS)
@pytest.mark.parametrize("end", ["", ">", "-->", "'>", "]]>"])
def test_a_hundred_kilobytes_of_anything_are_read_in_a_moment(fragment: str, end: str) -> None:
    begun = time.process_time()
    extract_page_text("<html>" + fragment * (100_000 // len(fragment)) + end)
    assert time.process_time() - begun < 3  # each unclosed tag looked for its end through all the rest: minutes


def test_broken_markup_is_read_as_far_as_it_goes() -> None:
    chance = random.Random(13)
    for _ in range(2_000):
        text = extract_page_text("<p>Room 4711</p>" + "".join(chance.choices(FRAGMENTS, k=chance.randrange(30))))
        assert text.startswith("Room 4711")


def test_what_stands_behind_the_last_tag_is_text() -> None:
    assert extract_page_text("<p>One</p>Two") == "One\n\nTwo"
    assert extract_page_text("Three <a href=") == "Three"
    assert extract_page_text("no markup at all") == "no markup at all"
