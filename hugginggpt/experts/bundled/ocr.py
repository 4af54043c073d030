"""Optical character recognition with PP-OCR (https://github.com/RapidAI/RapidOCR), in reading order."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.errors import InputError
from hugginggpt.core.tasks import Kind
from hugginggpt.core.threads import count_processors
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.bundled import embeddings, image_classification
from hugginggpt.experts.bundled.extractive_qa import build_answers_output
from hugginggpt.experts.bundled.form_qa import extract_page_answers
from hugginggpt.experts.bundled.page_tables import Cell
from hugginggpt.experts.bundled.question_analysis import split_question
from hugginggpt.experts.bundled.weights import find_weights, load_once

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

MODEL: Final = "PP-OCRv6-small"
_MAX_SIDE: Final = 2_000
"""Longest side, in pixels, of the picture given to the detector, which sees no finer detail anyway."""
_MAX_ASPECT: Final = 8
"""Largest ratio of sides before padding: on a 500 × 1 picture the detector would work for over a minute."""
_MIN_PADDED_SIDE: Final = 32  # shortest side after padding, in pixels
_MIN_READABLE_SIDE: Final = 6  # shortest side, in pixels, into which a letter fits; smaller pictures aren't read
_MIN_LINE_SCORE: Final = 0.5  # lowest score of a line; below it noise is more frequent than text
_MIN_CHARACTERS: Final = 2
"""Fewest letters and digits of a text: a photograph's texture is read as a stray "0" now and then."""

_reader_lock: Final = threading.Lock()
"""Held while the reader works: it stores a run's settings in itself, and a stopped run frees its slot before its thread
has ended."""


@dataclass(frozen=True, slots=True)
class TextLine:
    """One piece of text in a picture, as the detector found it."""

    text: str
    score: float
    box: tuple[float, float, float, float]
    """left, top, right, bottom in pixels of the original picture."""


@load_once(MODEL)
def _load_reader() -> Any:
    from rapidocr import RapidOCR

    models = find_weights("rapidocr/models/PP-OCRv6_det_small.onnx").parent
    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "EngineConfig.onnxruntime.intra_op_num_threads": count_processors(4),
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            # with explicit paths a missing file is an error; without, RapidOCR would download it
            "Det.model_path": str(models / "PP-OCRv6_det_small.onnx"),
            "Rec.model_path": str(models / "PP-OCRv6_rec_small.onnx"),
            "Cls.model_path": str(models / "ch_ppocr_mobile_v2.0_cls_mobile.onnx"),
        }
    )


def read_picture(call: Call) -> Result:
    """Run image-to-text: the text in the picture, its rows top to bottom; if there is none, the classifier's guesses.

    Returns:
        One text; ``data["lines"]`` holds text, score (0..1) and box (left, top, right, bottom in pixels) of each piece.
    """
    image = call.picture()
    rows = read_text_rows(image)
    call.token.check()
    if not rows:
        guesses = image_classification.classify(image)
        return Result(
            (Output(Kind.TEXT, text=image_classification.describe_guesses(guesses), data={"lines": [], "classes": guesses}),),
            note=f"There is no text to read in this picture, so the classifier {image_classification.MODEL} says what it sees; "
            "it names things and does not describe scenes.",
            models=(MODEL, image_classification.MODEL),
        )
    lines = [{"text": line.text, "score": line.score, "box": list(line.box)} for row in rows for line in row]
    return Result((Output(Kind.TEXT, text=format_rows(rows), data={"lines": lines}),))


def answer_about_document(call: Call) -> Result:
    """Run document-question-answering: read the page, then quote the row that answers.

    Returns:
        One text; ``data`` holds answer, sentence and confidence (0..1).
    """
    parts = split_question(call.text("text"))
    rows = read_text_rows(call.picture())
    if not rows:
        raise InputError("There is no text to read in this picture, so nothing in it answers the question.")
    call.token.check()
    output = build_answers_output(parts, extract_page_answers([merge_into_cells(row) for row in rows], parts), "on the page")
    return Result((output,), models=(MODEL, embeddings.MODEL))


def format_rows(rows: list[list[TextLine]]) -> str:
    """Format rows as lines of text; a wide gap between two pieces becomes a tab."""
    return "\n".join("\t".join(cell.text for cell in merge_into_cells(row)) for row in rows)


def merge_into_cells(row: list[TextLine]) -> list[Cell]:
    """Merge the pieces of a row that stand close together into cells."""
    cells = [Cell(row[0].text, row[0].box)]
    for left, right in zip(row, row[1:], strict=False):
        height = min(left.box[3] - left.box[1], right.box[3] - right.box[1])
        if right.box[0] - left.box[2] > 1.5 * height:
            cells.append(Cell(right.text, right.box))
        else:
            cells[-1] = _extend_cell(cells[-1], right)
    return cells


def _extend_cell(cell: Cell, line: TextLine) -> Cell:
    (left, top, _, bottom), (_, line_top, right, line_bottom) = cell.box, line.box
    return Cell(f"{cell.text} {line.text}", (left, min(top, line_top), right, max(bottom, line_bottom)))


def read_text_rows(image: Image.Image) -> list[list[TextLine]]:
    """Read the text of a picture: its pieces in rows, top to bottom, each row left to right; [] if there is none.

    Args:
        image: RGB.
    """
    import numpy as np

    if min(image.size) < _MIN_READABLE_SIDE:
        return []
    prepared, scale = _prepare(image)
    reader = _load_reader()
    with _reader_lock:
        result = reader(np.asarray(prepared)[:, :, ::-1])  # the engine wants BGR
    if not result.txts:
        return []
    boxes = np.asarray(result.boxes, float) / scale  # in pixels of the original
    legible = [i for i, score in enumerate(result.scores) if score >= _MIN_LINE_SCORE and result.txts[i].strip()]
    pieces = [TextLine(result.txts[i].strip(), round(float(result.scores[i]), 3), _bound_box(boxes[i])) for i in legible]
    if sum(character.isalnum() for piece in pieces for character in piece.text) < _MIN_CHARACTERS:
        return []
    return _group_into_rows(pieces, boxes[legible])


def _prepare(image: Image.Image) -> tuple[Image.Image, float]:
    """Return the picture at a size and shape that suit the detector, and the factor by which it was scaled."""
    from PIL import Image

    scale = min(1.0, _MAX_SIDE / max(image.size))
    if scale < 1:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.LANCZOS)
    width = max(image.width, _MIN_PADDED_SIDE, -(-image.height // _MAX_ASPECT))  # -(-a // b) rounds up
    height = max(image.height, _MIN_PADDED_SIDE, -(-image.width // _MAX_ASPECT))
    if (width, height) != image.size:
        padded = Image.new("RGB", (width, height), "white")
        padded.paste(image, (0, 0))  # top left, where boxes keep their coordinates
        image = padded
    return image, scale


def _bound_box(box: NDArray[np.float64]) -> tuple[float, float, float, float]:
    (left, top), (right, bottom) = box.min(axis=0), box.max(axis=0)
    return round(float(left), 1), round(float(top), 1), round(float(right), 1), round(float(bottom), 1)


def _estimate_skew(boxes: NDArray[np.float64]) -> float:
    """Return the page's rotation in radians: the median slope of the text, weighted by its width; 0 from 15 degrees on."""
    import numpy as np

    top = boxes[:, 1] - boxes[:, 0]
    width = np.hypot(top[:, 0], top[:, 1])
    slope = np.arctan2(top[:, 1], top[:, 0])
    order = np.argsort(slope)
    running = np.cumsum(width[order])
    angle = float(slope[order][np.searchsorted(running, running[-1] / 2)])
    return angle if abs(angle) < math.radians(15) else 0.0


def _group_into_rows(pieces: list[TextLine], boxes: NDArray[np.float64]) -> list[list[TextLine]]:
    """Group pieces into rows: on the straightened page, those of one row overlap vertically by more than half."""
    import numpy as np

    angle = _estimate_skew(boxes)
    cos, sin = math.cos(-angle), math.sin(-angle)
    straight = boxes @ np.array([[cos, sin], [-sin, cos]])
    spans = sorted(
        ((s[:, 1].min(), s[:, 1].max(), s[:, 0].min(), piece) for s, piece in zip(straight, pieces, strict=True)),
        key=lambda span: span[0] + span[1],  # by the middle: capitals begin higher than small letters
    )
    rows: list[list[Any]] = []
    for span in spans:
        for row in reversed(rows[-3:]):  # pieces come from top to bottom, so only the last rows are near
            top = sum(other[0] for other in row) / len(row)
            bottom = sum(other[1] for other in row) / len(row)
            if min(bottom, span[1]) - max(top, span[0]) > 0.5 * min(bottom - top, span[1] - span[0]):
                row.append(span)
                break
        else:
            rows.append([span])
    return [[span[3] for span in sorted(row, key=lambda span: span[2])] for row in rows]
