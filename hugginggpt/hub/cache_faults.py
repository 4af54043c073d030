"""Repositories of the cache that can't be used, each with one reason."""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from hugginggpt.core.json_text import parse_json

_SENTENCES_PATH: Final = Path(__file__).with_name("cache_faults.yaml")
_MAX_NAMED_FILES: Final = 3
_MAX_ADAPTER_BYTES: Final = 2**20  # largest settings of an adapter that are read
_PICKLE_SUFFIXES: Final = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib"})
_OTHER_SUFFIXES: Final = frozenset({".onnx", ".h5", ".msgpack", ".tflite", ".mlmodel", ".xml", ".keras", ".npz", ".mlpackage"})
_ADAPTER_FILES: Final = re.compile(r"adapter_model.*|.*lora.*\.safetensors|adapter_config\.json", re.IGNORECASE)
_SHARD: Final = re.compile(r"(?:model|diffusion_pytorch_model).*-\d+-of-\d+.*\.safetensors")


@dataclass(frozen=True, slots=True)
class UnusableModel:
    """A repository of the cache that can't be used."""

    id: str
    reason: str
    """Key of ``cache_faults.yaml``."""
    detail: str = ""
    """Files, a class or a method that the sentence names."""

    @property
    def sentence(self) -> str:
        """Reason in English."""
        return list_reasons()[self.reason].format(detail=self.detail)


class UnusableError(ValueError):
    """A repository can't be used; its arguments are those of `UnusableModel` without the id."""

    def __init__(self, reason: str, detail: str = "") -> None:
        """Create the error."""
        super().__init__(list_reasons()[reason].format(detail=detail))
        self.reason, self.detail = reason, detail


@functools.cache
def list_reasons() -> Mapping[str, str]:
    """Return the sentence of each reason."""
    found: dict[str, str] = yaml.safe_load(_SENTENCES_PATH.read_text(encoding="utf-8"))
    return found


def explain_missing_weights(folder: Path) -> UnusableError:
    """Return why a folder has no weights that can be loaded, by what else lies in it."""
    files = sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    names = [path.name for path in files]
    if any(_ADAPTER_FILES.fullmatch(name) for name in names):
        return UnusableError("adapter", _read_adapter_base(folder / "adapter_config.json"))
    kinds = {
        "gguf": [path.name for path in files if path.suffix == ".gguf"],
        "missing": ["model.safetensors.index.json"] if any(_SHARD.fullmatch(name) for name in names) else [],
        "single-file": [path.name for path in files if path.suffix == ".safetensors"],
        "pickle": [path.name for path in files if path.suffix in _PICKLE_SUFFIXES and path.name != "training_args.bin"],
        "format": [path.name for path in files if path.suffix in _OTHER_SUFFIXES],
    }
    return next((UnusableError(kind, join_names(found)) for kind, found in kinds.items() if found), UnusableError("no-weights"))


def join_names(names: list[str]) -> str:
    """Return a few names, and how many more there are."""
    more = len(names) - _MAX_NAMED_FILES
    return ", ".join(names[:_MAX_NAMED_FILES]) + (f" and {more} more" if more > 0 else "")


def _read_adapter_base(path: Path) -> str:
    """Return the model that an adapter belongs on, as its settings name it."""
    found: Any = None
    if path.is_file() and path.stat().st_size <= _MAX_ADAPTER_BYTES:
        try:
            found = parse_json(path.read_bytes())
        except (OSError, ValueError, RecursionError):  # what it is an adapter of stays unknown
            found = None
    base = found.get("base_model_name_or_path") if isinstance(found, dict) else None
    return base if isinstance(base, str) and base else "another model"
