"""Obstacles to a checkpoint whose files are whole: no vocabulary, quantized weights, code of its own."""

import importlib.util
import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from hugginggpt.hub.cache import Checkpoint
from hugginggpt.hub.cache_faults import UnusableModel

_VOCABULARIES: Final = (
    "tokenizer.json", "vocab.json", "vocab.txt", "vocab-*.json", "*.model", "*.spm", "*.bpe.codes", "bpe.codes", "*.tiktoken",
    "tekken.json", "vocab.bpe", "encoder.json",
)  # fmt: skip
"""Files, as patterns, of which a tokenizer needs at least one."""
_BYTE_TOKENIZERS: Final = ("ByT5", "Canine", "Perceiver")
"""Beginnings of the names of tokenizers that take bytes or characters, and need no vocabulary."""
_WORDLESS_TASKS: Final = frozenset(
    "image-classification object-detection mask-generation depth-estimation depth-control normal-control openpose-control "
    "audio-classification audio-to-audio video-classification tabular-classification image-to-image".split()
)
"""Tasks whose models in transformers have no tokenizer."""
_SEGMENTATION_TASKS: Final = frozenset({"image-segmentation", "seg-control"})
_WORDED_SEGMENTERS: Final = frozenset({"oneformer"})  # model types that take the task in words
_QUANTIZED_FILES: Final = {"quantize_config.json": "gptq", "quant_config.json": "awq"}
"""Files in which the method stood before it stood in the configuration."""
_PACKAGES: Final[Mapping[str, str]] = {
    "bitsandbytes": "bitsandbytes", "gptq": "gptqmodel", "awq": "gptqmodel", "aqlm": "aqlm", "quanto": "optimum",
    "quark": "quark", "fp_quant": "fp_quant", "eetq": "kernels", "higgs": "flute", "hqq": "hqq",
    "compressed-tensors": "compressed_tensors", "fbgemm_fp8": "fbgemm_gpu", "torchao": "torchao", "bitnet": "accelerate",
    "vptq": "vptq", "spqr": "spqr_quant", "fp8": "accelerate", "mxfp8": "accelerate", "mxfp4": "accelerate",
    "auto-round": "auto_round",
}  # fmt: skip
"""Packages that run quantized weights, by method (transformers.quantizers)."""
_CPU_METHODS: Final = frozenset("quanto hqq compressed-tensors torchao bitnet fp8 mxfp8 mxfp4 auto-round".split())
"""Methods that a CPU runs, or whose weights transformers unpacks where there is no GPU."""
_MAX_SETTINGS_BYTES: Final = 2**20


def find_obstacle(checkpoint: Checkpoint, *, on_cpu: bool) -> UnusableModel | None:
    """Return why a checkpoint can't be run on its device for any task; None where nothing is in the way."""
    if checkpoint.library == "transformers" and (code := _find_remote_code(checkpoint)):
        return UnusableModel(checkpoint.id, "remote-code", code)
    for method in _list_quantizations(checkpoint):
        if on_cpu and method not in _CPU_METHODS:
            return UnusableModel(checkpoint.id, "quantized-cpu", method)
        if importlib.util.find_spec(_PACKAGES.get(method, method)) is None:
            return UnusableModel(checkpoint.id, "quantized-package", method)
    if checkpoint.library == "diffusers" and not all(map(has_vocabulary, checkpoint.folder.glob("tokenizer*/"))):
        return UnusableModel(checkpoint.id, "no-tokenizer")
    return None


def needs_tokenizer(checkpoint: Checkpoint, task: str) -> bool:
    """Return whether a checkpoint of transformers reads or writes words in a task."""
    if checkpoint.library != "transformers" or task in _WORDLESS_TASKS:
        return False
    return task not in _SEGMENTATION_TASKS or checkpoint.model_type in _WORDED_SEGMENTERS


def has_vocabulary(folder: Path) -> bool:
    """Return whether a tokenizer's vocabulary is in a folder, or in one of those in it.

    transformers makes an empty tokenizer where all its files are missing, with which every model answers nonsense.
    """
    names = [path.name for path in (*folder.glob("*"), *folder.glob("*/*"))]
    if any(fnmatchcase(name, pattern) for name in names for pattern in _VOCABULARIES):
        return True
    return str(_read_settings(folder / "tokenizer_config.json").get("tokenizer_class", "")).startswith(_BYTE_TOKENIZERS)


def _list_quantizations(checkpoint: Checkpoint) -> Iterator[str]:
    """Yield the methods by which a checkpoint's weights are quantized, for a pipeline those of its parts."""
    parts = [_read_settings(path) for path in checkpoint.folder.glob("*/config.json")]
    for config in (checkpoint.config, checkpoint.config.get("text_config"), *parts):
        settings = (
            config.get("quantization_config") or config.get("compression_config") if isinstance(config, Mapping) else None
        )
        if isinstance(settings, Mapping):
            yield _name_method(settings)
    yield from (method for name, method in _QUANTIZED_FILES.items() if (checkpoint.folder / name).is_file())


def _name_method(settings: Mapping[str, Any]) -> str:
    in_bits = settings.get("load_in_4bit") or settings.get("load_in_8bit")  # old configurations name no method
    method = str(settings.get("quant_method") or ("bitsandbytes" if in_bits else "unknown"))
    return "bitsandbytes" if method.startswith("bitsandbytes") else method


def _find_remote_code(checkpoint: Checkpoint) -> str:
    """Return the class that a checkpoint brings itself and transformers lacks; empty where there is none."""
    auto_map = checkpoint.config.get("auto_map")
    if not isinstance(auto_map, Mapping) or not any(str(key).startswith("AutoModel") for key in auto_map):
        return ""
    spec = importlib.util.find_spec("transformers")  # looked at, not imported, which takes a second
    folder = checkpoint.model_type.replace("-", "_")
    if spec is None or not spec.submodule_search_locations or not folder.isidentifier():
        return checkpoint.architecture
    files = (Path(spec.submodule_search_locations[0]) / "models" / folder).glob("modeling_*.py")
    is_known = any(f"class {checkpoint.architecture}(" in file.read_text(encoding="utf-8") for file in files)
    return "" if is_known else checkpoint.architecture


def _read_settings(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes()) if path.is_file() and path.stat().st_size <= _MAX_SETTINGS_BYTES else {}
    except (OSError, ValueError, RecursionError):  # loading the checkpoint reports it
        return {}
    return found if isinstance(found, dict) else {}
