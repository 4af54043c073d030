"""Finding things: detectors with labels of their own, and detectors that look for what they are told.

Sources: https://huggingface.co/docs/transformers/tasks/object_detection and
https://huggingface.co/docs/transformers/tasks/zero_shot_object_detection.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.labels import split_labels
from hugginggpt.experts.local.drawing import Box, draw_boxes
from hugginggpt.experts.local.runtime import Runtime
from hugginggpt.experts.local.vision import loader, takeable
from hugginggpt.experts.local.wording import counted, joined
from hugginggpt.tasks import Kind

if TYPE_CHECKING:
    from PIL import Image

_SURE: Final = 0.5
_LIKELY: Final = 0.3
"""Where nothing is sure, what is at least as likely is shown, and said to be unsure."""
_NAMED_SURE: Final[Mapping[str, float]] = {"owlvit": 0.1, "owlv2": 0.1, "grounding-dino": 0.3, "mm-grounding-dino": 0.3}
"""From which score a thing counts as found, by model type: these score a box against a text, and score low
(the thresholds of https://huggingface.co/docs/transformers/model_doc/owlv2 and .../grounding-dino)."""
_SAME: Final = 0.6
"""Boxes of one label that overlap by more (intersection over union) mark one thing."""

Thing = dict[str, Any]
"""label, score (0..1) and box (left, top, right, bottom in pixels of the original picture)."""


def detect(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """object-detection: each picture with a box round each thing that is found, and a text that counts them.

    Returns:
        For each call an image of the original's size and a text such as "2 cats and 1 sofa." Both hold
        ``data["objects"]``: label, score (0..1) and box ([left, top, right, bottom] in pixels of the original picture)
        of each, the surest first; and ``data["counts"]``: how many there are of each label. Both are empty where
        nothing was found.
    """
    import torch

    pictures = [call.picture() for call in calls]
    load = loader(runtime, "AutoModelForObjectDetection")
    with runtime.loaded("object detector", load, calls[0].token) as (processor, model), torch.inference_mode():
        inputs = processor(images=[takeable(picture) for picture in pictures], return_tensors="pt")
        outputs = model(**inputs.to(runtime.device.name, runtime.dtype))
        sizes = torch.tensor([(picture.height, picture.width) for picture in pictures])
        found = processor.post_process_object_detection(outputs, threshold=_LIKELY, target_sizes=sizes)
        labels = model.config.id2label
    things = [_things([labels[int(i)] for i in each["labels"]], each) for each in found]
    for call in calls:
        call.token.check()
    return [_result(*each, threshold=_SURE) for each in zip(calls, pictures, things, strict=True)]


def detect_named(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """zero-shot-object-detection: as `detect`, for things that `labels` names ("a cat, a dog or a car").

    Raises:
        InputError: No labels are given.
    """
    import torch

    (call,) = calls
    labels = split_labels(call.text("labels"), least=1)
    picture = call.picture()
    threshold = _NAMED_SURE.get(runtime.checkpoint.model_type, _LIKELY)
    load = loader(runtime, "AutoModelForZeroShotObjectDetection", "AutoProcessor")
    with runtime.loaded("open detector", load, call.token) as (processor, model), torch.inference_mode():
        inputs = processor(text=[labels], images=[takeable(picture)], truncation=True, return_tensors="pt")
        outputs = model(**inputs.to(runtime.device.name, runtime.dtype))
        size = [(picture.height, picture.width)]
        (found,) = processor.post_process_grounded_object_detection(
            outputs, threshold=threshold, target_sizes=size, text_labels=[labels]
        )
    call.token.check()
    phrases = found["text_labels"][: len(found["scores"])]  # Grounding DINO names one thing where it found none
    named = [_named(phrase, labels) for phrase in phrases]
    things = _distinct([thing for thing in _things(named, found) if thing["label"]])
    missing = [label for label in labels if not any(thing["label"] == label for thing in things)]
    return [_result(call, picture, things, threshold, missing)]


def _named(phrase: str, labels: Sequence[str]) -> str:
    """Which of the labels a model means: some give back words of the whole question, in lower case; "" where it is none."""
    words = set(phrase.lower().split())
    shared = {label: len(words & set(label.lower().split())) for label in labels}
    best = max(labels, key=lambda label: (label.lower() == phrase.lower(), shared[label]))
    return best if shared[best] else ""


def _things(labels: Sequence[str], found: Mapping[str, Any]) -> list[Thing]:
    """What post-processing found, the surest first."""
    rows = zip(labels, found["scores"].float().tolist(), found["boxes"].float().tolist(), strict=True)
    things = [{"label": label, "score": round(score, 4), "box": box} for label, score, box in rows]
    return sorted(things, key=lambda thing: -thing["score"])


def _distinct(things: Sequence[Thing]) -> list[Thing]:
    """Without those that a surer one of the same label covers; for models that mark one thing several times."""
    kept: list[Thing] = []
    for thing in things:
        if not any(other["label"] == thing["label"] and _overlap(other["box"], thing["box"]) > _SAME for other in kept):
            kept.append(thing)
    return kept


def _overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two boxes, 0..1."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    if wide <= 0 or high <= 0:
        return 0.0
    area = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return wide * high / (area - wide * high)


def _result(call: Call, picture: Image.Image, things: Sequence[Thing], threshold: float, missing: Sequence[str] = ()) -> Result:
    sure = [thing for thing in things if thing["score"] >= threshold]
    shown = [_inside(thing, picture.size) for thing in sure or things]
    boxes = [Box(thing["label"], f"{thing['label']} {thing['score']:.0%}", tuple(thing["box"])) for thing in shown]
    path = call.new_path(".png")
    draw_boxes(picture, boxes).save(path)
    counts = dict(Counter(thing["label"] for thing in shown).most_common())
    data = {"objects": shown, "counts": counts}
    text = f"{joined(counted(*pair) for pair in counts.items())}." if counts else "Nothing was found."
    if counts and missing:
        text = f"{text} Not found: {', '.join(missing)}."
    note = "" if sure or not shown else f"The model is less than {threshold:.0%} sure of what it found."
    return Result((Output(Kind.IMAGE, path=path, data=data), Output(Kind.TEXT, text=text, data=data)), note=note)


def _inside(thing: Thing, size: tuple[int, int]) -> Thing:
    """The same with its box cut off at the picture's edges, in tenths of a pixel."""
    limits = (*size, *size)
    return thing | {"box": [round(min(max(side, 0.0), limit), 1) for side, limit in zip(thing["box"], limits, strict=True)]}
