"""Resources as cards."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.ui.i18n import Words
from hugginggpt.ui.run_panel.resource_cards import draw_cards
from hugginggpt.workspace.workspace import Workspace
from tests.conftest import MEDIA


def address(resource: Resource) -> str:
    return f"/file/{resource.name}"


def told(cards: str) -> list[str]:
    """Each card's words, without its marks."""
    return [" ".join(html.unescape(re.sub("<[^>]+>", " ", card)).split()) for card in re.findall(r"<li.*?</li>", cards)]


def test_each_kind_is_told_by_its_measure_and_how_it_begins(workspace: Workspace) -> None:
    files = [workspace.add_file(MEDIA / name) for name in ("cat.jpg", "complaint.wav", "people.csv", "clip.mp4", "report.txt")]
    cards = draw_cards(files, address)
    assert told(cards) == [
        "image-1 451 × 300 “cat.jpg”, added by you Use next Download",
        "audio-1 6.7 s “complaint.wav”, added by you Use next Download",
        "table-1 6 rows “people.csv”, added by you name · city · born_in · age · profession · joined Use next Download",
        "video-1 3.0 s “clip.mp4”, added by you Use next Download",
        "text-1 “report.txt”, added by you Port Alder Town Library: the year 2024 Use next Download",
    ]
    assert re.findall(r'<img src="(.*?)" alt="(.*?)" loading="lazy"', cards) == [
        ("/file/image-1", "image-1: “cat.jpg”, added by you")
    ]
    assert 'href="/file/audio-1" download="audio-1.wav"' in cards


@pytest.mark.parametrize(
    ("origin", "parents", "said"),
    [
        (Origin("url", "fox.png"), (), "“fox.png”, fetched from the web"),
        (Origin("example", "cat.jpg"), (), "“cat.jpg”, a shipped example"),
        (Origin("task", "text-to-image", 0), (), "made by text-to-image"),
        (Origin("task", "text-to-speech", 1), ("text-1", "text-2"), "made by text-to-speech from text-1, text-2"),
    ],
)
def test_where_it_came_from(origin: Origin, parents: tuple[str, ...], said: str) -> None:
    cards = draw_cards([Resource("text-9", Kind.TEXT, origin, text="…")], address, {"text-9": parents})
    assert told(cards) == [f"text-9 {said} … Use next Download"]


def test_a_text_without_a_file_is_downloaded_from_the_page_itself() -> None:
    cards = draw_cards([Resource("text-1", Kind.TEXT, Origin("task", "x", 0), text='50 % "off" & more\n中')], address)
    assert 'href="data:text/plain;charset=utf-8,50%20%25%20%22off%22%20%26%20more%0A%E4%B8%AD" download="text-1.txt"' in cards


def test_names_and_texts_stay_text() -> None:
    nasty = '<script>alert("1")</script>'
    cards = draw_cards(
        [Resource("text-1", Kind.TEXT, Origin("upload", nasty), Path("x.txt"), nasty, nasty)], lambda _: f'"{nasty}'
    )
    assert "<script" not in cards
    assert '""' not in cards


def test_a_long_text_is_cut_and_an_empty_one_has_no_line() -> None:
    texts = [Resource(f"text-{n}", Kind.TEXT, Origin("task", "x", 0), text=text) for n, text in enumerate(("a" * 500, " \n"))]
    assert told(draw_cards(texts, address)) == [
        f"text-0 made by x {'a' * 120}… Use next Download",
        "text-1 made by x Use next Download",
    ]


def test_a_document_begins_with_its_first_line_and_not_with_the_mark_of_its_page() -> None:
    letter = Resource("text-1", Kind.TEXT, Origin("upload", "a.pdf"), text="## Page 1\n\nDear Ann,\n\n## Page 2\n\nYours")
    assert told(draw_cards([letter], address)) == ["text-1 “a.pdf”, added by you Dear Ann, Use next Download"]


def test_without_resources_it_says_what_will_stand_here() -> None:
    assert "What you attach" in draw_cards([], address)
    assert "<button" not in draw_cards([], address)


def test_in_chinese() -> None:
    cards = draw_cards([Resource("text-1", Kind.TEXT, Origin("task", "x", 0), text="…")], address, words=Words("zh"))
    assert told(cards) == ["text-1 由 x 生成 … 下一步使用 下载"]
