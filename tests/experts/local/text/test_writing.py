"""Summaries, translations, rewritten and continued texts, replies."""

import pytest

from hugginggpt.core.errors import ExpertError, InputError, StoppedError
from hugginggpt.core.languages import detect_language, parse_language
from hugginggpt.core.sentences import pack_pieces, split_pieces
from hugginggpt.experts.cancel_token import CancelToken
from tests.conftest import MEDIA
from tests.experts.bundled.conftest import StoppedAfter
from tests.experts.local.conftest import LocalBench

REPORT = (MEDIA / "report.txt").read_text(encoding="utf-8")
SENTENCE = "The library stands on Lantern Street and it opened there in 1931."
SUMMARIZERS = ["tiny/t5", "tiny/bart-cnn", "tiny/pegasus", "tiny/mt5"]


@pytest.mark.parametrize("model", SUMMARIZERS)
async def test_a_long_text_is_summed_up_in_pieces(local: LocalBench, model: str) -> None:
    done = await local.run("summarization", model, text=REPORT[:700])
    assert done.data["parts"] > 2
    assert 0 < len(done.text.split()) < 400
    assert local.progress[0] == (f"Summing up, part 1 of {done.data['parts']}", 0.0)


@pytest.mark.parametrize("model", SUMMARIZERS)
async def test_a_short_text_is_summed_up_at_once_also_a_single_word(local: LocalBench, model: str) -> None:
    for text in (SENTENCE, "Books"):
        done = await local.run("summarization", model, text=text)
        assert done.data["parts"] == 1
        assert done.text


async def test_the_instruction_sets_the_length_of_a_summary(local: LocalBench) -> None:
    short = await local.run("summarization", "tiny/pegasus", text=SENTENCE, instruction="in 6 words")
    long = await local.run("summarization", "tiny/pegasus", text=SENTENCE, instruction="in 40 words")
    assert len(short.text) < len(long.text)
    listed = await local.run("summarization", "tiny/bart-cnn", text=SENTENCE, instruction="two bullet points")
    assert all(line.startswith("- ") for line in listed.text.splitlines())
    assert len(listed.text.splitlines()) <= 2


@pytest.mark.parametrize("model", ["tiny/flan-t5", "tiny/bart-cnn", "tiny/mt5"])
async def test_a_text_is_rewritten(local: LocalBench, model: str) -> None:
    done = await local.run("text2text-generation", model, text=SENTENCE)
    assert done.text


async def test_only_a_model_that_follows_instructions_is_given_them(local: LocalBench) -> None:
    follows = await local.run("text2text-generation", "tiny/flan-t5", text=SENTENCE, instruction="Make it polite")
    assert follows.result.note == ""
    ignores = await local.run("text2text-generation", "tiny/bart-cnn", text=SENTENCE, instruction="Make it polite")
    assert "takes no instructions" in ignores.result.note


@pytest.mark.parametrize(
    ("model", "language"),
    [
        ("tiny/t5", "French"),
        ("tiny/madlad", "de"),
        ("tiny/mt5", "German"),
        ("tiny/opus-mt-en-de", "Deutsch"),
        ("tiny/opus-mt-en-roa", "italiano"),
        ("tiny/m2m100", "into Japanese"),
        ("tiny/nllb", "Traditional Chinese"),
        ("tiny/mbart-many", "pt-BR"),
    ],
)
async def test_a_text_is_translated_into_the_language_that_is_named(local: LocalBench, model: str, language: str) -> None:
    done = await local.run("translation", model, text=f"{SENTENCE} It is old.\n\nThe end of it.", language=language)
    assert done.data == {"source": "en", "target": parse_language(language).code}
    assert done.text.count("\n\n") == 1
    assert len(local.progress) == 3


async def test_a_long_sentence_without_a_stop_is_translated_whole(local: LocalBench) -> None:
    done = await local.run("translation", "tiny/opus-mt-en-de", text="the book and " * 40)
    assert done.data["target"] == "de"
    assert len(local.progress) > 3


@pytest.mark.parametrize(
    ("model", "text", "language", "sentence"),
    [
        ("tiny/opus-mt-en-de", SENTENCE, "French", "translates into German, not into French"),
        ("tiny/opus-mt-en-de", "Die Bibliothek ist nicht alt und sie ist schön.", "", "translates from English"),
        ("tiny/opus-mt-en-roa", SENTENCE, "Finnish", "doesn't translate into Finnish"),
        ("tiny/t5", SENTENCE, "Japanese", "English to German, English to French"),
        ("tiny/madlad", SENTENCE, "Japanese", "doesn't translate into Japanese"),
        ("tiny/nllb", SENTENCE, "Japanese", "doesn't know Japanese"),
    ],
)
async def test_a_pair_that_a_model_does_not_do_is_refused(
    local: LocalBench, model: str, text: str, language: str, sentence: str
) -> None:
    with pytest.raises(ExpertError, match=sentence) as caught:
        await local.run("translation", model, text=text, language=language)
    assert not isinstance(caught.value, InputError)  # another model may do it


async def test_a_language_that_nobody_knows_is_refused(local: LocalBench) -> None:
    with pytest.raises(InputError, match="“Klingon” is no language"):
        await local.run("translation", "tiny/nllb", text=SENTENCE, language="Klingon")


async def test_without_a_language_a_text_becomes_english_and_an_english_one_asks_for_it(local: LocalBench) -> None:
    done = await local.run("translation", "tiny/nllb", text="Die Bibliothek ist nicht alt und sie ist schön.")
    assert done.data == {"source": "de", "target": "en"}
    with pytest.raises(InputError, match="Name the language"):
        await local.run("translation", "tiny/nllb", text=SENTENCE)


async def test_a_text_that_is_in_the_language_already_stays_as_it_is(local: LocalBench) -> None:
    done = await local.run("translation", "tiny/nllb", text=SENTENCE, language="English")
    assert done.text == SENTENCE
    assert done.result.note == "The text is in English already."


async def test_a_language_model_goes_on_with_a_text(local: LocalBench) -> None:
    done = await local.run("text-generation", "tiny/gpt2", text=SENTENCE)
    assert done.text.startswith(SENTENCE)
    assert done.text.endswith(done.data["written"])
    assert local.progress[0] == ("Writing, 16 tokens", 0.5)


@pytest.mark.parametrize("task", ["text-generation", "conversational"])
async def test_a_chat_model_replies(local: LocalBench, task: str) -> None:
    done = await local.run(task, "tiny/llama-chat", text=SENTENCE)
    assert done.text
    assert not done.text.startswith(SENTENCE)
    assert "<|im_" not in done.text


async def test_an_encoder_decoder_talks_too(local: LocalBench) -> None:
    done = await local.run("conversational", "tiny/blenderbot", text="Hello, how are you?")
    assert done.text


@pytest.mark.parametrize(
    ("task", "model"),
    [("text-generation", "tiny/gpt2"), ("conversational", "tiny/llama-chat"), ("conversational", "tiny/blenderbot")],
)
async def test_a_text_beyond_the_window_loses_its_middle_and_says_so(local: LocalBench, task: str, model: str) -> None:
    done = await local.run(task, model, text=REPORT)
    assert done.text
    assert "its middle was left out" in done.result.note


@pytest.mark.parametrize(
    ("task", "model"),
    [("summarization", "tiny/bart-cnn"), ("translation", "tiny/opus-mt-en-de"), ("text2text-generation", "tiny/flan-t5")],
)
async def test_long_work_can_be_stopped_half_way(local: LocalBench, task: str, model: str) -> None:
    with pytest.raises(StoppedError):
        await local.run(task, model, StoppedAfter(looks=4), text=REPORT[:1500])
    assert len(local.progress) < 4


class StoppedInside(CancelToken):
    """A token that is cancelled at the fifth look of a model that writes."""

    seen = 0

    @property
    def cancelled(self) -> bool:
        self.seen += 1
        return self.seen > 5


@pytest.mark.parametrize(("task", "model"), [("text-generation", "tiny/gpt2"), ("conversational", "tiny/llama-chat")])
async def test_stop_reaches_into_the_writing(local: LocalBench, task: str, model: str) -> None:
    with pytest.raises(StoppedError):
        await local.run(task, model, StoppedInside(), text=SENTENCE)
    assert local.progress == []  # the first report comes after 16 tokens


@pytest.mark.parametrize(
    ("task", "model"),
    [
        ("summarization", "tiny/t5"),
        ("translation", "tiny/t5"),
        ("text2text-generation", "tiny/flan-t5"),
        ("text-generation", "tiny/gpt2"),
        ("conversational", "tiny/llama-chat"),
    ],
)
async def test_an_empty_text_is_refused(local: LocalBench, task: str, model: str) -> None:
    with pytest.raises(InputError, match="empty"):
        await local.run(task, model, text="  ")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The library is in the town and it was old.", "en"),
        ("La bibliothèque est dans la ville et elle est vieille.", "fr"),
        ("Il libro è sul tavolo e non è mio.", "it"),
        ("Я люблю книги.", "ru"),
        ("Я люблю їжу.", "uk"),
        ("これは本です。", "ja"),
        ("这是一本书。", "zh"),
        ("책을 좋아합니다.", "ko"),
        ("Hello", None),
        ("123", None),
    ],
)
def test_the_language_of_a_text_is_told_where_it_is_sure(text: str, code: str | None) -> None:
    found = detect_language(text)
    assert (found.code if found else None) == code


@pytest.mark.parametrize(
    "words", ["German", "german", "Deutsch", "de", "deu", "ger", "de-DE", "deu_Latn", "into German, please"]
)
def test_a_language_has_many_names(words: str) -> None:
    assert parse_language(words).code == "de"


def test_a_text_is_cut_at_sentences_and_all_of_it_is_kept() -> None:
    text = "Er kam am 3. Juni. Dr. Lee sah ihn!\n\n“Ja?” 这是书。那不是。 " + "word " * 60
    parts = pack_pieces(split_pieces(text), len, 40)
    assert "".join(part.text + part.gap for part in parts) == text
    assert max(len(part.text) for part in parts) <= 40
    assert parts[0].text == "Er kam am 3. Juni. Dr. Lee sah ihn!"
