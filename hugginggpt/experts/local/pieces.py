"""Cutting a text into pieces that a model can take: at sentences, and inside one only where it is longer than that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from hugginggpt.sentences import Piece

_OFFSETS: Final = frozenset({"roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "longformer", "mpnet", "xmod", "esm"})
"""Model types that count positions from behind the padding token's number, so that two are lost."""
_POSITIONS: Final = ("max_encoder_position_embeddings", "max_position_embeddings", "n_positions")
_USUAL_ROOM: Final = 512
"""What a model is taken to read that names no limit (T5's positions are relative)."""


def packed(parts: Sequence[Piece], count: Callable[[str], int], room: int) -> list[Piece]:
    """Neighbouring parts put together, as many as fit; one that doesn't fit alone is cut between words.

    Args:
        parts: For example sentences.
        count: How long a text is, for example in tokens.
        room: How long a piece may be.
    """
    found: list[Piece] = []
    last = 0
    for part in (fitting for whole in parts for fitting in cut(whole, count, room)):
        length = count(part.text)
        if found and last + length < room:  # one is left over for the space between them
            found[-1] = Piece(found[-1].text + found[-1].gap + part.text, part.gap)
            last += length + 1
        else:
            found.append(part)
            last = length
    return found


def cut(part: Piece, count: Callable[[str], int], room: int) -> Iterator[Piece]:
    """A part halved between words until each fits, or it is a single character."""
    if len(part.text) < 2 or count(part.text) <= room:
        yield part
        return
    middle = len(part.text) // 2
    at = part.text.rfind(" ", 1, middle + 1) + 1 or middle
    first = part.text[:at]
    yield from cut(Piece(first.rstrip(" "), first[len(first.rstrip(" ")) :]), count, room)
    yield from cut(Piece(part.text[at:], part.gap), count, room)


def counter(tokenizer: Any) -> Callable[[str], int]:
    """How many tokens a text has, without those that a model puts around it."""
    return lambda text: len(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])


def room_for_text(tokenizer: Any, config: Any, *, most: int = 4096) -> int:
    """How many tokens of text a model takes at once, without those that go around it.

    Args:
        tokenizer: Its tokenizer.
        config: Its configuration.
        most: What a long window is cut to, for the memory's sake.
    """
    positions = next((n for name in _POSITIONS if isinstance(n := getattr(config, name, None), int) and n > 0), _USUAL_ROOM)
    if config.model_type in _OFFSETS:
        positions -= 2
    return max(min(positions, int(tokenizer.model_max_length), most) - int(tokenizer.num_special_tokens_to_add()), 1)


def shortened(text: str, tokenizer: Any, room: int) -> tuple[str, bool]:
    """A text with its middle left out where it has more than `room` tokens; and whether that was so."""
    count = counter(tokenizer)
    found, length = text, count(text)
    keep = len(text)
    while length > room and keep > 1:
        keep = int(keep * min(room / length, 0.95))
        found = f"{text[: keep - keep // 2].rstrip()} … {text[len(text) - keep // 2 :].lstrip()}"
        length = count(found)
    return found, found != text
