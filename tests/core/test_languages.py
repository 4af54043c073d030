"""Languages: named by people in their own languages, coded by models, told from texts."""

from __future__ import annotations

import time

import pytest

from hugginggpt.core.errors import InputError
from hugginggpt.core.languages import detect_language, find_language, get_language, name_foreign_language, parse_language


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


FEW_WORDS = {
    "de": ["Ich liebe dieses Hotel", "Das ist schrecklich", "Der Zug war pünktlich.", "Nie wieder, sehr schlecht!"],
    "fr": ["J'adore cet hôtel", "La nourriture était froide.", "Je déteste ça", "Le train part à neuf heures"],
    "es": ["El servicio fue excelente", "¿Dónde estás?", "Muy decepcionado, nunca más", "Muchas gracias por todo"],
    "it": ["È terribile", "Il cibo era freddo.", "Grazie mille per tutto"],
    "pt": ["Isto é terrível", "Muito obrigado por tudo", "A comida estava fria."],
    "nl": ["Dit is verschrikkelijk", "Het eten was koud.", "Waar ben je?"],
    "sv": ["Jag älskar det här hotellet", "Tack så mycket för allt"],
    "pl": ["To jest okropne", "Dziękuję bardzo za wszystko"],
    "tr": ["Bu oteli çok seviyorum", "Yemek soğuktu."],
    "fi": ["Tämä on kauheaa", "Ruoka oli kylmää."],
    "vi": ["Tôi yêu khách sạn này"],
    "ru": ["Я люблю этот отель", "Это ужасно"],
    "uk": ["Це жахливо, їжа була холодна"],
    "ar": ["أحب هذا الفندق"],
    "hi": ["मुझे यह होटल पसंद है"],
    "zh": ["我喜欢这家酒店"],
    "ja": ["最悪だった", "このホテルが大好きです"],
    "ko": ["이 호텔을 사랑해요"],
}
FEW_ENGLISH_WORDS = [
    "I love this hotel", "Great service!", "no comment", "hi", "Awesome!!", "lol that was so funny", "Total: 12 EUR",
    "Die Hard is a good film", "El Niño was strong this year", "The chef is French", "Meet me in Los Angeles",
    "Que sera sera is a song", "A man, a plan", "Si is silicon", "Man on fire", "a de facto standard", "disk full on /dev/sda1",
]  # fmt: skip


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, texts in FEW_WORDS.items() for text in texts])
def test_few_words_tell_their_language(code: str, text: str) -> None:
    found = detect_language(text)
    assert found is not None
    assert found.code == code
    assert name_foreign_language(text, ["en"]) == found.name
    assert name_foreign_language(text, ["en", code]) == ""


@pytest.mark.parametrize("text", [*FEW_ENGLISH_WORDS, "", "20417", "🙂"])
def test_english_is_taken_for_no_other_language(text: str) -> None:
    assert name_foreign_language(text, ["en"]) == ""
    assert (detect_language(text) or get_language("en")) == get_language("en")


def test_that_words_are_not_english_shows_before_it_shows_what_they_are() -> None:
    assert detect_language("Maten var kall.") is None
    assert name_foreign_language("Maten var kall.", ["en"])
    assert name_foreign_language("Das ist schrecklich", []) == ""
