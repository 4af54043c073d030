"""Image classification: by a classifier's classes, or by labels that a person gives.

Sources: https://huggingface.co/docs/transformers/tasks/image_classification and
https://huggingface.co/docs/transformers/tasks/zero_shot_image_classification.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.labels import split_labels
from hugginggpt.experts.local.class_scores import build_scored_result, compute_class_scores
from hugginggpt.experts.local.image.processors import make_loader, stretch_to_fit
from hugginggpt.experts.local.runtime.runtime import Runtime
from hugginggpt.experts.outputs.text import build_classes_result

if TYPE_CHECKING:
    from torch import Tensor

_CAPTION_TEMPLATE: Final = "This is a photo of {}."
"""Sentence that a label is put into before it is compared: these models were trained on captions."""
_SIGMOID_TYPES: Final = frozenset({"siglip", "siglip2"})
"""Model types that score each label by itself, where the others share out 1 among the labels that they are given."""
_TEXT_LENGTH: Final = {"siglip": 64, "siglip2": 64}
"""Tokens that these pad a text to, as in their training (https://huggingface.co/docs/transformers/model_doc/siglip)."""


def classify(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run image-classification: a sentence each; ``data["classes"]`` holds label and score (0..1) of the five likeliest.

    Scores add up to 1, or are independent where several labels may hold, or none; a regression model's are plain values.
    """
    import torch

    pictures = [stretch_to_fit(call.picture()) for call in calls]
    load = make_loader(runtime, "AutoModelForImageClassification")
    with runtime.load_model("image classifier", load, calls[0].token) as (processor, model), torch.inference_mode():
        inputs = processor(images=pictures, return_tensors="pt").to(runtime.device.name, runtime.dtype)
        scores = compute_class_scores(model(**inputs).logits.float().cpu(), model.config)
        return [build_scored_result(row, model.config) for row in scores]


def classify_zero_shot(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run zero-shot-image-classification: which of the labels ("a cat, a dog or a car") fits the picture best.

    Returns:
        One text; ``data["classes"]`` holds label and score (0..1) of each label, the likeliest first. The scores of one
        picture add up to 1, except SigLIP's, which rate each label by itself.

    Raises:
        InputError: No labels are given.
    """
    import torch

    (call,) = calls
    labels = split_labels(call.text("labels"), min_labels=1)
    picture = stretch_to_fit(call.picture())
    kind = runtime.checkpoint.model_type
    load = make_loader(runtime, "AutoModelForZeroShotImageClassification", "AutoProcessor")
    with runtime.load_model("image and text encoder", load, call.token) as (processor, model), torch.inference_mode():
        texts = [_CAPTION_TEMPLATE.format(label) for label in labels]
        padding = {"padding": "max_length", "max_length": _TEXT_LENGTH[kind]} if kind in _TEXT_LENGTH else {"padding": True}
        inputs = processor(text=texts, images=[picture], truncation=True, return_tensors="pt", **padding)  # CLIP takes 77
        logits = model(**inputs.to(runtime.device.name, runtime.dtype)).logits_per_image.float()[0].cpu()
    scores = logits.sigmoid() if kind in _SIGMOID_TYPES else logits.softmax(-1)
    return [_build_result(scores, labels)]


def _build_result(scores: Tensor, labels: Sequence[str]) -> Result:
    values, indices = scores.sort(descending=True)
    found = [{"label": labels[i], "score": v} for v, i in zip(values.tolist(), indices.tolist(), strict=True)]
    return build_classes_result(found, shares=True)
