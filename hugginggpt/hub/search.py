"""The Hub's own search: which models for a task a provider serves now, the most downloaded first.

One call for a task, kept on the disk until it is too old. What is kept is what everybody may see: private models that a
visitor's token shows are left out. Where the Hub can't be asked, the list in `models_config/` serves (shipped.py).
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from hugginggpt.core.errors import ExpertError, StoppedError
from hugginggpt.core.http import ServerFault, without_key
from hugginggpt.hub.client import HubAddresses, HubContext, hub_context
from hugginggpt.hub.errors import HubFault, failed, read_fault

log = logging.getLogger(__name__)

_LISTED: Final = 20
_EXPAND: Final = [
    "inferenceProviderMapping", "downloads", "likes", "library_name", "gated", "private", "disabled", "pipeline_tag", "tags",
    "safetensors",
]  # fmt: skip
_SECONDS: Final = 8.0
"""How long one question to the Hub may take."""
_FORGIVEN: Final = 60.0
"""How long the Hub isn't asked again after it couldn't be reached, in seconds."""
_NAME: Final = "the Hugging Face Hub"


@dataclass(frozen=True, slots=True)
class ProviderMapping:
    """One provider that serves a model now."""

    provider: str
    """The Hub's name for it: "fal-ai"."""
    task: str
    """What it does with it, in the Hub's words: "conversational" for chat."""


@dataclass(frozen=True, slots=True)
class HubModel:
    """What the Hub says of a model."""

    id: str
    pipeline_tag: str = ""
    downloads: int | None = None
    likes: int | None = None
    library: str = ""
    license: str = ""
    languages: tuple[str, ...] = ()
    parameters: int | None = None
    gated: bool = False
    private: bool = False
    served: tuple[ProviderMapping, ...] = ()
    """By whom; the Hub's order, live ones alone."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search gave."""

    models: tuple[HubModel, ...] = ()
    asked: float = 0.0
    """When the Hub was asked, in seconds since 1970."""
    problem: str = ""
    """Why it couldn't be asked, as a sentence; then there are no models."""


_MODELS: Final = TypeAdapter(tuple[HubModel, ...])


@dataclass
class HubSearch:
    """Asks, and remembers; shared by all sessions."""

    folder: Path
    """Where answers are kept."""
    places: HubAddresses = field(default_factory=HubAddresses)
    max_age: float = 86_400.0
    """How long an answer is good for, in seconds."""
    seconds: float = _SECONDS
    _known: dict[str, SearchResult] = field(default_factory=dict, repr=False)
    _away: tuple[float, str] | None = field(default=None, repr=False)
    """When the Hub couldn't be asked, whatever for, and why."""
    _locks: dict[str, threading.Lock] = field(default_factory=lambda: defaultdict(threading.Lock), repr=False)

    def find(self, tag: str, token: str, check: Callable[[], None] = lambda: None) -> SearchResult:
        """Models of a pipeline tag that a provider serves; asks the Hub at most once for all who ask at the same time.

        Blocks up to the deadline; not for the event loop.

        Args:
            tag: The Hub's name of the task.
            token: The visitor's; empty for none.
            check: Raises when nobody waits any more.
        """
        with self._locks[tag]:
            known = self._known.get(tag) or self._read(tag)
            if known is not None and 0 <= time.time() - known.asked < self.max_age:
                self._known[tag] = known
                return known
            if self._away and time.monotonic() - self._away[0] < _FORGIVEN:
                return SearchResult(problem=self._away[1])
            found = self._search(tag, token, check)
            if isinstance(found, HubFault):
                if found.whose != "account" and not (found.whose == "model" and found.again):
                    # a token that is refused, or has asked too often, says nothing about the next visitor's
                    self._away = time.monotonic(), found.sentence
                return SearchResult(problem=found.sentence)
            self._known[tag] = found
            self._write(tag, found)
            return found

    def look_up(self, model: str, token: str, check: Callable[[], None] = lambda: None) -> HubModel:
        """What the Hub says of one model now; private ones that the token may see are found too. Blocks.

        Raises:
            ExpertError: There is no such model, it may not be seen, or the Hub can't be asked.
        """
        from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError

        try:
            with hub_context(self._errand(token, check)):
                return _model(_api(token).model_info(model, expand=_EXPAND))
        except StoppedError:
            raise
        except (RepositoryNotFoundError, HFValidationError):
            said = ExpertError(f"The Hub knows no model “{model[:100]}”, or the token may not see it: check the name.")
        except Exception as error:  # whatever the client raises, its sentence is found there
            said = failed(self._fault(error, model, token))
        raise said  # out here, so that no exception that quotes the token is its context

    def _search(self, tag: str, token: str, check: Callable[[], None]) -> SearchResult | HubFault:
        try:
            with hub_context(self._errand(token, check)):
                found = _api(token).list_models(
                    pipeline_tag=tag, inference_provider="all", sort="downloads", limit=_LISTED, expand=_EXPAND
                )
                models = [_model(info) for info in found if not info.private and not info.disabled]
        except StoppedError:
            raise
        except Exception as error:  # as above
            return self._fault(error, tag, token)
        return SearchResult(tuple(model for model in models if model.served), time.time())

    def _errand(self, token: str, check: Callable[[], None]) -> HubContext:
        return HubContext(token, time.monotonic() + self.seconds, self.places, check)

    def _fault(self, error: Exception, model: str, token: str) -> HubFault:
        said = f"{type(error).__name__}: {error}"
        log.info("the Hub can't be asked", exc_info=ServerFault(without_key(said, token)))
        return read_fault(error, model=model, provider=_NAME, seconds=self.seconds, at="hub")

    def _path(self, tag: str) -> Path:
        where = hashlib.sha256(self.places.hub.encode()).hexdigest()[:8]
        return self.folder / f"{tag}-{where}.json"

    def _read(self, tag: str) -> SearchResult | None:
        """What was kept; None where there is nothing, or nothing that can be read."""
        try:
            kept = json.loads(self._path(tag).read_text(encoding="utf-8"))
            return SearchResult(_MODELS.validate_python(kept["models"]), float(kept["asked"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            log.info("what was kept of the Hub's answer for %s can't be read: %s", tag, error)
            return None

    def _write(self, tag: str, found: SearchResult) -> None:
        path = self._path(tag)
        mine = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            mine.write_text(json.dumps({"asked": found.asked, "models": [asdict(m) for m in found.models]}), encoding="utf-8")
            mine.replace(path)
        except OSError as error:  # a disk that is full or read-only costs the next process a question
            log.info("the Hub's answer can't be kept: %s", error)


def _api(token: str) -> Any:
    from huggingface_hub import HfApi

    return HfApi(token=token or False)


def _model(info: Any) -> HubModel:
    """What the client read, put into our words; a mapping may be there for other tasks than the one that was asked for."""
    tags: Sequence[str] = info.tags or ()
    licenses = [tag.removeprefix("license:") for tag in tags if tag.startswith("license:")]
    mappings = info.inference_provider_mapping or ()
    return HubModel(
        str(info.id),
        info.pipeline_tag or "",
        info.downloads,
        info.likes,
        info.library_name or "",
        licenses[0] if licenses else "",
        tuple(tag for tag in tags if re.fullmatch("[a-z]{2}|multilingual", tag)),
        info.safetensors.total if info.safetensors else None,
        bool(info.gated),
        bool(info.private),
        tuple(ProviderMapping(str(m.provider), str(m.task)) for m in mappings if m.status == "live"),
    )
