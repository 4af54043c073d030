"""Diffusion pipelines that make videos."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from tests.checkpoints.diffusion_parts import LEVELS, SCHEDULE, TEXT, clip_encoder, clip_tokenizer, t5, unet, vae


def tiny_wan(folder: Path, kind: str = "WanPipeline", channels: int = 16) -> None:
    """Wan 2.1: a transformer over space and time."""
    import diffusers
    from transformers import UMT5Config, UMT5EncoderModel

    transformer = diffusers.WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=channels, out_channels=16, ffn_dim=32,
        text_dim=TEXT, freq_dim=32, num_layers=1, cross_attn_norm=True, qk_norm="rms_norm_across_heads", rope_max_seq_len=32,
    )  # fmt: skip
    tokenizer, _ = t5()
    config = UMT5Config(vocab_size=len(tokenizer), d_model=TEXT, d_ff=37, d_kv=8, num_layers=1, num_heads=4)
    parts = {
        "vae": diffusers.AutoencoderKLWan(base_dim=2, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1),
        "transformer": transformer, "text_encoder": UMT5EncoderModel(config), "tokenizer": tokenizer,
        "scheduler": diffusers.UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True),
    }  # fmt: skip
    getattr(diffusers, kind)(**parts).save_pretrained(folder)


def tiny_ltx(folder: Path, kind: str = "LTXPipeline") -> None:
    """LTX-Video: a transformer over few, large patches."""
    import diffusers

    transformer = diffusers.LTXVideoTransformer3DModel(
        in_channels=8, out_channels=8, num_attention_heads=4, attention_head_dim=8, cross_attention_dim=32, num_layers=1,
        caption_channels=TEXT,
    )  # fmt: skip
    levels = (8, 8, 8, 8)
    vae = diffusers.AutoencoderKLLTXVideo(
        latent_channels=8, block_out_channels=levels, decoder_block_out_channels=levels, layers_per_block=(1,) * 5,
        decoder_layers_per_block=(1,) * 5, spatio_temporal_scaling=(True, True, True, False), timestep_conditioning=False,
        decoder_spatio_temporal_scaling=(True, True, True, False), decoder_inject_noise=(False,) * 5,
        upsample_residual=(False,) * 4, upsample_factor=(1,) * 4,
    )  # fmt: skip
    tokenizer, encoder = t5()
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
    getattr(diffusers, kind)(
        transformer=transformer, vae=vae, scheduler=scheduler, text_encoder=encoder, tokenizer=tokenizer
    ).save_pretrained(folder)


def tiny_cogvideox(folder: Path, kind: str = "CogVideoXPipeline", learned: bool = False) -> None:
    """CogVideoX, whose later versions have learnt one place for each patch."""
    import diffusers

    transformer = diffusers.CogVideoXTransformer3DModel(
        num_attention_heads=2, attention_head_dim=16, in_channels=8 if learned else 4, out_channels=4, time_embed_dim=2,
        text_embed_dim=TEXT, num_layers=1, sample_width=8, sample_height=8, sample_frames=9, patch_size=2,
        max_text_seq_length=226, use_rotary_positional_embeddings=learned, use_learned_positional_embeddings=learned,
    )  # fmt: skip
    vae = diffusers.AutoencoderKLCogVideoX(
        down_block_types=("CogVideoXDownBlock3D",) * 4, up_block_types=("CogVideoXUpBlock3D",) * 4, latent_channels=4,
        block_out_channels=(8, 8, 8, 8), layers_per_block=1, norm_num_groups=2, temporal_compression_ratio=4,
    )  # fmt: skip
    tokenizer, encoder = t5()
    getattr(diffusers, kind)(
        transformer=transformer,
        vae=vae,
        scheduler=diffusers.CogVideoXDDIMScheduler(),
        text_encoder=encoder,
        tokenizer=tokenizer,
    ).save_pretrained(folder)


def tiny_animatediff(folder: Path) -> None:
    """AnimateDiff: Stable Diffusion with layers that move things."""
    from diffusers import AnimateDiffPipeline, DDIMScheduler, MotionAdapter

    motion = MotionAdapter(
        block_out_channels=LEVELS, motion_layers_per_block=1, motion_norm_num_groups=2, motion_num_attention_heads=4
    )
    AnimateDiffPipeline(
        vae=vae(), unet=unet(sample_size=8), text_encoder=clip_encoder(), tokenizer=clip_tokenizer(), motion_adapter=motion,
        scheduler=DDIMScheduler(**SCHEDULE, clip_sample=False),
    ).save_pretrained(folder)  # fmt: skip


def tiny_svd(folder: Path) -> None:
    """Stable Video Diffusion: a picture that moves, without words."""
    from diffusers import (
        AutoencoderKLTemporalDecoder,
        EulerDiscreteScheduler,
        StableVideoDiffusionPipeline,
        UNetSpatioTemporalConditionModel,
    )
    from transformers import CLIPImageProcessorPil, CLIPVisionConfig, CLIPVisionModelWithProjection

    config = CLIPVisionConfig(
        hidden_size=32, projection_dim=32, num_hidden_layers=1, num_attention_heads=4, image_size=224, intermediate_size=37,
        patch_size=56,
    )  # fmt: skip
    network = UNetSpatioTemporalConditionModel(
        block_out_channels=(32, 64), layers_per_block=1, sample_size=16, in_channels=8, out_channels=4, cross_attention_dim=32,
        down_block_types=("DownBlockSpatioTemporal", "CrossAttnDownBlockSpatioTemporal"), num_attention_heads=2, num_frames=3,
        up_block_types=("CrossAttnUpBlockSpatioTemporal", "UpBlockSpatioTemporal"), projection_class_embeddings_input_dim=96,
        addition_time_embed_dim=32,
    )  # fmt: skip
    StableVideoDiffusionPipeline(
        unet=network, image_encoder=CLIPVisionModelWithProjection(config),
        scheduler=EulerDiscreteScheduler(
            prediction_type="v_prediction", timestep_type="continuous", use_karras_sigmas=True, sigma_min=0.002, sigma_max=700.0
        ),
        vae=AutoencoderKLTemporalDecoder(
            block_out_channels=(32,) * 5, down_block_types=["DownEncoderBlock2D"] * 5, latent_channels=4
        ),
        feature_extractor=CLIPImageProcessorPil(),
    ).save_pretrained(folder)  # fmt: skip


def tiny_text_to_video(folder: Path) -> None:
    """ModelScope's text to video: Stable Diffusion with time as a third dimension."""
    from diffusers import DDIMScheduler, TextToVideoSDPipeline, UNet3DConditionModel

    network = UNet3DConditionModel(
        block_out_channels=LEVELS, layers_per_block=1, sample_size=8, cross_attention_dim=TEXT, attention_head_dim=8,
        norm_num_groups=8,
        down_block_types=("CrossAttnDownBlock3D", "DownBlock3D"), up_block_types=("UpBlock3D", "CrossAttnUpBlock3D"),
    )  # fmt: skip
    TextToVideoSDPipeline(
        vae=vae(), unet=network, text_encoder=clip_encoder(), tokenizer=clip_tokenizer(),
        scheduler=DDIMScheduler(**SCHEDULE, clip_sample=False),
    ).save_pretrained(folder)  # fmt: skip


CHECKPOINTS: Mapping[str, Callable[[Path], None]] = {
    "tiny/wan": tiny_wan,
    "tiny/wan-i2v": partial(tiny_wan, kind="WanImageToVideoPipeline", channels=36),
    "tiny/ltx": tiny_ltx,
    "tiny/ltx-i2v": partial(tiny_ltx, kind="LTXImageToVideoPipeline"),
    "tiny/cogvideox": tiny_cogvideox,
    "tiny/cogvideox-i2v": partial(tiny_cogvideox, kind="CogVideoXImageToVideoPipeline", learned=True),
    "tiny/animatediff": tiny_animatediff,
    "tiny/svd": tiny_svd,
    "tiny/text-to-video": tiny_text_to_video,
}
