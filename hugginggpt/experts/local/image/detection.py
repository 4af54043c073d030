"""Finding things: detectors with labels of their own, and detectors that look for what they are told.

Sources: https://huggingface.co/docs/transformers/tasks/object_detection and
https://huggingface.co/docs/transformers/tasks/zero_shot_object_detection.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.labels import split_labels
from hugginggpt.experts.local.image.processors import make_loader, stretch_to_fit
from hugginggpt.experts.local.runtime.runtime import Runtime
from hugginggpt.experts.outputs.images import Thing, build_detection_result, rank_things

_SURE: Final = 0.5
_LIKELY: Final = 0.3
"""Score from which things are shown where nothing is sure, and said to be unsure."""
_NAMED_SURE: Final[Mapping[str, float]] = {"owlvit": 0.1, "owlv2": 0.1, "grounding-dino": 0.3, "mm-grounding-dino": 0.3}
"""From which score a thing counts as found, by model type: these score a box against a text, and score low
(the thresholds of https://huggingface.co/docs/transformers/model_doc/owlv2 and .../grounding-dino)."""
_SAME: Final = 0.6
"""Boxes of one label that overlap by more (intersection over union) mark one thing."""


def detect(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run object-detection: each picture with a box round each thing that is found, and a text that counts them.

    Returns:
        For each call an image of the original's size and a text such as "2 cats and 1 sofa." Both hold
        ``data["objects"]``: label, score (0..1) and box ([left, top, right, bottom] in pixels of the original picture)
        of each, the surest first; and ``data["counts"]``: how many there are of each label. Both are empty where
        nothing was found.
    """
    import torch

    pictures = [call.picture() for call in calls]
    load = make_loader(runtime, "AutoModelForObjectDetection")
    with runtime.load_model("object detector", load, calls[0].token) as (processor, model), torch.inference_mode():
        inputs = processor(images=[stretch_to_fit(picture) for picture in pictures], return_tensors="pt")
        outputs = model(**inputs.to(runtime.device.name, runtime.dtype))
        sizes = torch.tensor([(picture.height, picture.width) for picture in pictures])
        found = processor.post_process_object_detection(outputs, threshold=_LIKELY, target_sizes=sizes)
        labels = model.config.id2label
    seen = [_things([labels[int(i)] for i in each["labels"]], each) for each in found]
    for call in calls:
        call.token.check()
    return [build_detection_result(*each, threshold=_SURE) for each in zip(calls, pictures, seen, strict=True)]


def detect_named(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run zero-shot-object-detection: as `detect`, for things that `labels` names ("a cat, a dog or a car").

    Raises:
        InputError: No labels are given.
    """
    import torch

    (call,) = calls
    labels = split_labels(call.text("labels"), least=1)
    picture = call.picture()
    threshold = _NAMED_SURE.get(runtime.checkpoint.model_type, _LIKELY)
    load = make_loader(runtime, "AutoModelForZeroShotObjectDetection", "AutoProcessor")
    with runtime.load_model("open detector", load, call.token) as (processor, model), torch.inference_mode():
        inputs = processor(text=[labels], images=[stretch_to_fit(picture)], truncation=True, return_tensors="pt")
        outputs = model(**inputs.to(runtime.device.name, runtime.dtype))
        size = [(picture.height, picture.width)]
        (found,) = processor.post_process_grounded_object_detection(
            outputs, threshold=threshold, target_sizes=size, text_labels=[labels]
        )
    call.token.check()
    phrases = found["text_labels"][: len(found["scores"])]  # Grounding DINO names one thing where it found none
    named = [_named(phrase, labels) for phrase in phrases]
    seen = _distinct(rank_things(thing for thing in _things(named, found) if thing["label"]))
    missing = [label for label in labels if not any(thing["label"] == label for thing in seen)]
    return [build_detection_result(call, picture, seen, threshold=threshold, missing=missing)]


def _named(phrase: str, labels: Sequence[str]) -> str:
    """Return the label that a model means: some give back words of the whole question, in lower case; "" where it is none."""
    words = set(phrase.lower().split())
    shared = {label: len(words & set(label.lower().split())) for label in labels}
    best = max(labels, key=lambda label: (label.lower() == phrase.lower(), shared[label]))
    return best if shared[best] else ""


def _things(labels: Sequence[str], found: Mapping[str, Any]) -> list[Thing]:
    """Return what post-processing found."""
    rows = zip(labels, found["scores"].float().tolist(), found["boxes"].float().tolist(), strict=True)
    return [{"label": label, "score": score, "box": box} for label, score, box in rows]


def _distinct(found: Sequence[Thing]) -> list[Thing]:
    """Return them without those that a surer one of the same label covers; for models that mark one thing several times."""
    kept: list[Thing] = []
    for thing in found:
        if not any(other["label"] == thing["label"] and _overlap(other["box"], thing["box"]) > _SAME for other in kept):
            kept.append(thing)
    return kept


def _overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Return intersection over union of two boxes, 0..1."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    if wide <= 0 or high <= 0:
        return 0.0
    area = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return wide * high / (area - wide * high)
