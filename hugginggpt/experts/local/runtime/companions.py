"""Checkpoints that run only beside another one: a ControlNet steers a pipeline whose network has its dimensions.

A ControlNet (https://arxiv.org/abs/2302.05543) is a copy of the first half of the network that it was trained beside, so
it fits that network and its fine-tuned versions. Its configuration doesn't name the network, but has its dimensions.
"""

import functools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from hugginggpt.hub.cache import Checkpoint

_DIMENSIONS: Final = ("cross_attention_dim", "block_out_channels", "in_channels", "addition_embed_type")
"""Settings in which a ControlNet agrees with the UNet that it steers."""
_STEERABLE: Final[Mapping[str, frozenset[str]]] = {
    "ControlNetModel": frozenset({"StableDiffusionPipeline", "StableDiffusionXLPipeline"})
}
"""Pipelines that may be steered, by the class of the checkpoint that steers."""
_SERVING: Final = frozenset({"SpeechT5HifiGan"})
"""Classes that other checkpoints need beside them: SpeechT5's vocoder."""


def needs_partner(checkpoint: Checkpoint) -> bool:
    """Return whether a checkpoint runs only together with another one."""
    return checkpoint.architecture in _STEERABLE


def serves_others(checkpoint: Checkpoint) -> bool:
    """Return whether a checkpoint does no task by itself, but is part of what another one does."""
    return checkpoint.architecture in _SERVING


def find_partner(checkpoint: Checkpoint, others: Iterable[Checkpoint]) -> Checkpoint | None:
    """Return the pipeline that a checkpoint steers: the smallest that fits, by id among equals; None where none fits."""
    fitting = [
        other
        for other in others
        if other.architecture in _STEERABLE.get(checkpoint.architecture, ())
        and _get_dimensions(checkpoint.config) == _get_dimensions(_read_config(other.folder / "unet" / "config.json"))
    ]
    return min(fitting, key=lambda other: (other.parameters, other.id), default=None)


def _get_dimensions(config: Mapping[str, Any]) -> list[Any]:
    return [config.get(name) for name in _DIMENSIONS]


@functools.lru_cache(maxsize=256)
def _read_config(path: Path) -> Mapping[str, Any]:
    """Read a part's configuration; cached, because a snapshot's files never change."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # loading the checkpoint reports it
        return {}
    return found if isinstance(found, dict) else {}
