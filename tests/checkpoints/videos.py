"""Video classifiers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

LABELS = {0: "riding a bike", 1: "playing chess", 2: "cooking", 3: "swimming", 4: "reading", 5: "dancing"}
NAMES: Mapping[str, Any] = {"id2label": LABELS, "label2id": {label: i for i, label in LABELS.items()}}
LAYERS: Mapping[str, Any] = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16, "image_size": 32,
}  # fmt: skip
STEPS: Mapping[str, Any] = {
    "do_resize": True, "size": {"shortest_edge": 32}, "do_center_crop": True, "crop_size": {"height": 32, "width": 32},
    "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225], "resample": 2,
}  # fmt: skip


def _save_steps(folder: Path, name: str = "preprocessor_config.json", **other: Any) -> None:
    """As the Hub's repositories have it: most of these models' own processors can't be made without torchvision."""
    (folder / name).write_text(json.dumps({**STEPS, **other}))


def tiny_videomae(folder: Path) -> None:
    """VideoMAE for eight frames of 32 × 32 pixels."""
    from transformers import VideoMAEConfig, VideoMAEForVideoClassification

    VideoMAEForVideoClassification(VideoMAEConfig(**LAYERS, **NAMES, num_frames=8)).save_pretrained(folder)
    _save_steps(folder, image_processor_type="VideoMAEImageProcessor")


def tiny_timesformer(folder: Path) -> None:
    """TimeSformer for four frames."""
    from transformers import TimesformerConfig, TimesformerForVideoClassification

    TimesformerForVideoClassification(TimesformerConfig(**LAYERS, **NAMES, num_frames=4)).save_pretrained(folder)
    _save_steps(folder, image_processor_type="VideoMAEImageProcessor")


def tiny_vivit(folder: Path) -> None:
    """ViViT for four frames."""
    from transformers import VivitConfig, VivitForVideoClassification

    config = VivitConfig(**LAYERS, **NAMES, num_frames=4, tubelet_size=[2, 16, 16])
    VivitForVideoClassification(config).save_pretrained(folder)
    half = [0.5, 0.5, 0.5]
    steps = {"image_mean": half, "image_std": half, "rescale_factor": 1 / 127.5, "offset": True}
    _save_steps(folder, image_processor_type="VivitImageProcessor", **steps)


def tiny_vjepa2(folder: Path) -> None:
    """V-JEPA 2 for four frames."""
    from transformers import VJEPA2Config, VJEPA2ForVideoClassification

    config = VJEPA2Config(
        **NAMES, crop_size=32, patch_size=16, frames_per_clip=4, hidden_size=24, num_hidden_layers=1,
        num_attention_heads=2, mlp_ratio=1, pred_hidden_size=24, pred_num_hidden_layers=1, pred_num_attention_heads=2,
        pred_num_mask_tokens=1, num_pooler_layers=1,
    )  # fmt: skip
    VJEPA2ForVideoClassification(config).save_pretrained(folder)
    _save_steps(folder, "video_preprocessor_config.json", video_processor_type="VJEPA2VideoProcessor")


CHECKPOINTS: Mapping[str, Callable[[Path], None]] = {
    "tiny/videomae": tiny_videomae,
    "tiny/timesformer": tiny_timesformer,
    "tiny/vivit": tiny_vivit,
    "tiny/vjepa2": tiny_vjepa2,
}
