"""Text detection and recognition with PP-OCR (https://github.com/RapidAI/RapidOCR), whichever way up the picture is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.threads import count_processors
from hugginggpt.experts.bundled.weights import find_weights, load_once

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

MODEL: Final = "PP-OCRv6-small"
_MAX_SIDE: Final = 2_000
"""Longest side, in pixels, of the picture given to the detector, which sees no finer detail anyway."""
_MIN_SIDE: Final = 736
"""Shortest side, in pixels, up to which smaller pictures are enlarged: the detector misses small letters."""
_MAX_ENLARGEMENT: Final = 2.0
_MAX_ENLARGED_PIXELS: Final = 1_200_000  # the detector's time grows with them: about a second on one core
_MAX_ASPECT: Final = 8
"""Largest ratio of sides before padding: on a 500 × 1 picture the detector would work for over a minute."""
_MIN_PADDED_SIDE: Final = 32  # shortest side after padding, in pixels
_MIN_READABLE_SIDE: Final = 6  # shortest side, in pixels, into which a letter fits; smaller pictures aren't read
_MIN_LINE_SCORE: Final = 0.5  # lowest score of a line; below it noise is more frequent than text
_MIN_TELLING_SCORE: Final = 0.8
_MIN_TELLING_CHARACTERS: Final = 3
"""Least of a line that tells which way up a page is; texture has its directions, too."""
_MIN_TALL_ASPECT: Final = 1.5  # height over width of a line that runs downwards; the engine turns such ones, too
_MAX_TURNS: Final = 2  # once onto its side, once onto its feet
_MAX_FLIPPED_SHARE: Final = 0.34  # of a page's lines: where more seem to stand on their heads, they may do so
_MAX_SCORE_LOSS: Final = 0.1  # by which a line's score may be lower as it stands: short words read well upside down, too
_MAX_LOSS: Final = 0.95
"""Least worth of the turned page's reading, relative to the one before: upside down, single lines are read as well."""
_MAX_REREAD: Final = 12  # most lines that are read again to see what stays
_REREAD_MARGINS: Final = ((0.04, 0.2), (0.02, -0.06))
"""Shares of a line's width and height by which its cut-outs are wider when it is read again."""
_REREAD_HEIGHT: Final = 20  # pixels of the cut-out at a smaller scale; the recogniser takes 48

_reader_lock: Final = threading.Lock()
"""Held while the reader works: the detector stores each picture's settings in itself, and a stopped run frees its slot
before its thread has ended."""


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no plain equality
class FoundLine:
    """One piece of text as the reader found it."""

    text: str
    score: float
    corners: NDArray[np.float64]
    """Shape (4, 2), in pixels of the upright picture, clockwise from the top left."""
    upside_down: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """All pieces of text of a picture."""

    lines: tuple[FoundLine, ...]
    image: Image.Image
    """The picture, upright."""
    turn: int = 0
    """Quarter turns, anticlockwise, by which the picture was turned to be upright."""

    def locate(self, line: FoundLine) -> NDArray[np.float64]:
        """Return the corners of a line in pixels of the picture as it came."""
        import numpy as np

        x, y = line.corners.T
        width, height = self.image.size
        back = ((x, y), (height - y, x), (width - x, height - y), (y, width - x))[self.turn]
        return np.stack(back, axis=1)


@load_once(MODEL)
def _load_reader() -> Any:
    from rapidocr import RapidOCR

    models = find_weights("rapidocr/models/PP-OCRv6_det_small.onnx").parent
    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "EngineConfig.onnxruntime.intra_op_num_threads": count_processors(4),
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            "Det.limit_side_len": 32,  # `_prepare` has enlarged small pictures; the engine knows no bound for flat ones
            # with explicit paths a missing file is an error; without, RapidOCR would download it
            "Det.model_path": str(models / "PP-OCRv6_det_small.onnx"),
            "Rec.model_path": str(models / "PP-OCRv6_rec_small.onnx"),
            "Cls.model_path": str(models / "ch_ppocr_mobile_v2.0_cls_mobile.onnx"),
        }
    )


def read_lines(image: Image.Image, check: Callable[[], None] = lambda: None) -> Reading:
    """Read the text of a picture; one that lies on its side or stands on its head is turned and read again.

    Args:
        image: RGB.
        check: Called between the readings; raises to stop.
    """
    best = Reading(_read(image), image)
    current = best
    for _ in range(_MAX_TURNS):
        turn = _guess_turn(current.lines)
        if not turn:
            break
        check()
        turned = _turn(current.image, turn)
        current = Reading(_read(turned), turned, (current.turn + turn) % 4)
        if _rate(current.lines) < _MAX_LOSS * _rate(best.lines):
            break
        if _guess_turn(current.lines) != 2:
            best = current
    return _correct_flipped(best)


def _correct_flipped(reading: Reading) -> Reading:
    """Recognise again, as they stand, the few lines of an upright page that the engine took to stand on their heads."""
    import numpy as np
    from rapidocr.utils.process_img import get_rotate_crop_image

    lines = list(reading.lines)
    flipped = [index for index, line in enumerate(lines) if line.upside_down and not _is_tall(line)]
    if not flipped or len(flipped) > _MAX_FLIPPED_SHARE * len(lines):
        return reading
    pixels = np.ascontiguousarray(np.asarray(reading.image)[:, :, ::-1])
    crops = [get_rotate_crop_image(pixels, lines[index].corners.astype(np.float32)) for index in flipped]
    reader = _load_reader()
    with _reader_lock:
        found = reader.recognize_txt(crops)
    for index, text, score in zip(flipped, found.txts, found.scores, strict=True):
        if text.strip() and score >= lines[index].score - _MAX_SCORE_LOSS:
            lines[index] = replace(lines[index], text=text.strip(), score=round(float(score), 3), upside_down=False)
    return replace(reading, lines=tuple(lines))


def _turn(image: Image.Image, quarters: int) -> Image.Image:
    from PIL import Image

    methods = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
    return image.transpose(methods[quarters - 1])


def _read(image: Image.Image) -> tuple[FoundLine, ...]:
    import numpy as np
    from rapidocr.utils.process_img import map_boxes_to_original

    if min(image.size) < _MIN_READABLE_SIDE:
        return ()
    prepared, scale = _prepare(image)
    pixels = np.ascontiguousarray(np.asarray(prepared)[:, :, ::-1])  # the engine wants BGR
    reader = _load_reader()
    with _reader_lock:
        resized, record = reader.preprocess_img(pixels)
        detected, classified, recognised, _ = reader.run_ocr_steps(resized, record)
    if detected.boxes is None or not recognised.txts:
        return ()
    boxes = np.asarray(map_boxes_to_original(detected.boxes, record, *pixels.shape[:2]), float) / scale
    return tuple(
        FoundLine(text.strip(), round(float(score), 3), corners, "180" in direction and sureness > reader.text_cls.cls_thresh)
        for text, score, corners, (direction, sureness) in zip(
            recognised.txts, recognised.scores, boxes, classified.cls_res, strict=True
        )
        if score >= _MIN_LINE_SCORE and text.strip()
    )


def _prepare(image: Image.Image) -> tuple[Image.Image, float]:
    """Return the picture at a size and shape that suit the detector, and the factor by which it was scaled."""
    from PIL import Image

    room = (_MAX_ENLARGED_PIXELS / (image.width * image.height)) ** 0.5
    enlargement = max(1.0, min(_MIN_SIDE / min(image.size), _MAX_ENLARGEMENT, room))
    scale = min(enlargement, _MAX_SIDE / max(image.size))
    if scale != 1:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.LANCZOS)
    width = max(image.width, _MIN_PADDED_SIDE, -(-image.height // _MAX_ASPECT))  # -(-a // b) rounds up
    height = max(image.height, _MIN_PADDED_SIDE, -(-image.width // _MAX_ASPECT))
    if (width, height) != image.size:
        padded = Image.new("RGB", (width, height), "white")
        padded.paste(image, (0, 0))  # top left, where boxes keep their coordinates
        image = padded
    return image, scale


def _guess_turn(lines: Sequence[FoundLine]) -> int:
    """Guess by how many quarter turns, anticlockwise, the page must be turned to be upright."""
    telling = [line for line in lines if line.score >= _MIN_TELLING_SCORE and len(line.text) >= _MIN_TELLING_CHARACTERS]
    total = sum(len(line.text) for line in telling)
    tall = [line for line in telling if _is_tall(line)]
    considered = tall if 2 * sum(len(line.text) for line in tall) > total else [line for line in telling if not _is_tall(line)]
    upside_down = sum(len(line.text) for line in considered if line.upside_down)
    is_upside_down = 2 * upside_down > sum(len(line.text) for line in considered)
    if considered and considered is tall:  # the engine turns tall lines anticlockwise before it tells
        return 3 if is_upside_down else 1
    return 2 if is_upside_down else 0


def _is_tall(line: FoundLine) -> bool:
    import numpy as np

    top, side = line.corners[1] - line.corners[0], line.corners[3] - line.corners[0]
    return bool(np.hypot(*side) >= _MIN_TALL_ASPECT * np.hypot(*top))


def _rate(lines: Sequence[FoundLine]) -> float:
    return sum(line.score * sum(character.isalnum() for character in line.text) for line in lines)


def read_again(reading: Reading, lines: Sequence[FoundLine]) -> list[list[tuple[str, float]]]:
    """Recognise lines again, cut out a little wider, a little tighter, and at a smaller scale.

    Real letters stay what they are; what is read into texture changes. The detector, which takes nearly all of the time,
    does not run again.

    Returns:
        For each of the first lines text and score of the other readings.
    """
    import cv2
    import numpy as np
    from rapidocr.utils.process_img import get_rotate_crop_image

    pixels = np.ascontiguousarray(np.asarray(reading.image)[:, :, ::-1])
    crops = []
    for line in lines[:_MAX_REREAD]:
        wide, tight = (
            get_rotate_crop_image(pixels, _widen(line.corners, *margins).astype(np.float32)) for margins in _REREAD_MARGINS
        )
        plain = get_rotate_crop_image(pixels, line.corners.astype(np.float32))
        height = min(_REREAD_HEIGHT, max(8, plain.shape[0] * 2 // 3))
        small = cv2.resize(
            plain, (max(8, round(plain.shape[1] * height / plain.shape[0])), height), interpolation=cv2.INTER_AREA
        )
        crops += [cv2.rotate(crop, cv2.ROTATE_180) if line.upside_down else crop for crop in (wide, tight, small)]
    if not crops:
        return []
    reader = _load_reader()
    with _reader_lock:
        found = reader.recognize_txt(crops)
    pairs = [(text.strip(), float(score)) for text, score in zip(found.txts, found.scores, strict=True)]
    return [pairs[i : i + 3] for i in range(0, len(pairs), 3)]


def _widen(corners: NDArray[np.float64], across: float, down: float) -> NDArray[np.float64]:
    import numpy as np

    right, below = (corners[1] - corners[0]) * across, (corners[3] - corners[0]) * down
    moved: NDArray[np.float64] = corners + np.array([-right - below, right - below, right + below, below - right])
    return moved
