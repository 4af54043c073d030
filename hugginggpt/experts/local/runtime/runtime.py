"""Context of a task function: the checkpoint, its device, and the pool of loaded models."""

from __future__ import annotations

import functools
import importlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from hugginggpt.core.errors import ExpertError, HuggingGPTError, explain_environment_error
from hugginggpt.experts.cancel_token import CancelToken
from hugginggpt.experts.local.runtime.devices import Device
from hugginggpt.experts.local.runtime.generation import settle_generation
from hugginggpt.experts.local.runtime.model_pool import ModelPool
from hugginggpt.hub.cache import Checkpoint

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

T = TypeVar("T")

MEMORY_OVERHEAD: Final = 1.2
"""Memory of a running model relative to its weights alone."""
SAFE: Final[dict[str, Any]] = {"local_files_only": True, "trust_remote_code": False}
"""Arguments of every ``from_pretrained``: nothing is downloaded, and no checkpoint runs its own code."""
SAFE_WEIGHTS: Final[dict[str, Any]] = SAFE | {"use_safetensors": True}
"""Arguments of ``from_pretrained`` for models: as `SAFE`, and no pickles, which can run code when they are loaded."""


def select_weights(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the arguments of ``from_pretrained`` for a checkpoint's model: as `SAFE_WEIGHTS`, in the variant that it has."""
    return SAFE_WEIGHTS | ({"variant": checkpoint.variant} if checkpoint.variant else {})


@dataclass(frozen=True, slots=True)
class Runtime:
    """A checkpoint on a device."""

    checkpoint: Checkpoint
    device: Device
    pool: ModelPool
    cached_checkpoints: Sequence[Checkpoint] = field(default=(), repr=False)
    """All checkpoints in the cache, for tasks that need a second model."""

    @property
    def dtype(self) -> torch.dtype:
        """Precision of loaded weights: float32 on the CPU, float16 elsewhere."""
        import torch

        return torch.float16 if self.device.uses_half_precision else torch.float32

    @contextmanager
    def load_model(
        self, form: str, load: Callable[[Checkpoint], T], token: CancelToken, *, checkpoint: Checkpoint | None = None
    ) -> Iterator[T]:
        """Load a model at its first use, and hold it within the ``with``.

        Args:
            form: Kind of object that it is loaded as; a checkpoint may be loaded as several.
            load: Loads it to ``self.device.name`` with ``self.dtype``.
            token: Token of the call that waits for it.
            checkpoint: Checkpoint to load; by default the runtime's own.

        Raises:
            ExpertError: It doesn't fit, or its files can't be loaded.
            StoppedError: The call was cancelled.
        """
        selected = checkpoint or self.checkpoint

        def load_or_explain() -> T:
            with translate_errors(f"{selected.id} can't be loaded: its files are damaged or don't fit together"):
                _silence_library(selected.library)  # here, because it imports the library
                loaded = load(selected)
                settle_generation(loaded)
                return loaded

        # a snapshot's folder names its revision, so an updated model is loaded anew
        key, size = (selected.id, str(selected.folder), form, self.device.name), self.estimate_memory(selected)
        with self.pool.hold(key, load_or_explain, name=selected.id, device=self.device.name, size=size, token=token) as model:
            yield model

    def estimate_memory(self, checkpoint: Checkpoint) -> int:
        """Return the memory that a running checkpoint needs on this device, in bytes."""
        return round(checkpoint.parameters * (2 if self.device.uses_half_precision else 4) * MEMORY_OVERHEAD)  # bytes a weight


class LoadedError(HuggingGPTError):
    """Signal that a model is loaded, which is all that was asked for; not a fault."""


class LoadOnlyRuntime(Runtime):
    """Runtime with which a task function ends once its first model is loaded."""

    __slots__ = ()  # without it, instances would have a dict after all

    def load_model(
        self, form: str, load: Callable[[Checkpoint], T], token: CancelToken, *, checkpoint: Checkpoint | None = None
    ) -> NoReturn:
        """Load a model, leave it in the pool, and end the task function.

        Raises:
            LoadedError: The model is loaded.
            ExpertError: It doesn't fit, or its files can't be loaded.
        """
        with super().load_model(form, load, token, checkpoint=checkpoint):
            raise LoadedError(f"{(checkpoint or self.checkpoint).id} is loaded.")


@functools.cache
def _silence_library(library: str) -> None:
    """Turn off a library's progress bars and hints: events show what happens."""
    for name in {"transformers", library} & {"transformers", "diffusers"}:  # only these two have such a module
        logs = importlib.import_module(f"{name}.utils.logging")
        logs.disable_progress_bar()
        logs.set_verbosity_error()


@contextmanager
def translate_errors(message: str) -> Iterator[None]:
    """Turn a library's exception into one sentence that says what to do.

    Raises:
        ExpertError: Memory or disk ran out, or `message`.
    """
    try:
        yield
    except HuggingGPTError:  # says already what to do
        raise
    except Exception as error:
        log.info("%s", message, exc_info=True)  # the traceback is for the log, not for the person
        raise ExpertError(
            explain_environment_error(error) or f"{message} ({type(error).__name__}); the log says more."
        ) from error
