"""Languages that a model reads, and texts in others."""

from pathlib import Path

import pytest

from hugginggpt.core.errors import ExpertError, InputError
from hugginggpt.core.model_card import ModelCard
from hugginggpt.experts.base import Call
from hugginggpt.experts.languages import check_language, describe_foreign_text
from tests.core.test_languages import FEW_WORDS


def call(text: str, *languages: str) -> Call:
    return Call(ModelCard("a-model", "text-classification", "bundled", "", languages=languages), {"text": text}, Path)


def test_a_text_in_another_language_is_left_to_another_model() -> None:
    with pytest.raises(
        ExpertError, match=r"^a-model reads English only, and this text looks like German: .* a model for German"
    ) as e:
        check_language(call(FEW_WORDS["de"][0], "en"))
    assert not isinstance(e.value, InputError)  # which no other model is tried after


@pytest.mark.parametrize("languages", [(), ("multilingual",), ("en", "de")])
def test_a_model_that_reads_it_is_not_stopped(languages: tuple[str, ...]) -> None:
    check_language(call(FEW_WORDS["de"][0], *languages))
    assert describe_foreign_text(call(FEW_WORDS["de"][0], *languages)) == ""


def test_a_result_of_use_says_what_the_model_is_made_for() -> None:
    note = describe_foreign_text(call(FEW_WORDS["ja"][0], "en", "fr"))
    assert note == "a-model is made for English and French, and this text looks like Japanese."
