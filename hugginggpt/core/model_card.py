"""Models before they run: their cards, their assignment to tasks, and a visitor's preferences among them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from hugginggpt.core.events import ModelRef


@dataclass(frozen=True, slots=True)
class BackendTraits:
    """Traits of a back end; an unknown one counts as somebody else's machine, so that no data is sent there unasked."""

    place: Literal["here", "controller", "elsewhere"] = "elsewhere"  # "controller": the language model chosen anyway
    is_on_hub: bool = False  # its models have the Hub's ids
    fetched: bool = False  # before it runs, which takes minutes
    listed_as: Literal["bundled", "cache", "hosted", "fetch"] = "hosted"  # in tables of models


BACKENDS: Final[Mapping[str, BackendTraits]] = {
    "local": BackendTraits("here", is_on_hub=True, listed_as="cache"),
    "bundled": BackendTraits("here", listed_as="bundled"),
    "download": BackendTraits("here", is_on_hub=True, fetched=True, listed_as="fetch"),
    "hosted": BackendTraits(is_on_hub=True),
    "controller": BackendTraits("controller"),
}
"""Back ends by name, as cards, events and traces carry it; a trace from elsewhere may name others."""


def get_traits(backend: str) -> BackendTraits:
    """Return the traits of a back end."""
    return BACKENDS.get(backend, BackendTraits())


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One model for one task on one back end."""

    id: str
    """The Hub's id, or the package's name and the model's for a bundled one."""
    task: str
    backend: str
    description: str
    """One or two sentences that a controller chooses by and a person reads."""
    license: str = ""
    """SPDX identifier."""
    size_mb: float | None = None
    """Weights on disk, in megabytes."""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes it is good for; empty when language doesn't matter."""
    downloads: int | None = None
    """In the last month, as the Hub counts."""
    likes: int | None = None
    """As the Hub counts."""
    provider: str = ""
    """The provider that runs a hosted one, as the Hub calls it; empty where it is looked up at the call."""
    gated: bool = False
    """True if its terms must be accepted first."""
    source: str = ""
    """Source of the offer, where it is not plain: "the Hub's search", "the shipped list"."""
    fits: bool = True
    """True if a machine like this has the memory for it."""
    slot: str | None = None
    """Device slot that it occupies while it runs; two tasks that need one slot take turns. None: no slot."""
    batch: int = 1
    """Most calls that go through it at once."""
    tags: tuple[str, ...] = ()
    """Strengths among models of the same task: "reading" or "captioning" for image-to-text."""

    @property
    def is_endpoint(self) -> bool:
        """True for a dedicated endpoint, whose id is its URL."""
        return "://" in self.id

    @property
    def ref(self) -> ModelRef:
        """Reference to the model, as events carry it."""
        return ModelRef(self.id, self.backend, self.provider)


@dataclass(frozen=True, slots=True)
class Assignment:
    """The models a task may run on, the chosen one first, and why it was chosen."""

    candidates: tuple[ModelCard, ...]
    reason: str
    source: str = ""
    """Source of the candidates, where it is not plain."""


Placement = Literal["anywhere", "here", "hosted"]
"""Restriction on where models may run."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """A visitor's standing choices among models."""

    placement: Placement = "anywhere"
    pinned: Mapping[str, str] = field(default_factory=dict)
    """The model for a task, by id."""
    banned: frozenset[str] = frozenset()
    """Ids that are never taken."""
