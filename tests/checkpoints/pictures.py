"""Image classifiers, and encoders that compare pictures with texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

LABELS = {0: "cat", 1: "dog", 2: "coffee", 3: "harbour", 4: "invoice", 5: "sign"}
SIZE = {"height": 32, "width": 32}
NAMED: Mapping[str, Any] = {"id2label": LABELS, "label2id": {label: i for i, label in LABELS.items()}}
TEXT: Mapping[str, int] = {
    "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
    "max_position_embeddings": 77,
}  # fmt: skip
VISION: Mapping[str, int] = {
    "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "image_size": 32,
    "patch_size": 8,
}  # fmt: skip


def seeded(make: Callable[[Path], None]) -> Callable[[Path], None]:
    """With the same weights whatever was made before: whether there is something to draw must not hang on chance."""

    def made(folder: Path) -> None:
        import torch

        torch.manual_seed(0)
        make(folder)

    return made


def tiny_vit(folder: Path) -> None:
    """A ViT of two layers for 32 × 32 pixels."""
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessorPil

    config = ViTConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=32, patch_size=8, **NAMED
    )
    ViTForImageClassification(config).save_pretrained(folder)
    ViTImageProcessorPil(size=SIZE).save_pretrained(folder)


def _classifier(architecture: str, processor: str = "ViTImageProcessorPil", **options: Any) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        import transformers

        config = getattr(transformers, f"{architecture}Config")(**options, **NAMED)
        getattr(transformers, f"{architecture}ForImageClassification")(config).save_pretrained(folder)
        size = {"shortest_edge": 32} if processor.startswith(("ConvNext", "MobileNet")) else SIZE
        more = {"crop_size": SIZE} if processor.startswith("MobileNet") else {}
        getattr(transformers, processor)(size=size, **more).save_pretrained(folder)

    return make


def clip_tokenizer(**options: Any) -> Any:
    """A CLIP tokenizer whose words are made of letters."""
    from transformers import CLIPTokenizer

    letters = "abcdefghijklmnopqrstuvwxyz.,?!0123456789"
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: number for number, word in enumerate(words)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77, **options)


def tiny_clip(folder: Path) -> None:
    """Scores that are shared among the labels."""
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPProcessor

    tokenizer = clip_tokenizer()
    text = {**TEXT, "vocab_size": len(tokenizer), "eos_token_id": tokenizer.eos_token_id}
    CLIPModel(CLIPConfig(text_config=text, vision_config=dict(VISION), projection_dim=16)).save_pretrained(folder)
    pixels = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=SIZE)
    CLIPProcessor(pixels, tokenizer).save_pretrained(folder)


def tiny_siglip(folder: Path) -> None:
    """Each label is scored by itself."""
    from transformers import GemmaTokenizer, SiglipConfig, SiglipImageProcessorPil, SiglipModel, SiglipProcessor

    letters = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁", *"abcdefghijklmnopqrstuvwxyzT."]
    tokenizer = GemmaTokenizer(vocab={letter: number for number, letter in enumerate(letters)}, merges=[])
    text = {**TEXT, "vocab_size": len(tokenizer), "max_position_embeddings": 64}
    SiglipModel(SiglipConfig(text_config=text, vision_config=dict(VISION))).save_pretrained(folder)
    SiglipProcessor(SiglipImageProcessorPil(size=SIZE), tokenizer).save_pretrained(folder)


def tiny_siglip2(folder: Path) -> None:
    """The form that keeps a picture's proportions."""
    from transformers import GemmaTokenizer, Siglip2Config, Siglip2ImageProcessorPil, Siglip2Model, Siglip2Processor

    letters = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁", *"abcdefghijklmnopqrstuvwxyzT."]
    tokenizer = GemmaTokenizer(vocab={letter: number for number, letter in enumerate(letters)}, merges=[])
    text = {**TEXT, "vocab_size": len(tokenizer), "max_position_embeddings": 64}
    vision = {**VISION, "patch_size": 16, "num_patches": 16}  # its processor knows no other size
    Siglip2Model(Siglip2Config(text_config=text, vision_config=vision)).save_pretrained(folder)
    Siglip2Processor(Siglip2ImageProcessorPil(), tokenizer).save_pretrained(folder)


CHECKPOINTS: Mapping[str, Callable[[Path], None]] = {
    "tiny/vit": tiny_vit,
    "tiny/swin": _classifier("Swin", embed_dim=8, depths=[1, 1], num_heads=[1, 2], window_size=2, image_size=32, patch_size=4),
    "tiny/resnet": _classifier("ResNet", "ConvNextImageProcessorPil", embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1]),
    "tiny/convnext": _classifier("ConvNext", "ConvNextImageProcessorPil", hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1]),
    "tiny/mobilenet": _classifier("MobileNetV2", "MobileNetV2ImageProcessorPil", depth_multiplier=0.1, image_size=32),
    "tiny/efficientnet": _classifier(
        "EfficientNet", "EfficientNetImageProcessorPil", width_coefficient=0.1, depth_coefficient=0.1, image_size=32,
        hidden_dim=128,
    ),
    "tiny/clip": tiny_clip,
    "tiny/siglip": tiny_siglip,
    "tiny/siglip2": tiny_siglip2,
}  # fmt: skip
