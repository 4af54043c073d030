"""Weights inside packages: found without importing the package, checked before they are loaded, loaded once.

``models_config/bundled.yaml`` alone lists each model's files with their SHA-256. Every loader is decorated with
`load_once`, so nothing is loaded unchecked, whichever task needs it.
"""

import functools
import hashlib
import importlib.util
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final, TypeVar

import yaml

from hugginggpt.core.errors import ExpertError

T = TypeVar("T")

CONFIG_PATH: Final = Path(__file__).resolve().parents[3] / "models_config" / "bundled.yaml"
_BLOCK_BYTES: Final = 1 << 20


def find_package(module: str) -> Path | None:
    """Return the folder of an installed package without importing it; None if it isn't installed."""
    spec = importlib.util.find_spec(module)  # of a dotted name this would import the parent
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return Path(folders[0]) if folders else None


def find_weights(name: str) -> Path:
    """Return the path of a file inside an installed package, named as ``package/inner/file``.

    Raises:
        ExpertError: The package or the file is missing.
    """
    module, _, inner = name.partition("/")
    folder = find_package(module)
    if folder is None or not (folder / inner).is_file():
        raise ExpertError(f"The weights {name} are missing: install the package again.")
    return folder / inner


def verify_hashes(weights: Mapping[str, str]) -> None:
    """Compare every file with its SHA-256.

    Raises:
        ExpertError: A file is missing, or its hash differs.
    """
    for name, wanted in weights.items():
        digest = hashlib.sha256()
        with find_weights(name).open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
        if digest.hexdigest() != wanted:
            raise ExpertError(f"The file {name} is not the one that was checked, so it was not loaded.")


class Weights:
    """Files of each model with their SHA-256, as a configuration lists them, and the models verified so far."""

    def __init__(self, table: Mapping[str, Mapping[str, str]]) -> None:
        """Take a table: for each model's id its files, "package/inner/file", with their SHA-256."""
        self._table = table
        self._verified: set[str] = set()
        self._lock = threading.Lock()

    def verify(self, model_id: str) -> None:
        """Check the files of a model on the first call for it.

        Raises:
            ExpertError: A file is missing or differs, or the configuration doesn't list the model.
        """
        with self._lock:
            if model_id in self._verified:  # hashed under the lock: once, whoever asks
                return
            if model_id not in self._table:
                raise ExpertError(f"This needs {model_id} as well, which is not among the models that may run here.")
            verify_hashes(self._table[model_id])
            self._verified.add(model_id)  # last: what failed is checked again


@functools.cache
def load_shipped_weights() -> Weights:
    """Return the table of ``models_config/bundled.yaml``."""
    entries = yaml.safe_load(CONFIG_PATH.read_text(encoding="utf-8"))
    return Weights({entry["id"]: entry.get("weights", {}) for entry in entries})


_current_weights: ContextVar[Weights | None] = ContextVar("current weights", default=None)


@contextmanager
def use_weights(weights: Weights) -> Iterator[None]:
    """Make a table the current one inside this block, for this thread."""
    reset_token = _current_weights.set(weights)
    try:
        yield
    finally:
        _current_weights.reset(reset_token)


def load_once(model_id: str) -> Callable[[Callable[[], T]], Callable[[], T]]:
    """Decorate a loader to run once per process, whichever thread calls; a failure is tried again.

    Each call first has the current table verify the model's files, so a model that another configuration has loaded is
    refused as well.
    """

    def decorate(load: Callable[[], T]) -> Callable[[], T]:
        lock = threading.Lock()  # functools.cache alone would let two threads load at once
        cache: list[T] = []

        @functools.wraps(load)
        def load_verified() -> T:
            (_current_weights.get() or load_shipped_weights()).verify(model_id)
            with lock:
                if not cache:
                    cache.append(load())
                return cache[0]

        return load_verified

    return decorate
