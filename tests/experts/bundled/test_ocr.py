"""Reading the text of a picture, and answering from a page."""

import time

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_sample_image

from benchmarks.truth import pictures
from hugginggpt.core.errors import InputError
from hugginggpt.experts.bundled import embeddings, image_classification, ocr
from tests.conftest import MEDIA
from tests.experts.bundled.conftest import Bench

NO_TEXT = (
    "There is no text to read in this picture, so the classifier efficientnet-lite0 says what it sees; "
    "it names things and does not describe scenes."
)


async def test_an_invoice_is_read_in_rows_and_columns(bench: Bench) -> None:
    done = await bench.run("image-to-text", image=bench.demo("invoice.png"))
    text, rows = done.text, done.text.splitlines()
    assert ["Felt chair pad", "6", "$18.57", "$111.42"] in done.data["tables"][0]
    (table,) = done.tables
    assert table[:2] == [["Description", "Quantity", "Unit price", "Amount"], ["Oak reading desk", "2", "$289.00", "$578.00"]]
    assert "BILL TO\tInvoice No. 20417" in rows
    assert "8 Lantern Street, Port Alder\tPayment due\t13 April 2025" in rows
    assert "Oak reading desk\t2\t$289.00\t$578.00" in rows
    assert "Brass desk lamp\t4\t$64.50\t$258.00" in rows
    assert "1,284.50" in text
    marks = ["INVOICE", "20417", "Description", "Oak reading desk", "Brass desk lamp", "Subtotal", "1,284.50"]
    places = [text.index(mark) for mark in marks]
    assert places == sorted(places)


async def test_a_sign_is_read_from_top_to_bottom_each_piece_with_a_score_and_a_box_inside_the_picture(bench: Bench) -> None:
    done = await bench.run("image-to-text", image=bench.demo("sign.jpg"))
    assert done.text == "BEACH CLOSED\nNO SWIMMING\nAFTER 6 PM"
    with Image.open(MEDIA / "sign.jpg") as image:
        width, height = image.size
    assert [line["text"] for line in done.data["lines"]] == done.text.splitlines()
    for line in done.data["lines"]:
        left, top, right, bottom = line["box"]
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        assert 0.5 <= line["score"] <= 1


async def test_boxes_are_given_in_pixels_of_the_picture_even_if_it_was_read_smaller(bench: Bench) -> None:
    image, font = Image.new("RGB", (3000, 1110), "white"), ImageFont.load_default(size=200)
    draw = ImageDraw.Draw(image)
    draw.text((1900, 450), "EXIT 42", font=font, fill="black")
    (line,) = (await bench.run("image-to-text", image=bench.picture(image))).data["lines"]
    assert line["text"] == "EXIT 42"
    assert line["box"] == pytest.approx(draw.textbbox((1900, 450), "EXIT 42", font=font), abs=120)


async def test_a_page_that_lies_askew_keeps_its_rows(bench: Bench) -> None:
    with Image.open(MEDIA / "invoice.png") as image:
        top = image.convert("RGB").crop((0, 0, image.width, image.height // 2))
    turned = top.rotate(4, expand=True, fillcolor="white", resample=Image.Resampling.BICUBIC)
    rows = (await bench.run("image-to-text", image=bench.picture(turned))).text.replace("\t", " ").splitlines()
    assert "BILL TO Invoice No. 20417" in rows
    assert "Oak reading desk 2 $289.00 $578.00" in rows


async def test_a_picture_without_text_gets_the_classifiers_sentence_and_its_name(bench: Bench) -> None:
    done = await bench.run("image-to-text", image=bench.demo("cat.jpg"))
    assert "cat" in done.text
    assert done.note == NO_TEXT
    assert done.result.models == (ocr.MODEL, image_classification.MODEL)
    assert done.data["lines"] == []


NOTICE = ("Swimming pool closed", "Monday to Wednesday", "Reopens Thursday at 8:30")


def draw_page(*lines: str, left: int = 40, size: int = 32) -> Image.Image:
    image = Image.new("RGB", (640, 80 + 60 * len(lines)), "white")
    for number, line in enumerate(lines):
        ImageDraw.Draw(image).text((left, 40 + 60 * number), line, "black", ImageFont.load_default(size))
    return image


@pytest.mark.parametrize("turn", [90, 180, 270])
async def test_a_turned_page_is_read_from_its_first_line_to_its_last(bench: Bench, turn: int) -> None:
    image = draw_page(*NOTICE).rotate(turn, expand=True)
    done = await bench.run("image-to-text", image=bench.picture(image))
    assert done.text.splitlines() == list(NOTICE)
    for line in done.data["lines"]:  # the boxes lie on the picture as it came
        left, top, right, bottom = line["box"]
        assert 0 <= left < right <= image.width
        assert 0 <= top < bottom <= image.height
        assert np.asarray(image.crop((int(left), int(top), int(right), int(bottom)))).min() < 100


def write_on(name: str, text: str, size: int) -> Image.Image:
    with Image.open(MEDIA / name) as opened:
        image = opened.convert("RGB")
    ImageDraw.Draw(image).text((30, image.height - 50), text, "white", ImageFont.load_default(size), stroke_width=1)
    return image


async def test_a_word_that_reads_upside_down_as_well_is_read_as_it_stands(bench: Bench) -> None:
    page = pictures.draw_page([["Name", "City"], ["Ann", "Hull"], ["Bo", "Oslo"], ["SOS", "Nuuk"]])
    done = await bench.run("image-to-text", image=bench.picture(page))
    assert done.text.split() == ["Name", "City", "Ann", "Hull", "Bo", "Oslo", "SOS", "Nuuk"]


async def test_a_picture_with_a_watermark_is_described_by_what_it_shows(bench: Bench) -> None:
    picture = bench.picture(write_on("cat.jpg", "STOCKPIX", 24))
    described = await bench.run("image-to-text", image=picture, instruction="describe")
    assert described.text.startswith("cat (")
    assert described.text.endswith(" Written in it: “STOCKPIX”.")
    assert described.result.models == (ocr.MODEL, image_classification.MODEL)


async def test_a_page_is_described_by_what_is_written_on_it(bench: Bench) -> None:
    done = await bench.run("image-to-text", image=bench.picture(draw_page(*NOTICE)), instruction="describe")
    assert done.text.splitlines() == list(NOTICE)


async def test_texture_is_not_read(bench: Bench) -> None:
    roofs = Image.fromarray(load_sample_image("china.jpg"))  # of which "AAA" was read
    done = await bench.run("image-to-text", image=bench.picture(roofs))
    assert done.note == NO_TEXT
    assert "written" not in done.text


@pytest.mark.parametrize("suffix", [".tif", ".gif"])
async def test_every_page_is_read(bench: Bench, suffix: str) -> None:
    path = bench.workspace.new_path(suffix)
    first, second = draw_page("Page one: swim slowly"), draw_page("Page two: bring a towel")
    first.save(path, save_all=True, append_images=[second, second])
    done = await bench.run("image-to-text", image=bench.workspace.add_file(path))
    unit, numbers = ("Page", 3) if suffix == ".tif" else ("Frame", 2)  # a frame like the one before says nothing new
    texts = ["Page one: swim slowly", "Page two: bring a towel", "Page two: bring a towel"][:numbers]
    assert done.text == "\n\n".join(f"{unit} {number}:\n{text}" for number, text in enumerate(texts, 1))


@pytest.mark.parametrize("size", [(1, 1), (500, 1), (1, 500), (5, 3000)])
async def test_a_picture_too_small_for_a_letter_is_not_searched_for_one(bench: Bench, size: tuple[int, int]) -> None:
    picture = bench.picture(Image.new("RGB", size, "red"))
    begun = time.process_time()
    assert (await bench.run("image-to-text", image=picture)).note == NO_TEXT
    assert time.process_time() - begun < 10  # searched, it would take more than a minute


async def test_a_strip_is_searched_in_reasonable_time(bench: Bench) -> None:
    picture = bench.picture(Image.new("RGB", (2000, 20), "white"))
    begun = time.process_time()
    assert (await bench.run("image-to-text", image=picture)).note == NO_TEXT
    assert time.process_time() - begun < 20  # as it is, it would take more than a minute


async def test_a_question_is_answered_with_the_piece_and_its_row(bench: Bench) -> None:
    picture = bench.demo("invoice.png")
    done = await bench.run("document-question-answering", image=picture, text="What is the total?")
    assert done.data["answer"] == "$1,284.50"
    assert done.text == f"$1,284.50 (“{done.data['sentence']}”)"
    assert done.data["sentence"].endswith("Total due $1,284.50")
    assert done.result.models == (ocr.MODEL, embeddings.MODEL)


async def test_a_page_without_text_answers_nothing(bench: Bench) -> None:
    picture = bench.picture(Image.new("RGB", (64, 64), "white"))
    with pytest.raises(InputError, match="no text to read in this picture"):
        await bench.run("document-question-answering", image=picture, text="What is the total?")
