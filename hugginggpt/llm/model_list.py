"""A server's list of models, read for one of them: its entry, its context window and its price.

The names of fields differ: vLLM, llama.cpp, LM Studio, Groq, OpenRouter, Together and the Hugging Face router each have
their own; OpenAI's list tells nothing. The router's entries hold one row for each provider of a model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

CHEAPEST: Final = "cheapest"
"""The router's policy by which the provider of the lowest price answers."""
ROUTER_POLICIES: Final = ("fastest", CHEAPEST, "preferred")
"""Words behind a model's id by which Hugging Face's router chooses a provider; a provider's own name may stand there, too.
Source: https://huggingface.co/docs/inference-providers."""
_WINDOW_FIELDS: Final = frozenset(
    {"max_model_len", "context_length", "context_window", "max_context_length", "loaded_context_length", "n_ctx"}
)
_MIN_WINDOW, _MAX_WINDOW = 512, 10_000_000  # other numbers are no windows
_PRICE_FIELDS: Final = (("prompt", "completion", 1.0), ("input", "output", 1e-6))
"""Names of a price's two numbers, and of how many dollars they are for each token: OpenRouter's, then the others'."""
_MAX_PRICE: Final = 0.01  # dollars a token; ten times what the dearest model has ever cost
_TYPICAL_TOKENS: Final = (4_000, 500)
"""Tokens that a request reads and writes in all its stages: the upper end of what `benchmarks.orchestration` counts."""


@dataclass(frozen=True, slots=True)
class Price:
    """Price of a model, in US dollars for each token."""

    prompt: float
    completion: float

    def compute(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Return what so many tokens cost, in US dollars."""
        return self.prompt * prompt_tokens + self.completion * completion_tokens

    @property
    def typical_cost(self) -> float:
        """Forecast of what one request costs, in US dollars."""
        return self.compute(*_TYPICAL_TOKENS)


def join_route(model: str, route: str) -> str:
    """Return a model's name for the router with a policy or a provider; the name's own stays where it has one."""
    return f"{model}:{route}" if route and ":" not in model else model


def split_route(model: str) -> tuple[str, str]:
    """Split a name for the router into the model's id, which has no colon, and the policy or provider behind it."""
    name, _, route = model.partition(":")
    return name, route


def find_entries(models: Any, model: str) -> Sequence[Mapping[str, Any]]:
    """Return a model's entries in a server's list; of a router's entry only the provider that the name asks for.

    Args:
        models: The body of GET /models, which may be anything.
        model: Its id there; the only model of a list is taken whatever it is called.
    """
    rows = models.get("data") if isinstance(models, Mapping) else models
    entries = [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    exact = [entry for entry in entries if entry.get("id") == model]
    name, route = split_route(model)
    routed = [_narrow(entry, route) for entry in entries if route and entry.get("id") == name]
    return exact or routed or (entries if len(entries) == 1 else [])


def _narrow(entry: Mapping[str, Any], route: str) -> Mapping[str, Any]:
    """Return a router's entry with the one provider that is asked for, or with the cheapest."""
    providers = [row for row in entry.get("providers") or () if isinstance(row, Mapping)]
    if route == CHEAPEST:
        priced = sorted((price.typical_cost, index) for index, row in enumerate(providers) for price in _find_prices(row))
        return {**entry, "providers": [providers[priced[0][1]]]} if priced else entry
    return {**entry, "providers": [row for row in providers if row.get("provider") == route] or providers}


def list_providers_of(models: Any, model: str) -> tuple[str, ...]:
    """Return the providers that a router's list names for a model."""
    rows = (row for entry in find_entries(models, split_route(model)[0]) for row in entry.get("providers") or ())
    names = (row.get("provider") for row in rows if isinstance(row, Mapping))
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str) and name.isprintable() and len(name) < 100))


def find_window(models: Any, model: str) -> int | None:
    """Return a model's window in tokens from a server's list; the smallest, where several providers may answer."""
    return min((size for entry in find_entries(models, model) for size in _find_sizes(entry)), default=None)


def is_window(size: int) -> bool:
    """Return whether a number of tokens can be a context window."""
    return _MIN_WINDOW <= size <= _MAX_WINDOW


def find_price(models: Any, model: str) -> Price | None:
    """Return a model's price from a server's list; the highest, where several providers may answer; None if none is told."""
    prices = [price for entry in find_entries(models, model) for price in _find_prices(entry)]
    return max(prices, key=lambda price: price.typical_cost, default=None)


def _find_sizes(value: Any) -> Iterator[int]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name in _WINDOW_FIELDS and isinstance(inner, int) and is_window(inner):
                yield inner
            else:
                yield from _find_sizes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _find_sizes(inner)


def _find_prices(entry: Mapping[str, Any]) -> Iterator[Price]:
    for holder in (entry, *(row for row in entry.get("providers") or () if isinstance(row, Mapping))):
        pricing = holder.get("pricing")
        if not isinstance(pricing, Mapping):
            continue
        for prompt_field, completion_field, dollars in _PRICE_FIELDS:
            prompt, completion = (_read_price(pricing.get(name), dollars) for name in (prompt_field, completion_field))
            if prompt is not None and completion is not None:
                yield Price(prompt, completion)
                break


def _read_price(value: Any, dollars: float) -> float | None:
    """Return a price in dollars for a token; None for what is no number, or none that a price can be (-1: it depends)."""
    try:
        number = float(value) * dollars if isinstance(value, str | int | float) and not isinstance(value, bool) else -1.0
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number <= _MAX_PRICE else None  # NaN is in no range
