"""Every object of a picture by Segment Anything: a grid of points is prompted, and the stable masks are kept.

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
_BATCH_POINTS: Final = 64
_MIN_SCORE: Final = 0.88  # lowest overlap with the true object that the model expects of a mask
_MIN_STABILITY: Final = 0.95  # lowest stability of a mask when its threshold changes: intersection over union
_THRESHOLD_SHIFT: Final = 1.0  # change of the threshold, which is 0, for that test, in logits
_MAX_IOU: Final = 0.7  # masks whose boxes overlap by more (intersection over union) are one object


@dataclass(frozen=True, slots=True)
class Mask:
    """Mask of one object."""

    logits: torch.Tensor
    """Shape (height, width) in the model's resolution, above 0 inside the object."""
    score: float
    """Share of the true object that the model expects to have hit, 0..1."""
    box: tuple[float, float, float, float]
    """left, top, right, bottom as shares of the picture's width and height."""
    share: float
    """Of the picture's area, 0..1."""


def find_masks(call: Call, picture: Image.Image, processor: Any, model: Any) -> list[Mask]:
    """Find all objects, the largest first.

    Args:
        call: Call to report progress to, and to check for a stop, at each batch of points.
        picture: RGB.
        processor: Prepares the picture for the model.
        model: A SamModel or Sam2Model.

    Raises:
        StoppedError: The call was cancelled.
    """
    import torch

    inputs = processor(images=stretch_to_fit(picture), return_tensors="pt")
    pixels = inputs["pixel_values"].to(model.device, model.dtype)
    frame = torch.tensor(pixels.shape[-2:])
    # SAM fills a picture up to a square; SAM 2 stretches it
    content = inputs["reshaped_input_sizes"][0] if "reshaped_input_sizes" in inputs else frame
    embeddings = model.get_image_embeddings(pixels)  # once: each batch of points needs only the light decoder
    centres = (torch.arange(_POINTS_PER_SIDE) + 0.5) / _POINTS_PER_SIDE  # of the grid's cells
    grid = torch.cartesian_prod(centres, centres) * content.flip(0)  # points are (x, y), sizes (height, width)
    found: list[Mask] = []
    for start in range(0, len(grid), _BATCH_POINTS):
        call.token.check()
        points = grid[None, start : start + _BATCH_POINTS, None].to(model.device)
        outputs = model(image_embeddings=embeddings, input_points=points, input_labels=torch.ones_like(points[..., 0]).long())
        height, width = (content / frame * torch.tensor(outputs.pred_masks.shape[-2:])).round().int().clamp(min=1).tolist()
        logits = outputs.pred_masks[0, ..., :height, :width].flatten(0, 1).float()
        found.extend(_select_masks(logits, outputs.iou_scores[0].flatten().float()))
        call.progress("asking for objects", min(1.0, (start + _BATCH_POINTS) / len(grid)))
    return sorted(_drop_duplicates(found), key=lambda mask: -mask.share)


def _select_masks(logits: torch.Tensor, scores: torch.Tensor) -> Iterator[Mask]:
    """Yield the good and stable masks: logits of shape (masks, height, width), scores of shape (masks,)."""
    inner, outer = ((logits > shift).flatten(1).sum(1) for shift in (_THRESHOLD_SHIFT, -_THRESHOLD_SHIFT))
    good = (scores > _MIN_SCORE) & (inner > _MIN_STABILITY * outer) & (inner > 0)
    for mask, score in zip(logits[good].cpu(), scores[good].tolist(), strict=True):
        inside = mask > 0
        rows, columns = inside.any(1).nonzero(), inside.any(0).nonzero()
        height, width = mask.shape
        box = (int(columns[0]) / width, int(rows[0]) / height, (int(columns[-1]) + 1) / width, (int(rows[-1]) + 1) / height)
        yield Mask(mask, min(score, 1.0), box, float(inside.float().mean()))  # the estimate may exceed 1


def _drop_duplicates(masks: list[Mask]) -> list[Mask]:
    """Suppress all but the best of masks with about the same box (non-maximum suppression)."""
    import torch

    masks = sorted(masks, key=lambda mask: -mask.score)  # a mask is dropped only for a better one
    if not masks:
        return []
    boxes = torch.tensor([mask.box for mask in masks])
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    selected: list[int] = []
    for i, box in enumerate(boxes):
        better = boxes[selected]
        sides = (torch.minimum(better[:, 2:], box[2:]) - torch.maximum(better[:, :2], box[:2])).clamp(min=0)
        shared = sides.prod(1)
        if not bool((shared > _MAX_IOU * (areas[selected] + areas[i] - shared)).any()):
            selected.append(i)
    return [masks[i] for i in selected]
