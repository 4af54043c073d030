"""Control images for a ControlNet: straight lines by OpenCV's detector LSD (doi 10.5201/ipol.2012.gjmr-lsd)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MAX_SIDE: Final = 2_048
_WORKING_SIDE: Final = 512
"""Shorter side of the picture searched, in pixels: lines that are straight only up close get lost."""
_MAX_LINES: Final = 200  # most lines kept, the longest ones; as many as M-LSD (arXiv 2106.00186) keeps
_MIN_LENGTH: Final = 0.035  # shortest line kept, as a share of the picture's diagonal


def detect_segments(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the straight lines of a picture, longest first.

    Args:
        pixels: RGB, shape (height, width, 3).

    Returns:
        Shape (lines, 4): x and y of both ends, in pixels; at most 200 lines, none shorter than 3.5 % of the diagonal.
    """
    import cv2
    import numpy as np

    height, width = pixels.shape[:2]
    scale = min(1.0, _WORKING_SIDE / min(height, width))
    small = cv2.resize(np.ascontiguousarray(pixels), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found = cv2.createLineSegmentDetector().detect(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))[0]
    if found is None:  # OpenCV returns no empty array
        return np.zeros((0, 4), np.float32)
    lines = np.asarray(found, np.float32).reshape(-1, 4) / np.float32(scale)
    lengths = np.hypot(lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1])
    longest = np.argsort(-lengths, kind="stable")[:_MAX_LINES]  # equal lengths stay in the detector's order
    return lines[longest[lengths[longest] >= _MIN_LENGTH * float(np.hypot(height, width))]]


def render_segments(lines: NDArray[np.float32], width: int, height: int) -> NDArray[np.uint8]:
    """Draw white lines on black, one pixel thick at 512 pixels, as ControlNet (arXiv 2302.05543) was trained with M-LSD.

    Returns:
        RGB, shape (height, width, 3), values 0 or 255.
    """
    import cv2
    import numpy as np

    canvas = np.zeros((height, width, 3), np.uint8)
    thickness = max(1, round(min(width, height) / _WORKING_SIDE))
    for x1, y1, x2, y2 in np.rint(lines).astype(int).tolist():
        cv2.line(canvas, (x1, y1), (x2, y2), (255, 255, 255), thickness)
    return canvas


def draw_lines(call: Call) -> Result:
    """Run mlsd-control: a PNG of the same shape, at most 2,048 pixels a side; ``data["lines"]`` counts its lines."""
    import numpy as np
    from PIL import Image

    image = call.picture()
    image.thumbnail((_MAX_SIDE, _MAX_SIDE))
    lines = detect_segments(np.asarray(image, np.uint8))
    path = call.new_path(".png")
    Image.fromarray(render_segments(lines, image.width, image.height)).save(path)
    note = "" if len(lines) else "There are no straight lines in this picture."
    return Result((Output(Kind.IMAGE, path=path, data={"lines": len(lines)}),), note=note)
