"""From which language into which."""

from __future__ import annotations

import pytest

from hugginggpt.core.errors import ExpertError
from hugginggpt.core.languages import Language, get_language
from hugginggpt.core.model_card import ModelCard
from hugginggpt.experts.hosted.translation import choose_parameters


def language(code: str) -> Language | None:
    return get_language(code) if code else None


def card(name: str, *languages: str) -> ModelCard:
    return ModelCard(name, "translation", "hosted", "", languages=languages)


@pytest.mark.parametrize(
    ("model", "spoken", "wanted", "expected"),
    [
        (card("Helsinki-NLP/opus-mt-en-de"), "en", "de", (None, None, "", True, "de")),
        (card("Helsinki-NLP/opus-mt-en-de"), "", "", (None, None, "", True, "de")),
        (card("facebook/m2m100_418M"), "de", "fr", ("de", "fr", "", True, "fr")),
        (card("google-t5/t5-base"), "en", "de", (None, None, "translate English to German: ", True, "de")),
        (card("google/madlad400-3b-mt"), "", "ja", (None, None, "<2ja> ", True, "ja")),
        (card("o/any", "multilingual"), "de", "fr", (None, None, "", False, "fr")),
        (card("o/any"), "", "", (None, None, "", False, None)),
    ],
)
def test_a_model_is_told_what_it_needs(
    model: ModelCard, spoken: str, wanted: str, expected: tuple[str | None, str | None, str, bool, str | None]
) -> None:
    way = choose_parameters(model, language(spoken), language(wanted))
    assert (way.source, way.target, way.prefix, way.sure, way.into.code if way.into else None) == expected


@pytest.mark.parametrize(
    ("model", "spoken", "wanted", "said"),
    [
        (card("Helsinki-NLP/opus-mt-en-de"), "en", "fr", "is not for French"),
        (card("Helsinki-NLP/opus-mt-en-de"), "de", "en", "is not for English"),
        (card("Helsinki-NLP/opus-mt-en-de"), "fr", "", "is not for French"),
        (card("facebook/m2m100_418M"), "", "fr", "must be told the text's language, which isn't sure"),
        (card("facebook/nllb-200-distilled-600M"), "en", "fr", "can't be told from here which languages are meant"),
        (card("o/pair", "en", "de"), "en", "fr", "is not for French"),
        (card("o/pair", "en", "de"), "fr", "de", "is not for German"),
    ],
)
def test_a_model_for_another_pair_is_refused(model: ModelCard, spoken: str, wanted: str, said: str) -> None:
    with pytest.raises(ExpertError, match=said):
        choose_parameters(model, language(spoken), language(wanted))
