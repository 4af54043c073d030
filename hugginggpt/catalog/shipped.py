"""What `models_config/` says: which small model to fetch for a task."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import yaml

_LOCAL: Final = Path(__file__).resolve().parents[2] / "models_config" / "local.yaml"


@functools.cache
def small_models() -> Mapping[str, tuple[str, ...]]:
    """For each task the Hub's ids of one small model and of what it can't do without."""
    found: dict[str, list[str]] = yaml.safe_load(_LOCAL.read_text(encoding="utf-8"))
    return {task: tuple(ids) for task, ids in found.items()}
