"""Text generation, token by token, so that it can be stopped and shows its progress."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.experts.base import Call
from hugginggpt.experts.local.runtime.cancellation import make_stopping_criteria
from hugginggpt.experts.local.runtime.runtime import SAFE, Runtime, select_weights
from hugginggpt.experts.local.text.token_budget import compute_text_window
from hugginggpt.hub.cache import Checkpoint

if TYPE_CHECKING:
    import torch

_LANGUAGE_TOKEN: Final = re.compile(r"__([a-z]{2,3})__|<2([a-zA-Z_]{2,8})>|([a-z]{3}_[A-Z][a-z]{3}|[a-z]{2}_[A-Z]{2})")
"""Languages in vocabularies: M2M-100 "__de__", MADLAD-400 "<2de>", NLLB "deu_Latn", mBART "de_DE"."""
_FLOAT16_OVERFLOWS: Final = frozenset({"t5", "mt5", "umt5", "longt5", "switch_transformers"})
"""Model types whose activations exceed the range of float16; bfloat16 has that of float32."""
_PROGRESS_INTERVAL: Final = 16  # tokens between two reports of progress
_GPU_BATCH_SIZE: Final = 8  # most texts that go through a GPU at once; a CPU gains nothing by it


@dataclass(frozen=True, slots=True)
class Writer:
    """Loaded model that writes, and its limits."""

    tokenizer: Any
    model: Any
    max_input_tokens: int
    """Longest text that it reads at once, in tokens."""
    max_output_tokens: int
    """Longest text that it writes, in tokens."""
    languages: Mapping[str, str] = field(default_factory=dict)
    """Tokens of the languages that its vocabulary names, by language code."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """Text that a decoder has written."""

    text: str
    """Text without special tokens."""
    text_with_marks: str
    """Text with special tokens, some of which mark thoughts."""
    ended: bool
    """True if the model ended it, not the limit of tokens."""
    special_tokens: frozenset[str] = frozenset()

    def remove_special(self, text: str) -> str:
        """Return a part of `text_with_marks` without special tokens."""
        longest_first = sorted(self.special_tokens, key=len, reverse=True)
        return re.sub("|".join(map(re.escape, longest_first)), "", text) if longest_first else text


def make_writer_loader(class_name: str, runtime: Runtime) -> Callable[[Checkpoint], Writer]:
    """Return a function that loads a checkpoint with one of transformers' Auto classes."""

    def load(checkpoint: Checkpoint) -> Writer:
        import transformers

        # Marian's tokenizer recommends a normalizer of punctuation, but works without it
        warnings.filterwarnings("ignore", "Recommended: pip install sacremoses", UserWarning)
        tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint.folder, **SAFE)
        return build_writer(checkpoint, runtime, class_name, tokenizer)

    return load


def build_writer(checkpoint: Checkpoint, runtime: Runtime, class_name: str, tokenizer: Any) -> Writer:
    """Load a checkpoint's model for a tokenizer that is loaded already."""
    import transformers

    dtype = choose_dtype(checkpoint, runtime)
    model = getattr(transformers, class_name).from_pretrained(checkpoint.folder, dtype=dtype, **select_weights(checkpoint))
    config = model.config
    positions = next(
        (n for name in ("max_decoder_position_embeddings", "max_position_embeddings") if (n := getattr(config, name, 0))), 0
    )
    vocabulary = (*tokenizer.get_vocab(), *getattr(tokenizer, "lang_token_to_id", ()))  # M2M-100 keeps them apart
    found = ((token, _LANGUAGE_TOKEN.fullmatch(token)) for token in vocabulary)
    languages = {next(filter(None, match.groups())): token for token, match in found if match}  # a group for each notation
    window = compute_text_window(tokenizer, config, limit=8192)
    return Writer(tokenizer, model.to(runtime.device.name).eval(), window, int(positions or 1024) - 2, languages)


def choose_dtype(checkpoint: Checkpoint, runtime: Runtime) -> torch.dtype:
    """Return the runtime's dtype, or bfloat16 in place of float16 for models that overflow in it."""
    import torch

    saved_dtype = str(checkpoint.config.get("dtype") or checkpoint.config.get("torch_dtype"))
    needs_range = checkpoint.model_type in _FLOAT16_OVERFLOWS or saved_dtype == "bfloat16"
    return torch.bfloat16 if runtime.dtype == torch.float16 and needs_range else runtime.dtype


def generate_texts(
    writer: Writer, texts: Sequence[str], call: Call, *, action: str, limit: Callable[[int], int], **settings: Any
) -> list[str]:
    """Generate a text for each text, by an encoder and a decoder.

    Args:
        writer: The model; texts longer than it reads are cut off.
        texts: For example the sentences of a text, each with the prefix that the model needs.
        call: Call that waits for them.
        action: Word for the progress: "Translating".
        limit: Returns the most tokens to write, for the number of tokens read.
        settings: Further arguments of ``generate``.

    Raises:
        StoppedError: The call was cancelled.
    """
    found: list[str] = []
    size = 1 if writer.model.device.type == "cpu" else _GPU_BATCH_SIZE
    for start in range(0, len(texts), size):
        call.token.check()
        if len(texts) > 1:  # a lone text has no parts to count
            call.progress(f"{action}, part {start + 1} of {len(texts)}", start / len(texts))
        length = writer.max_input_tokens + writer.tokenizer.num_special_tokens_to_add()
        batch = list(texts[start : start + size])
        inputs = writer.tokenizer(batch, padding=size > 1, truncation=True, max_length=length, return_tensors="pt")
        encoded = {name: inputs[name].to(writer.model.device) for name in ("input_ids", "attention_mask")}
        max_tokens = max(min(limit(encoded["input_ids"].shape[1]), writer.max_output_tokens), 1)
        settings["min_length"] = min(settings.get("min_length", 0), max_tokens)  # `generate` warns where it is more
        stop = make_stopping_criteria([call])
        ids = writer.model.generate(
            **encoded, max_new_tokens=max_tokens, stopping_criteria=stop, tokenizer=writer.tokenizer, **settings
        )
        call.token.check()  # a stopped `generate` returns what it has so far
        found += [text.strip() for text in writer.tokenizer.batch_decode(ids, skip_special_tokens=True)]
    return found


def continue_prompt(
    writer: Writer, inputs: Mapping[str, torch.Tensor], call: Call, *, limit: int, **settings: Any
) -> Continuation:
    """Generate the text after a prompt, by a decoder.

    Args:
        writer: The model.
        inputs: Its ``input_ids``, shape (1, tokens), and ``attention_mask``.
        call: Call that waits for it.
        limit: Most tokens to write.
        settings: Further arguments of ``generate``.

    Raises:
        StoppedError: The call was cancelled.
    """
    tokenizer = writer.tokenizer
    length = inputs["input_ids"].shape[1]  # of the prompt, which `generate` repeats
    # `generate` warns where the tokenizer has no padding token and none is given
    padding = next((n for n in (tokenizer.pad_token_id, tokenizer.eos_token_id) if n is not None), 0)
    # no token_type_ids: some tokenizers add them, and `generate` refuses what a model doesn't take
    encoded = {name: inputs[name].to(writer.model.device) for name in ("input_ids", "attention_mask")}
    criteria = make_stopping_criteria([call])
    criteria.append(_make_progress_criterion(call, length, limit))
    ids = writer.model.generate(
        **encoded, max_new_tokens=limit, pad_token_id=padding, stopping_criteria=criteria, tokenizer=tokenizer, **settings
    )
    call.token.check()
    written = ids[0, length:].tolist()
    ended = has_ended(writer.model, written, limit)
    special = frozenset(token for token in _list_special_tokens(tokenizer) if token)
    return Continuation(tokenizer.decode(written, skip_special_tokens=True), tokenizer.decode(written), ended, special)


def has_ended(model: Any, written: Sequence[int], limit: int) -> bool:
    """Return whether a model ended what it wrote, not the limit of tokens."""
    ends = model.generation_config.eos_token_id
    return len(written) < limit or written[-1] in (ends if isinstance(ends, list) else [ends])


def _list_special_tokens(tokenizer: Any) -> list[str]:
    added = getattr(tokenizer, "added_tokens_decoder", {}).values()
    return [*tokenizer.all_special_tokens, *(token.content for token in added if token.special)]


def _make_progress_criterion(call: Call, before: int, limit: int) -> Any:
    """Build a stopping criterion that never stops: ``generate`` calls it at every token, so it reports progress."""
    import torch
    from transformers import StoppingCriteria

    class Progress(StoppingCriteria):
        def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **kwargs: Any) -> torch.Tensor:
            written = input_ids.shape[1] - before
            if written % _PROGRESS_INTERVAL == 0:
                call.progress(f"Writing, {written} tokens", written / limit)
            return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)  # never stops

    return Progress()
