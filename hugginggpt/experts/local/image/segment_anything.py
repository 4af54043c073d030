"""Every object of a picture by Segment Anything: a grid of points is asked, what the answers agree on is kept.

Source: section "Automatic mask generation" of https://arxiv.org/abs/2304.02643 (SAM) and
https://huggingface.co/docs/transformers/model_doc/sam2. Masks are filtered in the model's own resolution, so that a large
picture costs no more than a small one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.experts.base import Call
from hugginggpt.experts.local.image.processors import stretch_to_fit

if TYPE_CHECKING:
    import torch
    from PIL import Image

_POINTS_PER_SIDE: Final = 32
_POINTS_AT_ONCE: Final = 64
_GOOD: Final = 0.88
"""The least overlap with the true object that the model expects of a mask."""
_STABLE: Final = 0.95
"""Least stability of a mask when its threshold changes: intersection over union."""
_SHIFT: Final = 1.0
"""By how much the threshold, which is 0, is moved for that, in logits."""
_SAME: Final = 0.7
"""Masks whose boxes overlap by more (intersection over union) are one object."""


@dataclass(frozen=True, slots=True)
class Mask:
    """One object."""

    logits: torch.Tensor
    """Shape (height, width) in the model's resolution, above 0 inside the object."""
    score: float
    """Share of the true object that the model expects to have hit, 0..1."""
    box: tuple[float, float, float, float]
    """left, top, right, bottom as shares of the picture's width and height."""
    share: float
    """Of the picture's area, 0..1."""


def find_masks(call: Call, picture: Image.Image, processor: Any, model: Any) -> list[Mask]:
    """Return all objects, the largest first.

    Args:
        call: Told about progress, and asked whether it is still wanted, after each batch of points.
        picture: RGB.
        processor: Prepares the picture for the model.
        model: A SamModel or Sam2Model.

    Raises:
        StoppedError: The work is no longer wanted.
    """
    import torch

    inputs = processor(images=stretch_to_fit(picture), return_tensors="pt")
    pixels = inputs["pixel_values"].to(model.device, model.dtype)
    frame = torch.tensor(pixels.shape[-2:])
    # SAM fills a picture up to a square; SAM 2 stretches it
    content = inputs["reshaped_input_sizes"][0] if "reshaped_input_sizes" in inputs else frame
    embeddings = model.get_image_embeddings(pixels)
    steps = (torch.arange(_POINTS_PER_SIDE) + 0.5) / _POINTS_PER_SIDE
    grid = torch.cartesian_prod(steps, steps) * content.flip(0)
    found: list[Mask] = []
    for start in range(0, len(grid), _POINTS_AT_ONCE):
        call.token.check()
        points = grid[None, start : start + _POINTS_AT_ONCE, None].to(model.device)
        answer = model(image_embeddings=embeddings, input_points=points, input_labels=torch.ones_like(points[..., 0]).long())
        high, wide = (content / frame * torch.tensor(answer.pred_masks.shape[-2:])).round().int().clamp(min=1).tolist()
        logits = answer.pred_masks[0, ..., :high, :wide].flatten(0, 1).float()
        found.extend(_kept(logits, answer.iou_scores[0].flatten().float()))
        call.progress("asking for objects", min(1.0, (start + _POINTS_AT_ONCE) / len(grid)))
    return sorted(_distinct(found), key=lambda mask: -mask.share)


def _kept(logits: torch.Tensor, scores: torch.Tensor) -> Iterator[Mask]:
    """Yield the good and stable ones of some masks: logits of shape (masks, height, width), scores of shape (masks,)."""
    inner, outer = ((logits > shift).flatten(1).sum(1) for shift in (_SHIFT, -_SHIFT))
    good = (scores > _GOOD) & (inner > _STABLE * outer) & (inner > 0)
    for mask, score in zip(logits[good].cpu(), scores[good].tolist(), strict=True):
        inside = mask > 0
        rows, columns = inside.any(1).nonzero(), inside.any(0).nonzero()
        high, wide = mask.shape
        box = (int(columns[0]) / wide, int(rows[0]) / high, (int(columns[-1]) + 1) / wide, (int(rows[-1]) + 1) / high)
        yield Mask(mask, min(score, 1.0), box, float(inside.float().mean()))


def _distinct(masks: list[Mask]) -> list[Mask]:
    """Non-maximum suppression: of masks with about the same box only the best."""
    import torch

    masks = sorted(masks, key=lambda mask: -mask.score)
    if not masks:
        return []
    boxes = torch.tensor([mask.box for mask in masks])
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept: list[int] = []
    for i, box in enumerate(boxes):
        others = boxes[kept]
        sides = (torch.minimum(others[:, 2:], box[2:]) - torch.maximum(others[:, :2], box[:2])).clamp(min=0)
        shared = sides.prod(1)
        if not bool((shared > _SAME * (areas[kept] + areas[i] - shared)).any()):
            kept.append(i)
    return [masks[i] for i in kept]
