"""Runtime of a family's function: the checkpoint, its device, and the pool of warm models."""

from __future__ import annotations

import functools
import importlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from hugginggpt.core.errors import ExpertError, HuggingGPTError, explain_environment_error
from hugginggpt.experts.base import CancelToken
from hugginggpt.experts.local.runtime.devices import Device
from hugginggpt.experts.local.runtime.model_pool import ModelPool
from hugginggpt.hub.cache import Checkpoint

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

T = TypeVar("T")

MEMORY_OVERHEAD: Final = 1.2
"""Memory that a model takes while it works, as a multiple of its weights."""
SAFE: Final[dict[str, Any]] = {"local_files_only": True, "trust_remote_code": False}
"""Arguments of every ``from_pretrained``: nothing is downloaded, no checkpoint runs its own code."""
SAFE_WEIGHTS: Final[dict[str, Any]] = SAFE | {"use_safetensors": True}
"""The same for models: no pickles."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """One checkpoint on one device."""

    checkpoint: Checkpoint
    device: Device
    pool: ModelPool
    others: Sequence[Checkpoint] = field(default=(), repr=False)
    """Everything in the cache, for tasks that need a second model."""

    @property
    def dtype(self) -> torch.dtype:
        """Type that weights are loaded as: float32 on the CPU, float16 elsewhere."""
        import torch

        return torch.float16 if self.device.uses_half_precision else torch.float32

    @contextmanager
    def loaded(
        self, form: str, load: Callable[[Checkpoint], T], token: CancelToken, *, checkpoint: Checkpoint | None = None
    ) -> Iterator[T]:
        """A warm model, loaded at its first use and held as long as the ``with`` lasts.

        Args:
            form: As what it is loaded; one checkpoint may be loaded as several things.
            load: Loads it to ``self.device.name`` with ``self.dtype``.
            token: Who waits for it.
            checkpoint: Another one than the runtime's own.

        Raises:
            ExpertError: It doesn't fit, or its files can't be loaded.
            StoppedError: Nobody waits any more.
        """
        which = checkpoint or self.checkpoint

        def guarded() -> T:
            with translate_errors(f"{which.id} can't be loaded: its files are damaged or don't fit together"):
                _hush(which.library)
                return load(which)

        key = (which.id, str(which.folder), form, self.device.name)
        held = self.pool.held(key, guarded, name=which.id, device=self.device.name, size=self.need(which), token=token)
        with held as model:
            yield model

    def need(self, checkpoint: Checkpoint) -> int:
        """Return how many bytes a checkpoint takes on this device while it works."""
        return round(checkpoint.parameters * (2 if self.device.uses_half_precision else 4) * MEMORY_OVERHEAD)


class LoadedError(HuggingGPTError):
    """No fault: a model is loaded, and nothing more was wanted."""


class LoadOnlyRuntime(Runtime):
    """A runtime with which a task's function goes no further than to its first loaded model."""

    __slots__ = ()

    def loaded(
        self, form: str, load: Callable[[Checkpoint], T], token: CancelToken, *, checkpoint: Checkpoint | None = None
    ) -> NoReturn:
        """Load it, leave it warm, and go.

        Raises:
            LoadedError: It is loaded.
            ExpertError: It doesn't fit, or its files can't be loaded.
        """
        with super().loaded(form, load, token, checkpoint=checkpoint):
            raise LoadedError(f"{(checkpoint or self.checkpoint).id} is loaded.")


@functools.cache
def _hush(library: str) -> None:
    """Have a library draw no progress bars and print no hints: events tell what happens."""
    for talkative in {"transformers", library} & {"transformers", "diffusers"}:
        logs = importlib.import_module(f"{talkative}.utils.logging")
        logs.disable_progress_bar()
        logs.set_verbosity_error()


@contextmanager
def translate_errors(otherwise: str) -> Iterator[None]:
    """Turn what libraries raise into one sentence that says what to do.

    Raises:
        ExpertError: Memory or disk ran out, or `otherwise`.
    """
    try:
        yield
    except HuggingGPTError:
        raise
    except Exception as error:
        log.info("%s", otherwise, exc_info=True)
        raise ExpertError(
            explain_environment_error(error) or f"{otherwise} ({type(error).__name__}); the log says more."
        ) from error
