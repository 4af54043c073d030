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
"""The shorter side at which outlines are looked for, in pixels, as ControlNet (arXiv 2302.05543) was shown HED's."""
_VISIBLE: Final = 32
"""From which grey level on a pixel counts as outline."""
_SCALES: Final = (1.2, 2.4, 4.8)
"""Standard deviations of the blurs, in pixels; the direction of an outline is taken at the middle one."""
_REACH: Final = 3.0
"""Distance across an outline within which its ridge is looked for, in pixels."""
_AROUND: Final = 12.0
"""Standard deviation of what surrounds a pixel, in pixels."""
_TEXTURE: Final = 1.4
"""Share of a pixel's surroundings that is taken off it."""
_FAINTEST: Final = 0.8
_STRONGEST: Final = 10.0
"""Changes of CIELAB colour (8 bits a channel) per pixel that are drawn black and white."""


def detect_outlines(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return soft outlines, bright on black.

    Args:
        pixels: RGB, shape (height, width, 3); about 512 pixels high or wide suits it.

    Returns:
        Shape (height, width).
    """
    import cv2
    import numpy as np

    lab = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2LAB).astype(np.float32)
    lab = np.asarray(cv2.bilateralFilter(lab, 0, 20, 2.5), np.float32)
    changes = [_change(lab, scale) for scale in _SCALES]
    lasting = np.exp(np.mean([np.log(size + 1e-3) for size, _ in changes], axis=0)).astype(np.float32)
    thin = _ridges(lasting, changes[len(changes) // 2][1])
    alone = lasting - _TEXTURE * cv2.GaussianBlur(lasting * thin, (0, 0), _AROUND)
    strength = np.clip((alone - _FAINTEST) / (_STRONGEST - _FAINTEST), 0, 1) ** 0.8
    soft = cv2.GaussianBlur(strength * thin, (0, 0), 1.0)
    drawing: NDArray[np.uint8] = (255 * np.clip(1.4 * soft, 0, 1)).astype(np.uint8)
    return drawing


def _change(lab: NDArray[np.float32], scale: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return how fast the colour changes at each pixel and in which direction (radians), all channels together.

    The gradient of a picture of several channels is the larger eigenvalue of its structure tensor (Di Zenzo 1986,
    doi 10.1016/0734-189X(86)90223-9). Coarse scales, which flatten it, are raised by the square root of the scale.
    """
    import cv2
    import numpy as np

    blurred = cv2.GaussianBlur(lab, (0, 0), scale)
    across, down = (cv2.Sobel(blurred, cv2.CV_32F, *order, scale=1 / 8) for order in ((1, 0), (0, 1)))
    xx, yy, xy = (across * across).sum(2), (down * down).sum(2), (across * down).sum(2)
    larger = (xx + yy + np.hypot(xx - yy, 2 * xy)) / 2
    return np.sqrt(larger * scale).astype(np.float32), (np.arctan2(2 * xy, xx - yy) / 2).astype(np.float32)


def _ridges(size: NDArray[np.float32], direction: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 where a change is larger than those beside it, less the farther off: thinning that stays soft; same shape."""
    import cv2
    import numpy as np

    rows, columns = np.indices(size.shape, dtype=np.float32)
    beside = np.full_like(size, 1e-6)
    for step in (-_REACH, -_REACH / 2, _REACH / 2, _REACH):
        x, y = columns + step * np.cos(direction), rows + step * np.sin(direction)
        beside = np.maximum(beside, cv2.remap(size, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
    ridges: NDArray[np.float32] = np.minimum(size / beside, 1) ** 4
    return ridges


def draw_outlines(call: Call) -> Result:
    """Run hed-control: a PNG of the same shape, at most 2,048 pixels a side; ``data["outline_share"]`` is 0..1."""
    return draw_control_image(call, detect_outlines)


def draw_control_image(call: Call, find: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]) -> Result:
    """Look for outlines in a small copy of the picture, and draw them as large as the picture is."""
    import numpy as np
    from PIL import Image, ImageOps

    image = call.picture()
    image.thumbnail((_MAX_SIDE, _MAX_SIDE))
    factor = min(1.0, _WORKING_SIDE / min(image.size))
    found = Image.fromarray(find(np.asarray(ImageOps.scale(image, factor) if factor < 1 else image, np.uint8)))
    outline = found.resize(image.size, Image.Resampling.BICUBIC)
    path = call.new_path(".png")
    outline.convert("RGB").save(path)
    share = float((np.asarray(outline) >= _VISIBLE).mean())
    note = "" if share else "There are no outlines in this picture: it is one even area."
    return Result((Output(Kind.IMAGE, path=path, data={"outline_share": round(share, 4)}),), note=note)
