"""Depth estimation, and the control images that are made from depth.

Source: https://huggingface.co/docs/transformers/tasks/monocular_depth_estimation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.local.image.processors import make_loader, stretch_to_fit
from hugginggpt.experts.local.runtime.runtime import Runtime
from hugginggpt.hub.cache import Checkpoint

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

_METRIC: Final = frozenset({"glpn", "zoedepth"})
"""Model types that always give metres; others give something like the inverse of the distance, on no fixed scale."""
_METRIC_DATA: Final = ("nyu", "kitti")
"""Data sets with measured distances: a DPT that is named after one gives metres, and its configuration doesn't say so."""
_NEAREST: Final = 0.1
"""Nothing counts as nearer to the camera, in metres."""
_BACKGROUND: Final = 0.1
"""Depth below which a normal map has no relief, as in https://huggingface.co/lllyasviel/sd-controlnet-normal,
a share of the picture's range."""
_RELIEF: Final = 8.0
"""Slope of a surface that crosses the whole range of depth within the picture's longer side."""


@dataclass(frozen=True, slots=True)
class _Depth:
    """The depth of a picture."""

    values: NDArray[np.float32]
    """Shape (height, width), as the model gives them: metres, or larger where nearer."""
    metric: bool

    @property
    def nearness(self) -> NDArray[np.float32]:
        """0 for the farthest to 1 for the nearest, in proportion to the inverse of the distance; 0 where all is one."""
        import numpy as np

        inverse = 1 / np.maximum(self.values, _NEAREST) if self.metric else self.values
        low, high = float(inverse.min()), float(inverse.max())
        return ((inverse - low) / (high - low) if high > low else np.zeros_like(inverse)).astype(np.float32)

    @property
    def data(self) -> dict[str, Any]:
        """For `Output.data`."""
        return {
            "metric": self.metric,
            "unit": "m" if self.metric else "relative inverse distance",
            "min": round(float(self.values.min()), 4),
            "max": round(float(self.values.max()), 4),
        }


def estimate(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run depth-estimation: a grey picture of the original's size, near is bright.

    Returns:
        One image; ``data`` holds metric (whether the model measures), unit, and min and max of what it gave: distances in
        metres where it does; otherwise numbers on no scale, larger where nearer. A grey value is in proportion to the
        inverse of the distance, from the farthest point (0) to the nearest (255).
    """
    import numpy as np
    from PIL import Image

    (call,) = calls
    depth = _measure(call, runtime)
    path = call.new_path(".png")
    Image.fromarray((depth.nearness * 255).round().astype(np.uint8)).save(path)
    return [Result((Output(Kind.IMAGE, path=path, data=depth.data),))]


def draw_depth(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run depth-control: as `estimate`, in three equal channels, which ControlNets for depth were trained on
    (https://huggingface.co/lllyasviel/sd-controlnet-depth)."""
    import numpy as np
    from PIL import Image

    (call,) = calls
    depth = _measure(call, runtime)
    path = call.new_path(".png")
    Image.fromarray((depth.nearness * 255).round().astype(np.uint8)).convert("RGB").save(path)
    return [Result((Output(Kind.IMAGE, path=path, data=depth.data),))]


def draw_normals(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run normal-control: which way each surface faces, from the slopes of the depth.

    Red is left, green is up, blue is towards the camera: what https://huggingface.co/lllyasviel/sd-controlnet-normal was
    trained on, which takes normals from depth in this way, and the protocol of normalbae
    (https://github.com/lllyasviel/ControlNet-v1-1-nightly).

    Returns:
        One RGB image of the original's size; a component of -1..1 is 0..255. What is far away faces the camera.
    """
    import numpy as np
    from PIL import Image

    (call,) = calls
    depth = _measure(call, runtime)
    path = call.new_path(".png")
    Image.fromarray(((_normals(depth.nearness) + 1) * 127.5).round().astype(np.uint8)).save(path)
    return [Result((Output(Kind.IMAGE, path=path, data=depth.data),))]


def _normals(nearness: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return unit normals of shape (height, width, 3): left, up, towards the camera."""
    import cv2
    import numpy as np

    steepness = _RELIEF * max(nearness.shape) / 8  # a Sobel filter of three pixels is eight times the slope
    # what gets nearer to the right faces left, what gets nearer downwards faces up
    left, up = (cv2.Sobel(nearness, cv2.CV_32F, *axis, ksize=3) * steepness for axis in ((1, 0), (0, 1)))
    far = nearness < _BACKGROUND
    left[far] = up[far] = 0
    vectors = np.stack([left, up, np.ones_like(left)], axis=2)
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=2, keepdims=True)
    return unit


def _measure(call: Call, runtime: Runtime) -> _Depth:
    import torch

    picture: Image.Image = call.picture()
    load = make_loader(runtime, "AutoModelForDepthEstimation")
    with runtime.load_model("depth estimator", load, call.token) as (processor, model), torch.inference_mode():
        taken = stretch_to_fit(picture)
        inputs = processor(images=taken, return_tensors="pt").to(runtime.device.name, runtime.dtype)
        outputs = model(**inputs)
        outputs.predicted_depth = outputs.predicted_depth.float()
        size = (taken.height, taken.width)
        if runtime.checkpoint.model_type == "zoedepth":
            values = _without_margin(outputs.predicted_depth, size)
        else:
            (found,) = processor.post_process_depth_estimation(outputs, [size])
            values = found["predicted_depth"]
        if taken is not picture:
            size = (picture.height, picture.width)
            values = torch.nn.functional.interpolate(values[None, None], size, mode="area")[0, 0]
    call.token.check()
    return _Depth(values.cpu().numpy(), _is_metric(runtime.checkpoint))


def _without_margin(depth: Any, size: tuple[int, int]) -> Any:
    """ZoeDepth's depth of shape (1, height, width), scaled to a picture's height and width.

    Its processor adds a margin of the picture's mirror image (https://huggingface.co/docs/transformers/model_doc/zoedepth),
    and can take that off again only where torchvision is installed.
    """
    import torch

    high, wide = (int(3 * (side / 2) ** 0.5) for side in size)
    padded = (size[0] + 2 * high, size[1] + 2 * wide)
    scaled = torch.nn.functional.interpolate(depth[None], padded, mode="bicubic")[0, 0]
    return scaled[high : high + size[0], wide : wide + size[1]]


def _is_metric(checkpoint: Checkpoint) -> bool:
    config: Mapping[str, Any] = checkpoint.config
    named = checkpoint.model_type == "dpt" and any(word in checkpoint.id.lower() for word in _METRIC_DATA)
    return checkpoint.model_type in _METRIC or config.get("depth_estimation_type") == "metric" or named
