"""Lengths of texts and of models' windows, in tokens."""

from collections.abc import Callable
from typing import Any, Final

_OFFSET_TYPES: Final = frozenset(
    {"roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "longformer", "mpnet", "xmod", "esm"}
)
"""Model types whose positions start after the padding token's id, so that two of them are lost."""
_WINDOW_SETTINGS: Final = ("max_encoder_position_embeddings", "max_position_embeddings", "n_positions")
_DEFAULT_WINDOW: Final = 512  # window of a model that names none, in tokens (T5's positions are relative)


def make_token_counter(tokenizer: Any) -> Callable[[str], int]:
    """Return a function that counts the tokens of a text, without special tokens."""
    return lambda text: len(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])  # no warning of long texts


def compute_text_window(tokenizer: Any, config: Any, *, limit: int = 4096) -> int:
    """Return the longest text that a model takes at once, in tokens without special tokens.

    Args:
        tokenizer: The model's tokenizer.
        config: The model's configuration.
        limit: Upper limit, because attention over a long window takes much memory.
    """
    found = (n for name in _WINDOW_SETTINGS if isinstance(n := getattr(config, name, None), int) and n > 0)
    positions = next(found, _DEFAULT_WINDOW)
    if config.model_type in _OFFSET_TYPES:
        positions -= 2
    return max(min(positions, int(tokenizer.model_max_length), limit) - int(tokenizer.num_special_tokens_to_add()), 1)


def cut_out_middle(text: str, tokenizer: Any, limit: int) -> tuple[str, bool]:
    """Shorten a text of more than `limit` tokens by its middle, and tell whether that was needed."""
    count = make_token_counter(tokenizer)
    found, length = text, count(text)
    keep = len(text)
    while length > limit and keep > 1:
        keep = int(keep * min(limit / length, 0.95))  # at least 5 % less, so that it ends
        found = f"{text[: keep - keep // 2].rstrip()} … {text[len(text) - keep // 2 :].lstrip()}"
        length = count(found)  # counted again: characters say little about tokens
    return found, found != text
