"""Documents as tests make them: small, with known contents."""

import io
import zipfile
from collections.abc import Mapping, Sequence

from PIL import Image


def make_pdf(pages: Sequence[str | Image.Image], *, encrypted: bool = False, extra: str = "") -> bytes:
    """A PDF with a page for each text or picture; texts are content streams' operators, or plain lines."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids = []
    for page in pages:
        if isinstance(page, Image.Image):
            jpeg = io.BytesIO()
            page.convert("RGB").save(jpeg, "JPEG", quality=90)
            objects.append(
                b"<< /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceRGB /BitsPerComponent 8 "
                b"/Filter /DCTDecode /Length %d >>\nstream\n%s\nendstream" % (*page.size, len(jpeg.getvalue()), jpeg.getvalue())
            )
            content, resources = b"612 0 0 792 0 0 cm /I Do", b"/XObject << /I %d 0 R >>" % len(objects)
        else:
            content = (page if page.startswith("%raw") else write_lines(page.splitlines())).encode("latin-1")
            resources = b"/Font << /F 3 0 R >>"
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R /Resources << %s >> %s >>"
            % (len(objects), resources, extra.encode())
        )
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(kids), b" ".join(kids))
    trailer = b"/Root 1 0 R"
    if encrypted:  # the key fits no password
        objects.append(b"<< /Filter /Standard /V 1 /R 2 /P -44 /O <%s> /U <%s> >>" % (b"41" * 32, b"42" * 32))
        trailer += b" /Encrypt %d 0 R /ID [<61><61>]" % len(objects)
    data, offsets = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return data + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d %s >>\nstartxref\n%d\n%%%%EOF" % (
        len(objects) + 1, table, len(objects) + 1, trailer, len(data),
    )  # fmt: skip


def write_lines(lines: Sequence[str], left: int = 72, top: int = 720) -> str:
    """Operators that write lines of text below each other."""
    shown = (line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)") for line in lines)
    return f"BT /F 12 Tf 16 TL {left} {top} Td " + " ".join(f"({line}) Tj T*" for line in shown) + " ET"


def write_table(rows: Sequence[Sequence[str]], left: int = 72, top: int = 600, width: int = 120, height: int = 24) -> str:
    """Operators that draw a table with ruled lines, beneath a line of text and above another one."""
    columns = len(rows[0])
    right, bottom = left + columns * width, top - len(rows) * height
    lines = [f"{left} {top - i * height} m {right} {top - i * height} l S" for i in range(len(rows) + 1)]
    lines += [f"{left + i * width} {top} m {left + i * width} {bottom} l S" for i in range(columns + 1)]
    cells = [
        write_lines([cell], left + column * width + 6, top - row * height - 16)
        for row, values in enumerate(rows)
        for column, cell in enumerate(values)
    ]
    around = [write_lines(["Prices of this year"], left, top + 20), write_lines(["All prices in euros."], left, bottom - 20)]
    return "%raw\n" + "\n".join([*lines, *cells, *around])


def make_zip(members: Mapping[str, str | bytes], *, stored: Sequence[str] = ()) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content, zipfile.ZIP_STORED if name in stored else None)
    return buffer.getvalue()


_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>{}</Types>'
)
_ROOT_RELATION = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Id="r1" Type="{_RELATIONS}/officeDocument" Target="{{}}"/></Relationships>'
)


def make_docx(body: str, *, head: str = '<?xml version="1.0"?>', others: Mapping[str, str | bytes] | None = None) -> bytes:
    """A Word document around the XML of its body; see `paragraph`."""
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    return make_zip(
        {
            "[Content_Types].xml": _TYPES.format(f'<Override PartName="/word/document.xml" ContentType="{main}"/>'),
            "_rels/.rels": _ROOT_RELATION.format("word/document.xml"),
            "word/document.xml": f"{head}<w:document {_W}><w:body>{body}</w:body></w:document>",
            **(others or {}),
        }
    )


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def word_table(rows: Sequence[Sequence[str]]) -> str:
    cells = ("".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) for row in rows)
    return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in cells) + "</w:tbl>"


def make_xlsx(sheets: Mapping[str, Sequence[Sequence[object]]], *, hidden: Sequence[str] = ()) -> bytes:
    """A workbook, made by a library that writes such files."""
    import xlsxwriter

    buffer = io.BytesIO()
    workbook = xlsxwriter.Workbook(buffer, {"in_memory": True, "default_date_format": "yyyy-mm-dd"})
    for name, rows in sheets.items():
        sheet = workbook.add_worksheet(name)
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
        if name in hidden:
            sheet.hide()
    workbook.close()
    return buffer.getvalue()


def make_epub(chapters: Sequence[str], *, others: Mapping[str, str | bytes] | None = None) -> bytes:
    items = "".join(f'<item id="c{i}" href="ch%20{i}.xhtml" media-type="application/xhtml+xml"/>' for i in range(len(chapters)))
    order = "".join(f'<itemref idref="c{i}"/>' for i in range(len(chapters)))
    package = f'<package xmlns="http://www.idpf.org/2007/opf"><manifest>{items}</manifest><spine>{order}</spine></package>'
    container = '<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
    pages = {
        f"OEBPS/ch {i}.xhtml": f"<html><head><title>x</title></head><body>{c}</body></html>" for i, c in enumerate(chapters)
    }
    members = {"mimetype": "application/epub+zip", "META-INF/container.xml": container, "OEBPS/book.opf": package}
    return make_zip({**members, **pages, **(others or {})}, stored=["mimetype"])


def make_odt(body: str, *, kind: str = "text", head: str = "", manifest: str = "") -> bytes:
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name.replace("draw", "drawing")}:1.0"'
        for name in ("office", "text", "table", "draw")
    )
    content = f"{head}<office:document-content {spaces}><office:body>{body}</office:body></office:document-content>"
    media_type = f"application/vnd.oasis.opendocument.{kind}"
    members = {"mimetype": media_type, "content.xml": content, "META-INF/manifest.xml": f"<manifest>{manifest}</manifest>"}
    return make_zip(members, stored=["mimetype"])


def make_pptx(slides: Sequence[Mapping[str, object]]) -> bytes:
    """A presentation: of each slide title, text, table (rows), notes and picture (bytes), as far as given."""
    from pptx import Presentation
    from pptx.util import Inches

    presentation = Presentation()
    for each in slides:
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = str(each.get("title", ""))
        slide.placeholders[1].text = str(each.get("text", ""))
        rows = each.get("table")
        if isinstance(rows, list):
            table = slide.shapes.add_table(len(rows), len(rows[0]), 0, 0, Inches(4), Inches(2)).table
            for y, row in enumerate(rows):
                for x, cell in enumerate(row):
                    table.cell(y, x).text = cell
        if notes := each.get("notes"):
            slide.notes_slide.notes_text_frame.text = str(notes)
        if isinstance(picture := each.get("picture"), bytes):
            slide.shapes.add_picture(io.BytesIO(picture), 0, 0)
    buffer = io.BytesIO()
    presentation.save(buffer)
    return buffer.getvalue()
