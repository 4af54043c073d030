"""Files and addresses that a request names."""

from __future__ import annotations

import time

import pytest

from hugginggpt.controllers.file_mentions import find_file_names, find_urls, guess_kind, list_addresses
from hugginggpt.controllers.rules.request_parser import parse_request
from hugginggpt.core.tasks import Kind
from hugginggpt.workspace.workspace import Workspace
from tests.conftest import MEDIA


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("describe photo.png", ["photo.png"]),
        ("describe /images/e1.JPG, please", ["/images/e1.JPG"]),
        ("what does sign.jpg say?", []),  # it is attached, as image-1
        ("version 2.10 of the e.g. text", []),
        ("read thesis.pdf and costs.xlsx", ["thesis.pdf", "costs.xlsx"]),
        ("read thesis.doc", []),  # the old kind can't be read
        ("compare b.wav and https://example.org/a.wav, then b.wav", ["b.wav", "https://example.org/a.wav"]),
        ("看看https://example.org/a.png和b.png。", ["https://example.org/a.png", "b.png"]),
    ],
)
def test_files_that_a_request_names_can_be_planned_for(workspace: Workspace, text: str, named: list[str]) -> None:
    assert list_addresses(text, [workspace.add_file(MEDIA / "sign.jpg")]) == named


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("(see https://example.org/x?a=b.)", "https://example.org/x?a=b"),
        ("请描述https://example.org/a.png。这张图", "https://example.org/a.png"),
        ("请描述https://example.org/a.png这张图", "https://example.org/a.png"),
        ("（https://example.org/a.png）", "https://example.org/a.png"),
        ("「https://example.org/a.png」を見て", "https://example.org/a.png"),
        ("https://zh.wikipedia.org/wiki/猫，谢谢", "https://zh.wikipedia.org/wiki/猫"),
        ("(https://example.org/a)(b", "https://example.org/a"),
        ("[https://example.org/a.png] shows", "https://example.org/a.png"),
        ("![a cat](https://example.org/a.png)", "https://example.org/a.png"),
        ("{https://example.org/a.png}", "https://example.org/a.png"),
        ("<https://example.org/a.png>", "https://example.org/a.png"),
        ("`https://example.org/a.png`", "https://example.org/a.png"),
        ("read https://example.org/wiki/Foo_(bar), please", "https://example.org/wiki/Foo_(bar)"),
        ("https://example.org/a?b[]=1&c=2!", "https://example.org/a?b[]=1&c=2"),
        ("https://example.org/{id}/a.png", "https://example.org/{id}/a.png"),
        ("http://[2001:db8::1]:80/a.png", "http://[2001:db8::1]:80/a.png"),
    ],
)
def test_an_address_ends_where_the_sentence_goes_on(text: str, named: str) -> None:
    assert [text[slice(*span)] for span in find_urls(text)] == [named]
    assert parse_request(text).urls == (named,)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("(see cat.png)", ["cat.png"]),
        ("(cat.png and dog(1).png)", ["cat.png", "dog(1).png"]),
        ("holiday.2024.v2.jpeg", ["holiday.2024.v2.jpeg"]),
        ("描述cat.jpg的内容", ["cat.jpg"]),
        ("猫.jpg", ["猫.jpg"]),
        ("a file called .png", []),
        ("the pngs and .mp4s, cat.pngs", []),
        (r"C:\pictures\cat.png, ../cat.png", ["cat.png", "../cat.png"]),
    ],
)
def test_a_file_name_is_as_long_as_it_is(text: str, named: list[str]) -> None:
    assert [text[slice(*span)] for span in find_file_names(text)] == named


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.JPEG", Kind.IMAGE),
        ("https://example.org/a.mp3?x=y.png", Kind.AUDIO),
        ("https://example.org/a.csv#row=3", Kind.TABLE),
        ("https://example.org/png", None),
        ("png", None),
        ("a.pdf", Kind.TEXT),
        ("a.xlsx", Kind.TABLE),
        ("a.avif", Kind.IMAGE),
        ("a.doc", None),
    ],
)
def test_a_suffix_promises_a_kind(name: str, kind: Kind | None) -> None:
    assert guess_kind(name) is kind


@pytest.mark.parametrize(
    "part",
    ["./", "a.png", "(a", "a(b", "http://", "a://(", "a://[", "a://()", "a://{}", "a://((", "https://a.md(", ".md", "猫.png猫"],
)
def test_nothing_takes_long(part: str) -> None:
    begun = time.process_time()
    list_addresses(part * (32_000 // len(part)))
    assert time.process_time() - begun < 2
