"""Models of speech and sound."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

CHECKPOINTS: Mapping[str, Callable[[Path], None]] = {}
