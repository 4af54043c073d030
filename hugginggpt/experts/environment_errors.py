"""What a machine lacks, told from what libraries raise."""

from __future__ import annotations

import errno


def lacking(error: BaseException) -> str:
    """One sentence where memory, disk or a package is what was missing; empty for all other failures."""
    text = str(error).lower()
    if isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text:
        return "The memory ran out: choose a smaller model or a smaller input."
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "The disk is full: free some space and try again."
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"This model needs the Python package {error.name}, which is not installed: choose another model, or install it."
    return ""
