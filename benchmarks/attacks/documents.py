"""Documents of strangers: bombs, and damaged ones of every format that is read, as the process with limits meets them."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Mapping
from typing import Final

from benchmarks.attacks.attack import Attack, Target, mutate_bytes
from hugginggpt.core.errors import ResourceError
from hugginggpt.workspace.documents import child
from hugginggpt.workspace.documents.document import Document, DocumentError
from hugginggpt.workspace.documents.formats import begins_like_document

_W: Final = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_ENTITIES: Final = "".join(f'<!ENTITY {b} "{f"&{a};" * 30}">' for a, b in zip("abcdef", "bcdefg", strict=True))
_BOMB: Final = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">{_ENTITIES}]>'
_OUTSIDE: Final = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY g SYSTEM "file:///etc/passwd">]>'
_ODT: Final = "application/vnd.oasis.opendocument.text"


def list_seeds() -> list[bytes]:
    """Return the catalogue: a small document of each format, bombs, and such that name other files."""
    words = [
        _make_zip({"word/document.xml": f"{head}<w:document {_W}><w:body><w:p/>&g;</w:body></w:document>"})
        for head in ("", _BOMB)
    ]
    deep = "<w:p>" * 3_000
    return [
        *words,
        _make_zip({"word/document.xml": f"<w:document {_W}><w:body>{deep}</w:body></w:document>"}),
        _make_zip({"ppt/presentation.xml": f"{_OUTSIDE}<x>&g;</x>"}),
        _make_zip({"xl/workbook.xml": f"{_BOMB}<workbook>&g;</workbook>"}),
        _make_zip({"mimetype": _ODT, "META-INF/manifest.xml": "<m/>", "content.xml": f"{_OUTSIDE}<x>&g;</x>"}),
        _make_zip({"META-INF/container.xml": f"{_BOMB}<x>&g;</x>"}),
        _make_zip({"META-INF/container.xml": '<c><rootfile full-path="../../../etc/passwd"/></c>'}),
        _make_zip({"word/document.xml": bytes(2**22)}),
        _make_zip({f"{number}.txt": b"" for number in range(500)}),
        b"%PDF-1.7\n" + b"[" * 10_000,
        _make_pdf(b"BT /F 12 Tf 72 700 Td (Hello there, and welcome to the house.) Tj ET"),
        _make_pdf(b"q " * 20_000),
        _make_pdf(b"0 0 m 9 9 l S " * 2_000),
        _make_pdf(b"/X Do", more=b"/XObject << /X 4 0 R >>"),  # a page that draws itself
        _make_pdf(b"", box=b"[0 0 1e9 1e9]"),
        b"{\\rtf1 " + b"{\\b " * 5_000,
        b"{\\rtf1\\ansi\\ansicpg99999 \\'zz\\u99999999? x}",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "Workbook".encode("utf-16-le"),
    ]


def make_attack(target: Target) -> Attack:
    """Return the attack on what takes documents apart; in this process, so that what it breaks shows."""
    seeds = list_seeds()

    def check(content: bytes) -> Document | None:
        path, folder = target.folder / "document", target.folder / "document-parts"
        path.write_bytes(content)
        if not begins_like_document(content[:4096], "document.pdf"):
            return None
        folder.mkdir(exist_ok=True)
        try:
            document = child.read_document(path, folder, max_pixels=2_000_000)
        except DocumentError as error:
            raise ResourceError(f"“document” {error}.") from error
        finally:
            shutil.rmtree(folder)
        assert not any("root:" in section.text for section in document.sections)
        return document

    return Attack("documents", seeds, lambda chance: mutate_bytes(chance, chance.choice(seeds), seeds), check, max_seconds=5.0)


def _make_zip(members: Mapping[str, str | bytes]) -> bytes:
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)  # no date, so that cases repeat
    return zipped.getvalue()


def _make_pdf(content: bytes, *, box: bytes = b"[0 0 612 792]", more: bytes = b"") -> bytes:
    """Return a PDF of one page; without a table of its objects, which PDFium then finds itself."""
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox %s /Contents 4 0 R /Resources << /Font << /F 5 0 R >> %s >> >>" % (box, more),
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % (number, each) for number, each in enumerate(objects, 1))
    return b"%PDF-1.4\n" + body + b"trailer\n<< /Root 1 0 R >>\n%%EOF"
