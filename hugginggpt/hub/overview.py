"""All models that are known here, one row for each model and task: what runs now, and what could be made to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from hugginggpt.core.model_card import ModelCard
from hugginggpt.hub.catalog import CatalogEntry, load_catalog

ModelPlace = Literal["bundled", "cache", "hosted", "fetch", "server"]
"""Comes with the installation; in the Hub's cache on this disk; runs elsewhere on somebody's account; can be fetched from
the Hub; only ever runs on servers, for which a token is needed."""

_PLACES: dict[str, ModelPlace] = {"bundled": "bundled", "local": "cache", "hosted": "hosted", "download": "fetch"}
_FETCHED_BY = frozenset({"transformers", "diffusers", "sklearn"})


@dataclass(frozen=True, slots=True)
class OverviewRow:
    """One model for one task."""

    id: str
    task: str
    place: ModelPlace
    license: str = ""
    """The Hub's identifier; empty where it isn't known for certain."""
    size_mb: float | None = None
    """Weights, in megabytes."""
    about: bool = False
    """Whether the size is worked out from the number of parameters."""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes; "multilingual" where they are many; empty where language doesn't matter."""
    gated: bool = False
    """Whether the Hub asks for consent to terms first."""
    description: str = ""
    provider: str = ""
    """Who runs a hosted one, where that is known."""
    beside: tuple[str, ...] = ()
    """Models that it can't do without."""

    @property
    def runs(self) -> bool:
        """Whether it can run now."""
        return self.place in {"bundled", "cache", "hosted"}

    @property
    def on_hub(self) -> bool:
        """Whether the Hub has a page for it."""
        return self.place != "bundled" and "/" in self.id and "://" not in self.id


def overview(cards: Iterable[ModelCard], tasks: Iterable[str], *, local: bool) -> tuple[OverviewRow, ...]:
    """The rows of these tasks, in their order; within a task what runs now comes first, as it was ranked.

    Args:
        cards: What can run here and now.
        tasks: The tasks that are asked about.
        local: Whether this installation runs models of the Hub, so that fetching one makes sense.
    """
    running: dict[str, list[ModelCard]] = {}
    for card in cards:
        running.setdefault(card.task, []).append(card)
    return tuple(row for task in tasks for row in _rows(task, running.get(task, ()), local=local))


def _rows(task: str, cards: Sequence[ModelCard], *, local: bool) -> Iterable[OverviewRow]:
    shipped = {entry.id: entry for entry in load_catalog().get(task, ())}
    here = {card.id for card in cards if card.backend != "download"}
    for card in cards:
        if card.backend != "download" or card.id not in shipped:
            yield _from_card(card, shipped.get(card.id))
    for entry in shipped.values():
        if entry.id not in here:
            yield _from_entry(task, entry, local=local)


def _from_card(card: ModelCard, entry: CatalogEntry | None) -> OverviewRow:
    return OverviewRow(
        id=card.id,
        task=card.task,
        place=_PLACES.get(card.backend, "server"),
        license=card.license or (entry.license if entry else ""),
        size_mb=card.size_mb or (entry.size_mb if entry else None),
        about=not card.size_mb,
        languages=card.languages or (entry.languages if entry else ()),
        gated=card.gated,
        description=entry.description if entry else card.description,
        provider=card.provider,
    )


def _from_entry(task: str, entry: CatalogEntry, *, local: bool) -> OverviewRow:
    return OverviewRow(
        id=entry.id,
        task=task,
        place="fetch" if local and entry.needs != "server" and entry.library in _FETCHED_BY else "server",
        license=entry.license,
        size_mb=entry.size_mb,
        about=True,
        languages=entry.languages,
        gated=entry.gated,
        description=entry.description,
        beside=entry.beside,
    )
