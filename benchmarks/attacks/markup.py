"""Markup of strangers: what is drawn of it has allowed elements alone, and a web page is read as text."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Final

from benchmarks.attacks.attack import Attack, Target, mix
from hugginggpt.core.markdown import fold_into_line, quote_text
from hugginggpt.ui.markup import link_words, neutralize_markup, render_markdown, restore_markup
from hugginggpt.workspace.html_text import extract_page_text, is_html_page

_TAGS: Final = frozenset(
    "p br hr h1 h2 h3 h4 h5 h6 ul ol li blockquote pre code em strong s a table thead tbody tr th td".split()
)
_ATTRIBUTES: Final = frozenset("href title rel target class start align tabindex".split())
_SCHEMES: Final = ("http:", "https:", "mailto:", "#")
_LINKS: Final = {"image-1": "#image-1", "text-1": "#text-1"}
FRAGMENTS: Final = (
    "<", ">", "</", "<!--", "-->", "<![CDATA[", "<![x", "<?", "<script>", "</script>", "<img src=x onerror=alert(1)>",
    "<svg/onload=",
    "<a href='", "<iframe srcdoc=", "<form action=//e>", "<style>", "<base href=//evil>",
    "<meta http-equiv=refresh content='0;", "&#",
    "&lt;", "&#x3c;script&#x3e;", "![", "](", ")", "[", "]", "![x](http://e/x.png)", "[x](javascript:alert(1))",
    "[x](data:text/html,",
    "[x](JaVa\tscript:1)", "[x](vbscript:1)", "[r]: javascript:1\n", "[r]", "```", "~~~", "```mermaid\n", "`", "``", "$$",
    "\\(", "*", "**",
    "_", "|", "\n", "\n\n", "    ", "- ", "> ", "1. ", "# ", "|-|\n", "\t", "\\", "\0", "\u200b", "\u2028", "\ud800",
    "image-1", "x",
    "https://e.example/", "http://[", "<http://e>", "<javascript:1>", "\x1b[31m", "\u202e",
)  # fmt: skip
SEEDS: Final = (
    "It is **a cat**, see [image-1](#image-1).\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
    "```\n<img src=x>\n````\n<img src=x onerror=alert(1)>\n```",
    "<html><body><p>One<p>Two<script>x = 1</script><a href='x'>three</a></body></html>",
    "<html>" + "<a " * 3_000,
    "<html>" + "<" * 9_000 + ">",
    "[" * 3_000,
    "![" * 2_000,
    "*a " * 3_000,
    "`" * 3_000 + "a",
    "> " * 500 + "x",
    "- " * 500 + "x",
    "[a](" * 2_000,
    "<" * 5_000,
    "|" * 2_000 + "\n" + "|-" * 2_000,
    "&#" * 3_000,
)


def make_attack(target: Target) -> Attack:
    """Return the attack on what draws Markdown and reads web pages."""

    def check(text: str) -> None:
        text = text.encode("utf-8", "replace").decode()  # as every way into the program leaves it
        for draw in (render_markdown, link_words):
            drawn = _Drawn()
            drawn.feed(draw(text, _LINKS))
            drawn.close()
            assert not drawn.faults, f"drawn: {drawn.faults[:3]}"
        assert restore_markup(neutralize_markup(text)) == text
        quote_text(text, 600)
        fold_into_line(text, 80)
        if is_html_page(text):
            extract_page_text(text)

    return Attack("markup", SEEDS, lambda chance: mix(chance, FRAGMENTS, SEEDS, most=10_000), check)


class _Drawn(HTMLParser):
    """Reads drawn HTML as a browser does, and notes what must not be there."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS:
            self.faults.append(f"<{tag}>")
        for name, value in attrs:
            address = (value or "").strip().lower()
            if name not in _ATTRIBUTES or (name == "href" and not address.startswith(_SCHEMES)):
                self.faults.append(f"<{tag} {name}={value!r}>")

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"<!--{data[:40]}")

    def handle_decl(self, decl: str) -> None:
        self.faults.append(f"<!{decl[:40]}")
