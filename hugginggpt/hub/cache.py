"""Usable checkpoints in the Hugging Face cache on this disk.

Only ``.safetensors`` weights count, and scikit-learn models in skops' format: nothing here may load a pickle. Each file's
header is compared with its size, so that a download that broke off is not offered.
"""

import logging
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from hugginggpt.core.json_text import parse_json
from hugginggpt.hub.cache_card import read_card
from hugginggpt.hub.cache_faults import UnusableError, UnusableModel, explain_missing_weights, join_names

log = logging.getLogger(__name__)

_MAX_HEADER_BYTES: Final = 100_000_000  # largest header that the safetensors format allows
_MAX_JSON_BYTES: Final = 16 * 2**20  # the index of a model of ten thousand tensors has one
_MAX_VALUES: Final = 500_000
_VARIANT: Final = re.compile(r"(?:model|diffusion_pytorch_model)(?:\.(\w+)\.safetensors|\.safetensors\.index\.(\w+)\.json)")
_HALF_VARIANTS: Final = frozenset({"fp16", "bf16"})
_HELPER_WORDS: Final = ("Tokenizer", "Scheduler", "Processor", "FeatureExtractor")
"""Words in the names of a pipeline's classes that have no weights ("CLIPImageProcessorPil", "TokenizersBackend")."""
_TELLING_REASONS: Final = frozenset({"adapter", "gguf", "pickle", "format", "single-file"})
"""Reasons that say more of a folder than that it has no configuration."""


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
    variant: str = ""
    """Variant in which alone it has its weights ("fp16"), as ``from_pretrained`` names it; empty for plain files."""

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
    return [entry for entry in scan_cache(folder) if isinstance(entry, Checkpoint)]


def scan_cache(folder: Path | None = None) -> list[Checkpoint | UnusableModel]:
    """Return all models of a cache, the last used first, with what can't be used; for arguments see `find_checkpoints`."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repos = scan_cache_dir(folder or find_cache_folder()).repos
    except (CacheNotFound, ValueError):  # ValueError: a file lies where the folder should be
        return []
    models = (repo for repo in repos if repo.repo_type == "model")
    found: list[Checkpoint | UnusableModel] = []
    for repo in sorted(models, key=lambda repo: (-repo.last_accessed, repo.repo_id)):
        # revisions that a branch points to come before those that nothing points to any more
        revisions = sorted(repo.revisions, key=lambda revision: (not revision.refs, -revision.last_modified))
        read = [_read_snapshot(repo.repo_id, revision.snapshot_path) for revision in revisions]
        found += [next((entry for entry in read if isinstance(entry, Checkpoint)), read[0])] if read else []
    return found


def read_checkpoint(repo_id: str, folder: Path) -> Checkpoint | None:
    """Return the checkpoint in a snapshot's folder; None where something that it needs is missing or broken."""
    found = _read_snapshot(repo_id, folder)
    return found if isinstance(found, Checkpoint) else None


def _read_snapshot(repo_id: str, folder: Path) -> Checkpoint | UnusableModel:
    index, config = folder / "model_index.json", folder / "config.json"
    try:
        if index.is_file():
            return _read_pipeline(repo_id, folder, _read_json_object(index))
        if not config.is_file():
            fault = explain_missing_weights(folder)
            raise fault if fault.reason in _TELLING_REASONS else UnusableError("no-config")
        found = _read_json_object(config)
        return _read_estimator(repo_id, folder, found) if "sklearn" in found else _read_model(repo_id, folder, found)
    except UnusableError as error:
        log.info("%s is not offered: %s", repo_id, error)
        return UnusableModel(repo_id, error.reason, error.detail)
    # anybody may have written these files: whatever is wrong with one, the others are still offered
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        log.info("%s is not offered: %s", repo_id, error)
        told = str(error).rstrip(".") if isinstance(error, ValueError) else type(error).__name__
        return UnusableModel(repo_id, "damaged", told)


def _read_model(repo_id: str, folder: Path, config: Mapping[str, Any]) -> Checkpoint:
    weights, variant = _find_weights(folder)
    if not weights:
        raise explain_missing_weights(folder)
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
        read_card(folder),
        parameters,
        size,
        variant,
    )


def _read_pipeline(repo_id: str, folder: Path, index: Mapping[str, Any]) -> Checkpoint:
    weights: list[Path] = []
    variants: list[str] = []
    if isinstance(index.get("_class_name"), list):  # a module beside it, and the class in that
        raise UnusableError("remote-code", ".".join(map(str, index["_class_name"])))
    for name, entry in index.items():
        part = folder / name
        is_component = isinstance(entry, list) and len(entry) == 2 and all(isinstance(word, str) for word in entry)
        if not is_component:
            continue  # an option of the pipeline, or a component that was left out
        if (part / f"{entry[0]}.py").is_file():
            raise UnusableError("remote-code", f"{name}/{entry[0]}.py")
        is_helper = any(word in entry[1] for word in _HELPER_WORDS)  # models have a configuration and weights
        if not part.is_dir() or not any(part.iterdir()) or not (is_helper or (part / "config.json").is_file()):
            raise UnusableError("part", name)
        if (part / "config.json").is_file() and not is_helper:
            weights += _read_part(part)
            variants.append(_find_weights(part)[1])
    if not weights:
        raise UnusableError("no-weights")
    parameters, size = _measure_weights(weights)
    class_name, variant = str(index.get("_class_name", "")), next(filter(None, variants), "")
    return Checkpoint(repo_id, folder, "diffusers", class_name, "", index, read_card(folder), parameters, size, variant)


def _read_part(part: Path) -> list[Path]:
    """Return the weights of a pipeline's part."""
    try:
        weights, _ = _find_weights(part)
    except UnusableError as error:
        raise UnusableError(error.reason, f"{part.name}/{error.detail}") from error
    if not weights:
        fault = explain_missing_weights(part)
        raise (
            UnusableError("pickle", f"{part.name}/{fault.detail}")
            if fault.reason == "pickle"
            else UnusableError("part", part.name)
        )
    return weights


def _read_estimator(repo_id: str, folder: Path, config: Mapping[str, Any]) -> Checkpoint:
    """Read a scikit-learn model in skops' layout: its configuration names the task and the file, a ZIP archive."""
    section = config["sklearn"]
    model = section.get("model") if isinstance(section, dict) else None
    name = str(model.get("file", "")) if isinstance(model, dict) else ""
    path = folder / Path(name).name  # without folders: the configuration isn't ours, and may say ../..
    if path.suffix != ".skops" or not path.is_file():
        raise UnusableError("pickle", path.name) if path.is_file() else UnusableError("no-weights")
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
    return Checkpoint(repo_id, folder, "sklearn", architecture, task, config, read_card(folder), parameters, size)


def _find_weights(folder: Path) -> tuple[list[Path], str]:
    """Return the safetensors files that a model is loaded from, one or all that the index names, and their variant.

    Raises:
        UnusableError: A file is missing.
    """
    for variant in ("", *_list_variants(folder)):
        for name in ("model", "diffusion_pytorch_model"):
            dotted = f".{variant}" if variant else ""
            if (single := folder / f"{name}{dotted}.safetensors").is_file():
                return [single], variant
            if (index := folder / f"{name}.safetensors.index{dotted}.json").is_file():
                parts = [folder / part for part in sorted(set(_read_json_object(index).get("weight_map", {}).values()))]
                if missing := [part.name for part in parts if not part.is_file()]:
                    raise UnusableError("missing", join_names(missing))
                return parts, variant
    return [], ""


def _list_variants(folder: Path) -> list[str]:
    """Return the variants of weights in a folder, half precision first."""
    found = {next(filter(None, match.groups())) for path in folder.iterdir() if (match := _VARIANT.fullmatch(path.name))}
    return sorted(found, key=lambda variant: (variant not in _HALF_VARIANTS, variant != "fp16", variant))


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
