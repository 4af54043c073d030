"""Texts are read in the encodings that people's files are in, without a mark and however short they are."""

import random
from contextlib import suppress

import pytest

from hugginggpt.workspace.encodings import decode_text, find_encoding

SAMPLES = {
    "gb18030": (
        "你好",
        "价格：三百元",
        "会议将于星期三上午十点在三楼会议室举行。请大家准时参加。",
        "姓名,年龄\n张伟,30\n李娜,28\n",
    ),
    "big5": ("價格：三百元", "會議將於星期三上午十點舉行，請準時參加。", "姓名,年齡\n陳大文,30\n"),
    "cp932": ("こんにちは", "価格は三百円です。", "東京都千代田区一丁目"),
    "euc_jp": ("こんにちは", "会議は水曜日の午前十時から三階の会議室で行われます。"),
    "iso2022_jp": ("こんにちは", "会議は水曜日です。"),
    "cp949": ("안녕하세요", "가격: 삼백 원", "회의는 수요일 오전 10시에 3층 회의실에서 열립니다."),
    "cp1252": ("Käse", "Preis: 5 € für Äpfel", "Größe: 5 m²", "L’été dernier, c’était très agréable.", "¿Dónde está el niño?"),
    "cp1251": ("Привет, мир", "Встреча состоится в среду в десять часов утра."),
    "koi8_r": ("Привет, мир", "Встреча состоится в среду в десять часов утра."),
    "cp1250": ("Łódź, ulica Główna", "Zażółć gęślą jaźń. Spotkanie odbędzie się w środę."),
    "cp1253": ("Η συνάντηση θα γίνει την Τετάρτη στις δέκα το πρωί.",),
    "utf_16_le": ("Hello there", "会议将于星期三上午十点举行。", "こんにちは、世界", "name,age\r\nJürgen,30\r\n"),
    "utf_16_be": ("Hello there", "会议将于星期三上午十点举行。", "Встреча состоится в среду."),
    "utf-32": ("Grüße",),
    "utf-16": ("Grüße", "你好"),
    "utf-8-sig": ("Grüße",),
}


@pytest.mark.parametrize(("encoding", "text"), [(encoding, text) for encoding, texts in SAMPLES.items() for text in texts])
def test_a_text_is_what_was_written(encoding: str, text: str) -> None:
    assert decode_text(text.encode(encoding))[0] == text


def test_what_is_no_text_has_no_encoding() -> None:
    chance = random.Random(7)
    assert {find_encoding(chance.randbytes(size)) for size in range(200, 3_000, 40)} == {""}


def test_the_shortest_files_are_texts_or_none() -> None:
    for raw in (b"", *(bytes([first]) for first in range(256)), *(bytes([first, 0x89]) for first in range(256))):
        with suppress(UnicodeDecodeError):
            decode_text(raw)


def test_a_long_text_is_judged_by_its_beginning_and_read_whole() -> None:
    text = "Größe und Maß\n" * 100_000
    assert decode_text(text.encode("cp1252")) == (text, "cp1252")
    with pytest.raises(UnicodeDecodeError):
        decode_text(text.encode("cp1252") + b"\0\1\2")
