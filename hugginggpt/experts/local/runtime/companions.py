"""Checkpoints that are of no use alone: a ControlNet steers a pipeline whose network has its measures.

A ControlNet (https://arxiv.org/abs/2302.05543) is a copy of the first half of the network that it was trained beside, so
it fits that network and all that were trained on from it. Its configuration doesn't name it, but has its measures.
"""

import functools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from hugginggpt.hub.cache import Checkpoint

_MEASURES: Final = ("cross_attention_dim", "block_out_channels", "in_channels", "addition_embed_type")
"""Configuration that a ControlNet has in common with the UNet that it steers."""
_STEERED: Final[Mapping[str, frozenset[str]]] = {
    "ControlNetModel": frozenset({"StableDiffusionPipeline", "StableDiffusionXLPipeline"})
}
"""By the class of what needs a partner: the pipelines among which it may find one."""


def needs_partner(checkpoint: Checkpoint) -> bool:
    """Return whether a checkpoint runs only together with another one."""
    return checkpoint.architecture in _STEERED


def find_partner(checkpoint: Checkpoint, others: Iterable[Checkpoint]) -> Checkpoint | None:
    """Return the pipeline that a checkpoint steers: the smallest that fits, always the same of several; None if none does."""
    fitting = [
        other
        for other in others
        if other.architecture in _STEERED.get(checkpoint.architecture, ())
        and _measures(checkpoint.config) == _measures(_config(other.folder / "unet" / "config.json"))
    ]
    return min(fitting, key=lambda other: (other.parameters, other.id), default=None)


def _measures(config: Mapping[str, Any]) -> list[Any]:
    return [config.get(name) for name in _MEASURES]


@functools.lru_cache(maxsize=256)
def _config(path: Path) -> Mapping[str, Any]:
    """Return a part's configuration; a snapshot's files never change."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # whoever loads it says so
        return {}
    return found if isinstance(found, dict) else {}
