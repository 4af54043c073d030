"""Documents that people bring, read in this process; the process with limits has tests of its own."""

import datetime
import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from hugginggpt.workspace.documents.child import read_document
from hugginggpt.workspace.documents.document import MAX_PICTURES, MAX_SCANNED_PAGES, MAX_TABLES, Document, DocumentError
from tests.workspace.documents import (
    make_docx,
    make_epub,
    make_odt,
    make_pdf,
    make_pptx,
    make_xlsx,
    make_zip,
    paragraph,
    word_table,
    write_table,
)
from tests.workspace.files import PIXELS, encoded, file

PRICES = [["Item", "Price"], ["Tea", "2.50"], ["Milk", "1.20"]]
MARKDOWN = "| Item | Price |\n| --- | --- |\n| Tea | 2.50 |\n| Milk | 1.20 |"
CSV = "Item,Price\nTea,2.50\nMilk,1.20\n"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


def picture(width: int = 200, height: int = 100, colour: str = "red") -> Image.Image:
    image = Image.new("RGB", (width, height), colour)
    ImageDraw.Draw(image).ellipse((5, 5, width - 5, height - 5), "white")
    return image


def read(data: bytes, folder: Path) -> Document:
    return read_document(file(folder, data), folder, max_pixels=PIXELS)


def text(document: Document) -> str:
    return "\n---\n".join(section.text for section in document.sections)


LONG = "The roof will be repaired from Monday on.\nPlease park elsewhere, in Mill Lane or so, until Friday."


@pytest.mark.parametrize(
    ("data", "format_", "expected"),
    [
        (make_pdf([LONG]), "PDF", LONG),
        (
            make_pdf([LONG, "Second page (with brackets) and more than a few words on it."]),
            "PDF",
            "Second page (with brackets)",
        ),
        (b"junk before it\n" + make_pdf([LONG]), "PDF", "Please park elsewhere"),
        (make_docx(paragraph("Dear Ann,") + paragraph("The fee is 12 &lt; 13.")), "Word", "Dear Ann,\n\nThe fee is 12 < 13."),
        (make_docx(paragraph("请带上你的护照。")), "Word", "请带上你的护照。"),
        (make_pptx([{"title": "Plan", "text": "Buy paint\nAsk Tom"}]), "PowerPoint", "Plan\n\nBuy paint\nAsk Tom"),
        (make_pptx([{"title": "A", "notes": "Speak slowly"}]), "PowerPoint", "Notes: Speak slowly"),
        (make_epub(["<h1>One</h1><p>It was late.</p>", "<p>She left.</p>"]), "EPUB", "One\n\nIt was late.\n---\nShe left."),
        (make_odt("<text:h>Offer</text:h><text:p>Two<text:s/>rooms</text:p>"), "OpenDocument", "Offer\n\nTwo rooms"),
        (make_odt("<text:list><text:list-item><text:p>milk</text:p></text:list-item></text:list>"), "OpenDocument", "- milk"),
        (rb"{\rtf1\ansi\ansicpg1252 Dear \b Ann\b0 ,\par caf\'e9 at \u9829? noon}", "RTF", "Dear Ann,\ncafé at ♥ noon"),
        (rb"{\rtf1\ansi{\fonttbl{\f0 Arial;}}\trowd\cellx1\cellx2 Tea\cell 2.50\cell\row}", "RTF", "Tea|2.50"),
    ],
)
def test_the_text_of_a_document_is_read(data: bytes, format_: str, expected: str, tmp_path: Path) -> None:
    document = read(data, tmp_path)
    assert document.format == format_
    assert expected in text(document)
    assert not document.remarks


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (make_pdf([write_table(PRICES)]), "page 1, table 1"),
        (make_docx(paragraph("Prices") + word_table(PRICES)), "table 1"),
        (make_pptx([{"title": "Prices", "table": PRICES}]), "slide 1, table 1"),
        (make_epub(["<table><tr><td>Item<td>Price<tr><td>Tea<td>2.50<tr><td>Milk<td>1.20</table>"]), "chapter 1, table 1"),
        (
            make_odt(
                "<table:table>"
                + "".join(
                    "<table:table-row>"
                    + "".join(f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>" for cell in row)
                    + "</table:table-row>"
                    for row in PRICES
                )
                + "</table:table>"
            ),
            "table 1",
        ),
    ],
    ids=["pdf", "docx", "pptx", "epub", "odt"],
)
def test_a_table_stands_in_the_text_and_is_a_file(data: bytes, place: str, tmp_path: Path) -> None:
    document = read(data, tmp_path)
    assert MARKDOWN in text(document)
    assert [part.place for part in document.tables] == [place]
    assert (tmp_path / document.tables[0].file).read_text() == CSV


def test_what_stands_around_a_table_of_a_page_is_read_once_and_in_order(tmp_path: Path) -> None:
    document = read(make_pdf([write_table(PRICES)]), tmp_path)
    assert text(document) == f"Prices of this year\n\n{MARKDOWN}\n\nAll prices in euros."


def test_each_sheet_of_a_workbook_is_a_table(tmp_path: Path) -> None:
    sheets = {
        "Costs": [["Month", "Sum"], ["May", 12.5], ["June", 7]],
        "Days": [["Day", "Open"], [datetime.date(2026, 5, 4), True], [datetime.date(2026, 5, 5), False]],
        "Notes": [["Budget 2026"], [], ["Who", "What"], ["Ann", "paint, two tins"]],
        "Old": [["a", "b"], [1, 2]],
        "Empty": [],
    }
    document = read(make_xlsx(sheets, hidden=["Old"]), tmp_path)
    assert (document.format, document.unit, document.count, document.sections) == ("Excel", "sheet", 5, [])
    assert {part.place: (tmp_path / part.file).read_text() for part in document.tables} == {
        "sheet Costs": "Month,Sum\nMay,12.5\nJune,7\n",
        "sheet Days": "Day,Open\n2026-05-04,TRUE\n2026-05-05,FALSE\n",
        "sheet Notes (Budget 2026)": 'Who,What\nAnn,"paint, two tins"\n',
        "sheet Old, hidden": "a,b\n1,2\n",
    }


def test_a_page_without_text_is_kept_as_a_picture_and_one_with_text_is_not(tmp_path: Path) -> None:
    document = read(make_pdf([picture(850, 1100), LONG, picture(850, 1100, "blue")]), tmp_path)
    assert [bool(section.picture) for section in document.sections] == [True, False, True]
    with Image.open(tmp_path / document.sections[0].picture) as page:
        assert page.size == (1700, 2200)  # 200 dots per inch
    assert not document.pictures  # a scan is no picture inside a page


def test_of_many_pages_without_text_as_many_are_kept_as_are_read(tmp_path: Path) -> None:
    document = read(make_pdf([picture(60, 80)] * (MAX_SCANNED_PAGES + 2)), tmp_path)
    assert sum(bool(section.picture) for section in document.sections) == MAX_SCANNED_PAGES
    assert document.remarks == [
        "Pages 31, 32 are pictures and were not read: 30 such pages are read at most; attach the others as a file of their own."
    ]


def test_five_hundred_pages_are_read_whole(tmp_path: Path) -> None:
    document = read(
        make_pdf([f"This is what stands on sheet {number} of the long report." for number in range(1, 501)]), tmp_path
    )
    assert (document.count, len(document.sections)) == (500, 500)
    assert document.sections[499].text == "This is what stands on sheet 500 of the long report."


def test_pictures_inside_are_kept_each_once_and_icons_are_not(tmp_path: Path) -> None:
    slides = [{"title": str(n), "picture": encoded(picture(), "PNG")} for n in range(2)]
    slides.append({"title": "icon", "picture": encoded(picture(20, 20), "PNG")})
    document = read(make_pptx(slides), tmp_path)
    assert [part.place for part in document.pictures] == ["slide 1, picture 1"]


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    many = make_epub(["<p>Text.</p>" + "<table><tr><td>a<td>b<tr><td>1<td>2</table>" * (MAX_TABLES + 3)])
    assert read(many, tmp_path).remarks == [f"Only its first {MAX_TABLES} tables are kept as tables: 3 more are left out."]
    slides = [{"title": "x", "picture": encoded(picture(100 + n, 60), "PNG")} for n in range(MAX_PICTURES + 2)]
    document = read(make_pptx(slides), tmp_path)
    assert document.remarks == [f"2 more pictures inside it are left out: {MAX_PICTURES} are kept at most."]
    sheets = {f"S{n}": [["a", "b"], [1, n]] for n in range(MAX_TABLES + 1)}
    assert read(make_xlsx(sheets), tmp_path).remarks == [
        f"Only the first {MAX_TABLES} of its {MAX_TABLES + 1} sheets were read."
    ]


def break_member(data: bytes, name: str) -> bytes:
    """A ZIP archive in which the packed bytes of one file make no sense."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        member = archive.getinfo(name)
    start = member.header_offset + 30 + len(name)
    return data[:start] + b"\xff" * member.compress_size + data[start + member.compress_size :]


PACKED = [
    (make_docx(paragraph("x")), "word/document.xml"),
    (make_pptx([{"title": "x"}]), "ppt/presentation.xml"),
    (make_xlsx({"A": [[1]]}), "xl/workbook.xml"),
    (make_epub(["<p>x</p>"]), "META-INF/container.xml"),
    (make_epub(["<p>x</p>"]), "OEBPS/ch 0.xhtml"),
    (make_odt("<office:text/>"), "content.xml"),
]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (make_pdf(["secret"], encrypted=True), "password"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "password"),
        (make_odt("", manifest="<encryption-data/>"), "password"),
        (make_epub(["<p>x</p>"], others={"META-INF/rights.xml": "<rights/>"}), "DRM"),
        (make_pdf([LONG])[:400], "damaged"),
        (b"%PDF-1.7\n" + bytes(range(256)) * 20, "damaged"),
        (make_docx(paragraph("x"))[:300], "damaged"),
        (make_docx("<w:p><w:r>"), "damaged Word document"),
        (b"{\\rtf'zz\\u99999999999", "damaged"),
        (make_pptx([{"title": "x"}])[:9000], "damaged"),
        (make_xlsx({"A": [[1]]})[:2000], "damaged"),
        (make_epub([], others={"OEBPS/book.opf": "<package"}), "damaged e-book"),
        *((break_member(data, name), "damaged") for data, name in PACKED),
        (make_docx(""), "without any text"),
        (make_xlsx({"A": []}), "without any filled cell"),
        (make_epub(["<p> </p>"]), "without text"),
        (OLE + "WordDocument".encode("utf-16-le"), r"\.doc\), which can't be read here: save it as .docx or PDF"),
        (make_zip({"photos/a.jpg": b"x"}), "archive"),
        (make_zip({"Index/Document.iwa": b"x"}), "can't be read here"),
    ],
)
def test_what_cannot_be_read_is_said_in_words_that_end_a_sentence(data: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=reason) as refusal:
        read(data, tmp_path)
    assert str(refusal.value).startswith(("is ", "unpacks ", "has "))
    assert not str(refusal.value).endswith(".")
