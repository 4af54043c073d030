"""What the Hugging Face cache on this disk holds: checkpoints whose weights are really there.

Only ``.safetensors`` weights count, and scikit-learn models in skops' format: nothing here may load a pickle. A download
that broke off is told by the file's own header, so that what is offered can be loaded.
"""

from __future__ import annotations

import json
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

log = logging.getLogger(__name__)

_MAX_HEADER: Final = 100_000_000
"""The largest header that the safetensors format allows, in bytes."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One model in the cache, at one revision."""

    id: str
    """The Hub's: "facebook/detr-resnet-50"."""
    folder: Path
    """Its snapshot."""
    library: Literal["transformers", "diffusers", "sklearn"]
    architecture: str
    """The class that its own configuration names: "DetrForObjectDetection", "StableDiffusionPipeline", "Pipeline"."""
    model_type: str = ""
    """transformers' name of the architecture's family: "detr"; the task of a scikit-learn model."""
    config: Mapping[str, Any] = field(default_factory=dict, hash=False, repr=False)
    """Its ``config.json``, or ``model_index.json`` for a diffusers pipeline."""
    card: Mapping[str, Any] = field(default_factory=dict, hash=False, repr=False)
    """The front matter of its model card, where that is cached too: pipeline_tag, license, language."""
    parameters: int = 0
    """How many numbers its weights hold."""
    size: int = 0
    """Its weights on disk, in bytes."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels it was trained on, in the order of its outputs."""
        table = self.config.get("id2label")
        return tuple(str(label) for label in table.values()) if isinstance(table, Mapping) else ()

    @property
    def license(self) -> str:
        """SPDX identifier as the card writes it; empty when it isn't known."""
        found = self.card.get("license", "")
        return found if isinstance(found, str) else ""

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes that its card names."""
        found = self.card.get("language") or ()
        return tuple(str(code) for code in ((found,) if isinstance(found, str) else found))


def cache_folder() -> Path:
    """Where the Hub's client keeps models: ``HF_HUB_CACHE``, else ``HF_HOME``/hub, else in the home folder."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def find_checkpoints(folder: Path | None = None) -> list[Checkpoint]:
    """All usable checkpoints of a cache, the last used first; a repository counts at its newest complete revision.

    Args:
        folder: The cache; by default the Hub client's own.
    """
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repos = scan_cache_dir(folder or cache_folder()).repos
    except (CacheNotFound, ValueError):
        return []
    found = []
    for repo in sorted(repos, key=lambda repo: (-repo.last_accessed, repo.repo_id)):
        # the branches that the Hub has now come before revisions that nothing points to any more
        revisions = sorted(repo.revisions, key=lambda revision: (not revision.refs, -revision.last_modified))
        candidates = (read_checkpoint(repo.repo_id, revision.snapshot_path) for revision in revisions)
        if repo.repo_type == "model" and (checkpoint := next(filter(None, candidates), None)):
            found.append(checkpoint)
    return found


def read_checkpoint(repo_id: str, folder: Path) -> Checkpoint | None:
    """The checkpoint in a snapshot's folder; None where something that it needs is missing or broken."""
    index, config = folder / "model_index.json", folder / "config.json"
    try:
        if index.is_file():
            return _pipeline(repo_id, folder, _object(index))
        if not config.is_file():
            return None
        found = _object(config)
        return _estimator(repo_id, folder, found) if "sklearn" in found else _model(repo_id, folder, found)
    # files that anybody may have written: whatever is wrong with one, the others are offered
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        log.info("%s is not offered: %s", repo_id, error)
        return None


def _model(repo_id: str, folder: Path, config: Mapping[str, Any]) -> Checkpoint | None:
    if not (weights := _weights(folder)):
        return None
    parameters, size = _measure(weights)
    architectures = config.get("architectures") or ()
    diffusers = config.get("_class_name")  # a ControlNet, a VAE: one component of a pipeline
    return Checkpoint(
        repo_id,
        folder,
        "diffusers" if diffusers else "transformers",
        str(diffusers or next(iter(architectures), "")),
        str(config.get("model_type", "")),
        config,
        _card(folder),
        parameters,
        size,
    )


def _pipeline(repo_id: str, folder: Path, index: Mapping[str, Any]) -> Checkpoint | None:
    weights: list[Path] = []
    for name, entry in index.items():
        part = folder / name
        named = isinstance(entry, list) and len(entry) == 2 and all(isinstance(word, str) for word in entry)
        if not named:
            continue  # an option of the pipeline, or a component that was left out
        if not part.is_dir():
            raise ValueError(f"{name} is missing")
        if (part / "config.json").is_file():  # a model; schedulers and tokenizers have other files
            if not (found := _weights(part)):
                raise ValueError(f"{name} has no weights")
            weights += found
    if not weights:
        return None
    parameters, size = _measure(weights)
    return Checkpoint(
        repo_id, folder, "diffusers", str(index.get("_class_name", "")), "", index, _card(folder), parameters, size
    )


def _estimator(repo_id: str, folder: Path, config: Mapping[str, Any]) -> Checkpoint | None:
    """A scikit-learn model, as skops lays it out: its configuration names the task and the file, a ZIP archive."""
    about = config["sklearn"]
    model = about.get("model") if isinstance(about, dict) else None
    name = str(model.get("file", "")) if isinstance(model, dict) else ""
    path = folder / Path(name).name
    if path.suffix != ".skops" or not path.is_file():
        return None  # a pickle
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            if archive.getinfo("schema.json").file_size > _MAX_HEADER:
                raise ValueError(f"{path.name} is described at too great a length")
            schema = json.loads(archive.read("schema.json"))
        if not isinstance(schema, dict):
            raise ValueError(f"{path.name} holds no model")  # noqa: TRY004 (the file is wrong, not the call)
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise ValueError(f"{path.name} is cut off or no skops file") from error
    architecture, task = str(schema.get("__class__", "")), str(about.get("task", ""))
    return Checkpoint(repo_id, folder, "sklearn", architecture, task, config, _card(folder), size // 4, size)


def _weights(folder: Path) -> list[Path]:
    """The safetensors files that a model is loaded from: one, or all parts that the index names.

    Raises:
        ValueError: A part is missing.
    """
    for name in ("model", "diffusion_pytorch_model"):
        if (single := folder / f"{name}.safetensors").is_file():
            return [single]
        if (index := folder / f"{name}.safetensors.index.json").is_file():
            parts = [folder / part for part in sorted(set(_object(index).get("weight_map", {}).values()))]
            if missing := [part.name for part in parts if not part.is_file()]:
                raise ValueError(f"{', '.join(missing)} is missing")
            return parts
    return []


def _measure(weights: Sequence[Path]) -> tuple[int, int]:
    """Number of parameters and bytes of safetensors files."""
    counted = [_counted(path) for path in weights]
    return sum(parameters for parameters, _ in counted), sum(size for _, size in counted)


def _counted(path: Path) -> tuple[int, int]:
    """The same of one file, from its header (https://huggingface.co/docs/safetensors: eight bytes of length, then JSON).

    Raises:
        ValueError: The file is cut off or no safetensors file.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(8)
        length = struct.unpack("<Q", head)[0] if len(head) == 8 else _MAX_HEADER
        if not 0 < length < min(size, _MAX_HEADER):
            raise ValueError(f"{path.name} is no safetensors file")
        header = json.loads(file.read(length))
    tensors = [entry for name, entry in header.items() if name != "__metadata__"]
    end = max((entry["data_offsets"][1] for entry in tensors), default=0)
    if size != 8 + length + end:
        raise ValueError(f"{path.name} is cut off")
    return sum(math.prod(entry["shape"]) for entry in tensors), end


def _object(path: Path) -> dict[str, Any]:
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} holds no object")  # noqa: TRY004 (the file is wrong, not the call)
    return found


def _card(folder: Path) -> Mapping[str, Any]:
    """The front matter of README.md."""
    path = folder / "README.md"
    try:
        found = yaml.safe_load("".join(_front_matter(path))) if path.is_file() else None
    except (OSError, ValueError, yaml.YAMLError):  # a card says what is nice to know, and no more
        return {}
    return found if isinstance(found, dict) else {}


def _front_matter(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        if file.readline().strip() != "---":
            return
        for line in file:
            if line.strip() == "---":
                return
            yield line
