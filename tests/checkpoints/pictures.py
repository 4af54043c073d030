"""Image classifiers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

LABELS = {0: "cat", 1: "dog", 2: "coffee", 3: "harbour", 4: "invoice", 5: "sign"}
SIZE = {"height": 32, "width": 32}


def tiny_vit(folder: Path) -> None:
    """A ViT of two layers for 32 × 32 pixels."""
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor

    config = ViTConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=32, patch_size=8,
        id2label=LABELS, label2id={label: i for i, label in LABELS.items()},
    )  # fmt: skip
    ViTForImageClassification(config).save_pretrained(folder)
    ViTImageProcessor(size=SIZE).save_pretrained(folder)


CHECKPOINTS: Mapping[str, Callable[[Path], None]] = {
    "tiny/vit": tiny_vit,
}
