"""Soft outlines of a picture by classical means (OpenCV), drawn in the manner of the network HED (arXiv 1504.06375).

Nothing here has learnt what an object is: an outline is a change of colour that lasts over several scales and stands
out from what surrounds it, so that fur, grass and wood grain come out fainter than contours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MAX_SIDE: Final = 2_048
_WORKING_SIDE: Final = 512
"""Shorter side of the picture searched, in pixels: ControlNet (arXiv 2302.05543) was trained with HED at that size."""
_MIN_VISIBLE_GREY: Final = 32  # lowest grey level (0..255) that counts as outline
_BLUR_SIGMAS: Final = (1.2, 2.4, 4.8)
"""Standard deviations of the blurs, in pixels; the middle one gives the direction of an outline."""
_RIDGE_RADIUS: Final = 3.0  # distance across an outline, in pixels, within which only its ridge remains
_SURROUND_SIGMA: Final = 12.0  # standard deviation of a pixel's surroundings, in pixels
_SURROUND_WEIGHT: Final = 1.4  # share of the surroundings' strength that is subtracted, which fades texture
_MIN_CHANGE: Final = 0.8
_MAX_CHANGE: Final = 10.0
"""Changes of CIELAB colour (8 bits a channel) per pixel that are drawn black (min) and white (max)."""


def detect_outlines(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Draw soft outlines, bright on black.

    Args:
        pixels: RGB, shape (height, width, 3); about 512 pixels high or wide suits it.

    Returns:
        Shape (height, width).
    """
    import cv2
    import numpy as np

    lab = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2LAB).astype(np.float32)
    lab = np.asarray(cv2.bilateralFilter(lab, 0, 20, 2.5), np.float32)  # evens out texture, and leaves contours sharp
    changes = [_compute_gradient(lab, scale) for scale in _BLUR_SIGMAS]
    # the geometric mean over all scales: an outline must be there at each of them
    persistent = np.exp(np.mean([np.log(size + 1e-3) for size, _ in changes], axis=0)).astype(np.float32)
    thin = _thin_to_ridges(persistent, changes[len(changes) // 2][1])
    isolated = persistent - _SURROUND_WEIGHT * cv2.GaussianBlur(persistent * thin, (0, 0), _SURROUND_SIGMA)
    strength = np.clip((isolated - _MIN_CHANGE) / (_MAX_CHANGE - _MIN_CHANGE), 0, 1) ** 0.8
    soft = cv2.GaussianBlur(strength * thin, (0, 0), 1.0)
    drawing: NDArray[np.uint8] = (255 * np.clip(1.4 * soft, 0, 1)).astype(np.uint8)
    return drawing


def _compute_gradient(lab: NDArray[np.float32], scale: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the size of the colour's gradient at each pixel and its direction (radians), over all channels.

    The gradient of a picture of several channels is the larger eigenvalue of its structure tensor (Di Zenzo 1986,
    doi 10.1016/0734-189X(86)90223-9). Coarse scales, which flatten it, are raised by the square root of the scale.
    """
    import cv2
    import numpy as np

    blurred = cv2.GaussianBlur(lab, (0, 0), scale)
    dx, dy = (cv2.Sobel(blurred, cv2.CV_32F, *order, scale=1 / 8) for order in ((1, 0), (0, 1)))  # 1 / 8: change per pixel
    xx, yy, xy = (dx * dx).sum(2), (dy * dy).sum(2), (dx * dy).sum(2)
    eigenvalue = (xx + yy + np.hypot(xx - yy, 2 * xy)) / 2
    return np.sqrt(eigenvalue * scale).astype(np.float32), (np.arctan2(2 * xy, xx - yy) / 2).astype(np.float32)


def _thin_to_ridges(size: NDArray[np.float32], direction: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return 1 where a gradient exceeds those beside it, less farther off: soft thinning; same shape."""
    import cv2
    import numpy as np

    rows, columns = np.indices(size.shape, dtype=np.float32)
    neighbours = np.full_like(size, 1e-6)  # not 0: in even areas it divides
    for step in (-_RIDGE_RADIUS, -_RIDGE_RADIUS / 2, _RIDGE_RADIUS / 2, _RIDGE_RADIUS):
        x, y = columns + step * np.cos(direction), rows + step * np.sin(direction)
        neighbours = np.maximum(neighbours, cv2.remap(size, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
    ridges: NDArray[np.float32] = np.minimum(size / neighbours, 1) ** 4
    return ridges


def draw_outlines(call: Call) -> Result:
    """Run hed-control: a PNG of the same shape, at most 2,048 pixels a side; ``data["outline_share"]`` is 0..1."""
    return draw_control_image(call, detect_outlines)


def draw_control_image(call: Call, detect: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]) -> Result:
    """Detect outlines in a small copy of the picture, and draw them at the picture's size."""
    import numpy as np
    from PIL import Image, ImageOps

    image = call.picture()
    image.thumbnail((_MAX_SIDE, _MAX_SIDE))
    factor = min(1.0, _WORKING_SIDE / min(image.size))
    found = Image.fromarray(detect(np.asarray(ImageOps.scale(image, factor) if factor < 1 else image, np.uint8)))
    outline = found.resize(image.size, Image.Resampling.BICUBIC)
    path = call.new_path(".png")
    outline.convert("RGB").save(path)
    share = float((np.asarray(outline) >= _MIN_VISIBLE_GREY).mean())
    note = "" if share else "There are no outlines in this picture: it is one even area."
    return Result((Output(Kind.IMAGE, path=path, data={"outline_share": round(share, 4)}),), note=note)
