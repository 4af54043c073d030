"""Bundled models that know English only, given other languages: they say so instead of judging."""

from dataclasses import replace

import pytest

from hugginggpt.core.errors import ExpertError
from tests.core.test_languages import FEW_WORDS
from tests.experts.bundled.conftest import Bench

GERMAN = "Die Bibliothek öffnet um neun Uhr. Am Montag ist sie geschlossen. Bitte bringen Sie Ihren Ausweis mit."


@pytest.mark.parametrize(
    ("task", "inputs"),
    [
        *(("text-classification", {"text": FEW_WORDS[code][0]}) for code in ("de", "fr", "es", "pl", "ru", "zh")),
        ("sentence-similarity", {"text": FEW_WORDS["ar"][0], "other_text": "I love this hotel"}),
        ("sentence-similarity", {"text": "I love this hotel", "other_text": FEW_WORDS["it"][0]}),
        ("zero-shot-classification", {"text": FEW_WORDS["tr"][1], "labels": "praise, complaint"}),
    ],
)
async def test_no_judgement_of_what_cannot_be_read(bench: Bench, task: str, inputs: dict[str, str]) -> None:
    with pytest.raises(ExpertError, match=r"reads English only, and this text looks like [A-Z]\w+: "):
        await bench.run(task, **inputs)


async def test_sentences_that_an_english_model_chose_say_so(bench: Bench) -> None:
    done = await bench.run("summarization", text=GERMAN)
    assert done.note.endswith("all-MiniLM-L6-v2 is made for English, and this text looks like German.")


async def test_words_that_an_english_voice_speaks_say_so(bench: Bench) -> None:
    done = await bench.run("text-to-speech", text="Das Essen war kalt.")
    assert done.note == "hibari-tts is made for English, and this text looks like German."


async def test_a_question_is_left_to_another_model_where_there_is_one(bench: Bench) -> None:
    call = bench.call("question-answering", text=GERMAN, question="When does the library open?")
    with pytest.raises(ExpertError, match="reads English only, and this text looks like German: "):
        await bench.expert.run(replace(call, has_fallback=True))
    assert "I read English texts only" in (await bench.expert.run(call)).note
