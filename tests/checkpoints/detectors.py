"""Detectors.

What a random detector sees is nothing that it is sure of; so that there is something to draw, the last layer of these is
biased towards one label.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.checkpoints.pictures import NAMED, SIZE, TEXT, VISION, clip_tokenizer
from tests.checkpoints.vocabularies import bert_tokenizer

SHAPE: Mapping[str, int] = {"shortest_edge": 64, "longest_edge": 96}
DETR: Mapping[str, Any] = {
    "d_model": 32, "encoder_layers": 1, "decoder_layers": 2, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
    "encoder_ffn_dim": 16, "decoder_ffn_dim": 16, "num_queries": 6,
}  # fmt: skip


def resnet(**options: Any) -> Any:
    """The configuration of a backbone of four stages."""
    from transformers import ResNetConfig

    return ResNetConfig(embedding_size=8, hidden_sizes=[8, 8, 8, 16], depths=[1, 1, 1, 1], layer_type="basic", **options)


def swin(*stages: str) -> Any:
    """Another one."""
    from transformers import SwinConfig

    return SwinConfig(
        embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 1, 1], window_size=2, image_size=64, patch_size=4,
        out_features=list(stages),
    )  # fmt: skip


def lean(linear: Any, label: int, strength: float = 6.0) -> None:
    """Have a layer prefer one label."""
    linear.bias.data[label] += strength


def lean_heads(model: Any, label: int) -> None:
    """Have every layer of a detector that scores labels prefer one; some have another head for each layer."""
    from torch import nn

    labels = len(NAMED["id2label"])
    for layer in model.modules():
        if isinstance(layer, nn.Linear) and layer.out_features in {labels, labels + 1}:
            lean(layer, label)


def _detr(prefix: str, **options: Any) -> Callable[[Path], None]:
    """DETR and its relatives, which see cats (label 0) everywhere."""

    def make(folder: Path) -> None:
        import transformers

        backbone = resnet(out_features=["stage4"])
        config = getattr(transformers, f"{prefix}Config")(
            use_timm_backbone=False, use_pretrained_backbone=False, backbone=None, backbone_config=backbone,
            **{**DETR, **options}, **NAMED,
        )  # fmt: skip
        model = getattr(transformers, f"{prefix}ForObjectDetection")(config)
        lean_heads(model, 0)
        model.save_pretrained(folder)
        name = prefix if prefix != "TableTransformer" else "Detr"
        getattr(transformers, f"{name}ImageProcessorPil")(size=dict(SHAPE)).save_pretrained(folder)

    return make


def resnet18_detr(folder: Path) -> None:
    """With a backbone of a size that has a name."""
    from transformers import DetrConfig, DetrForObjectDetection, DetrImageProcessorPil, ResNetConfig

    backbone = ResNetConfig(
        embedding_size=64, hidden_sizes=[64, 128, 256, 512], depths=[2, 2, 2, 2], layer_type="basic",
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = DetrConfig(use_timm_backbone=False, backbone=None, backbone_config=backbone, **DETR, **NAMED)
    model = DetrForObjectDetection(config)
    lean_heads(model, 0)
    model.save_pretrained(folder)
    DetrImageProcessorPil(size=dict(SHAPE)).save_pretrained(folder)


def timm_detr(folder: Path) -> None:
    """The same as it was published: the backbone's weights have timm's names."""
    from safetensors.torch import load_file, save_file

    resnet18_detr(folder)
    weights = load_file(folder / "model.safetensors")
    names = [
        (r"embedder\.embedder\.convolution", lambda found: "conv1"),
        (r"embedder\.embedder\.normalization", lambda found: "bn1"),
        (r"encoder\.stages\.(\d)\.layers\.(\d)\.shortcut\.(c|n)\w+",
         lambda found: f"layer{int(found[1]) + 1}.{found[2]}.downsample.{'cn'.index(found[3])}"),
        (r"encoder\.stages\.(\d)\.layers\.(\d)\.layer\.(\d)\.(c|n)\w+",
         lambda found: f"layer{int(found[1]) + 1}.{found[2]}.{'conv' if found[4] == 'c' else 'bn'}{int(found[3]) + 1}"),
    ]  # fmt: skip
    renamed = {}
    for key, value in weights.items():
        for pattern, name in names:
            key = re.sub(rf"(?<=conv_encoder\.model\.){pattern}", name, key)
        renamed[key] = value
    assert renamed.keys() != weights.keys()
    save_file(renamed, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config |= {"backbone_config": None, "use_timm_backbone": True, "backbone": "resnet18", "use_pretrained_backbone": True}
    (folder / "config.json").write_text(json.dumps(config))


def blind_detr(folder: Path) -> None:
    """A DETR that is sure that there is nothing."""
    import torch
    from transformers import DetrForObjectDetection

    _detr("Detr")(folder)
    model = DetrForObjectDetection.from_pretrained(folder)
    with torch.no_grad():
        lean(model.class_labels_classifier, 6, 20.0)
    model.save_pretrained(folder)


def tiny_yolos(folder: Path) -> None:
    from transformers import YolosConfig, YolosForObjectDetection, YolosImageProcessorPil

    config = YolosConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=[64, 96], patch_size=16,
        num_detection_tokens=6, **NAMED,
    )  # fmt: skip
    model = YolosForObjectDetection(config)
    lean(model.class_labels_classifier.layers[-1], 1)
    model.save_pretrained(folder)
    YolosImageProcessorPil(size=dict(SHAPE)).save_pretrained(folder)


def _rt_detr(prefix: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        import transformers

        backbone = transformers.RTDetrResNetConfig(
            embedding_size=8, hidden_sizes=[8, 8, 8, 16], depths=[1, 1, 1, 1], layer_type="basic",
            out_features=["stage2", "stage3", "stage4"],
        )  # fmt: skip
        config = getattr(transformers, f"{prefix}Config")(
            backbone_config=backbone, encoder_hidden_dim=16, encoder_in_channels=[8, 8, 16], encoder_ffn_dim=16, d_model=16,
            decoder_in_channels=[16, 16, 16], num_queries=6, decoder_layers=2, decoder_attention_heads=2, decoder_ffn_dim=16,
            encoder_attention_heads=2, num_denoising=0, **NAMED,
        )  # fmt: skip
        model = getattr(transformers, f"{prefix}ForObjectDetection")(config)
        lean_heads(model, 2)
        model.save_pretrained(folder)
        transformers.RTDetrImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(folder)

    return make


def tiny_owlvit(folder: Path, version: str = "OwlViT") -> None:
    import transformers

    tokenizer = clip_tokenizer()
    text = {**TEXT, "vocab_size": len(tokenizer), "max_position_embeddings": 16}
    config = getattr(transformers, f"{version}Config")(text_config=text, vision_config=dict(VISION), projection_dim=16)
    getattr(transformers, f"{version}ForObjectDetection")(config).save_pretrained(folder)
    tokenizer.model_max_length = 16
    more = {"crop_size": SIZE} if version == "OwlViT" else {}
    pixels = getattr(transformers, f"{version}ImageProcessorPil")(size=SIZE, **more)
    getattr(transformers, f"{version}Processor")(pixels, tokenizer).save_pretrained(folder)


def tiny_owlv2(folder: Path) -> None:
    tiny_owlvit(folder, "Owlv2")


def tiny_grounding_dino(folder: Path, version: str = "GroundingDino") -> None:
    import transformers
    from transformers import BertConfig, GroundingDinoImageProcessorPil, GroundingDinoProcessor

    tokenizer = bert_tokenizer()
    backbone = swin("stage2", "stage3", "stage4")
    text = BertConfig(vocab_size=len(tokenizer), **{**TEXT, "max_position_embeddings": 64})
    config = getattr(transformers, f"{version}Config")(
        backbone_config=backbone, text_config=text, d_model=32, encoder_layers=1, decoder_layers=2, encoder_ffn_dim=16,
        decoder_ffn_dim=16, encoder_attention_heads=2, decoder_attention_heads=2, num_queries=6, use_timm_backbone=False,
        max_text_len=64, encoder_n_points=2, decoder_n_points=2,
    )  # fmt: skip
    getattr(transformers, f"{version}ForObjectDetection")(config).save_pretrained(folder)
    pixels = GroundingDinoImageProcessorPil(size=dict(SHAPE))
    GroundingDinoProcessor(pixels, tokenizer).save_pretrained(folder)


def mm_grounding_dino(folder: Path) -> None:
    tiny_grounding_dino(folder, "MMGroundingDino")


def tiny_d_fine(folder: Path) -> None:
    from transformers import DFineConfig, DFineForObjectDetection, HGNetV2Config, RTDetrImageProcessorPil

    backbone = HGNetV2Config(
        stem_channels=[3, 8, 8], stage_in_channels=[8, 8, 8, 8], stage_mid_channels=[8, 8, 8, 8],
        stage_out_channels=[8, 8, 8, 16], stage_num_blocks=[1, 1, 1, 1], stage_numb_of_layers=[1, 1, 1, 1],
        hidden_sizes=[8, 8, 8, 16], out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = DFineConfig(
        backbone_config=backbone, encoder_hidden_dim=16, encoder_in_channels=[8, 8, 16], encoder_ffn_dim=16, d_model=16,
        decoder_in_channels=[16, 16, 16], num_queries=6, decoder_layers=2, decoder_attention_heads=2, decoder_ffn_dim=16,
        encoder_attention_heads=2, num_denoising=0, decoder_n_points=[2, 2, 2], **NAMED,
    )  # fmt: skip
    model = DFineForObjectDetection(config)
    lean_heads(model, 2)
    model.save_pretrained(folder)
    RTDetrImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(folder)


CHECKPOINTS: Mapping[str, Callable[[Path], None]] = {
    "tiny/detr": _detr("Detr"),
    "tiny/detr-blind": blind_detr,
    "tiny/detr-resnet18": resnet18_detr,
    "tiny/detr-timm": timm_detr,
    "tiny/conditional-detr": _detr("ConditionalDetr"),
    "tiny/deformable-detr": _detr("DeformableDetr", d_model=64),
    "tiny/table-transformer": _detr("TableTransformer"),
    "tiny/yolos": tiny_yolos,
    "tiny/rt-detr": _rt_detr("RTDetr"),
    "tiny/rt-detr-v2": _rt_detr("RTDetrV2"),
    "tiny/d-fine": tiny_d_fine,
    "tiny/owlvit": tiny_owlvit,
    "tiny/owlv2": tiny_owlv2,
    "tiny/grounding-dino": tiny_grounding_dino,
    "tiny/mm-grounding-dino": mm_grounding_dino,
}
