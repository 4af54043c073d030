"""Texts that can be printed, and keys that can be compared."""

from collections.abc import Mapping
from typing import Any


def make_printable(value: Any) -> str:
    """Return any value as a text that can be printed: half a surrogate pair becomes a question mark."""
    try:
        text = str(value)
    except (RecursionError, ValueError):  # nested too deep, or a number of thousands of digits
        return f"a {type(value).__name__} that is too long"
    return text.encode("utf-8", "replace").decode()


def lower_keys(item: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return an object with its keys in lower case."""
    return {key.strip().lower() if isinstance(key, str) else key: value for key, value in item.items()}
