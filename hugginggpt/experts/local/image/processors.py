"""What all families that look at pictures share: loading a model with its processor, and pictures that it can take."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.experts.local.runtime.backbones import build_timm_free_arguments
from hugginggpt.experts.local.runtime.runtime import SAFE, SAFE_WEIGHTS, Runtime
from hugginggpt.hub.cache import Checkpoint

if TYPE_CHECKING:
    from PIL import Image

_LEAST_SIDE: Final = 32
"""Pictures with a shorter side are enlarged, in pixels: processors take one that is three pixels wide for one whose
colours come first."""
_MAX_ASPECT: Final = 16
"""Longer strips are squeezed: a processor that keeps proportions would leave less than a patch of them."""


def loader(
    runtime: Runtime, model: str, processor: str | Callable[[Checkpoint], Any] = "AutoImageProcessor"
) -> Callable[[Checkpoint], tuple[Any, Any]]:
    """What `Runtime.loaded` takes: loads a processor and a model, ready to run on the runtime's device.

    Args:
        runtime: Says where and in which precision.
        model: The class in transformers that loads the model: "AutoModelForObjectDetection".
        processor: Likewise for what prepares its inputs, or a function that loads that.
    """

    def load(checkpoint: Checkpoint) -> tuple[Any, Any]:
        import transformers

        if isinstance(processor, str):
            prepare = getattr(transformers, processor).from_pretrained(checkpoint.folder, **SAFE)
        else:
            prepare = processor(checkpoint)
        instead = build_timm_free_arguments(checkpoint)
        # without a folder the Auto classes don't know which class to take
        class_, place = (checkpoint.architecture, None) if instead else (model, checkpoint.folder)
        loaded = getattr(transformers, class_).from_pretrained(place, dtype=runtime.dtype, **instead, **SAFE_WEIGHTS)
        return prepare, loaded.to(runtime.device.name).eval()

    return load


def takeable(picture: Image.Image) -> Image.Image:
    """The picture, stretched where it is too small or too long for a processor; what is found in it is relative to its size.

    Args:
        picture: RGB.
    """
    width, height = picture.size
    width, height = max(width, _LEAST_SIDE), max(height, _LEAST_SIDE)
    width, height = max(width, height // _MAX_ASPECT), max(height, width // _MAX_ASPECT)
    return picture if (width, height) == picture.size else picture.resize((width, height))


def fitted(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """A size (width, height) in pixels, made smaller so that its longer side is `longest` at most."""
    scale = min(1.0, longest / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
