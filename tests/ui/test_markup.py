"""Texts of any origin as HTML: what is drawn of Markdown, and that nothing else gets through."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import pytest

from hugginggpt.core.events import ModelRef
from hugginggpt.ui.markup import draw_code, link_model, link_words, neutralize_markup, render_markdown, restore_markup

FILES = {"image-1": "f/1.png", "image-10": "f/10 (a).png"}
EVIL = "https://evil.example"
NEW_TAB = 'target="_blank" rel="noopener noreferrer nofollow"'

HOSTILE = {
    "a tag": f"<img src={EVIL}/x.png onerror=alert(1)>",
    "a tag over two lines": f"<img\nsrc={EVIL}/x.png>",
    "a script": "<script>alert(1)</script>",
    "a style": f"<style>@import '{EVIL}'</style>",
    "a form": f"<form action={EVIL}><input name=key><button>Send</button></form>",
    "an overlay by style": '<div style="position:fixed;inset:0;z-index:9999">Sign in again</div>',
    "an overlay by a class of Gradio's": '<div class="toast-wrap modal image-preview">Sign in again</div>',
    "svg": f'<svg><image href="{EVIL}/x.svg"/><use href="{EVIL}#a"/></svg>',
    "math": f'<math><mtext><a href="{EVIL}"><img src=x></a></mtext></math>',
    "a frame": f'<iframe srcdoc="<script>alert(1)</script>" src="{EVIL}"></iframe>',
    "a base": f"<base href={EVIL}>",
    "a comment": "<!-- <b> --> <!DOCTYPE html> <?php ?> <![CDATA[<b>]]>",
    "a comment that is never closed": f"<!-- <img src={EVIL}>",
    "a fence that is closed already": f"```\ncode\n```\n<img src={EVIL}/x.png>",
    "a fence closed by more marks": f"```\ncode\n`````\n<img src={EVIL}/x.png>",
    "a fence that is none": f"```a`\n<img src={EVIL}/x.png>",
    "a fence closed by its list": f"- item\n    ```\n<img src={EVIL}/x.png>",
    "a fence closed by its quotation": f"> ```\n<img src={EVIL}/x.png>",
    "nested fences": f"````\n```\n<img src={EVIL}/1.png>\n```\n<img src={EVIL}/2.png>\n````\n<img src={EVIL}/3.png>",
    "a highlighted fence": f'```html\n<img src={EVIL}/1.png class="x"><script>\n</code></pre><img src={EVIL}/2.png>\n```',
    "a code span that isn't": f"\\`<img src={EVIL}>\\`",
    "a mermaid block": f'```mermaid\ngraph LR\nA["<img src={EVIL}/x.png>"]\n```',
    "an info string that leaves its class": f'```"><img src={EVIL}>\ncode\n```',
    "a formula": f"$$\\includegraphics{{{EVIL}/x.png}}$$ \\(\\href{{javascript:alert(1)}}{{x}}\\)",
    "a picture": f"![x]({EVIL}/x.png)",
    "a picture by reference": f"![x][1] ![2][] ![3]\n\n[1]: {EVIL}/1.png\n[2]: {EVIL}/2.png\n[3]: {EVIL}/3.png",
    "a picture in a link": f"[![x]({EVIL}/x.png)]({EVIL})",
    "a picture in a picture": f"![![x]({EVIL}/1.png)]({EVIL}/2.png)",
    "a picture with a title": f"![x]({EVIL}/x.png \"onload='alert(1)'\")",
    "a picture in a cell": f"| a |\n| - |\n| ![x]({EVIL}/x.png) <img src={EVIL}> |",
    "a picture of data": "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    "a link that runs": "[x](javascript:alert(1)) [y](JaVaScRiPt:alert(1)) [z](vbscript:x) <javascript:alert(1)>",
    "a link that runs, encoded": "[x](java&#115;cript:alert(1)) [y](javascript&colon;alert(1)) [z](&#x6a;avascript:alert`1`)",
    "a link of data": "[x](data:text/html,<script>alert(1)</script>)",
    "a link by reference": "[x]\n\n[x]: javascript:alert(1)",
    "a link into the page": "[x](/logout) [y](gradio_api/file=/etc/passwd) [z](?request=a) [w](#id) [v](//evil.example) [u]()",
    "a link that leaves its attribute": f'[x](<{EVIL}/" onmouseover="alert(1)>) {EVIL}/"onmouseover="alert(1)',
    "a task list": "- [x] done\n- [ ] not",
    "an encoded tag": "&lt;img src=x&gt; &#60;b&#62; &NewLine;",
    "text that runs backwards": "a\u202egnp.elif\u202c \u2066b\u2069 \u200b<\u200bb>",
    "a null": "<\0img src=x> \0",
    "attributes of Pandoc": "# x {#id .modal onclick=alert(1)}",
    "a definition, a footnote": "x[^1]\n\n[^1]: <b>y</b>\n\nterm\n: <i>z</i>",
}
LARGEST = 200_000
LONG = [
    "[",
    "*",
    ">",
    "|",
    "`",
    "_",
    "~",
    "<a ",
    "![",
    "[](",
    "> ",
    "- ",
    "* a\n\n",
    "*a _b ",
    "``` ` ",
    "|\n-|-\n",
    "&amp;",
    "\n",
    ")",
]


class Reader(HTMLParser):
    """Collects what a browser would make of HTML: elements, attributes, and how deep they lie."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()
        self.text, self.depth, self.deepest = "", 0, 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(attrs)
        self.depth += tag not in {"br", "hr"}
        self.deepest = max(self.deepest, self.depth)

    def handle_endtag(self, tag: str) -> None:
        self.depth -= 1

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


ALLOWED = set("a blockquote br code em h3 h4 h5 h6 hr li ol p pre s span strong table tbody td th thead tr ul".split())


@pytest.mark.parametrize("text", HOSTILE.values(), ids=list(HOSTILE))
def test_markup_of_strangers_stays_text(text: str) -> None:
    for html in (render_markdown(text, FILES), render_markdown(f"> 1. {text}", FILES), link_words(text), draw_code(text)):
        drawn = Reader(html)
        assert drawn.tags <= ALLOWED
        assert {name for name, _ in drawn.attributes} <= {"href", "target", "rel", "start", "align", "tabindex", "class"}
        addresses = [value or "" for name, value in drawn.attributes if name == "href"]
        assert all(re.match(r"https://evil\.example", address) for address in addresses), addresses
        assert "\n" not in html
        assert "\u202e" not in drawn.text
        assert drawn.depth == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HOSTILE["a tag"], "<img src=https://evil.example/x.png onerror=alert(1)>"),
        (HOSTILE["a comment"], "<!-- <b> -->"),
        (HOSTILE["a form"], "<button>Send</button>"),
        (HOSTILE["a mermaid block"], "graph LR"),
        (HOSTILE["a link into the page"], "x (/logout)"),
        (HOSTILE["an encoded tag"], "<img src=x>"),
    ],
)
def test_what_is_not_drawn_can_be_read(text: str, words: str) -> None:
    assert words in Reader(render_markdown(text)).text


@pytest.mark.parametrize("piece", LONG)
def test_the_longest_text_is_drawn_at_once_and_lies_never_deep(piece: str) -> None:
    text = piece * (LARGEST // len(piece))
    begun = time.process_time()
    drawn = Reader(render_markdown(text, FILES))
    assert time.process_time() - begun < 2  # most take a tenth of a second; quadratic ones took minutes
    assert drawn.deepest <= 100


@pytest.mark.parametrize(
    "text",
    [
        "> " * 5_000 + "deep",
        "- " * 5_000 + "deep",
        "*a **b " * 3_000 + "deep" + " b** a*" * 3_000,
        "![" * 3_000 + "deep" + "](https://a.example)" * 3_000,
        "[" * 3_000 + "deep" + "](https://a.example)" * 3_000,
    ],
)
def test_what_is_nested_too_deep_is_text(text: str) -> None:
    drawn = Reader(render_markdown(text))
    assert drawn.deepest <= 100
    assert "deep" in drawn.text


def test_a_table_that_would_fill_up_to_many_cells_is_text() -> None:
    assert len(render_markdown("|a" * 2_000 + "\n" + "|-" * 2_000 + "\n" + "|\n" * 6_000)) < 100_000


def test_what_is_too_long_for_markdown_follows_as_text() -> None:
    drawn = Reader(render_markdown("**word**\n" * 10_000 + "the end"))
    assert "strong" in drawn.tags
    assert drawn.text.endswith("**word**the end")


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("**bold** & <i>", "<p><strong>bold</strong> &amp; &lt;i&gt;</p>"),
        ("a  \nb\nc", "<p>a<br>b<br>c</p>"),
        ("# Big\n\n---", "<h3>Big</h3><hr>"),
        ("3. c\n   - d\n4. e", '<ol start="3"><li>c<ul><li>d</li></ul></li><li>e</li></ol>'),
        ("`<b>` ~~no~~ *yes*", "<p><code>&lt;b&gt;</code> <s>no</s> <em>yes</em></p>"),
        ("_By `a` and *b*._", '<p class="aside"><em>By <code>a</code> and <em>b</em>.</em></p>'),
        ("_a_ and _b_", "<p><em>a</em> and <em>b</em></p>"),
        ("> 中文 **粗体**", "<blockquote><p>中文 <strong>粗体</strong></p></blockquote>"),
        ("```py\na\n\n\tb\n```", '<pre tabindex="0"><code>a&#10;&#10;&#9;b</code></pre>'),
        ("```\nhalf", '<pre tabindex="0"><code>half</code></pre>'),
        (
            "| a | b |\n| - | -: |\n| 1",
            "<table><thead><tr><th>a</th><th align=\"right\">b</th></tr></thead><tbody><tr><td>1</td>"
            "<td align=\"right\"></td></tr></tbody></table>",
        ),
        ("| a | b |\n| -", "<p>| a | b |<br>| -</p>"),  # as far as it has come
        ("[x](http://a.b)", f'<p><a href="http://a.b" {NEW_TAB}>x</a></p>'),
        ("![a *cat*](http://a.b/c.png)", f'<p><a href="http://a.b/c.png" {NEW_TAB}>a cat</a></p>'),
        ("[![cat](http://a.b/c.png)](http://a.b)", f'<p><a href="http://a.b" {NEW_TAB}>cat</a></p>'),
        ("![it](image-1)", f'<p><a href="f/1.png" {NEW_TAB}>it</a></p>'),
        ("<http://a.b>", f'<p><a href="http://a.b" {NEW_TAB}>http://a.b</a></p>'),
        ("<a@b.org>", f'<p><a href="mailto:a@b.org" {NEW_TAB}>a@b.org</a></p>'),
    ],
)  # fmt: skip
def test_markdown_is_drawn(markdown: str, html: str) -> None:
    assert render_markdown(markdown, FILES) == html


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("See http://a.b/c?d=e&f#g.", "See [http://a.b/c?d=e&f#g]."),
        ("(http://a.b/c_(d))", "([http://a.b/c_(d)])"),
        ("见https://a.org/图，再见http://b.org。", "见[https://a.org/]图，再见[http://b.org]。"),
        ("http:// https://. ftp://a.b", "http:// https://. ftp://a.b"),
    ],
)
def test_web_addresses_are_links(text: str, shown: str) -> None:
    for html in (link_words(text), render_markdown(text)):
        assert re.sub("<[^>]*>", "", re.sub("<a [^>]*>(.*?)</a>", r"[\1]", html)).replace("&amp;", "&") == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("See image-1.", "See [image-1](f/1.png)."),
        ("image-10, not image-1", "[image-10](f/10 (a).png), not [image-1](f/1.png)"),
        ("image-1/image-10", "[image-1](f/1.png)/[image-10](f/10 (a).png)"),
        ("结果在image-1中。", "结果在[image-1](f/1.png)中。"),
        ("image-2 and image-1.png and my-image-1", "image-2 and image-1.png and my-image-1"),
        ("`image-1` and ``a image-1 b``", "image-1 and a image-1 b"),
        ("~~~\nimage-1", "image-1"),
        ("[image-1](https://a.org) https://a.org/image-1", "[image-1](https://a.org) [https://a.org/image-1](https://a.org/image-1)"),
        ('<img src="image-1">', '<img src="[image-1](f/1.png)">'),
        ("**image-1**", "[image-1](f/1.png)"),
    ],
)  # fmt: skip
def test_names_are_linked_where_they_are_words(text: str, shown: str) -> None:
    html = re.sub('<a href="([^"]*)"[^>]*>(.*?)</a>', r"[\2](\1)", render_markdown(text, FILES))
    assert re.sub("<[^>]*>", "", html).replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"') == shown


def test_what_the_parser_takes_long_for_is_shown_as_it_is() -> None:
    drawn = Reader(render_markdown("|a|b|\n|-|-|\n> ~~~" * 1_200))  # of which it would make a table in a table in a table
    assert drawn.tags == {"p", "br"}
    assert drawn.text.count("~~~") == 1_200


def test_blocks_of_code_have_a_button_in_the_chat_alone() -> None:
    assert 'class="copy_code_button"' in render_markdown("```\na\n```", copy_buttons=True)
    assert "button" not in render_markdown("```\na\n```")


@pytest.mark.parametrize(
    ("model", "links"),
    [
        (ModelRef("lab/net", "local"), ["lab/net"]),
        (ModelRef("lab/net + lab/base", "local"), ["lab/net", "lab/base"]),
        (ModelRef("hibari-tts", "bundled"), []),
        (ModelRef("openai/gpt", "controller"), []),
        (ModelRef('lab/"><b>', "local"), []),
        (ModelRef("../..", "local"), []),
    ],
)
def test_models_of_the_hub_are_linked_to_their_cards(model: ModelRef, links: list[str]) -> None:
    assert re.findall('href="https://huggingface.co/([^"]*)"', link_model(model)) == links


TYPED = ["a < b && c <d> </e> <!-- &lt; &#60; R&D", "a\n  b\n\tc", "  <\u2060x> \u2060", "**a** `b` ![c](d)", *HOSTILE.values()]


@pytest.mark.parametrize("text", TYPED)
def test_a_request_is_shown_and_edited_as_it_was_typed(text: str) -> None:
    drawn = neutralize_markup(text)
    assert restore_markup(drawn) == text
    assert Reader(drawn).tags == set()
    assert Reader(drawn).text.replace("\u2060", "") == text.replace("\u2060", "")
