"""Documents are read by a process with limits; what is in them becomes resources of the session."""

import os
from pathlib import Path

import pytest

from hugginggpt.core.errors import ResourceError
from hugginggpt.core.page_marks import split_pages
from hugginggpt.core.resources import FileFacts, select_main
from hugginggpt.core.tasks import Kind
from hugginggpt.workspace.documents import child, reader
from hugginggpt.workspace.documents.reader import ReadLimits
from hugginggpt.workspace.workspace import Workspace
from tests.workspace.documents import make_docx, make_epub, make_odt, make_pdf, make_pptx, make_xlsx, make_zip, paragraph
from tests.workspace.files import PIXELS, encoded, file
from tests.workspace.test_documents import CSV, LONG, MARKDOWN, PRICES, picture, write_table


def test_a_document_is_its_text_with_marks_of_its_pages_and_what_is_inside_are_its_parts(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    data = make_pdf([LONG, write_table(PRICES), picture(850, 1100)])
    letter = workspace.add_file(file(tmp_path, data, "letter.pdf"))
    assert letter.path is not None
    assert (letter.name, letter.kind, letter.measure, letter.origin.label) == ("text-1", Kind.TEXT, "3 pages", "letter.pdf")
    assert letter.file == FileFacts("PDF", len(data), 3, "page")
    assert dict(split_pages(letter.text or "")) == {
        "page 1": LONG,
        "page 2": f"Prices of this year\n\n{MARKDOWN}\n\nAll prices in euros.",
        "page 3": "[Page 3 is a picture that has not been read.]",
    }
    table, page = workspace.list_parts(letter)
    assert table.path is not None
    assert (table.name, table.origin.label, table.data, table.part_of) == (
        "table-1", "letter.pdf, page 2, table 1", {"page": 2}, "text-1",
    )  # fmt: skip
    assert table.path.read_text() == CSV
    assert (page.name, page.origin.label, page.data["scanned_page"]) == ("image-1", "letter.pdf, page 3", 3)
    assert workspace.find("letter.pdf") == letter
    assert select_main((letter, table, page)) == (letter,)
    rewritten = workspace.rewrite_text(letter, "All of it.")
    assert workspace.find("text-1") == rewritten
    assert rewritten.path == letter.path  # where the page has shown it
    assert letter.path.read_text() == "All of it."


def test_each_sheet_of_a_workbook_stands_for_the_file(workspace: Workspace, tmp_path: Path) -> None:
    path = file(tmp_path, make_xlsx({"Costs": PRICES, "Days": PRICES}), "budget.xlsx")
    first = workspace.add_file(path)
    sheets = (first, *workspace.list_parts(first))
    assert [sheet.description for sheet in sheets] == [
        "table-1: table “budget.xlsx, sheet Costs”, 2 rows",
        "table-2: table “budget.xlsx, sheet Days”, 2 rows",
    ]
    assert select_main(sheets) == sheets
    assert workspace.find("budget.xlsx") == first


def test_a_document_that_does_not_fit_leaves_nothing_behind(workspace: Workspace, tmp_path: Path) -> None:
    used = workspace.files.path
    path = file(tmp_path, make_pdf(["x"], encrypted=True), "contract.pdf")
    with pytest.raises(
        ResourceError, match=r"^“contract\.pdf” is protected by a password: save a copy without one, and attach"
    ):
        workspace.add_file(path)
    assert not workspace.resources
    assert not list(used.iterdir())


BOMB = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "{}">{}]>'.format(
    "ha" * 50, "".join(f'<!ENTITY {b} "{f"&{a};" * 50}">' for a, b in zip("abcdef", "bcdefg", strict=True))
)
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY g SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("head", [BOMB, OUTSIDE], ids=["entities", "a file of this machine"])
@pytest.mark.parametrize("kind", ["docx", "odt", "epub", "pptx"])
def test_entities_are_neither_blown_up_nor_fetched(kind: str, head: str, tmp_path: Path) -> None:
    package = f'{head}<package><manifest><item id="c" href="&g;"/></manifest><spine><itemref idref="c"/></spine></package>'
    data = {
        "docx": make_docx(paragraph("&g;"), head=head),
        "odt": make_odt("<text:p>&g;</text:p>", head=head),
        "epub": make_epub([], others={"OEBPS/book.opf": package}),
        "pptx": make_zip({"ppt/presentation.xml": f"{head}<x>&g;</x>", "[Content_Types].xml": f"{head}<x>&g;</x>"}),
    }[kind]
    folder = tmp_path / "read"
    folder.mkdir()
    try:
        document = child.read_document(file(tmp_path, data), folder, max_pixels=PIXELS)
    except child.DocumentError:
        return
    read = "".join(section.text for section in document.sections)
    assert "root:" not in read
    assert len(read) < 10_000


@pytest.mark.parametrize(
    "data",
    [make_zip({"word/document.xml": bytes(600 * 2**20)}), make_zip({f"{number}.txt": b"" for number in range(20_001)})],
    ids=["bytes", "files"],
)
def test_an_archive_that_unpacks_to_too_much_is_refused_by_its_header(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(child.DocumentError, match=r"^unpacks to more than"):
        child.read_document(file(tmp_path, data), tmp_path, max_pixels=PIXELS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limits", "data"),
    [
        (ReadLimits(memory_bytes=2**26), make_docx(paragraph("word " * 2_000_000))),
        (ReadLimits(seconds=0.01), make_docx(paragraph("late"))),
    ],
    ids=["memory", "time"],
)
def test_a_document_that_takes_too_much_is_refused_in_a_sentence(limits: ReadLimits, data: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "read"
    folder.mkdir()
    with pytest.raises(ResourceError, match=r"^“thesis\.docx” can't be read: it is damaged, or takes more than 60 s or "):
        reader.read(file(tmp_path, data), "thesis.docx", folder, limits)


def test_the_process_gets_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    environment = reader.make_environment()
    assert "hf_secret" not in environment.values()
    assert environment["PYTHONPATH"].split(os.pathsep)[0] == str(Path(reader.__file__).resolve().parents[3])


@pytest.mark.parametrize(
    ("data", "name", "document"),
    [
        (make_pdf([LONG]), "a.pdf", True),
        (make_pptx([{"title": "x"}]), "a", True),
        (b"Notes on %PDF- files", "notes.txt", False),
        (b"{\\rtf1 x}", "a.txt", True),
        (b"<html>", "a.pdf", False),
        (encoded(picture(), "PNG"), "a.pdf", False),
    ],
)
def test_a_document_is_known_by_its_content(data: bytes, name: str, document: bool, tmp_path: Path) -> None:
    assert reader.is_document(file(tmp_path, data), name) is document
