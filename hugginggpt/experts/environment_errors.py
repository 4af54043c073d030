"""Sentences for errors whose cause is the machine: memory, disk, a missing package."""

import errno


def explain_environment_error(error: BaseException) -> str:
    """Return one sentence if memory, disk space or a package was missing; empty for any other error."""
    text = str(error).lower()  # torch raises plain RuntimeErrors for memory: only their words tell
    if isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text:
        return "The memory ran out: choose a smaller model or a smaller input."
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "The disk is full: free some space and try again."
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"This model needs the Python package {error.name}, which is not installed: choose another model, or install it."
    return ""
