"""Pose estimators, and detectors that tell them where people are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

KEYPOINTS = (
    "Nose", "L_Eye", "R_Eye", "L_Ear", "R_Ear", "L_Shoulder", "R_Shoulder", "L_Elbow", "R_Elbow", "L_Wrist", "R_Wrist",
    "L_Hip", "R_Hip", "L_Knee", "R_Knee", "L_Ankle", "R_Ankle",
)  # fmt: skip


def tiny_vitpose(folder: Path, *, simple: bool = True, experts: int = 1, keypoints: int = 17, sure: float = 1.0) -> None:
    """A ViTPose of two layers for 64 × 48 pixels.

    Args:
        folder: Where it is saved.
        simple: With the simple decoder, else with the one of deconvolutions.
        experts: How many experts its layers mix, as ViTPose+ does.
        keypoints: How many it finds; the first 17 are COCO's.
        sure: About what score it gives to whatever it sees.

    The one with the simple decoder tells patches apart by where they lie, and has each keypoint in one of the six in the
    middle, whatever the picture shows: so there is always a body to draw.
    """
    import torch
    from transformers import VitPoseBackboneConfig, VitPoseConfig, VitPoseForPoseEstimation, VitPoseImageProcessorPil

    names = {number: KEYPOINTS[number] if number < len(KEYPOINTS) else f"Point_{number}" for number in range(keypoints)}
    backbone = VitPoseBackboneConfig(
        image_size=[64, 48], hidden_size=32, num_hidden_layers=2, num_attention_heads=2, num_experts=experts,
        part_features=8, out_indices=[2],
    )  # fmt: skip
    config = VitPoseConfig(
        backbone_config=backbone, use_simple_decoder=simple, id2label=names, label2id={n: i for i, n in names.items()}
    )
    model = VitPoseForPoseEstimation(config)
    with torch.no_grad():
        model.head.conv.bias.fill_(sure)
        if simple:
            patches = torch.arange(12)  # four rows of three; the first position is added to all
            model.backbone.embeddings.position_embeddings[0, 1 + patches, patches] = 20.0
            model.head.conv.weight[torch.arange(keypoints), 3 + torch.arange(keypoints) % 6, 1, 1] = 0.5
    model.save_pretrained(folder)
    VitPoseImageProcessorPil(size={"height": 64, "width": 48}).save_pretrained(folder)


def tiny_person_detector(folder: Path, *, sees: int = 0) -> None:
    """A YOLOS of two layers for 64 pixels and five boxes, which takes everything for a person, or for nothing."""
    import torch
    from transformers import YolosConfig, YolosForObjectDetection, YolosImageProcessorPil

    labels = {0: "person", 1: "cat"}
    config = YolosConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=[64, 64], patch_size=16,
        num_detection_tokens=5, id2label=labels, label2id={label: i for i, label in labels.items()},
    )  # fmt: skip
    model = YolosForObjectDetection(config)
    with torch.no_grad():
        bias = model.class_labels_classifier.layers[-1].bias
        bias.zero_()
        bias[sees] = 10.0  # the last is "nothing"
    model.save_pretrained(folder)
    YolosImageProcessorPil(size={"shortest_edge": 64, "longest_edge": 96}).save_pretrained(folder)


CHECKPOINTS: Mapping[str, Callable[[Path], None]] = {
    "tiny/vitpose": tiny_vitpose,
    "tiny/vitpose-classic": partial(tiny_vitpose, simple=False),
    "tiny/vitpose-plus": partial(tiny_vitpose, experts=6),
    "tiny/vitpose-synthpose": partial(tiny_vitpose, keypoints=52),
    "tiny/vitpose-unsure": partial(tiny_vitpose, sure=-9.0),
    "tiny/vitpose-hand": partial(tiny_vitpose, keypoints=5),
    "tiny/sees-people": tiny_person_detector,
    "tiny/sees-nothing": partial(tiny_person_detector, sees=2),
}
