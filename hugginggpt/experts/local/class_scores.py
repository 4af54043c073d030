"""Scores of a classifier's labels, by the function that its configuration asks for.

The rule is that of transformers' pipelines for pictures and texts; those for sounds and videos share out 1 even where there is
a single label, which would be certain of it whatever they are given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.experts.base import Result
from hugginggpt.experts.outputs.text import build_classes_result

if TYPE_CHECKING:
    from torch import Tensor

_MAX_CLASSES: Final = 5


def is_regression(config: Any) -> bool:
    """Return whether a classifier's outputs are plain values."""
    return getattr(config, "problem_type", None) == "regression"


def has_independent_labels(config: Any) -> bool:
    """Return whether each label is scored by itself: several may hold, or none."""
    return getattr(config, "problem_type", None) == "multi_label_classification" or config.num_labels == 1


def compute_class_scores(logits: Tensor, config: Any) -> Tensor:
    """Return the scores of logits, shape (…, labels): in 0..1, or as they are for a regression model."""
    if is_regression(config):
        return logits
    return logits.sigmoid() if has_independent_labels(config) else logits.softmax(-1)


def build_scored_result(scores: Tensor, config: Any) -> Result:
    """Name the likeliest classes; ``data["classes"]`` holds label and score of five at most.

    Args:
        scores: Those of one input, shape (labels,), from `compute_class_scores`.
        config: The model's configuration.
    """
    values, indices = scores.topk(min(_MAX_CLASSES, len(scores)))
    labels: Mapping[int, str] = config.id2label
    found = [{"label": labels[i], "score": v} for v, i in zip(values.tolist(), indices.tolist(), strict=True)]
    if is_regression(config):
        return build_classes_result(found, values=True)
    return build_classes_result(found, several=has_independent_labels(config), shares=True)
