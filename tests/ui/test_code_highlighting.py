"""Code whose language is known: its parts get classes, and nothing of it is lost or takes long."""

from __future__ import annotations

import re
import time
from html import escape, unescape

import pytest
from pygments.lexers import get_lexer_by_name

from hugginggpt.ui.code_highlighting import _LANGUAGES, MAX_HIGHLIGHTED_CHARS, highlight_code
from hugginggpt.ui.markup import render_markdown

REPEATED = ["a", '"', "\\", "(", "</", "//", "$(", "\n", "a."]


def list_lexers() -> list[str]:
    """One name of each language."""
    return sorted({get_lexer_by_name(name).name: name for name in sorted(_LANGUAGES)}.values())


@pytest.mark.parametrize(
    ("code", "language", "html"),
    [
        ("x = 1", "python", 'x = <span class="hl-number">1</span>'),
        ('{"a": 2}', "json", '{<span class="hl-keyword">&quot;a&quot;</span>: <span class="hl-number">2</span>}'),
        ("def f():", "Python title=x.py", '<span class="hl-keyword">def</span> <span class="hl-name">f</span>():'),
        ("<b>", "html", '&lt;<span class="hl-keyword">b</span>&gt;'),
        ("+ a", "diff", '<span class="hl-string">+ a</span>'),
        ("x = 1", "", "x = 1"),
        ("x = 1", "no-such-language", "x = 1"),
        ("x = 1", '"><img src=x>', "x = 1"),
    ],
)
def test_parts_of_code_get_classes_where_the_language_is_known(code: str, language: str, html: str) -> None:
    assert highlight_code(code, language, escape) == html


def test_in_an_answer_a_fence_is_highlighted() -> None:
    drawn = render_markdown("```python\nreturn 1\n```")
    assert '<pre tabindex="0"><code><span class="hl-keyword">return</span> ' in drawn
    assert "span" not in render_markdown("```\nreturn 1\n```")


@pytest.mark.parametrize("language", list_lexers())
def test_no_code_is_lost_or_takes_long(language: str) -> None:
    begun = time.process_time()
    for unit in REPEATED:
        code = (unit * MAX_HIGHLIGHTED_CHARS)[:MAX_HIGHLIGHTED_CHARS]
        html = highlight_code(code, language, escape)
        assert unescape(re.sub("<[^>]*>", "", html)) == code
    assert time.process_time() - begun < 0.2 * len(REPEATED)
    long = "x = 1\n" * MAX_HIGHLIGHTED_CHARS
    assert highlight_code(long, language, escape) == escape(long)
