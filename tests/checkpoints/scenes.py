"""Models that look at a scene: detectors and segmenters, which have modules of their own, and depth estimators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.checkpoints import detectors, segmenters
from tests.checkpoints.pictures import SIZE, seeded


def tiny_dpt(folder: Path) -> None:
    """Relative depth."""
    from transformers import DPTConfig, DPTForDepthEstimation, DPTImageProcessorPil

    config = DPTConfig(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=16, image_size=32, patch_size=8,
        backbone_out_indices=[0, 1, 2, 3], neck_hidden_sizes=[8, 8, 8, 8], fusion_hidden_size=8, is_hybrid=False,
        head_in_index=-1,
    )  # fmt: skip
    DPTForDepthEstimation(config).save_pretrained(folder)
    DPTImageProcessorPil(size=SIZE).save_pretrained(folder)


def _depth_anything(**options: Any) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config, DPTImageProcessorPil

        backbone = Dinov2Config(
            hidden_size=16, num_hidden_layers=4, num_attention_heads=2, mlp_ratio=1, image_size=28, patch_size=14,
            out_features=["stage1", "stage2", "stage3", "stage4"], reshape_hidden_states=False, apply_layernorm=True,
        )  # fmt: skip
        config = DepthAnythingConfig(
            backbone_config=backbone, reassemble_hidden_size=16, neck_hidden_sizes=[8, 8, 8, 8], fusion_hidden_size=8,
            head_hidden_size=8, patch_size=14, **options,
        )  # fmt: skip
        DepthAnythingForDepthEstimation(config).save_pretrained(folder)
        size = {"height": 56, "width": 56}
        DPTImageProcessorPil(size=size, keep_aspect_ratio=True, ensure_multiple_of=14).save_pretrained(folder)

    return make


def tiny_glpn(folder: Path) -> None:
    """Depth in metres."""
    from transformers import GLPNConfig, GLPNForDepthEstimation, GLPNImageProcessorPil

    config = GLPNConfig(
        depths=[1, 1, 1, 1], hidden_sizes=[8, 8, 8, 16], num_attention_heads=[1, 1, 1, 1], decoder_hidden_size=8, max_depth=10
    )
    GLPNForDepthEstimation(config).save_pretrained(folder)
    GLPNImageProcessorPil().save_pretrained(folder)


def tiny_zoedepth(folder: Path) -> None:
    """Depth in metres, on a picture that is padded first."""
    from transformers import BeitConfig, ZoeDepthConfig, ZoeDepthForDepthEstimation, ZoeDepthImageProcessorPil

    backbone = BeitConfig(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=16, image_size=32, patch_size=8,
        out_features=["stage1", "stage2", "stage3", "stage4"], reshape_hidden_states=False, use_relative_position_bias=True,
    )  # fmt: skip
    config = ZoeDepthConfig(
        backbone_config=backbone, neck_hidden_sizes=[8, 8, 8, 8], fusion_hidden_size=8, bottleneck_features=8,
        bin_embedding_dim=8, num_relative_features=8, num_attractors=[2, 2, 2, 2], readout_type="project",
        bin_configurations=[{"n_bins": 8, "min_depth": 0.001, "max_depth": 10.0, "name": "nyu"}],
    )  # fmt: skip
    ZoeDepthForDepthEstimation(config).save_pretrained(folder)
    ZoeDepthImageProcessorPil(size=SIZE, ensure_multiple_of=8).save_pretrained(folder)


_MADE: Mapping[str, Callable[[Path], None]] = {
    **detectors.CHECKPOINTS,
    **segmenters.CHECKPOINTS,
    "tiny/dpt": tiny_dpt,
    "tiny/depth-anything": _depth_anything(),
    "tiny/depth-anything-metric": _depth_anything(depth_estimation_type="metric", max_depth=20),
    "tiny/glpn": tiny_glpn,
    "tiny/zoedepth": tiny_zoedepth,
}
CHECKPOINTS = {name: seeded(make) for name, make in _MADE.items()}
