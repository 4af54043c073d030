"""Control images for a ControlNet: edges by Canny's detector (OpenCV)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MAX_SIDE: Final = 2_048
_MIN_EDGE_SHARE: Final = 0.004  # smallest share of edge pixels; below it lower thresholds are tried
_MAX_EDGE_SHARE: Final = 0.15
"""Largest share of edge pixels that lower thresholds may give; more is noise, not a drawing."""


def detect_edges(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Draw white edges on black.

    The thresholds follow the picture's median brightness, and step down for flat pictures. All three channels count,
    so edges between colours of equal brightness are found.

    Args:
        pixels: RGB, shape (height, width, 3).

    Returns:
        RGB of the same shape, values 0 or 255.
    """
    import cv2  # late: nothing heavy is imported before a model runs
    import numpy as np

    smooth = cv2.GaussianBlur(np.ascontiguousarray(pixels), (0, 0), 1.0)
    high = min(max(1.33 * float(np.median(smooth)), 60.0), 200.0)
    edges: NDArray[np.uint8] | None = None
    for low, top in ((high / 2, high), (40, 100), (20, 50), (10, 25)):
        candidate = np.asarray(cv2.Canny(smooth, low, top, L2gradient=True), np.uint8)  # L1 would overrate diagonals
        if edges is not None and (candidate > 0).mean() > _MAX_EDGE_SHARE:  # noise: those of higher thresholds stay
            break
        edges = candidate
        if (edges > 0).mean() >= _MIN_EDGE_SHARE:
            break
    assert edges is not None  # noqa: S101 - for the type checker: the loop runs at least once
    return np.repeat(edges[:, :, None], 3, axis=2)


def draw_edges(call: Call) -> Result:
    """Run canny-control: a PNG of the same shape, at most 2,048 pixels a side; ``data["edge_share"]`` is 0..1."""
    import numpy as np
    from PIL import Image

    image = call.picture()
    image.thumbnail((_MAX_SIDE, _MAX_SIDE))  # unlike resize it never enlarges
    drawn = detect_edges(np.asarray(image, np.uint8))
    path = call.new_path(".png")
    Image.fromarray(drawn).save(path)
    note = "" if drawn.any() else "There are no edges in this picture: it is one even area."
    return Result((Output(Kind.IMAGE, path=path, data={"edge_share": round(float((drawn > 0).mean()), 4)}),), note=note)
