"""Diffusion pipelines that make pictures, and ControlNets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tests.checkpoints import diffusion_videos
from tests.checkpoints.diffusion_parts import SCHEDULE, TEXT, VAE_LEVELS, clip_encoder, clip_tokenizer, t5, unet, vae

CONTROLS = ("canny", "hed", "mlsd", "normal", "openpose", "depth", "seg")
"""What the ControlNets are steered by."""


def safety_checker() -> dict[str, Any]:
    """Stable Diffusion's filter, set so that it takes offence at everything."""
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from transformers import CLIPConfig, CLIPImageProcessorPil

    vision = {"hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 1, "num_attention_heads": 4, "image_size": 32}
    checker = StableDiffusionSafetyChecker(CLIPConfig(vision_config=vision, projection_dim=32))
    checker.concept_embeds_weights.data.fill_(-2.0)
    size = {"height": 32, "width": 32}
    return {"safety_checker": checker, "feature_extractor": CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=size)}


def tiny_sd(folder: Path, kind: str = "StableDiffusionPipeline", channels: int = 4, checked: bool = False) -> None:
    """Stable Diffusion 1.x."""
    import diffusers

    filters = safety_checker() if checked else {"safety_checker": None, "feature_extractor": None}
    parts = {
        "vae": vae(), "unet": unet(in_channels=channels), "text_encoder": clip_encoder(), "tokenizer": clip_tokenizer(),
        "scheduler": diffusers.PNDMScheduler(**SCHEDULE, skip_prk_steps=True), **filters,
    }  # fmt: skip
    getattr(diffusers, kind)(**parts, requires_safety_checker=checked).save_pretrained(folder)


XL: Mapping[str, Any] = {
    "addition_embed_type": "text_time", "addition_time_embed_dim": 8, "cross_attention_dim": 2 * TEXT,
    "projection_class_embeddings_input_dim": TEXT + 6 * 8, "attention_head_dim": (2, 4),
}  # fmt: skip
"""What sets SDXL's UNet, and its ControlNets, apart."""


def tiny_sdxl(folder: Path) -> None:
    """Stable Diffusion XL: two text encoders, and the picture's size as a condition."""
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline

    StableDiffusionXLPipeline(
        vae=vae(), unet=unet(**XL), text_encoder=clip_encoder(), tokenizer=clip_tokenizer(), tokenizer_2=clip_tokenizer(),
        text_encoder_2=clip_encoder("CLIPTextModelWithProjection"), scheduler=EulerDiscreteScheduler(),
    ).save_pretrained(folder)  # fmt: skip


def tiny_controlnet(folder: Path, **measures: Any) -> None:
    """A ControlNet for a UNet of these measures."""
    from diffusers import ControlNetModel

    net = ControlNetModel.from_unet(unet(**measures), conditioning_embedding_out_channels=VAE_LEVELS)
    net.save_pretrained(folder)


def tiny_sd3(folder: Path) -> None:
    """Stable Diffusion 3: a transformer, and three text encoders."""
    from diffusers import FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel, StableDiffusion3Pipeline

    transformer = SD3Transformer2DModel(
        sample_size=16, patch_size=1, in_channels=16, num_layers=1, attention_head_dim=8, num_attention_heads=4,
        caption_projection_dim=32, joint_attention_dim=2 * TEXT, pooled_projection_dim=2 * TEXT, out_channels=16,
    )  # fmt: skip
    tokenizer, encoder = t5(2 * TEXT)
    StableDiffusion3Pipeline(
        transformer=transformer, scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=vae(16, use_quant_conv=False, shift_factor=0.1),
        text_encoder=clip_encoder("CLIPTextModelWithProjection"), tokenizer=clip_tokenizer(), tokenizer_2=clip_tokenizer(),
        text_encoder_2=clip_encoder("CLIPTextModelWithProjection"), text_encoder_3=encoder, tokenizer_3=tokenizer,
    ).save_pretrained(folder)  # fmt: skip


def tiny_flux(folder: Path) -> None:
    """Flux, as the variant that needs few steps."""
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel

    transformer = FluxTransformer2DModel(
        in_channels=4, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=TEXT, pooled_projection_dim=TEXT, axes_dims_rope=[4, 4, 8],
    )  # fmt: skip
    tokenizer, encoder = t5()
    FluxPipeline(
        transformer=transformer, scheduler=FlowMatchEulerDiscreteScheduler(), text_encoder_2=encoder, tokenizer_2=tokenizer,
        vae=vae(1, (32,), use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.1),
        text_encoder=clip_encoder(), tokenizer=clip_tokenizer(),
    ).save_pretrained(folder)  # fmt: skip


def tiny_lcm(folder: Path) -> None:
    """A latent consistency model: Stable Diffusion that was trained to need four steps."""
    from diffusers import LatentConsistencyModelPipeline, LCMScheduler

    LatentConsistencyModelPipeline(
        vae=vae(), unet=unet(time_cond_proj_dim=32), text_encoder=clip_encoder(), tokenizer=clip_tokenizer(),
        scheduler=LCMScheduler(**SCHEDULE), safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    ).save_pretrained(folder)  # fmt: skip


def tiny_pixart(folder: Path, kind: str = "PixArtAlphaPipeline") -> None:
    """PixArt-α or -Σ: a transformer steered by T5."""
    import diffusers

    transformer = diffusers.PixArtTransformer2DModel(
        sample_size=32, num_layers=1, patch_size=2, attention_head_dim=8, num_attention_heads=3, caption_channels=TEXT,
        in_channels=4, cross_attention_dim=24, out_channels=8,
    )  # fmt: skip
    tokenizer, encoder = t5()
    getattr(diffusers, kind)(
        transformer=transformer, scheduler=diffusers.DPMSolverMultistepScheduler(), vae=vae(levels=(16, 16, 16, 16)),
        text_encoder=encoder, tokenizer=tokenizer,
    ).save_pretrained(folder)  # fmt: skip


def tiny_swin2sr(folder: Path) -> None:
    """A Swin2SR that doubles a picture's sides."""
    from transformers import Swin2SRConfig, Swin2SRForImageSuperResolution, Swin2SRImageProcessor

    config = Swin2SRConfig(
        image_size=16, patch_size=1, embed_dim=16, depths=[1], num_heads=[2], window_size=8, mlp_ratio=1.0, upscale=2
    )
    Swin2SRForImageSuperResolution(config).save_pretrained(folder)
    Swin2SRImageProcessor().save_pretrained(folder)


CHECKPOINTS: Mapping[str, Callable[[Path], None]] = {
    "tiny/sd": tiny_sd,
    "tiny/sd-checked": partial(tiny_sd, checked=True),
    "tiny/sd-inpainting": partial(tiny_sd, kind="StableDiffusionInpaintPipeline", channels=9),
    "tiny/pix2pix": partial(tiny_sd, kind="StableDiffusionInstructPix2PixPipeline", channels=8),
    "tiny/sdxl": tiny_sdxl,
    "tiny/sd3": tiny_sd3,
    "tiny/flux-schnell": tiny_flux,
    "tiny/lcm": tiny_lcm,
    "tiny/pixart": tiny_pixart,
    "tiny/pixart-sigma": partial(tiny_pixart, kind="PixArtSigmaPipeline"),
    "tiny/swin2sr": tiny_swin2sr,
    **{f"tiny/controlnet-{control}": tiny_controlnet for control in CONTROLS},
    "tiny/controlnet-canny-sdxl": partial(tiny_controlnet, **XL),
    "tiny/controlnet-canny-for-nothing-here": partial(tiny_controlnet, cross_attention_dim=TEXT // 2),
    **diffusion_videos.CHECKPOINTS,
}
