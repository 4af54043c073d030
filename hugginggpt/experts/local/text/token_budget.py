"""Room for text in a model, in tokens."""

from collections.abc import Callable
from typing import Any, Final

_OFFSETS: Final = frozenset({"roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "longformer", "mpnet", "xmod", "esm"})
"""Model types that count positions from behind the padding token's number, so that two are lost."""
_POSITIONS: Final = ("max_encoder_position_embeddings", "max_position_embeddings", "n_positions")
_USUAL_ROOM: Final = 512
"""Room of a model that names no limit (T5's positions are relative)."""


def make_token_counter(tokenizer: Any) -> Callable[[str], int]:
    """Return how many tokens a text has, without those that a model puts around it."""
    return lambda text: len(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])


def compute_text_window(tokenizer: Any, config: Any, *, most: int = 4096) -> int:
    """Return how many tokens of text a model takes at once, without those that go around it.

    Args:
        tokenizer: Its tokenizer.
        config: Its configuration.
        most: What a long window is cut to, for the memory's sake.
    """
    positions = next((n for name in _POSITIONS if isinstance(n := getattr(config, name, None), int) and n > 0), _USUAL_ROOM)
    if config.model_type in _OFFSETS:
        positions -= 2
    return max(min(positions, int(tokenizer.model_max_length), most) - int(tokenizer.num_special_tokens_to_add()), 1)


def cut_out_middle(text: str, tokenizer: Any, room: int) -> tuple[str, bool]:
    """Return a text with its middle left out where it has more than `room` tokens; and whether that was so."""
    count = make_token_counter(tokenizer)
    found, length = text, count(text)
    keep = len(text)
    while length > room and keep > 1:
        keep = int(keep * min(room / length, 0.95))
        found = f"{text[: keep - keep // 2].rstrip()} … {text[len(text) - keep // 2 :].lstrip()}"
        length = count(found)
    return found, found != text
