"""Which models are left to try after one has failed."""

import pytest

from hugginggpt.core.errors import BackendError, BusyProviderError, ExpertError, HuggingGPTError, ModelError, ProviderError
from hugginggpt.core.model_card import ModelCard
from hugginggpt.execution.fallback import rule_out


def card(model: str, provider: str, backend: str = "hosted") -> ModelCard:
    return ModelCard(model, "text-to-image", backend, "", provider=provider)


A = card("o/a", "fal-ai")
REMAINING = [
    card("o/b", "fal-ai"),
    card("o/a", "nscale"),
    card("o/c", "nscale"),
    card("o/listed", ""),
    card("https://mine.example", "mine.example"),
    card("o/a", "", "local"),
]
ALL = [(each.id, each.backend) for each in REMAINING]


@pytest.mark.parametrize(
    ("error", "left"),
    [
        (ExpertError("no"), ALL),
        (ModelError("consent"), [ALL[0], *ALL[2:]]),
        (ProviderError("no bill"), ALL[1:]),
        (BusyProviderError("down"), [*ALL[1:], ALL[0]]),
        (BackendError("no credit"), ALL[4:]),
    ],
)
def test_what_shares_the_fault_is_ruled_out(error: HuggingGPTError, left: list[tuple[str, str]]) -> None:
    assert [(each.id, each.backend) for each in rule_out(REMAINING, A, error)] == left


def test_what_fails_at_an_endpoint_says_nothing_about_providers() -> None:
    endpoint, other = card("https://mine.example", "mine.example"), card("https://other.example", "other.example")
    assert rule_out([*REMAINING[:4], other], endpoint, BackendError("no")) == REMAINING[:4]
