"""Model cards in the cache: the front matter of README.md."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

_MAX_CARD_CHARS: Final = 50_000
_LOADER: Final[type[Any]] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, and with a limit of depth


def read_card(folder: Path) -> Mapping[str, Any]:
    """Return the front matter of README.md; empty where there is none that can be read."""
    path = folder / "README.md"
    try:
        found = yaml.load("".join(_read_front_matter(path)), _LOADER) if path.is_file() else None  # noqa: S506 - a safe one
    except (OSError, ValueError, RecursionError, yaml.YAMLError):  # the model runs without its card
        return {}
    return found if isinstance(found, dict) else {}


def _read_front_matter(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        if file.readline().strip() != "---":
            return
        left = _MAX_CARD_CHARS
        while line := file.readline(left + 1):  # no further than needed: a card may be long, and all in one line
            if line.strip() == "---":
                return
            left -= len(line)
            if left < 0:
                raise ValueError(f"the front matter of {path.name} is too long")
            yield line
