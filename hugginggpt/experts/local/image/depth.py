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

_METRIC_TYPES: Final = frozenset({"glpn", "zoedepth"})
"""Model types that always give metres; others give something like the inverse of the distance, on no fixed scale."""
_METRIC_DATASETS: Final = ("nyu", "kitti")
"""Data sets with measured distances: a DPT that is named after one gives metres, and its configuration doesn't say so."""
_MIN_METRES: Final = 0.1  # least distance to the camera, in metres; what is nearer counts as that
_MAX_FLAT_INVERSE_DEPTH: Final = 0.1
"""Depth below which a normal map has no relief, as in https://huggingface.co/lllyasviel/sd-controlnet-normal,
a share of the picture's range."""
_RELIEF_SLOPE: Final = 8.0
"""Slope of a surface that crosses the whole range of depth within the picture's longer side."""


@dataclass(frozen=True, slots=True)
class _Depth:
    """The depth of a picture."""

    values: NDArray[np.float32]
    """Shape (height, width), as the model gives them: metres, or larger where nearer."""
    metric: bool

    @property
    def inverse_depth(self) -> NDArray[np.float32]:
        """Inverse of the distance, scaled to 0 (farthest) .. 1 (nearest); 0 everywhere in a flat picture."""
        import numpy as np

        inverse = 1 / np.maximum(self.values, _MIN_METRES) if self.metric else self.values  # 0 m would take the whole range
        low, high = float(inverse.min()), float(inverse.max())
        return ((inverse - low) / (high - low) if high > low else np.zeros_like(inverse)).astype(np.float32)

    @property
    def data(self) -> dict[str, Any]:
        """The entries of `Output.data`."""
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
    depth = _estimate_depth(call, runtime)
    path = call.new_path(".png")
    Image.fromarray((depth.inverse_depth * 255).round().astype(np.uint8)).save(path)
    return [Result((Output(Kind.IMAGE, path=path, data=depth.data),))]


def draw_depth(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run depth-control: as `estimate`, in three equal channels, which ControlNets for depth were trained on
    (https://huggingface.co/lllyasviel/sd-controlnet-depth)."""
    import numpy as np
    from PIL import Image

    (call,) = calls
    depth = _estimate_depth(call, runtime)
    path = call.new_path(".png")
    Image.fromarray((depth.inverse_depth * 255).round().astype(np.uint8)).convert("RGB").save(path)
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
    depth = _estimate_depth(call, runtime)
    path = call.new_path(".png")
    Image.fromarray(((_normals(depth.inverse_depth) + 1) * 127.5).round().astype(np.uint8)).save(path)
    return [Result((Output(Kind.IMAGE, path=path, data=depth.data),))]


def _normals(inverse_depth: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return unit normals of shape (height, width, 3): left, up, towards the camera."""
    import cv2
    import numpy as np

    steepness = _RELIEF_SLOPE * max(inverse_depth.shape) / 8  # a Sobel filter of three pixels is eight times the slope
    # what gets nearer to the right faces left, what gets nearer downwards faces up
    left, up = (cv2.Sobel(inverse_depth, cv2.CV_32F, *axis, ksize=3) * steepness for axis in ((1, 0), (0, 1)))
    far = inverse_depth < _MAX_FLAT_INVERSE_DEPTH
    left[far] = up[far] = 0
    vectors = np.stack([left, up, np.ones_like(left)], axis=2)
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=2, keepdims=True)
    return unit


def _estimate_depth(call: Call, runtime: Runtime) -> _Depth:
    import torch

    picture: Image.Image = call.picture()
    load = make_loader(runtime, "AutoModelForDepthEstimation")
    with runtime.load_model("depth estimator", load, call.token) as (processor, model), torch.inference_mode():
        stretched = stretch_to_fit(picture)
        inputs = processor(images=stretched, return_tensors="pt").to(runtime.device.name, runtime.dtype)
        outputs = model(**inputs)
        outputs.predicted_depth = outputs.predicted_depth.float()
        size = (stretched.height, stretched.width)
        if runtime.checkpoint.model_type == "zoedepth":
            values = _cut_padding_off(outputs.predicted_depth, size)
        else:
            (found,) = processor.post_process_depth_estimation(outputs, [size])
            values = found["predicted_depth"]
        if stretched is not picture:
            size = (picture.height, picture.width)
            values = torch.nn.functional.interpolate(values[None, None], size, mode="area")[0, 0]  # it was enlarged
    call.token.check()
    return _Depth(values.cpu().numpy(), _is_metric(runtime.checkpoint))


def _cut_padding_off(depth: Any, size: tuple[int, int]) -> Any:
    """Scale ZoeDepth's depth, shape (1, height, width), to a picture's height and width.

    Its processor adds a margin of the picture's mirror image (https://huggingface.co/docs/transformers/model_doc/zoedepth),
    and can take that off again only where torchvision is installed.
    """
    import torch

    pad_height, pad_width = (int(3 * (side / 2) ** 0.5) for side in size)  # the processor's own formula
    padded = (size[0] + 2 * pad_height, size[1] + 2 * pad_width)
    scaled = torch.nn.functional.interpolate(depth[None], padded, mode="bicubic")[0, 0]
    return scaled[pad_height : pad_height + size[0], pad_width : pad_width + size[1]]


def _is_metric(checkpoint: Checkpoint) -> bool:
    config: Mapping[str, Any] = checkpoint.config
    named_metric = checkpoint.model_type == "dpt" and any(word in checkpoint.id.lower() for word in _METRIC_DATASETS)
    return checkpoint.model_type in _METRIC_TYPES or config.get("depth_estimation_type") == "metric" or named_metric
