"""Weights inside packages: found without importing the package, checked before they are loaded, loaded once.

Which files a model needs, and their SHA-256, stands in ``models_config/bundled.yaml`` and nowhere else. Every loader
is decorated with ``load_once``, so nothing is loaded unchecked, whichever task it is loaded for.
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
_BLOCK: Final = 1 << 20


def find_package(module: str) -> Path | None:
    """Return where an installed package lies, without importing it; None when it isn't installed."""
    spec = importlib.util.find_spec(module)
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else None


def find_weights(name: str) -> Path:
    """Return the file that ``package/inner/file`` names inside an installed package.

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
        ExpertError: A file is missing, or isn't the one that was tried.
    """
    for name, wanted in weights.items():
        digest = hashlib.sha256()
        with find_weights(name).open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
        if digest.hexdigest() != wanted:
            raise ExpertError(f"The file {name} is not the one that was checked, so it was not loaded.")


class Weights:
    """Files that each model loads, with their SHA-256: a configuration's table, and which models it has approved."""

    def __init__(self, table: Mapping[str, Mapping[str, str]]) -> None:
        """Make one.

        Args:
            table: For each model's id its files, "package/inner/file", with their SHA-256.
        """
        self._table = table
        self._verified: set[str] = set()
        self._lock = threading.Lock()

    def verify(self, model_id: str) -> None:
        """Check a model's files, at the first call.

        Raises:
            ExpertError: A file is missing or another one, or the model was taken out of the configuration.
        """
        with self._lock:
            if model_id in self._verified:
                return
            if model_id not in self._table:
                raise ExpertError(f"This needs {model_id} as well, which is not among the models that may run here.")
            verify_hashes(self._table[model_id])
            self._verified.add(model_id)


@functools.cache
def load_shipped_weights() -> Weights:
    """Return the table of ``models_config/bundled.yaml``."""
    entries = yaml.safe_load(CONFIG_PATH.read_text(encoding="utf-8"))
    return Weights({entry["id"]: entry.get("weights", {}) for entry in entries})


_in_force: ContextVar[Weights | None] = ContextVar("weights in force", default=None)


@contextmanager
def use_weights(weights: Weights) -> Iterator[None]:
    """Within this, in this thread, models are loaded and used as that table says."""
    before = _in_force.set(weights)
    try:
        yield
    finally:
        _in_force.reset(before)


def load_once(model_id: str) -> Callable[[Callable[[], T]], Callable[[], T]]:
    """Decorate a loader: it runs once a process, however many threads ask, and a failure is tried again.

    Each call first asks the table in force whether the model's files are the ones that were tried: a model that
    another configuration loaded is refused as well.
    """

    def decorate(load: Callable[[], T]) -> Callable[[], T]:
        lock = threading.Lock()
        kept: list[T] = []

        @functools.wraps(load)
        def loaded() -> T:
            (_in_force.get() or load_shipped_weights()).verify(model_id)
            with lock:
                if not kept:
                    kept.append(load())
                return kept[0]

        return loaded

    return decorate
