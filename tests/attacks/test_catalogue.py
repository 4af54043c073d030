"""Each row of the tables, and some more made of them: taken, or refused in one sentence."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.attacks import campaign
from benchmarks.attacks.attack import Attack

KINDS = [module.__name__.rpartition(".")[2] for module in campaign.KINDS]
VARIATIONS = 40


@pytest.fixture(scope="module")
def attacks() -> Iterator[dict[str, Attack]]:
    with campaign.open_attacks() as made:
        yield {attack.kind: attack for attack in made}


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_strangers_send_breaks_anything(attacks: dict[str, Attack], kind: str) -> None:
    attack = attacks[kind]
    (tally,) = campaign.run_campaign([attack], seed=13, tries=len(attack.seeds) + VARIATIONS)
    broken = [failure for failure in tally.failures if not failure.startswith("took ")]  # times are for test_parsers
    assert broken == []
    assert tally.tried == len(attack.seeds) + VARIATIONS


def test_the_same_seed_makes_the_same_cases(attacks: dict[str, Attack]) -> None:
    for attack in attacks.values():
        number = len(attack.seeds) + 3
        assert campaign.make_case(attack, 5, number) == campaign.make_case(attack, 5, number)
