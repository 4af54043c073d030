"""Every phrase is there in every language, with the same values, and is used."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest
import yaml

from hugginggpt.ui.i18n import LANGUAGES, Words, choose_words, load_i18n

PHRASES = {
    f"{file.stem}.{key}": phrase
    for file in sorted((Path(__file__).parents[3] / "hugginggpt" / "ui" / "i18n").glob("*.yaml"))
    for key, phrase in yaml.safe_load(file.read_text(encoding="utf-8")).items()
}
CODE = "\n".join(path.read_text(encoding="utf-8") for path in (Path(__file__).parents[3] / "hugginggpt").rglob("*.py"))


@pytest.mark.parametrize("key", PHRASES)
def test_a_phrase_is_there_in_every_language_with_the_same_values(key: str) -> None:
    assert set(PHRASES[key]) == set(LANGUAGES)
    values = {language: {name for _, name, _, _ in Formatter().parse(text) if name} for language, text in PHRASES[key].items()}
    assert len({frozenset(names) for names in values.values()}) == 1, values


@pytest.mark.parametrize("key", PHRASES)
def test_no_phrase_is_left_over(key: str) -> None:
    whole = key.removesuffix("_one")
    start = whole.rpartition("_")[0] or whole  # "chat.status_failed" is made from "chat.status_" and a status
    said = rf"['\"](?:{re.escape(whole)}['\"]|{re.escape(start)}_\{{)"
    assert re.search(said, CODE), "nothing says this"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("en-GB", "en"), ("fr-FR,zh;q=0.5", "zh"), ("fr", "en"), ("", "en"), (None, "en")],
)
def test_the_browsers_first_language_that_is_here_counts(accepted: str | None, language: str) -> None:
    assert choose_words(accepted).language == language


@pytest.mark.parametrize("key", ["brain.remember_info", "models.token_remember_info"])
def test_what_remembering_a_key_means_is_said_where_it_is_chosen(key: str) -> None:
    """Browser storage is no vault, and the page may not promise one."""
    promised = {
        "en": ("this browser's storage", "anyone who uses this browser profile", "any script", "not for shared computers"),
        "zh": ("此浏览器的存储", "任何人", "任何脚本", "请勿在公用电脑上使用"),
    }
    assert [
        (language, part) for language, parts in promised.items() for part in parts if part not in PHRASES[key][language].lower()
    ] == []


def test_values_are_filled_in_and_one_is_told_from_many() -> None:
    assert [Words("en")("chat.planned", count=count) for count in (0, 1, 2)] == [
        "Planned 0 tasks",
        "Planned 1 task",
        "Planned 2 tasks",
    ]
    assert "2" in Words("zh")("chat.planned", count=2)


def test_a_phrase_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        Words("en")("chat.nonsense")


def test_gradio_is_given_all_of_them() -> None:
    assert {language: len(phrases) for language, phrases in load_i18n().translations.items()} == dict.fromkeys(
        LANGUAGES, len(PHRASES)
    )
