"""Usable checkpoints in the Hugging Face cache on this disk.

Only ``.safetensors`` weights count, and scikit-learn models in skops' format: nothing here may load a pickle. Each file's
header is compared with its size, so that a download that broke off is not offered.
"""

import logging
import math
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import yaml

from hugginggpt.core.json_text import parse_json

log = logging.getLogger(__name__)

_MAX_HEADER_BYTES: Final = 100_000_000  # largest header that the safetensors format allows
_MAX_JSON_BYTES: Final = 16 * 2**20  # the index of a model of ten thousand tensors has one
_MAX_VALUES: Final = 500_000
_MAX_CARD_CHARS: Final = 50_000
_LOADER: Final[type[Any]] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, and with a limit of depth


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Model in the cache, at one revision."""

    id: str
    """Id on the Hub: "facebook/detr-resnet-50"."""
    folder: Path
    """Folder of the snapshot."""
    library: Literal["transformers", "diffusers", "sklearn"]
    architecture: str
    """Class that the configuration names: "DetrForObjectDetection", "StableDiffusionPipeline", "Pipeline"."""
    model_type: str = ""
    """Architecture's family in transformers: "detr"; for a scikit-learn model, its task."""
    config: Mapping[str, Any] = field(default_factory=dict, hash=False, repr=False)
    """Content of ``config.json``, or of ``model_index.json`` for a diffusers pipeline."""
    card: Mapping[str, Any] = field(default_factory=dict, hash=False, repr=False)
    """Front matter of the model card, where it is cached too: pipeline_tag, license, language."""
    parameters: int = 0
    """Number of weights."""
    size: int = 0
    """Size of the weights on disk, in bytes."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels that the model was trained on, in the order of its outputs."""
        table = self.config.get("id2label")
        return tuple(str(label) for label in table.values()) if isinstance(table, Mapping) else ()

    @property
    def license(self) -> str:
        """SPDX identifier as the card writes it; empty when unknown."""
        found = self.card.get("license", "")
        return found if isinstance(found, str) else ""

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes that the card names."""
        found = self.card.get("language") or ()
        return tuple(str(code) for code in ((found,) if isinstance(found, str) else found))


def find_cache_folder() -> Path:
    """Return the folder of the Hub client's cache: ``HF_HUB_CACHE``, else ``HF_HOME``/hub, else in the home folder."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def find_checkpoints(folder: Path | None = None) -> list[Checkpoint]:
    """Return all usable checkpoints of a cache, the last used first; each repository at its newest complete revision.

    Args:
        folder: The cache; by default the Hub client's own.
    """
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repos = scan_cache_dir(folder or find_cache_folder()).repos
    except (CacheNotFound, ValueError):  # ValueError: a file lies where the folder should be
        return []
    found = []
    for repo in sorted(repos, key=lambda repo: (-repo.last_accessed, repo.repo_id)):
        # revisions that a branch points to come before those that nothing points to any more
        revisions = sorted(repo.revisions, key=lambda revision: (not revision.refs, -revision.last_modified))
        candidates = (read_checkpoint(repo.repo_id, revision.snapshot_path) for revision in revisions)
        if repo.repo_type == "model" and (checkpoint := next(filter(None, candidates), None)):
            found.append(checkpoint)
    return found


def read_checkpoint(repo_id: str, folder: Path) -> Checkpoint | None:
    """Return the checkpoint in a snapshot's folder; None where something that it needs is missing or broken."""
    index, config = folder / "model_index.json", folder / "config.json"
    try:
        if index.is_file():
            return _read_pipeline(repo_id, folder, _read_json_object(index))
        if not config.is_file():
            return None
        found = _read_json_object(config)
        return _read_estimator(repo_id, folder, found) if "sklearn" in found else _read_model(repo_id, folder, found)
    # anybody may have written these files: whatever is wrong with one, the others are still offered
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        log.info("%s is not offered: %s", repo_id, error)
        return None


def _read_model(repo_id: str, folder: Path, config: Mapping[str, Any]) -> Checkpoint | None:
    if not (weights := _find_weights(folder)):
        return None
    parameters, size = _measure_weights(weights)
    architectures = config.get("architectures") or ()
    diffusers = config.get("_class_name")  # a ControlNet, a VAE: one component of a pipeline
    return Checkpoint(
        repo_id,
        folder,
        "diffusers" if diffusers else "transformers",
        str(diffusers or next(iter(architectures), "")),
        str(config.get("model_type", "")),
        config,
        _read_card(folder),
        parameters,
        size,
    )


def _read_pipeline(repo_id: str, folder: Path, index: Mapping[str, Any]) -> Checkpoint | None:
    weights: list[Path] = []
    for name, entry in index.items():
        part = folder / name
        is_component = isinstance(entry, list) and len(entry) == 2 and all(isinstance(word, str) for word in entry)
        if not is_component:
            continue  # an option of the pipeline, or a component that was left out
        if not part.is_dir():
            raise ValueError(f"{name} is missing")
        if (part / "config.json").is_file():  # a model; schedulers and tokenizers have other files
            if not (found := _find_weights(part)):
                raise ValueError(f"{name} has no weights")
            weights += found
    if not weights:
        return None
    parameters, size = _measure_weights(weights)
    return Checkpoint(
        repo_id, folder, "diffusers", str(index.get("_class_name", "")), "", index, _read_card(folder), parameters, size
    )


def _read_estimator(repo_id: str, folder: Path, config: Mapping[str, Any]) -> Checkpoint | None:
    """Read a scikit-learn model in skops' layout: its configuration names the task and the file, a ZIP archive."""
    section = config["sklearn"]
    model = section.get("model") if isinstance(section, dict) else None
    name = str(model.get("file", "")) if isinstance(model, dict) else ""
    path = folder / Path(name).name  # without folders: the configuration isn't ours, and may say ../..
    if path.suffix != ".skops" or not path.is_file():
        return None  # a pickle
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            if archive.getinfo("schema.json").file_size > _MAX_HEADER_BYTES:  # before it is unpacked: it may be a ZIP bomb
                raise ValueError(f"{path.name} is described at too great a length")
            schema = parse_json(archive.read("schema.json"), max_values=_MAX_VALUES)
        if not isinstance(schema, dict):
            raise ValueError(f"{path.name} holds no model")  # noqa: TRY004 (the file is wrong, not the call)
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise ValueError(f"{path.name} is cut off or no skops file") from error
    architecture, task = str(schema.get("__class__", "")), str(section.get("task", ""))
    parameters = size // 4  # an estimate, at four bytes each: a skops file doesn't tell
    return Checkpoint(repo_id, folder, "sklearn", architecture, task, config, _read_card(folder), parameters, size)


def _find_weights(folder: Path) -> list[Path]:
    """Return the safetensors files that a model is loaded from: one, or all parts that the index names.

    Raises:
        ValueError: A part is missing.
    """
    for name in ("model", "diffusion_pytorch_model"):
        if (single := folder / f"{name}.safetensors").is_file():
            return [single]
        if (index := folder / f"{name}.safetensors.index.json").is_file():
            parts = [folder / part for part in sorted(set(_read_json_object(index).get("weight_map", {}).values()))]
            if missing := [part.name for part in parts if not part.is_file()]:
                raise ValueError(f"{', '.join(missing)} is missing")
            return parts
    return []


def _measure_weights(weights: Sequence[Path]) -> tuple[int, int]:
    """Return the number of parameters and of bytes in safetensors files."""
    measured = [_measure_file(path) for path in weights]
    return sum(parameters for parameters, _ in measured), sum(size for _, size in measured)


def _measure_file(path: Path) -> tuple[int, int]:
    """Return both for one file, from its header: eight bytes of length, then JSON (huggingface.co/docs/safetensors).

    Raises:
        ValueError: The file is cut off or no safetensors file.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(8)
        length = struct.unpack("<Q", head)[0] if len(head) == 8 else _MAX_HEADER_BYTES  # too few bytes: it fails below
        if not 0 < length < min(size, _MAX_HEADER_BYTES):
            raise ValueError(f"{path.name} is no safetensors file")
        header = parse_json(file.read(length), max_values=_MAX_VALUES)
    tensors = [entry for name, entry in header.items() if name != "__metadata__"]
    end = max((entry["data_offsets"][1] for entry in tensors), default=0)
    if size != 8 + length + end:  # the last tensor must end where the file does
        raise ValueError(f"{path.name} is cut off")
    return sum(math.prod(entry["shape"]) for entry in tensors), end


def _read_json_object(path: Path) -> dict[str, Any]:
    if path.stat().st_size > _MAX_JSON_BYTES:
        raise ValueError(f"{path.name} is too large")
    found = parse_json(path.read_bytes(), max_values=_MAX_VALUES)
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} holds no object")  # noqa: TRY004 (the file is wrong, not the call)
    return found


def _read_card(folder: Path) -> Mapping[str, Any]:
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
