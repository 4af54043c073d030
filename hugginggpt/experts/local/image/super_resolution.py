"""Super resolution: a picture with more pixels (Swin2SR, https://arxiv.org/abs/2209.11345)."""

from collections.abc import Iterator
from typing import Any, Final

from hugginggpt.core.errors import ExpertError
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.local.runtime.runtime import SAFE, Runtime, select_weights
from hugginggpt.hub.cache import Checkpoint

_TILE_SIDE: Final = 192  # pixels that are enlarged at once, along each side
_MARGIN: Final = 16  # overlap of a tile with its neighbours, in pixels, so that no seam shows
_MAX_PIXELS: Final = 2_000_000  # largest picture that is enlarged

TileBox = tuple[int, int, int, int]


def upscale(call: Call, runtime: Runtime) -> Result:
    """Run image-to-image: a PNG of the same picture, as many times wider and higher as the model was trained for (2, 4).

    It goes through the model in tiles. ``data`` holds width and height in pixels, and the factor as "scale".

    Raises:
        ExpertError: The picture is large already.
    """
    import torch
    from PIL import Image

    picture = call.picture()
    if picture.width * picture.height > _MAX_PIXELS:
        raise ExpertError(f"{runtime.checkpoint.id} enlarges pictures of up to {_MAX_PIXELS:,} pixels; this one has more.")

    def load(checkpoint: Checkpoint) -> tuple[Any, Any]:
        from transformers import AutoImageProcessor, AutoModelForImageToImage

        processor = AutoImageProcessor.from_pretrained(checkpoint.folder, **SAFE)
        model = AutoModelForImageToImage.from_pretrained(checkpoint.folder, dtype=runtime.dtype, **select_weights(checkpoint))
        return processor, model.to(runtime.device.name).eval()

    with runtime.load_model("image enlarger", load, call.token) as (processor, model), torch.inference_mode():
        scale = int(model.config.upscale)
        large = Image.new("RGB", (picture.width * scale, picture.height * scale))
        tiles = list(_iter_tiles(picture.width, picture.height))
        for number, (core, padded) in enumerate(tiles):
            call.token.check()
            call.progress(f"part {number + 1} of {len(tiles)}", number / len(tiles))
            inputs = processor(picture.crop(padded), return_tensors="pt").to(runtime.device.name, runtime.dtype)
            pixels = model(**inputs).reconstruction[0].float().clamp(0, 1).mul(255).round().byte()
            enlarged = Image.fromarray(pixels.permute(1, 2, 0).cpu().numpy())
            # the processor pads on the right and below; the core keeps its place in the padded tile
            left, top = (core[0] - padded[0]) * scale, (core[1] - padded[1]) * scale
            width, height = (core[2] - core[0]) * scale, (core[3] - core[1]) * scale
            large.paste(enlarged.crop((left, top, left + width, top + height)), (core[0] * scale, core[1] * scale))
    path = call.new_path(".png")
    large.save(path)
    note = "This model only enlarges pictures: the text played no part." if call.inputs.get("text") else ""
    return Result((Output(Kind.IMAGE, path=path, data={"width": large.width, "height": large.height, "scale": scale}),), note)


def _iter_tiles(width: int, height: int) -> Iterator[tuple[TileBox, TileBox]]:
    """Yield the tiles of a picture, (left, top, right, bottom), each without and with its margin."""
    for top in range(0, height, _TILE_SIDE):
        for left in range(0, width, _TILE_SIDE):
            right, bottom = min(left + _TILE_SIDE, width), min(top + _TILE_SIDE, height)
            padded = max(left - _MARGIN, 0), max(top - _MARGIN, 0), min(right + _MARGIN, width), min(bottom + _MARGIN, height)
            yield (left, top, right, bottom), padded
