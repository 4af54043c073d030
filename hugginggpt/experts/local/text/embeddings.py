"""Embeddings of texts, by checkpoints in the layout of sentence-transformers (https://www.sbert.net).

``modules.json`` lists the steps: a transformer, a pooling of its token vectors, and perhaps dense layers. They are run
here with transformers alone, so that no class is imported because a checkpoint names it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.errors import ExpertError
from hugginggpt.core.sentences import pack_pieces, split_pieces
from hugginggpt.experts.base import Call
from hugginggpt.experts.local.runtime.runtime import SAFE, Runtime, select_weights
from hugginggpt.experts.local.text.token_budget import compute_text_window, make_token_counter
from hugginggpt.hub.cache import Checkpoint

if TYPE_CHECKING:
    from torch import Tensor

_ENCODER_CLASSES: Final = {"t5": "T5EncoderModel", "mt5": "MT5EncoderModel"}
"""Classes for model types of which only the encoder is saved."""
_POOLINGS: Final[Mapping[str, Callable[[Tensor], Tensor]]] = {
    "cls": lambda vectors: vectors[0],
    "mean": lambda vectors: vectors.mean(0),
    "max": lambda vectors: vectors.amax(0),
    "lasttoken": lambda vectors: vectors[-1],  # no padding: texts go through one at a time
    "mean_sqrt_len_tokens": lambda vectors: vectors.sum(0) / len(vectors) ** 0.5,
}
"""Functions from token vectors, shape (tokens, width), to one vector; the results of several are concatenated."""
_POOLING_FLAGS: Final = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_lasttoken": "lasttoken",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
}
"""Names of the poolings in a pooling module's configuration."""
_ACTIVATIONS: Final = ("Identity", "Tanh", "ReLU", "GELU", "Sigmoid")  # an allow list: the name is the checkpoint's
_IGNORED_MODULES: Final = ("Normalize", "Dropout")
"""Modules that don't change a cosine."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """Loaded checkpoint that embeds texts."""

    tokenizer: Any
    model: Any
    poolings: tuple[str, ...]
    dense: tuple[Callable[[Tensor], Tensor], ...]
    max_input_tokens: int
    """Longest text that it reads at once, in tokens."""
    prompt: str = ""
    """Prefix that it needs before every text."""

    def embed(self, text: str, call: Call) -> Tensor:
        """Return the unit vector of a text, shape (width,), float32: of a long one, the mean over its pieces."""
        import torch

        vectors = []
        for piece in pack_pieces(split_pieces(text), make_token_counter(self.tokenizer), self.max_input_tokens):
            call.token.check()
            inputs = self.tokenizer(
                self.prompt + piece.text, truncation=True, max_length=self.tokenizer.model_max_length, return_tensors="pt"
            )
            token_vectors = self.model(**inputs.to(self.model.device)).last_hidden_state[0].float()  # dense layers are float32
            pooled = torch.cat([_POOLINGS[name](token_vectors) for name in self.poolings])
            for layer in self.dense:
                pooled = layer(pooled)
            vectors.append(torch.nn.functional.normalize(pooled, dim=0))  # so that each piece counts alike
        return torch.nn.functional.normalize(torch.stack(vectors).mean(0), dim=0).cpu()


def load_encoder(checkpoint: Checkpoint, runtime: Runtime) -> Encoder:
    """Load a checkpoint.

    Raises:
        ExpertError: It has a module of an unknown kind.
    """
    import transformers

    modules = _read_json(checkpoint.folder / "modules.json")
    kinds = [(str(module["type"]).rpartition(".")[2], checkpoint.folder / str(module["path"])) for module in modules]
    if unknown := {kind for kind, _ in kinds} - {"Transformer", "Pooling", "Dense", *_IGNORED_MODULES}:
        raise ExpertError(f"{checkpoint.id} has modules that can't be run here: {', '.join(sorted(unknown))}.")
    (folder,) = (path for kind, path in kinds if kind == "Transformer")  # path "" is the checkpoint itself
    auto_class = getattr(transformers, _ENCODER_CLASSES.get(checkpoint.model_type, "AutoModel"))
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **SAFE)
    model = auto_class.from_pretrained(folder, dtype=runtime.dtype, **select_weights(checkpoint)).to(runtime.device.name).eval()
    max_length = _read_optional_json(folder / "sentence_bert_config.json").get("max_seq_length")
    settings = _read_optional_json(checkpoint.folder / "config_sentence_transformers.json")
    prompt = str((settings.get("prompts") or {}).get(settings.get("default_prompt_name"), ""))
    window = compute_text_window(tokenizer, model.config, limit=int(max_length or 512))
    tokenizer.model_max_length = window + tokenizer.num_special_tokens_to_add()
    return Encoder(
        tokenizer,
        model,
        tuple(name for kind, path in kinds if kind == "Pooling" for name in _read_poolings(checkpoint, path)) or ("mean",),
        tuple(_load_dense(checkpoint, path, runtime) for kind, path in kinds if kind == "Dense"),
        max(window - make_token_counter(tokenizer)(prompt), 1),  # the prompt goes before every piece
        prompt,
    )


def _read_poolings(checkpoint: Checkpoint, folder: Path) -> Sequence[str]:
    config = _read_json(folder / "config.json")
    named = config.get("pooling_mode")
    flags = [_POOLING_FLAGS.get(key, key) for key, on in config.items() if key.startswith("pooling_mode_") and on is True]
    names = [named] if isinstance(named, str) else list(named or flags)  # older versions save a flag for each pooling
    if unknown := set(names) - _POOLINGS.keys():
        raise ExpertError(f"{checkpoint.id} pools its tokens in a way that is not known here: {', '.join(sorted(unknown))}.")
    return names


def _load_dense(checkpoint: Checkpoint, folder: Path, runtime: Runtime) -> Callable[[Tensor], Tensor]:
    import torch
    from safetensors.torch import load_file

    config = _read_json(folder / "config.json")
    name = str(config.get("activation_function", "Identity")).rpartition(".")[2]
    if name not in _ACTIVATIONS or not (folder / "model.safetensors").is_file():
        raise ExpertError(f"{checkpoint.id} has a dense layer that can't be loaded here.")
    weights = load_file(folder / "model.safetensors")
    layer = torch.nn.Linear(config["in_features"], config["out_features"], bias="linear.bias" in weights)
    layer.load_state_dict({key.removeprefix("linear."): value.float() for key, value in weights.items()})
    found: Callable[[Tensor], Tensor] = torch.nn.Sequential(layer, getattr(torch.nn, name)()).to(runtime.device.name).eval()
    return found


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _read_optional_json(path: Path) -> dict[str, Any]:
    return dict(_read_json(path)) if path.is_file() else {}
