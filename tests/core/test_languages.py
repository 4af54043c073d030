"""Languages: named by people in their own languages, coded by models, told from texts."""

from __future__ import annotations

import time

import pytest

from hugginggpt.core.errors import InputError
from hugginggpt.core.languages import find_language, get_language, parse_language


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("German", "de"), ("Deutsch", "de"), ("allemand", "de"), ("nach Deutsch bitte", "de"), ("de-DE", "de"),
        ("deu_Latn", "de"),
        ("日本語", "ja"), ("中文", "zh"), ("Simplified Chinese", "zh"), ("Traditional Chinese", "zh-tw"), ("zh_TW", "zh-tw"),
        ("Brazilian Portuguese", "pt"), ("into Farsi", "fa"), ("Bangla", "bn"), ("castellano", "es"), ("türkmençe", "tk"),
        ("Flemish", "nl"), ("into “Norwegian”.", "no"),
    ],
)  # fmt: skip
def test_a_language_is_known_by_whatever_people_and_models_call_it(words: str, code: str) -> None:
    assert parse_language(words).code == code


@pytest.mark.parametrize("words", ["Klingon", "is it so", "", "a cat", "🙂"])
def test_what_is_no_known_language_is_refused(words: str) -> None:
    assert find_language(words) is None
    with pytest.raises(InputError, match="no language that is known here"):
        parse_language(words)


def test_names_are_those_that_people_here_know() -> None:
    assert [get_language(code).name for code in ("bn", "nb", "zho_Hans", "tl", "pt_BR")] == [  # type: ignore[union-attr]
        "Bengali", "Norwegian", "Chinese", "Tagalog", "Portuguese",
    ]  # fmt: skip


def test_a_models_own_code_is_found_the_preferred_first() -> None:
    chinese, german = parse_language("Chinese"), parse_language("German")
    assert chinese.find_code(["zho_Hant", "zho_Hans"]) == "zho_Hans"
    assert german.find_code(["de_DE", "en_XX"]) == "de_DE"
    assert german.find_code(["fr"]) is None


def test_a_text_without_end_is_no_name_and_takes_no_time() -> None:
    begun = time.process_time()
    assert find_language("word " * 100_000) is None
    assert time.process_time() - begun < 2
