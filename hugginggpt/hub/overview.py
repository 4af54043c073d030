"""Table of all models known here, one row for each model and task: those that run now, and those that could be made to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from hugginggpt.core.model_card import ModelCard, get_traits
from hugginggpt.hub.cache_faults import UnusableModel
from hugginggpt.hub.catalog import CatalogEntry, load_catalog

ModelPlace = Literal["bundled", "cache", "hosted", "fetch", "server", "unusable"]
"""Place of a model: shipped with the installation; in the Hub's cache on this disk; hosted elsewhere on somebody's account;
to be fetched from the Hub; only ever on servers, for which a token is needed; or in the cache and of no use there."""

_FETCHABLE_LIBRARIES = frozenset({"transformers", "diffusers", "sklearn"})  # those that `cache` reads checkpoints of


@dataclass(frozen=True, slots=True)
class OverviewRow:
    """Row of the overview: one model for one task."""

    id: str
    task: str
    place: ModelPlace
    license: str = ""
    """License identifier on the Hub; empty where it isn't known for certain."""
    size_mb: float | None = None
    """Size of the weights, in megabytes."""
    size_estimated: bool = False
    """True if the size is estimated from the number of parameters."""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes; "multilingual" where they are many; empty where language doesn't matter."""
    gated: bool = False
    """True if the Hub asks for consent to its terms first."""
    description: str = ""
    provider: str = ""
    """Provider of a hosted model, where that is known."""
    beside: tuple[str, ...] = ()
    """Models that it needs beside it."""
    reason: str = ""
    """The reason why it can't be used, a key of ``cache_faults.yaml``; empty where it can."""
    detail: str = ""
    """The names that this reason tells."""

    @property
    def is_runnable(self) -> bool:
        """True if the model can run now."""
        return self.place in {"bundled", "cache", "hosted"}

    @property
    def is_on_hub(self) -> bool:
        """True if the Hub has a page for the model."""
        return self.place != "bundled" and "/" in self.id and "://" not in self.id  # an endpoint's id is its URL


def build_overview(cards: Iterable[ModelCard], tasks: Iterable[str], *, local: bool) -> tuple[OverviewRow, ...]:
    """Return the rows of some tasks, in their order; within a task the models that run now come first, as ranked.

    Args:
        cards: Models that can run here and now.
        tasks: Tasks to list.
        local: Whether this installation runs models of the Hub, so that fetching one makes sense.
    """
    running: dict[str, list[ModelCard]] = {}
    for card in cards:
        running.setdefault(card.task, []).append(card)
    return tuple(row for task in tasks for row in _list_rows(task, running.get(task, ()), local=local))


def list_unusable_rows(models: Iterable[UnusableModel]) -> tuple[OverviewRow, ...]:
    """Return a row for each model of the cache that can't be used; it is of no task."""
    return tuple(
        OverviewRow(model.id, "", "unusable", description=model.sentence, reason=model.reason, detail=model.detail)
        for model in models
    )


def _list_rows(task: str, cards: Sequence[ModelCard], *, local: bool) -> Iterable[OverviewRow]:
    entries = {entry.id: entry for entry in load_catalog().get(task, ())}
    runnable = {card.id for card in cards if not get_traits(card.backend).fetched}
    for card in cards:
        if not get_traits(card.backend).fetched or card.id not in entries:  # else the catalog's row follows, once
            yield _build_row_from_card(card, entries.get(card.id))
    for entry in entries.values():
        if entry.id not in runnable:
            yield _build_row_from_entry(task, entry, local=local)


def _build_row_from_card(card: ModelCard, entry: CatalogEntry | None) -> OverviewRow:
    return OverviewRow(
        id=card.id,
        task=card.task,
        place=get_traits(card.backend).listed_as,
        license=card.license or (entry.license if entry else ""),
        size_mb=card.size_mb or (entry.size_mb if entry else None),
        size_estimated=not card.size_mb,  # the catalog knows parameters, not files
        languages=card.languages or (entry.languages if entry else ()),
        gated=card.gated,
        description=entry.description if entry else card.description,
        provider=card.provider,
    )


def _build_row_from_entry(task: str, entry: CatalogEntry, *, local: bool) -> OverviewRow:
    return OverviewRow(
        id=entry.id,
        task=task,
        place="fetch" if local and entry.needs != "server" and entry.library in _FETCHABLE_LIBRARIES else "server",
        license=entry.license,
        size_mb=entry.size_mb,
        size_estimated=True,
        languages=entry.languages,
        gated=entry.gated,
        description=entry.description,
        beside=entry.beside,
    )
