"""What a picture shows: classes of a classifier (https://huggingface.co/docs/transformers/tasks/image_classification)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.catalog.cache import Checkpoint
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.local.runtime import SAFE, SAFE_WEIGHTS, Runtime
from hugginggpt.tasks import Kind

if TYPE_CHECKING:
    from torch import Tensor

_KEPT: Final = 5


def classify(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """image-classification: a sentence each; ``data["classes"]`` holds label and score (0..1) of the five likeliest."""
    import torch

    pictures = [call.picture() for call in calls]

    def load(checkpoint: Checkpoint) -> tuple[Any, Any]:
        from transformers import AutoImageProcessor, AutoModelForImageClassification

        processor = AutoImageProcessor.from_pretrained(checkpoint.folder, **SAFE)
        model = AutoModelForImageClassification.from_pretrained(checkpoint.folder, dtype=runtime.dtype, **SAFE_WEIGHTS)
        return processor, model.to(runtime.device.name).eval()

    with runtime.loaded("image classifier", load, calls[0].token) as (processor, model), torch.inference_mode():
        inputs = processor(images=pictures, return_tensors="pt").to(runtime.device.name, runtime.dtype)
        scores = model(**inputs).logits.float().softmax(-1).cpu()
        return [_classes(row, model.config.id2label) for row in scores]


def _classes(scores: Tensor, labels: dict[int, str]) -> Result:
    values, indices = scores.topk(min(_KEPT, len(scores)))
    classes = [{"label": labels[i], "score": round(v, 4)} for v, i in zip(values.tolist(), indices.tolist(), strict=True)]
    return Result((Output(Kind.TEXT, text=classes_in_words(classes), data={"classes": classes}),))


def classes_in_words(classes: Sequence[dict[str, Any]]) -> str:
    """Labels with their scores, the likeliest first: "tabby (91%); less likely lynx (4%), cup (1%)." """
    told = [f"{entry['label']} ({entry['score']:.0%})" for entry in classes]
    return f"{told[0]}; less likely {', '.join(told[1:3])}." if len(told) > 1 else f"{told[0]}."
