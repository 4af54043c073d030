"""Image understanding at providers: classes, things, regions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.hosted.inputs import encode_image
from hugginggpt.experts.labels import split_labels
from hugginggpt.experts.outputs import images as pictures
from hugginggpt.experts.outputs import text

if TYPE_CHECKING:
    from huggingface_hub import AsyncInferenceClient

_MAX_CLASSES = 5
_SURE_SCORE, _MIN_SCORE = 0.5, 0.3
"""Lowest score at which a thing counts as found; and at which it is shown if nothing is sure."""


async def classify(call: Call, client: AsyncInferenceClient) -> Result:
    """Run image-classification: a sentence; label and score (0..1) of the five likeliest classes."""
    with encode_image(call) as sent:
        found = await client.image_classification(sent.path, top_k=_MAX_CLASSES)
    ranked = sorted(found, key=lambda entry: -entry.score)[:_MAX_CLASSES]  # a provider may ignore top_k
    return text.build_classes_result([{"label": entry.label, "score": entry.score} for entry in ranked], shares=True)


async def classify_zero_shot(call: Call, client: AsyncInferenceClient) -> Result:
    """Run zero-shot-image-classification: which of the labels fits the picture best, with scores (0..1) of all."""
    labels = split_labels(call.text("labels"))
    with encode_image(call) as sent:
        found = await client.zero_shot_image_classification(sent.path, labels)
    ranked = sorted(found, key=lambda entry: -entry.score)
    return text.build_classes_result([{"label": entry.label, "score": entry.score} for entry in ranked], shares=True)


async def detect(call: Call, client: AsyncInferenceClient) -> Result:
    """Run object-detection: the picture with a box round each thing that is found, and a text that counts them."""
    with encode_image(call) as sent:
        found = await client.object_detection(sent.path, threshold=_MIN_SCORE)
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


async def segment(call: Call, client: AsyncInferenceClient) -> Result:
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
