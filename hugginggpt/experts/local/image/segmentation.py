"""Cutting a picture into regions: by meaning, object by object, and as a control image.

Source: https://huggingface.co/docs/transformers/tasks/semantic_segmentation and .../mask_generation.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.local.image.processors import limit_size, make_loader, stretch_to_fit
from hugginggpt.experts.local.image.segment_anything import find_masks
from hugginggpt.experts.local.runtime.runtime import SAFE, Runtime
from hugginggpt.experts.outputs import images
from hugginggpt.experts.outputs.drawing import Colour, assign_colours, draw_regions
from hugginggpt.experts.outputs.grammar import join_parts
from hugginggpt.hub.cache import Checkpoint

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

_WORKING_SIDE: Final = 768
"""Regions are worked out at this many pixels a side at most: models see less, and a score for each label and pixel of a
photograph would take gigabytes."""
_PALETTE_PATH: Final = Path(__file__).with_name("ade20k.yaml")
_NO_CLASS_COLOUR: Final[Colour] = (0, 0, 0)
_MODEL_CLASSES: Final[Mapping[str, str]] = {
    "mask2former": "AutoModelForUniversalSegmentation",
    "maskformer": "AutoModelForUniversalSegmentation",
    "oneformer": "AutoModelForUniversalSegmentation",
    "detr": "AutoModelForUniversalSegmentation",
}
"""Auto classes that load a model, by its type; the rest label pixels."""


def _load_oneformer_processor(checkpoint: Checkpoint) -> Any:
    """Load OneFormer's processor, without the file from another repository that only training needs."""
    from transformers import AutoTokenizer, OneFormerImageProcessorPil, OneFormerProcessor

    length = int(checkpoint.config.get("task_seq_len", 77))
    pixels = OneFormerImageProcessorPil.from_pretrained(checkpoint.folder, class_info_file=None, **SAFE)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint.folder, **SAFE)
    return OneFormerProcessor(pixels, tokenizer, max_seq_length=length, task_seq_length=length)


_PROCESSORS: Final[Mapping[str, str | Callable[[Checkpoint], Any]]] = {
    "oneformer": _load_oneformer_processor,
    "sam2": "ViTImageProcessorPil",
    "sam2_video": "ViTImageProcessorPil",
}
"""Processors by model type: SAM 2's own needs torchvision, and only stretches a picture to a square,
as ViT's does."""
_TASK_ARGUMENTS: Final[Mapping[str, str]] = {"oneformer": "task_inputs"}
"""Arguments that name the requested kind of segmentation, by model type."""

_UNSCALED_TYPES: Final = frozenset({"oneformer"})
"""Model types whose objects can't be scaled to the picture before they are told apart: without torchvision that fails."""


@dataclass(frozen=True, slots=True)
class _Regions:
    """Regions of a picture."""

    number: NDArray[np.int32]
    """Shape (height, width): the region of each pixel, -1 for none."""
    found: list[images.Region]
    """By number."""


def segment(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run image-segmentation: the picture under coloured masks with a legend, and a text that names its regions.

    Returns:
        An image as wide as the original, or 240 pixels if that is more, with the legend below; and a text such as
        "3 regions: wall (45%), bed (30%) and lamp (2%)." Both hold ``data["regions"]``: label, score (0..1) and share
        (0..1 of the area) of each, the largest first. Models that tell objects apart have one region for each object.
    """
    (call,) = calls
    picture = call.picture()
    regions = _find_regions(call, runtime, picture, "panoptic")
    return [images.build_segmentation_result(call, picture, regions.number, regions.found)]


def generate_masks(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run mask-generation: the picture with a coloured mask over every object.

    Returns:
        One image of the original's size; ``data["objects"]`` holds score (0..1), box ([left, top, right, bottom] in
        pixels of the original picture) and share (0..1 of the area) of each, the largest first.
    """
    import numpy as np
    import torch

    (call,) = calls
    picture = call.picture()
    load = make_loader(
        runtime, "AutoModelForMaskGeneration", _PROCESSORS.get(runtime.checkpoint.model_type, "AutoImageProcessor")
    )
    with runtime.load_model("mask generator", load, call.token) as (processor, model), torch.inference_mode():
        masks = find_masks(call, picture, processor, model)
        width, height = limit_size(picture.size, _WORKING_SIDE)
        number = np.full((height, width), -1, np.int32)
        for i, mask in enumerate(masks):  # smaller ones come later and lie on top
            large = torch.nn.functional.interpolate(mask.logits[None, None], (height, width), mode="bilinear")
            number[large[0, 0].numpy() > 0] = i
    objects = [
        {
            "score": round(mask.score, 4),
            "box": [round(side * full, 1) for side, full in zip(mask.box, picture.size * 2, strict=True)],
            "share": round(mask.share, 4),
        }
        for mask in masks
    ]
    path = call.new_path(".png")
    draw_regions(picture, number, list(assign_colours(str(i) for i in range(len(masks))).values())).save(path)
    note = "" if masks else "No object stood out clearly enough to be outlined."
    return [Result((Output(Kind.IMAGE, path=path, data={"objects": objects}),), note=note)]


def draw_segments(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run seg-control: each pixel in the colour of its class in ADE20K, which ControlNets for segment maps were trained on
    (https://huggingface.co/lllyasviel/sd-controlnet-seg).

    Returns:
        One RGB image of the original's size; ``data["regions"]`` as `segment` has it. Classes that ADE20K does not know
        are black.
    """
    import numpy as np
    from PIL import Image

    (call,) = calls
    picture = call.picture()
    regions = _find_regions(call, runtime, picture, "semantic")
    labels = [region["label"] for region in regions.found]
    palette = _build_palette(runtime.checkpoint.labels)
    # number -1, no region, is the index of the last colour
    shades = np.array([*(palette.get(label, _NO_CLASS_COLOUR) for label in labels), _NO_CLASS_COLOUR], np.uint8)
    path = call.new_path(".png")
    Image.fromarray(shades[regions.number]).resize(picture.size, Image.Resampling.NEAREST).save(path)  # no mixed colours
    data = {"regions": sorted(regions.found, key=lambda region: -region["share"])}
    unknown = [label for label in labels if label not in palette]
    note = f"The palette has no colour for {join_parts(unknown)}, so that is black." if unknown else ""
    return [Result((Output(Kind.IMAGE, path=path, data=data),), note=note)]


def _find_regions(call: Call, runtime: Runtime, picture: Image.Image, kind: str) -> _Regions:
    """Find the regions of a picture: "panoptic" (objects apart) where the model can, else "semantic" (one per label)."""
    import torch

    type_ = runtime.checkpoint.model_type
    load = make_loader(
        runtime, _MODEL_CLASSES.get(type_, "AutoModelForSemanticSegmentation"), _PROCESSORS.get(type_, "AutoImageProcessor")
    )
    with runtime.load_model("segmenter", load, call.token) as (processor, model), torch.inference_mode():
        task_input = {_TASK_ARGUMENTS[type_]: [kind]} if type_ in _TASK_ARGUMENTS else {}
        inputs = processor(images=[stretch_to_fit(picture)], return_tensors="pt", **task_input)
        outputs = model(**inputs.to(runtime.device.name, runtime.dtype))
        width, height = limit_size(picture.size, _WORKING_SIDE)
        post_process = getattr(processor, "post_process_panoptic_segmentation", None) if kind == "panoptic" else None
        if post_process is not None:
            sizes = None if type_ in _UNSCALED_TYPES else [(height, width)]
            (found,) = post_process(outputs, label_ids_to_fuse=set(), target_sizes=sizes)  # as by default, without its warning
            regions = _read_objects(found, model.config.id2label)
        else:
            (labels,) = processor.post_process_semantic_segmentation(outputs, target_sizes=[(height, width)])
            regions = _read_classes(labels, outputs, model.config.id2label)
    call.token.check()
    return regions


def _read_objects(found: Mapping[str, Any], labels: Mapping[int, str]) -> _Regions:
    """Read the output of panoptic post-processing: a map of numbers, and a list of their meanings."""
    import numpy as np

    raw = found["segmentation"].cpu().numpy()
    number = np.full(raw.shape, -1, np.int32)
    regions: list[images.Region] = []
    for info in found["segments_info"]:
        inside = raw == info["id"]
        if inside.any():
            number[inside] = len(regions)
            regions.append(images.build_region(labels[info["label_id"]], info["score"], inside.mean()))
    return _Regions(number, regions)


def _read_classes(found: Any, outputs: Any, labels: Mapping[int, str]) -> _Regions:
    """Read semantic regions, a label for each pixel; a region's score is the model's mean certainty in it."""
    import numpy as np
    import torch

    raw = found.cpu().numpy()
    certainty = np.ones(raw.shape)
    if (logits := getattr(outputs, "logits", None)) is not None and logits.ndim == 4:  # others have no logits for each pixel
        surest = logits.float().softmax(1).amax(1, keepdim=True)
        certainty = torch.nn.functional.interpolate(surest, raw.shape, mode="bilinear")[0, 0].cpu().numpy()
    number = np.full(raw.shape, -1, np.int32)
    regions: list[images.Region] = []
    for label in np.unique(raw):
        if int(label) in labels:
            inside = raw == label
            number[inside] = len(regions)
            regions.append(images.build_region(labels[int(label)], certainty[inside].mean(), inside.mean()))
    return _Regions(number, regions)


def _build_palette(labels: Sequence[str]) -> dict[str, Colour]:
    """Return the colour of each of a model's labels that ADE20K has a class for."""
    known = _read_ade20k()
    found = {label.strip(): next((known[name] for name in _list_names(label) if name in known), None) for label in labels}
    return {label: colour for label, colour in found.items() if colour is not None}


def _list_names(label: str) -> list[str]:
    """Return other names of a label: "road, route" -> road, route; "sky-other-merged" -> sky."""
    parts = [part.strip().lower() for part in label.split(",")]
    return [*parts, *(part.partition("-")[0] for part in parts)]


@functools.cache
def _read_ade20k() -> Mapping[str, Colour]:
    read = yaml.safe_load(_PALETTE_PATH.read_text(encoding="utf-8"))
    colours: dict[str, Colour] = {name: tuple(colour) for name, colour in read["colours"].items()}
    return colours | {synonym: colours[name] for name, synonyms in read["others"].items() for synonym in synonyms}
