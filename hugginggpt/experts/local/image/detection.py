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

_SURE_SCORE: Final = 0.5
_LIKELY_SCORE: Final = 0.3  # lowest score of things that are shown, as unsure, where nothing is sure
_TEXT_THRESHOLDS: Final[Mapping[str, float]] = {"owlvit": 0.1, "owlv2": 0.1, "grounding-dino": 0.3, "mm-grounding-dino": 0.3}
"""Lowest score of a thing that counts as found, by model type: these score a box against a text, and score low
(the thresholds of https://huggingface.co/docs/transformers/model_doc/owlv2 and .../grounding-dino)."""
_MAX_IOU: Final = 0.6  # boxes of one label that overlap by more (intersection over union) mark one thing


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
        sizes = torch.tensor([(picture.height, picture.width) for picture in pictures])  # the originals'
        found = processor.post_process_object_detection(outputs, threshold=_LIKELY_SCORE, target_sizes=sizes)  # unsure, too
        labels = model.config.id2label
    things = [_build_things([labels[int(i)] for i in each["labels"]], each) for each in found]
    for call in calls:
        call.token.check()
    return [build_detection_result(*each, threshold=_SURE_SCORE) for each in zip(calls, pictures, things, strict=True)]


def detect_named(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run zero-shot-object-detection: as `detect`, for things that `labels` names ("a cat, a dog or a car").

    Raises:
        InputError: No labels are given.
    """
    import torch

    (call,) = calls
    labels = split_labels(call.text("labels"), min_labels=1)
    picture = call.picture()
    threshold = _TEXT_THRESHOLDS.get(runtime.checkpoint.model_type, _LIKELY_SCORE)
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
    named = [_match_label(phrase, labels) for phrase in phrases]
    things = _drop_duplicates(rank_things(thing for thing in _build_things(named, found) if thing["label"]))
    missing = [label for label in labels if not any(thing["label"] == label for thing in things)]
    return [build_detection_result(call, picture, things, threshold=threshold, missing=missing)]


def _match_label(phrase: str, labels: Sequence[str]) -> str:
    """Return the label that a phrase means, "" for none: some models answer in lower-case words of the whole question."""
    words = set(phrase.lower().split())
    shared = {label: len(words & set(label.lower().split())) for label in labels}
    best = max(labels, key=lambda label: (label.lower() == phrase.lower(), shared[label]))
    return best if shared[best] else ""


def _build_things(labels: Sequence[str], found: Mapping[str, Any]) -> list[Thing]:
    """Build the things that post-processing found."""
    rows = zip(labels, found["scores"].float().tolist(), found["boxes"].float().tolist(), strict=True)
    return [{"label": label, "score": score, "box": box} for label, score, box in rows]


def _drop_duplicates(found: Sequence[Thing]) -> list[Thing]:
    """Drop things that a surer one of the same label covers; for models that mark one thing several times."""
    kept: list[Thing] = []
    for thing in found:
        if not any(other["label"] == thing["label"] and _compute_iou(other["box"], thing["box"]) > _MAX_IOU for other in kept):
            kept.append(thing)
    return kept


def _compute_iou(one: Sequence[float], other: Sequence[float]) -> float:
    """Return intersection over union of two boxes, 0..1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:  # the product of two negative sides would be positive
        return 0.0
    area = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return width * height / (area - width * height)
