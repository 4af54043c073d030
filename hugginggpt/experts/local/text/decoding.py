"""Texts out of language models, token by token, so that Stop reaches in and progress shows."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.experts.base import Call
from hugginggpt.experts.local.runtime.cancellation import make_stopping_criteria
from hugginggpt.experts.local.runtime.runtime import SAFE, SAFE_WEIGHTS, Runtime
from hugginggpt.experts.local.text.token_budget import compute_text_window
from hugginggpt.hub.cache import Checkpoint

if TYPE_CHECKING:
    import torch

_LANGUAGE_TOKEN: Final = re.compile(r"__([a-z]{2,3})__|<2([a-zA-Z_]{2,8})>|([a-z]{3}_[A-Z][a-z]{3}|[a-z]{2}_[A-Z]{2})")
"""Language tokens of vocabularies: M2M-100 "__de__", MADLAD-400 "<2de>", NLLB "deu_Latn", mBART "de_DE"."""
_OVERFLOWING: Final = frozenset({"t5", "mt5", "umt5", "longt5", "switch_transformers"})
"""Model types whose numbers outgrow float16; bfloat16 has the range."""
_TOLD_EVERY: Final = 16
"""Tokens between two reports of progress."""
_ON_GPU: Final = 8
"""Pieces that go through a GPU together; a CPU gains nothing by it."""


@dataclass(frozen=True, slots=True)
class Writer:
    """A loaded model that writes, and what it needs to be known about it."""

    tokenizer: Any
    model: Any
    room: int
    """Most tokens that it reads at once."""
    most: int
    """Most tokens that it can write."""
    languages: Mapping[str, str] = field(default_factory=dict)
    """The languages that its vocabulary names: their codes and the tokens for them."""


def make_writer_loader(auto: str, runtime: Runtime) -> Callable[[Checkpoint], Writer]:
    """Return what loads a checkpoint with one of transformers' Auto classes."""

    def load(checkpoint: Checkpoint) -> Writer:
        import transformers

        # Marian's tokenizer recommends a normalizer of punctuation; it does without
        warnings.filterwarnings("ignore", "Recommended: pip install sacremoses", UserWarning)
        tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint.folder, **SAFE)
        return build_writer(checkpoint, runtime, auto, tokenizer)

    return load


def build_writer(checkpoint: Checkpoint, runtime: Runtime, auto: str, tokenizer: Any) -> Writer:
    """Return a checkpoint's model beside a tokenizer that is loaded already."""
    import transformers

    dtype = choose_dtype(checkpoint, runtime)
    model = getattr(transformers, auto).from_pretrained(checkpoint.folder, dtype=dtype, **SAFE_WEIGHTS)
    config = model.config
    written = next(
        (n for name in ("max_decoder_position_embeddings", "max_position_embeddings") if (n := getattr(config, name, 0))), 0
    )
    known = (*tokenizer.get_vocab(), *getattr(tokenizer, "lang_token_to_id", ()))  # M2M-100's stand apart
    found = ((token, _LANGUAGE_TOKEN.fullmatch(token)) for token in known)
    languages = {next(filter(None, match.groups())): token for token, match in found if match}
    room = compute_text_window(tokenizer, config, most=8192)
    return Writer(tokenizer, model.to(runtime.device.name).eval(), room, int(written or 1024) - 2, languages)


def choose_dtype(checkpoint: Checkpoint, runtime: Runtime) -> torch.dtype:
    """Return the runtime's dtype, or bfloat16 in place of float16 for models that overflow in it."""
    import torch

    trained = str(checkpoint.config.get("dtype") or checkpoint.config.get("torch_dtype"))
    wide = checkpoint.model_type in _OVERFLOWING or trained == "bfloat16"
    return torch.bfloat16 if runtime.dtype == torch.float16 and wide else runtime.dtype


def generate_texts(
    writer: Writer, texts: Sequence[str], call: Call, *, doing: str, most: Callable[[int], int], **settings: Any
) -> list[str]:
    """Return what an encoder and a decoder make of each text.

    Args:
        writer: Its encoder must have room for each of the texts; what is longer is cut off.
        texts: For example the sentences of a text, each with the prefix that the model wants.
        call: Who waits for it.
        doing: What it is called in the progress: "Translating".
        most: How many tokens may be written, for the number of tokens read.
        settings: More for ``generate``.

    Raises:
        StoppedError: Nobody waits any more.
    """
    found: list[str] = []
    size = 1 if writer.model.device.type == "cpu" else _ON_GPU
    for start in range(0, len(texts), size):
        call.token.check()
        if len(texts) > 1:
            call.progress(f"{doing}, part {start + 1} of {len(texts)}", start / len(texts))
        length = writer.room + writer.tokenizer.num_special_tokens_to_add()
        some = list(texts[start : start + size])
        inputs = writer.tokenizer(some, padding=size > 1, truncation=True, max_length=length, return_tensors="pt")
        read = {name: inputs[name].to(writer.model.device) for name in ("input_ids", "attention_mask")}
        limit = max(min(most(read["input_ids"].shape[1]), writer.most), 1)
        settings["min_length"] = min(settings.get("min_length", 0), limit)
        ids = writer.model.generate(**read, max_new_tokens=limit, stopping_criteria=make_stopping_criteria([call]), **settings)
        call.token.check()
        found += [text.strip() for text in writer.tokenizer.batch_decode(ids, skip_special_tokens=True)]
    return found


def continue_prompt(
    writer: Writer, inputs: Mapping[str, torch.Tensor], call: Call, *, most: int, **settings: Any
) -> tuple[str, bool]:
    """Return what a decoder writes after a prompt, and whether it came to an end before it had written `most` tokens.

    Args:
        writer: The model.
        inputs: Its ``input_ids``, shape (1, tokens), and ``attention_mask``.
        call: Who waits for it.
        most: Tokens that may be written.
        settings: More for ``generate``.

    Raises:
        StoppedError: Nobody waits any more.
    """
    tokenizer = writer.tokenizer
    length = inputs["input_ids"].shape[1]
    padding = next((n for n in (tokenizer.pad_token_id, tokenizer.eos_token_id) if n is not None), 0)
    read = {name: inputs[name].to(writer.model.device) for name in ("input_ids", "attention_mask")}
    criteria = make_stopping_criteria([call])
    criteria.append(_telling(call, length, most))
    ids = writer.model.generate(
        **read, max_new_tokens=most, pad_token_id=padding, stopping_criteria=criteria, **settings
    )  # fmt: skip
    call.token.check()
    return tokenizer.decode(ids[0, length:], skip_special_tokens=True), ids.shape[1] - length < most


def _telling(call: Call, before: int, most: int) -> Any:
    """Return a criterion that never stops anything, and reports how much is written."""
    import torch
    from transformers import StoppingCriteria

    class Telling(StoppingCriteria):
        def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **kwargs: Any) -> torch.Tensor:
            written = input_ids.shape[1] - before
            if written % _TOLD_EVERY == 0:
                call.progress(f"Writing, {written} tokens", written / most)
            return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)

    return Telling()
