"""Pictures in words: captions, and answers about photographs and documents."""

from pathlib import Path

import pytest
from PIL import Image

from hugginggpt.core.errors import InputError, StoppedError
from hugginggpt.core.resources import Resource
from tests.checkpoints.documents import ANSWERS
from tests.conftest import MEDIA
from tests.experts.bundled.conftest import StoppedAfter
from tests.experts.local.conftest import LocalBench

CAPTIONERS = ["tiny/blip-captioning", "tiny/blip2", "tiny/git", "tiny/vit-gpt2-image-captioning"]
CHATS = ["tiny/idefics3", "tiny/smolvlm", "tiny/llava", "tiny/qwen2-vl", "tiny/qwen2.5-vl"]
QUESTION = "What is the invoice number?"


@pytest.fixture
def page(local: LocalBench, tmp_path: Path) -> Resource:
    """The upper part of an invoice: less to read. It is as high as it is for the reader would enlarge a lower one."""
    with Image.open(MEDIA / "invoice.png") as invoice:
        upper = invoice.convert("RGB").crop((0, 0, 880, 250))
    page = Image.new("RGB", (880, 740), "white")
    page.paste(upper)
    page.save(tmp_path / "page.png")
    return local.file(tmp_path / "page.png")


@pytest.mark.parametrize("model", CAPTIONERS + CHATS)
async def test_a_picture_is_described(local: LocalBench, model: str) -> None:
    done = await local.run("image-to-text", model, image=local.demo("cat.jpg"))
    assert done.text
    assert done.text == done.text.strip()
    assert "describe" not in done.text.lower()  # what is said, not what was asked


async def test_a_reader_of_lines_says_so_where_there_may_be_more(local: LocalBench, tmp_path: Path) -> None:
    page = await local.run("image-to-text", "tiny/trocr", image=local.demo("sign.jpg"))
    assert page.text
    assert "one line" in page.result.note
    Image.new("RGB", (300, 40), "white").save(tmp_path / "line.png")
    line = await local.run("image-to-text", "tiny/trocr", image=local.file(tmp_path / "line.png"))
    assert not line.result.note


async def test_vilt_chooses_among_its_answers(local: LocalBench) -> None:
    done = await local.run("visual-question-answering", "tiny/vilt", image=local.demo("cat.jpg"), text="Is it a cat?")
    answers = done.data["answers"]
    assert len(answers) == 5
    assert {entry["answer"] for entry in answers} <= set(ANSWERS.values())
    scores = [entry["score"] for entry in answers]
    assert scores == sorted(scores, reverse=True)
    assert 0 <= scores[-1] <= scores[0] <= 1
    assert done.text == answers[0]["answer"]


@pytest.mark.parametrize("model", ["tiny/blip-vqa", *CHATS])
async def test_questions_about_pictures_are_answered(local: LocalBench, model: str) -> None:
    done = await local.run("visual-question-answering", model, image=local.demo("cat.jpg"), text="Is it a cat?")
    assert done.text
    assert "Is it a cat" not in done.text


@pytest.mark.parametrize("model", ["tiny/vilt", "tiny/blip-vqa"])
async def test_a_question_longer_than_the_model_reads_is_cut(local: LocalBench, model: str) -> None:
    text = "Is it a cat, " * 100
    done = await local.run("visual-question-answering", model, image=local.demo("cat.jpg"), text=text)
    assert done.text


@pytest.mark.parametrize("model", ["tiny/layoutlm", "tiny/layoutlmv3"])
async def test_an_answer_is_words_of_the_page_where_they_stand(local: LocalBench, page: Resource, model: str) -> None:
    done = await local.run("document-question-answering", model, image=page, text=QUESTION)
    assert done.text == done.data["answer"] != ""
    assert 0 <= done.data["score"] <= 1
    left, top, right, bottom = done.data["box"]
    assert 0 <= left < right <= 880
    assert 0 <= top < bottom <= 250
    assert done.result.models == ("PP-OCRv6-small", model)


@pytest.mark.parametrize("model", ["tiny/donut-docvqa", *CHATS])
async def test_models_that_read_for_themselves_write_the_answer(local: LocalBench, model: str) -> None:
    done = await local.run("document-question-answering", model, image=local.demo("invoice.png"), text=QUESTION)
    assert done.text
    assert "invoice number" not in done.text
    assert not done.result.models


@pytest.mark.parametrize("model", ["tiny/layoutlm", "tiny/layoutlmv3", "tiny/donut-docvqa"])
async def test_a_long_question_leaves_room_for_the_page(local: LocalBench, page: Resource, model: str) -> None:
    text = "What is the invoice number of the " + "very " * 200 + "long invoice?"
    done = await local.run("document-question-answering", model, image=page, text=text)
    assert done.text


async def test_a_page_without_text_answers_nothing(local: LocalBench, tmp_path: Path) -> None:
    Image.new("RGB", (300, 200), "white").save(tmp_path / "empty.png")
    with pytest.raises(InputError, match="no text"):
        await local.run("document-question-answering", "tiny/layoutlm", image=local.file(tmp_path / "empty.png"), text=QUESTION)


@pytest.mark.parametrize("model", ["tiny/vilt", "tiny/llava"])
async def test_no_question_is_an_error(local: LocalBench, model: str) -> None:
    with pytest.raises(InputError, match="empty"):
        await local.run("visual-question-answering", model, image=local.demo("cat.jpg"), text=" ")


@pytest.mark.parametrize("model", [*CAPTIONERS, "tiny/trocr", *CHATS])
@pytest.mark.parametrize("size", [(1, 1), (500, 1)])
async def test_pictures_of_any_size_are_described(local: LocalBench, tmp_path: Path, size: tuple[int, int], model: str) -> None:
    Image.new("RGB", size, "red").save(tmp_path / "odd.png")
    done = await local.run("image-to-text", model, image=local.file(tmp_path / "odd.png"))
    assert done.text


@pytest.mark.parametrize("model", ["tiny/blip-captioning", "tiny/vit-gpt2-image-captioning", "tiny/llava"])
async def test_a_stopped_description_is_thrown_away(local: LocalBench, model: str) -> None:
    with pytest.raises(StoppedError):
        await local.run("image-to-text", model, StoppedAfter(1), image=local.demo("cat.jpg"))
