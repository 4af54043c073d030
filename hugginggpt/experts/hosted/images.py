"""Image understanding at providers: classes, things, regions."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.hosted.generation import decode_picture
from hugginggpt.experts.hosted.inputs import encode_image
from hugginggpt.experts.hosted.options import ask_with_options
from hugginggpt.experts.labels import split_labels
from hugginggpt.experts.outputs import images as pictures
from hugginggpt.experts.outputs import text

if TYPE_CHECKING:
    from PIL import Image

    from hugginggpt.experts.hosted.pipeline_client import PipelineClient

_MAX_CLASSES = 5
_SURE_NAMED_SCORE = 0.2  # of things that were asked for by name, whose scores are lower
_SURE_SCORE, _MIN_SCORE = 0.5, 0.3
"""Lowest score at which a thing counts as found; and at which it is shown if nothing is sure."""


async def classify(call: Call, client: PipelineClient) -> Result:
    """Run image-classification: a sentence; label and score (0..1) of the five likeliest classes."""
    with encode_image(call) as sent:
        found = await ask_with_options(call, client.image_classification, sent.path, top_k=_MAX_CLASSES)
    ranked = sorted(found, key=lambda entry: -entry.score)[:_MAX_CLASSES]  # a provider may ignore top_k
    return text.build_classes_result([{"label": entry.label, "score": entry.score} for entry in ranked], shares=True)


async def classify_zero_shot(call: Call, client: PipelineClient) -> Result:
    """Run zero-shot-image-classification: which of the labels fits the picture best, with scores (0..1) of all."""
    labels = split_labels(call.text("labels"))
    with encode_image(call) as sent:
        found = await client.zero_shot_image_classification(sent.path, labels)
    ranked = sorted(found, key=lambda entry: -entry.score)
    return text.build_classes_result([{"label": entry.label, "score": entry.score} for entry in ranked], shares=True)


async def detect(call: Call, client: PipelineClient) -> Result:
    """Run object-detection: the picture with a box round each thing that is found, and a text that counts them."""
    with encode_image(call) as sent:
        found = await ask_with_options(call, client.object_detection, sent.path, threshold=_MIN_SCORE)
    things = [  # the model saw the picture scaled down, so its boxes are scaled up again
        {
            "label": thing.label,
            "score": thing.score,
            "box": [side * sent.scale for side in (thing.box.xmin, thing.box.ymin, thing.box.xmax, thing.box.ymax)],
        }
        for thing in found
        if thing.score >= _MIN_SCORE  # a provider may ignore the threshold
    ]
    return pictures.build_detection_result(call, sent.original, pictures.rank_things(things), threshold=_SURE_SCORE)


async def detect_labelled(call: Call, client: PipelineClient) -> Result:
    """Run zero-shot-object-detection at an endpoint: as `detect`, for things that the labels name."""
    labels = split_labels(call.text("labels"), min_labels=1)
    with encode_image(call) as sent:
        found = await client.run_pipeline("zero-shot-object-detection", sent.as_base64, {"candidate_labels": labels})
    things = [thing | {"box": [side * sent.scale for side in thing["box"].values()]} for thing in found]
    missing = [label for label in labels if not any(thing["label"] == label for thing in things)]
    return pictures.build_detection_result(
        call, sent.original, pictures.rank_things(things), threshold=_SURE_NAMED_SCORE, missing=missing
    )


async def estimate_depth(call: Call, client: PipelineClient) -> Result:
    """Run depth-estimation at an endpoint: a grey picture of the original's size.

    ``data`` holds min and max of what the model gave, None where it doesn't tell; in which unit isn't known.
    """
    with encode_image(call) as sent:
        found = await client.run_pipeline("depth-estimation", sent.as_base64)
    picture, (low, high) = _draw_depth(call, found)
    path = call.new_path(".png")
    picture.resize(sent.original.size).save(path)
    data = {"metric": False, "unit": "as the model gives it", "min": low, "max": high}
    return Result((Output(Kind.IMAGE, path=path, data=data),))


def _draw_depth(call: Call, found: Mapping[str, Any]) -> tuple[Image.Image, tuple[float | None, float | None]]:
    """Return the depth as a grey picture, and the least and the greatest value that the model gave."""
    import numpy as np
    from PIL import Image

    values = np.squeeze(np.asarray(found["predicted_depth"], np.float32)) if found["predicted_depth"] is not None else None
    span = (None, None) if values is None else (round(float(values.min()), 4), round(float(values.max()), 4))
    if found["depth"] is not None:
        return decode_picture(call, Image.open(io.BytesIO(base64.b64decode(found["depth"])))).convert("L"), span
    if values is None or values.ndim != 2:
        raise ValueError("a depth map was expected")
    scaled = (values - values.min()) / (float(np.ptp(values)) or 1.0)
    return Image.fromarray((scaled * 255).round().astype(np.uint8)), span


async def segment(call: Call, client: PipelineClient) -> Result:
    """Run image-segmentation: the picture under coloured masks with a legend, and a text that names its regions.

    Where masks overlap, the one with the higher score wins.
    """
    import numpy as np

    with encode_image(call) as sent:
        found = await client.image_segmentation(sent.path)
    masks = sorted(found, key=lambda region: region.score or 0.0)  # ascending: the surest is laid on top
    images: list[Any] = [region.mask for region in masks]  # the client's types say text, but it has decoded them
    size = images[0].size if images else sent.original.size
    number = np.full(size[::-1], -1, np.int32)  # numpy counts rows first, Pillow columns
    for i, image in enumerate(images):
        number[np.asarray(image.convert("L").resize(size)) > 127] = i  # a mask may have a size of its own
    shares = [float((number == i).mean()) for i in range(len(masks))]
    regions = [pictures.build_region(m.label, m.score or 0.0, share) for m, share in zip(masks, shares, strict=True)]
    return pictures.build_segmentation_result(call, sent.original, number, regions)
