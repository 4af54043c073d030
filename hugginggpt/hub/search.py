"""Search on the Hub for the models that a provider serves now for a task, the most downloaded first.

One call for a task, kept on the disk until it is too old. Only what everybody may see is kept: private models that a
visitor's token shows are left out. Where the Hub can't be reached, the list in `models_config/` stands in (catalog.py).
"""

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
from hugginggpt.core.http import ServerFault, redact_key
from hugginggpt.hub.client import HubAddresses, HubContext, use_hub_context
from hugginggpt.hub.errors import build_fault_error, read_fault
from hugginggpt.hub.faults import HubFault

log = logging.getLogger(__name__)

_MAX_MODELS: Final = 20
_FIELDS: Final = [  # with `expand` the Hub sends these alone
    "inferenceProviderMapping", "downloads", "likes", "library_name", "gated", "private", "disabled", "pipeline_tag", "tags",
    "safetensors",
]  # fmt: skip
_QUERY_SECONDS: Final = 8.0  # time for one request to the Hub
_FAILURE_PAUSE: Final = 60.0  # pause after the Hub couldn't be reached, before it is asked again, in seconds
_HUB_NAME: Final = "the Hugging Face Hub"


@dataclass(frozen=True, slots=True)
class ProviderMapping:
    """Provider that serves a model now."""

    provider: str
    """Name on the Hub: "fal-ai"."""
    task: str
    """Task that it serves, in the Hub's words: "conversational" for chat."""


@dataclass(frozen=True, slots=True)
class HubModel:
    """Model as the Hub describes it."""

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
    """Providers that serve it, live ones alone, in the Hub's order."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Result of a search."""

    models: tuple[HubModel, ...] = ()
    asked: float = 0.0  # not monotonic: other processes read it, too
    """Time when the Hub was asked, in seconds since 1970."""
    problem: str = ""
    """Reason why the Hub couldn't be asked, as a sentence; then there are no models."""


_MODELS_ADAPTER: Final = TypeAdapter(tuple[HubModel, ...])


@dataclass
class HubSearch:
    """Search with a cache on the disk, shared by all sessions."""

    folder: Path
    """Folder of the cache."""
    addresses: HubAddresses = field(default_factory=HubAddresses)
    max_age: float = 86_400.0
    """Age up to which an answer is used, in seconds."""
    seconds: float = _QUERY_SECONDS
    _answers: dict[str, SearchResult] = field(default_factory=dict, repr=False)
    _last_failure: tuple[float, str] | None = field(default=None, repr=False)
    """Time of the last failure to reach the Hub, for whatever tag, and its sentence."""
    _locks: dict[str, threading.Lock] = field(default_factory=lambda: defaultdict(threading.Lock), repr=False)

    def find(self, tag: str, token: str, check: Callable[[], None] = lambda: None) -> SearchResult:
        """Search the models of a pipeline tag that a provider serves; concurrent callers share one request to the Hub.

        Blocks up to the deadline; not for the event loop.

        Args:
            tag: Name of the task on the Hub.
            token: The visitor's; empty for none.
            check: Hook that raises when nobody waits any more.
        """
        with self._locks[tag]:  # one lock a tag: a slow answer holds up no other task
            cached = self._answers.get(tag) or self._read_cache(tag)
            if cached is not None and 0 <= time.time() - cached.asked < self.max_age:  # negative: the clock was set back since
                self._answers[tag] = cached
                return cached
            if self._last_failure and time.monotonic() - self._last_failure[0] < _FAILURE_PAUSE:
                return SearchResult(problem=self._last_failure[1])
            found = self._search(tag, token, check)
            if isinstance(found, HubFault):
                asked_too_often = found.retryable and not found.outage and found.scope != "network"
                if found.scope not in {"account", "key"} and not asked_too_often:
                    # a token that is refused, or has asked too often, says nothing about the next visitor's
                    self._last_failure = time.monotonic(), found.sentence
                return SearchResult(problem=found.sentence)
            self._answers[tag] = found
            self._write_cache(tag, found)
            return found

    def look_up(self, model: str, token: str, check: Callable[[], None] = lambda: None) -> HubModel:
        """Look up one model at the Hub now, private ones that the token may see included. Blocks.

        Raises:
            ExpertError: There is no such model, it may not be seen, or the Hub can't be asked.
        """
        from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError

        try:
            with use_hub_context(self._build_context(token, check)):
                return _convert_model(_build_api(token).model_info(model, expand=_FIELDS))
        except StoppedError:  # no fault of the Hub's
            raise
        except (RepositoryNotFoundError, HFValidationError):
            failure = ExpertError(f"The Hub knows no model “{model[:100]}”, or the token may not see it: check the name.")
        except Exception as error:  # the client raises many kinds: read_fault finds the sentence for each
            failure = build_fault_error(self._read_fault(error, model, token))
        raise failure  # out here, so that no exception that quotes the token is its context

    def _search(self, tag: str, token: str, check: Callable[[], None]) -> SearchResult | HubFault:
        try:
            with use_hub_context(self._build_context(token, check)):
                found = _build_api(token).list_models(
                    pipeline_tag=tag, inference_provider="all", sort="downloads", limit=_MAX_MODELS, expand=_FIELDS
                )
                models = [_convert_model(info) for info in found if not info.private and not info.disabled]
        except StoppedError:
            raise
        except Exception as error:  # as above
            return self._read_fault(error, tag, token)
        return SearchResult(tuple(model for model in models if model.served), time.time())

    def _build_context(self, token: str, check: Callable[[], None]) -> HubContext:
        return HubContext(token, time.monotonic() + self.seconds, self.addresses, check)

    def _read_fault(self, error: Exception, model: str, token: str) -> HubFault:
        message = f"{type(error).__name__}: {error}"
        log.info("the Hub can't be asked", exc_info=ServerFault(redact_key(message, token)))
        return read_fault(error, model=model, provider=_HUB_NAME, seconds=self.seconds, server="hub")

    def _build_path(self, tag: str) -> Path:
        hub_hash = hashlib.sha256(self.addresses.hub.encode()).hexdigest()[:8]  # a mirror has other models
        return self.folder / f"{tag}-{hub_hash}.json"

    def _read_cache(self, tag: str) -> SearchResult | None:
        """Read the cached answer for a tag; None if there is none that can be read."""
        try:
            cached = json.loads(self._build_path(tag).read_text(encoding="utf-8"))
            return SearchResult(_MODELS_ADAPTER.validate_python(cached["models"]), float(cached["asked"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            log.info("what was kept of the Hub's answer for %s can't be read: %s", tag, error)
            return None

    def _write_cache(self, tag: str, found: SearchResult) -> None:
        path = self._build_path(tag)
        temp = path.with_suffix(f".{os.getpid()}.tmp")  # one for each process: two may write at once
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temp.write_text(json.dumps({"asked": found.asked, "models": [asdict(m) for m in found.models]}), encoding="utf-8")
            temp.replace(path)  # other processes never see half a file
        except OSError as error:  # a disk that is full or read-only costs the next process a question
            log.info("the Hub's answer can't be kept: %s", error)


def _build_api(token: str) -> Any:
    from huggingface_hub import HfApi

    return HfApi(token=token or False)  # None would be the token of whoever runs this program


def _convert_model(info: Any) -> HubModel:
    """Convert the client's answer; providers may be listed for other tasks than the one that was searched."""
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
        tuple(tag for tag in tags if re.fullmatch("[a-z]{2}|multilingual", tag)),  # languages are tags without a prefix
        info.safetensors.total if info.safetensors else None,
        bool(info.gated),
        bool(info.private),
        tuple(ProviderMapping(str(m.provider), str(m.task)) for m in mappings if m.status == "live"),
    )
