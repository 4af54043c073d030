"""Weights inside packages: found without importing the package, checked before they are loaded, loaded once."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from hugginggpt.errors import ExpertError

T = TypeVar("T")

_BLOCK = 1 << 20


def package_folder(module: str) -> Path | None:
    """Where an installed package lies, without importing it; None when it isn't installed."""
    spec = importlib.util.find_spec(module)
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else None


def weight_path(name: str) -> Path:
    """The file that ``package/inner/file`` names inside an installed package.

    Raises:
        ExpertError: The package or the file is missing.
    """
    module, _, inner = name.partition("/")
    folder = package_folder(module)
    if folder is None or not (folder / inner).is_file():
        raise ExpertError(f"The weights {name} are missing: install the package again.")
    return folder / inner


def check(weights: Mapping[str, str]) -> None:
    """Compare every file with its SHA-256.

    Raises:
        ExpertError: A file is missing, or isn't the one that was tried.
    """
    for name, wanted in weights.items():
        digest = hashlib.sha256()
        with weight_path(name).open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
        if digest.hexdigest() != wanted:
            raise ExpertError(f"The file {name} is not the one that was checked, so it was not loaded.")


def once(load: Callable[[], T]) -> Callable[[], T]:
    """Run `load` at the first call and keep what it gave, however many threads ask; a failure is tried again."""
    lock = threading.Lock()
    kept: list[T] = []

    @functools.wraps(load)
    def loaded() -> T:
        with lock:
            if not kept:
                kept.append(load())
            return kept[0]

    return loaded
