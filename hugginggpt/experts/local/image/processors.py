"""Shared by all image families: loading a model with its processor, and pictures that it can take."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.experts.local.runtime.backbones import build_timm_free_arguments
from hugginggpt.experts.local.runtime.runtime import SAFE, Runtime, select_weights
from hugginggpt.hub.cache import Checkpoint

if TYPE_CHECKING:
    from PIL import Image

_MIN_SIDE: Final = 32
"""Pictures with a shorter side are enlarged, in pixels: processors take one that is three pixels wide for one whose
colours come first."""
_MAX_ASPECT: Final = 16
"""Longer strips are squeezed: a processor that keeps proportions would leave less than a patch of them."""


def make_loader(
    runtime: Runtime, model: str, processor: str | Callable[[Checkpoint], Any] = "AutoImageProcessor"
) -> Callable[[Checkpoint], tuple[Any, Any]]:
    """Return a `load` for `Runtime.load_model`: it loads a processor and a model, ready to run on the device.

    Args:
        runtime: Its device and precision are used.
        model: The class in transformers that loads the model: "AutoModelForObjectDetection".
        processor: The class of its processor, or a function that loads one.
    """

    def load(checkpoint: Checkpoint) -> tuple[Any, Any]:
        import transformers

        if isinstance(processor, str):
            prepared = getattr(transformers, processor).from_pretrained(checkpoint.folder, **SAFE)
        else:
            prepared = processor(checkpoint)
        timm_free = build_timm_free_arguments(checkpoint)
        # without a folder the Auto classes don't know which class to take
        class_, folder = (checkpoint.architecture, None) if timm_free else (model, checkpoint.folder)
        network = getattr(transformers, class_).from_pretrained(
            folder, dtype=runtime.dtype, **timm_free, **select_weights(checkpoint)
        )
        return prepared, network.to(runtime.device.name).eval()

    return load


def stretch_to_fit(picture: Image.Image) -> Image.Image:
    """Stretch a picture that is too small or long for a processor; what is found in it is relative to its size.

    Args:
        picture: RGB.
    """
    width, height = picture.size
    width, height = max(width, _MIN_SIDE), max(height, _MIN_SIDE)  # before the ratio, which it changes
    width, height = max(width, height // _MAX_ASPECT), max(height, width // _MAX_ASPECT)
    return picture if (width, height) == picture.size else picture.resize((width, height))


def limit_size(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """Shrink a size (width, height), in pixels, so that its longer side is `longest` at most."""
    scale = min(1.0, longest / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
