"""Loading of DETR models with a ResNet backbone of timm's into transformers' own ResNet: timm needs torchvision.

DETR and its relatives were published with a backbone of timm (https://huggingface.co/facebook/detr-resnet-50). Both libraries
have the network of https://arxiv.org/abs/1512.03385; only the names of the weights differ.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from hugginggpt.core.errors import ExpertError
from hugginggpt.hub.cache import Checkpoint

_RESNETS: Final[Mapping[str, tuple[str, list[int]]]] = {
    "resnet18": ("basic", [2, 2, 2, 2]),
    "resnet34": ("basic", [3, 4, 6, 3]),
    "resnet50": ("bottleneck", [3, 4, 6, 3]),
    "resnet101": ("bottleneck", [3, 4, 23, 3]),
}
"""Kind of block, and number of blocks in each stage, by timm's name."""
_CHANNELS: Final = 64  # channels of the first stage's blocks
_STAGES: Final = ["stage1", "stage2", "stage3", "stage4"]
_FIRST_FEATURE_STAGE: Final[Mapping[str, int]] = {"deformable_detr": 1}
"""Index of the first stage whose features a model type uses, where that isn't 0."""
_DETR_TYPES: Final = frozenset({"detr", "conditional_detr", "deformable_detr", "table-transformer"})
_PART_NAMES: Final[Mapping[str, str]] = {"conv": "convolution", "bn": "normalization"}
_BACKBONE_WEIGHT: Final = re.compile(r"(?P<head>.*\bbackbone\.(?:conv_encoder\.)?model\.)(?P<rest>(?:conv1|bn1|layer\d)\..+)")
_BLOCK_WEIGHT: Final = re.compile(r"layer(?P<stage>\d)\.(?P<block>\d+)\.(?P<part>conv|bn)(?P<layer>\d)\.(?P<end>\w+)")
_SHORTCUT_WEIGHT: Final = re.compile(r"layer(?P<stage>\d)\.(?P<block>\d+)\.downsample\.(?P<part>[01])\.(?P<end>\w+)")


def build_timm_free_arguments(checkpoint: Checkpoint) -> dict[str, Any]:
    """Build the ``from_pretrained`` arguments that replace a backbone of timm; {} for a checkpoint without one.

    Raises:
        ExpertError: transformers has no network for this backbone.
    """
    config = checkpoint.config
    old_backbone = config.get("backbone_config") or {}
    from_timm = old_backbone.get("model_type") == "timm_backbone" if old_backbone else config.get("use_timm_backbone", False)
    if checkpoint.model_type not in _DETR_TYPES or not from_timm:
        return {}
    name = str(old_backbone.get("backbone") or config.get("backbone") or "resnet50").partition(".")[0]  # less timm's tag
    if name not in _RESNETS or config.get("dilation"):  # transformers' ResNet can't be dilated
        raise ExpertError(f"{checkpoint.id} needs the package timm for its backbone {name}: choose another model.")
    from safetensors.torch import load_file
    from transformers import AutoConfig

    kind, depths = _RESNETS[name]
    widths = [_CHANNELS * 2**stage * (4 if kind == "bottleneck" else 1) for stage in range(4)]
    backbone = {
        "model_type": "resnet", "embedding_size": _CHANNELS, "layer_type": kind, "depths": depths, "hidden_sizes": widths,
        "out_features": _STAGES[_FIRST_FEATURE_STAGE.get(checkpoint.model_type, 0) :],
    }  # fmt: skip
    # a configuration with `backbone` and without `backbone_config` makes transformers call the Hub while it reads it
    remaining = {key: value for key, value in config.items() if key not in {"model_type", "backbone", "backbone_kwargs"}}
    settings = remaining | {"use_timm_backbone": False, "use_pretrained_backbone": False, "backbone_config": backbone}
    weights = load_file(checkpoint.folder / "model.safetensors")
    return {
        "config": AutoConfig.for_model(checkpoint.model_type, **settings),
        "state_dict": {rename_weight(key): value for key, value in weights.items()},
    }


def rename_weight(key: str) -> str:
    """Return transformers' name for a weight of a timm backbone; any other name is returned unchanged.

    >>> rename_weight("model.backbone.conv_encoder.model.layer1.0.bn2.bias")
    'model.backbone.conv_encoder.model.encoder.stages.0.layers.0.layer.1.normalization.bias'
    """
    if (found := _BACKBONE_WEIGHT.fullmatch(key)) is None:
        return key
    head, rest = found["head"], found["rest"]
    if block := _BLOCK_WEIGHT.fullmatch(rest):
        layer = f"encoder.stages.{int(block['stage']) - 1}.layers.{block['block']}.layer.{int(block['layer']) - 1}"
        return f"{head}{layer}.{_PART_NAMES[block['part']]}.{block['end']}"
    if shortcut := _SHORTCUT_WEIGHT.fullmatch(rest):
        part = ("convolution", "normalization")[int(shortcut["part"])]
        return f"{head}encoder.stages.{int(shortcut['stage']) - 1}.layers.{shortcut['block']}.shortcut.{part}.{shortcut['end']}"
    part, _, end = rest.partition("1.")  # the stem: "conv1." or "bn1."
    return f"{head}embedder.embedder.{_PART_NAMES[part]}.{end}"
