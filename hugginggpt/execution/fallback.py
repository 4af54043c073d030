"""Models that are left to try after one has failed: the class of its error tells what else would fail."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from hugginggpt.core.errors import AccountError, BackendError, BusyProviderError, HuggingGPTError, ModelError, ProviderError
from hugginggpt.core.model_card import ModelCard

_SHARED: Final[Mapping[type[HuggingGPTError], Callable[[ModelCard], object]]] = {
    # an endpoint of one's own has its own bill, key and address, though its back end is that of the providers
    BackendError: lambda card: (card.backend, card.is_endpoint),
    ProviderError: lambda card: (card.backend, card.provider or card.id),
    ModelError: lambda card: (card.backend, card.id),
}
"""Traits by error class: one of that class rules out all models that share this trait with the one that failed."""


def rule_out(remaining: Sequence[ModelCard], failed: ModelCard, error: HuggingGPTError) -> list[ModelCard]:
    """Return the models to try next, in their order; those of a provider that is busy come last.

    Args:
        remaining: Those not tried yet.
        failed: The model that has failed.
        error: What it failed with.
    """
    share = next((share for kind, share in _SHARED.items() if isinstance(error, kind)), None)
    if share is None:
        return list(remaining)
    others = [card for card in remaining if share(card) != share(failed)]
    return others + [card for card in remaining if isinstance(error, BusyProviderError) and share(card) == share(failed)]


class RefusedAccounts:
    """Accounts that were refused within one request: each further task would be told the same."""

    def __init__(self) -> None:
        """Start with none."""
        self._failures: list[tuple[ModelCard, AccountError]] = []

    def note(self, failed: ModelCard, error: HuggingGPTError) -> None:
        """Note what a model has failed with, where that was its account."""
        if isinstance(error, AccountError):
            self._failures.append((failed, error))

    def check(self, card: ModelCard) -> None:
        """Refuse a model on an account that was refused.

        Raises:
            AccountError: In the same words.
        """
        for failed, error in self._failures:
            if not rule_out([card], failed, error):
                raise AccountError(str(error))
