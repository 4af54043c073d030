"""Segmenters, and models that outline every object; biased like the detectors, so that they find something."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.checkpoints.detectors import DETR, SHAPE, lean, lean_heads, resnet, swin
from tests.checkpoints.pictures import NAMED, clip_tokenizer


def tiny_segformer(folder: Path, labels: Mapping[int, str] | None = None) -> None:
    """Labels each pixel; by default with classes of ADE20K, under the names that COCO gives some of them."""
    from transformers import SegformerConfig, SegformerForSemanticSegmentation, SegformerImageProcessorPil

    named = labels or {0: "wall", 1: "sky-other-merged", 2: "road, route", 3: "bed ", 4: "spaceship"}
    config = SegformerConfig(
        depths=[1, 1, 1, 1], hidden_sizes=[8, 8, 8, 16], num_attention_heads=[1, 1, 1, 1], decoder_hidden_size=16,
        id2label=dict(named), label2id={label: i for i, label in named.items()},
    )  # fmt: skip
    SegformerForSemanticSegmentation(config).save_pretrained(folder)
    SegformerImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(folder)


def tiny_mask2former(folder: Path) -> None:
    """Tells objects apart."""
    import torch
    from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation, Mask2FormerImageProcessorPil

    config = Mask2FormerConfig(
        backbone_config=swin("stage1", "stage2", "stage3", "stage4"), feature_size=32, mask_feature_size=32, hidden_dim=32,
        encoder_layers=1, decoder_layers=2, num_attention_heads=2, dim_feedforward=16, encoder_feedforward_dim=16,
        num_queries=4, **NAMED,
    )  # fmt: skip
    model = Mask2FormerForUniversalSegmentation(config)
    lean(model.class_predictor, 3)
    with torch.no_grad():
        model.class_predictor.weight.mul_(0.1)
    model.save_pretrained(folder)
    Mask2FormerImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(folder)


def tiny_maskformer(folder: Path) -> None:
    from transformers import DetrConfig, MaskFormerConfig, MaskFormerForInstanceSegmentation, MaskFormerImageProcessorPil

    decoder = DetrConfig(use_timm_backbone=False, backbone=None, backbone_config=resnet(out_features=["stage4"]), **DETR)
    backbone = swin("stage1", "stage2", "stage3", "stage4")
    config = MaskFormerConfig(
        backbone_config=backbone, decoder_config=decoder, fpn_feature_size=32, mask_feature_size=32, **NAMED
    )
    model = MaskFormerForInstanceSegmentation(config)
    lean(model.class_predictor, 4)
    for layer in (model.model.pixel_level_module.decoder.mask_projection, list(model.mask_embedder.modules())[-2]):
        layer.bias.data.fill_(1.0)
    model.save_pretrained(folder)
    MaskFormerImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(folder)


def detr_panoptic(folder: Path) -> None:
    from transformers import DetrConfig, DetrForSegmentation, DetrImageProcessorPil

    backbone = resnet(out_features=["stage1", "stage2", "stage3", "stage4"])
    sizes = {**DETR, "d_model": 64, "encoder_attention_heads": 8, "decoder_attention_heads": 8}
    config = DetrConfig(use_timm_backbone=False, backbone=None, backbone_config=backbone, **sizes, **NAMED)
    model = DetrForSegmentation(config)
    lean_heads(model, 0)
    model.mask_head.output_conv.bias.data.fill_(3.0)
    model.save_pretrained(folder)
    DetrImageProcessorPil(size=dict(SHAPE), format="coco_panoptic").save_pretrained(folder)


def tiny_oneformer(folder: Path) -> None:
    """Is told in words which kind of segmentation is wanted; as on the Hub it names a file in another repository."""
    from transformers import OneFormerConfig, OneFormerForUniversalSegmentation, OneFormerImageProcessorPil, OneFormerProcessor

    tokenizer = clip_tokenizer()
    backbone = swin("stage1", "stage2", "stage3", "stage4")
    config = OneFormerConfig(
        backbone_config=backbone, num_queries=6, hidden_dim=32, mask_dim=32, conv_dim=32, encoder_feedforward_dim=16,
        encoder_layers=1, dim_feedforward=16, decoder_layers=2, num_attention_heads=2, query_dec_layers=1, is_training=False,
        text_encoder_width=32, text_encoder_num_layers=1, text_encoder_vocab_size=len(tokenizer), use_task_norm=True, **NAMED,
    )  # fmt: skip
    model = OneFormerForUniversalSegmentation(config)
    lean_heads(model, 2)
    for name, values in model.named_parameters():  # every mask takes in everything
        if name.endswith(("mask_projection.bias", "mask_embed.layers.2.0.bias")):
            values.data.fill_(1.0)
    model.save_pretrained(folder)
    pixels = OneFormerImageProcessorPil(size={"height": 64, "width": 64}, num_text=2)
    OneFormerProcessor(pixels, tokenizer, max_seq_length=77, task_seq_length=77).save_pretrained(folder)
    settings = folder / "processor_config.json"
    settings.write_text(settings.read_text().replace('"class_info_file": null', '"class_info_file": "ade20k_panoptic.json"'))


def _sam_sizes() -> Mapping[str, Any]:
    decoder = {
        "hidden_size": 16, "mlp_dim": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "iou_head_depth": 2,
        "iou_head_hidden_dim": 16,
    }  # fmt: skip
    return {
        "prompt_encoder_config": {"hidden_size": 16, "image_size": 64, "patch_size": 16, "mask_input_channels": 4},
        "mask_decoder_config": decoder,
    }


def _sure_of_masks(model: Any, certainty: float) -> Any:
    """Have a random SAM take its masks for good, and make them as stable as real ones."""
    import torch

    decoder = model.mask_decoder
    with torch.no_grad():
        decoder.iou_prediction_head.proj_out.bias.fill_(certainty)
        decoder.iou_prediction_head.proj_out.weight.mul_(0.1)
        for head in decoder.output_hypernetworks_mlps:
            head.proj_out.weight.mul_(1e9)
            head.proj_out.bias.mul_(1e9)
    return model


def tiny_sam(folder: Path) -> None:
    from transformers import SamConfig, SamImageProcessorPil, SamModel, SamProcessor

    vision = {
        "hidden_size": 16, "output_channels": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 64,
        "patch_size": 16, "window_size": 2, "global_attn_indexes": [0], "num_pos_feats": 8, "mlp_dim": 16,
        "initializer_range": 0.2,
    }  # fmt: skip
    _sure_of_masks(SamModel(SamConfig(vision_config=vision, **_sam_sizes())), 0.95).save_pretrained(folder)
    pixels = SamImageProcessorPil(size={"longest_edge": 64}, pad_size={"height": 64, "width": 64})
    SamProcessor(pixels).save_pretrained(folder)


def tiny_sam2(folder: Path) -> None:
    """With its preprocessing as the Hub has it: the class that would write it needs torchvision."""
    from transformers import Sam2Config, Sam2Model

    backbone = {
        "model_type": "sam2_hiera_det_model", "hidden_size": 8, "num_attention_heads": 1, "image_size": [64, 64],
        "blocks_per_stage": [1, 1, 1, 2], "embed_dim_per_stage": [8, 16, 32, 64],
        "num_attention_heads_per_stage": [1, 1, 1, 1], "window_size_per_stage": [8, 4, 4, 4], "global_attention_blocks": [4],
        "window_positional_embedding_background_size": [2, 2],
    }  # fmt: skip
    vision = {
        "backbone_config": backbone, "backbone_channel_list": [64, 32, 16, 8], "fpn_hidden_size": 16,
        "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
    }  # fmt: skip
    model = _sure_of_masks(Sam2Model(Sam2Config(vision_config=vision, **_sam_sizes())), 3.0)  # a sigmoid follows
    model.save_pretrained(folder)
    preprocessing = {
        "image_processor_type": "Sam2ImageProcessorFast", "do_convert_rgb": True, "do_normalize": True, "do_rescale": True,
        "do_resize": True, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "resample": 2,
        "rescale_factor": 1 / 255, "size": {"height": 64, "width": 64}, "mask_size": {"height": 16, "width": 16},
    }  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessing))


def tiny_sam21(folder: Path) -> None:
    """As it is on the Hub: the configuration and the weights of the model for videos, which holds the one for pictures."""
    from transformers import Sam2Model, Sam2VideoConfig, Sam2VideoModel

    tiny_sam2(folder)
    pictures = Sam2Model.from_pretrained(folder)
    settings = {key: value for key, value in pictures.config.to_dict().items() if key.endswith("_config")}
    video = Sam2VideoModel(
        Sam2VideoConfig(
            **settings, image_size=64, memory_attention_hidden_size=16, memory_attention_num_layers=1,
            memory_encoder_hidden_size=16, memory_attention_feed_forward_hidden_size=16, memory_fuser_num_layers=1,
            memory_encoder_output_channels=8, memory_fuser_embed_dim=16, memory_fuser_intermediate_dim=16,
            mask_downsampler_embed_dim=16, memory_attention_rope_feat_sizes=[4, 4],
        )
    )  # fmt: skip
    video.load_state_dict(pictures.state_dict(), strict=False)
    video.save_pretrained(folder)


CHECKPOINTS: Mapping[str, Callable[[Path], None]] = {
    "tiny/segformer": tiny_segformer,
    "tiny/mask2former": tiny_mask2former,
    "tiny/maskformer": tiny_maskformer,
    "tiny/detr-panoptic": detr_panoptic,
    "tiny/oneformer": tiny_oneformer,
    "tiny/sam": tiny_sam,
    "tiny/sam2": tiny_sam2,
    "tiny/sam2.1": tiny_sam21,
}
