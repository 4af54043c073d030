"""What diffusion pipelines are made of: tokenizers, text encoders, autoencoders, networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TEXT = 32
"""Width of the text encoders."""
LEVELS = (16, 32)
"""Channels of a UNet, level by level."""
VAE_LEVELS = (16, 16, 32)
"""The same of an autoencoder: its pictures are four times as wide and high as its latents."""


SCHEDULE: Mapping[str, Any] = {
    "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1, "set_alpha_to_one": False,
}  # fmt: skip
"""The noise of Stable Diffusion."""


def clip_tokenizer() -> Any:
    """CLIP's tokenizer with a vocabulary of single letters."""
    from transformers import CLIPTokenizer

    letters = [chr(code) for code in range(33, 127)]
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={word: i for i, word in enumerate(words)}, merges=[], model_max_length=77)


def clip_encoder(kind: str = "CLIPTextModel", width: int = TEXT) -> Any:
    """A CLIP text encoder of two layers."""
    import transformers

    size = len(clip_tokenizer())
    config = transformers.CLIPTextConfig(
        vocab_size=size, hidden_size=width, intermediate_size=37, num_hidden_layers=2, num_attention_heads=4,
        projection_dim=width, bos_token_id=size - 2, eos_token_id=size - 1, pad_token_id=size - 1,
    )  # fmt: skip
    return getattr(transformers, kind)(config)


def t5(width: int = TEXT) -> tuple[Any, Any]:
    """T5's tokenizer with a vocabulary of single letters, and an encoder of two layers."""
    from transformers import T5Config, T5EncoderModel, T5Tokenizer

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), *((chr(code), -3.0) for code in range(33, 127))]
    config = T5Config(vocab_size=len(pieces), d_model=width, d_ff=37, d_kv=8, num_layers=2, num_heads=4)
    return T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=77), T5EncoderModel(config)


def vae(latents: int = 4, levels: tuple[int, ...] = VAE_LEVELS, **options: Any) -> Any:
    """An autoencoder, which halves the sides of a picture at each level after the first."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=levels, down_block_types=["DownEncoderBlock2D"] * len(levels),
        up_block_types=["UpDecoderBlock2D"] * len(levels), latent_channels=latents, norm_num_groups=16, **options,
    )  # fmt: skip


def unet(**options: Any) -> Any:
    """A UNet for latents of 16 × 16."""
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        **{
            "block_out_channels": LEVELS, "layers_per_block": 1, "sample_size": 16, "cross_attention_dim": TEXT,
            "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"), "attention_head_dim": 8, "norm_num_groups": 8,
            "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"), **options,
        }
    )  # fmt: skip
