"""ResNets that timm named, in transformers' own: timm needs torchvision, which need not be there.

DETR and its relatives were published with a backbone of timm (https://huggingface.co/facebook/detr-resnet-50). The network
is the one of https://arxiv.org/abs/1512.03385 with either name; only the names of the weights differ.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from hugginggpt.core.errors import ExpertError
from hugginggpt.hub.cache import Checkpoint

_DEPTHS: Final[Mapping[str, tuple[str, list[int]]]] = {
    "resnet18": ("basic", [2, 2, 2, 2]),
    "resnet34": ("basic", [3, 4, 6, 3]),
    "resnet50": ("bottleneck", [3, 4, 6, 3]),
    "resnet101": ("bottleneck", [3, 4, 23, 3]),
}
"""Kind of block and number of blocks in each stage, by timm's name."""
_WIDTH: Final = 64
"""Channels of the first stage's blocks."""
_STAGES: Final = ["stage1", "stage2", "stage3", "stage4"]
_FIRST: Final[Mapping[str, int]] = {"deformable_detr": 1}
"""From which stage on a model type looks at the features, where that isn't the first."""
_TYPES: Final = frozenset({"detr", "conditional_detr", "deformable_detr", "table-transformer"})
_PARTS: Final[Mapping[str, str]] = {"conv": "convolution", "bn": "normalization"}
_BACKBONE: Final = re.compile(r"(?P<head>.*\bbackbone\.(?:conv_encoder\.)?model\.)(?P<rest>(?:conv1|bn1|layer\d)\..+)")
_BLOCK: Final = re.compile(r"layer(?P<stage>\d)\.(?P<block>\d+)\.(?P<part>conv|bn)(?P<layer>\d)\.(?P<end>\w+)")
_SHORTCUT: Final = re.compile(r"layer(?P<stage>\d)\.(?P<block>\d+)\.downsample\.(?P<part>[01])\.(?P<end>\w+)")


def build_timm_free_arguments(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return what ``from_pretrained`` takes instead of a checkpoint's folder, where its backbone is timm's; {} where it isn't.

    Raises:
        ExpertError: It is one that transformers has no network for.
    """
    config = checkpoint.config
    named = config.get("backbone_config") or {}
    timm = named.get("model_type") == "timm_backbone" if named else config.get("use_timm_backbone", False)
    if checkpoint.model_type not in _TYPES or not timm:
        return {}
    name = str(named.get("backbone") or config.get("backbone") or "resnet50").partition(".")[0]
    if name not in _DEPTHS or config.get("dilation"):
        raise ExpertError(f"{checkpoint.id} needs the package timm for its backbone {name}: choose another model.")
    from safetensors.torch import load_file
    from transformers import AutoConfig

    kind, depths = _DEPTHS[name]
    widths = [_WIDTH * 2**stage * (4 if kind == "bottleneck" else 1) for stage in range(4)]
    backbone = {
        "model_type": "resnet", "embedding_size": _WIDTH, "layer_type": kind, "depths": depths, "hidden_sizes": widths,
        "out_features": _STAGES[_FIRST.get(checkpoint.model_type, 0) :],
    }  # fmt: skip
    plain = {key: value for key, value in config.items() if key not in {"model_type", "backbone", "backbone_kwargs"}}
    settings = plain | {"use_timm_backbone": False, "use_pretrained_backbone": False, "backbone_config": backbone}
    weights = load_file(checkpoint.folder / "model.safetensors")
    return {
        "config": AutoConfig.for_model(checkpoint.model_type, **settings),
        "state_dict": {rename_weight(key): value for key, value in weights.items()},
    }


def rename_weight(key: str) -> str:
    """Return what transformers calls a weight of a backbone that timm named; any other stays as it is.

    >>> rename_key("model.backbone.conv_encoder.model.layer1.0.bn2.bias")
    'model.backbone.conv_encoder.model.encoder.stages.0.layers.0.layer.1.normalization.bias'
    """
    if (found := _BACKBONE.fullmatch(key)) is None:
        return key
    head, rest = found["head"], found["rest"]
    if block := _BLOCK.fullmatch(rest):
        place = f"encoder.stages.{int(block['stage']) - 1}.layers.{block['block']}.layer.{int(block['layer']) - 1}"
        return f"{head}{place}.{_PARTS[block['part']]}.{block['end']}"
    if shortcut := _SHORTCUT.fullmatch(rest):
        part = ("convolution", "normalization")[int(shortcut["part"])]
        return f"{head}encoder.stages.{int(shortcut['stage']) - 1}.layers.{shortcut['block']}.shortcut.{part}.{shortcut['end']}"
    part, _, end = rest.partition("1.")
    return f"{head}embedder.embedder.{_PARTS[part]}.{end}"
