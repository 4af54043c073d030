"""Pool of loaded models within a memory budget; the least recently used is dropped first."""

import ctypes
import gc
import sys
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, cast

from hugginggpt.core.errors import ExpertError
from hugginggpt.experts.cancel_token import CancelToken

T = TypeVar("T")

_POLL_SECONDS: Final = 0.2  # interval at which a call that waits for memory checks its token
_GIB: Final = 2**30


@dataclass(eq=False)
class _PooledModel:
    """A model that is loaded, or being loaded."""

    name: str
    device: str
    size: int
    users: int = 0  # calls that hold it: while there are any, it is not dropped
    last_used: float = 0.0  # by time.monotonic(), in seconds
    model: Any = None
    ready: bool = False
    loading: threading.Lock = field(default_factory=threading.Lock)


class ModelPool:
    """Loaded models by key. Thread-safe: a model that many threads ask for is loaded by one of them."""

    def __init__(
        self, budgets: Mapping[str, int], *, get_available: Callable[[str], int | None] = lambda _: None, wait: float = 60.0
    ) -> None:
        """Create an empty pool.

        Args:
            budgets: Memory for the models on each device together, in bytes.
            get_available: Returns a device's free memory now, in bytes, other programs counted; None where it is unknown.
            wait: Longest wait for models that other calls are using, in seconds.
        """
        self._budgets = dict(budgets)
        self._get_available = get_available
        self._wait = wait
        self._entries: dict[Hashable, _PooledModel] = {}
        self._changed = threading.Condition()  # guards the entries; notified when memory may be had again

    @contextmanager
    def hold(
        self, key: Hashable, load: Callable[[], T], *, name: str, device: str, size: int, token: CancelToken | None = None
    ) -> Iterator[T]:
        """Load a model if need be, and keep it loaded within the ``with``.

        Args:
            key: Its key in the pool: id, revision and form.
            load: Loads it; called once for all threads, and again only after it has failed or the model was dropped.
            name: Its name in messages.
            device: Device that it is loaded to, one of the budgets.
            size: Memory that it needs there, in bytes.
            token: Token of the call that waits for it.

        Raises:
            ExpertError: It doesn't fit.
            StoppedError: The call was cancelled.
        """
        entry = self._acquire(key, name, device, size, token or CancelToken())
        try:
            with entry.loading:  # per model, so that others can be loaded meanwhile
                if not entry.ready:
                    entry.model = load()
                    entry.ready = True
            yield cast(T, entry.model)
        finally:
            with self._changed:
                entry.users -= 1
                entry.last_used = time.monotonic()
                if not entry.ready and not entry.users:  # loading failed
                    self._entries.pop(key, None)
                self._changed.notify_all()  # they measure anew whether they fit

    def get_used_bytes(self, device: str) -> int:
        """Return the estimated memory of the models on a device, in bytes."""
        return sum(entry.size for entry in self._entries.values() if entry.device == device)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the loaded models, the least recently used first."""
        ready = [entry for entry in self._entries.values() if entry.ready]
        return tuple(entry.name for entry in sorted(ready, key=lambda entry: entry.last_used))

    def clear(self) -> None:
        """Drop all models that no call holds."""
        with self._changed:
            for key in [key for key, entry in self._entries.items() if not entry.users]:  # a list, since the loop deletes
                del self._entries[key]
        _release_memory()

    def _acquire(self, key: Hashable, name: str, device: str, size: int, token: CancelToken) -> _PooledModel:
        """Return the entry of a model, counted as used; waits for memory where others may give some back."""
        deadline = time.monotonic() + self._wait
        with self._changed:
            while True:
                token.check()
                if (entry := self._entries.get(key)) is not None:  # loaded, or being loaded by another call
                    break
                if self._make_room(name, device, size):
                    entry = self._entries[key] = _PooledModel(name, device, size)  # before it is loaded, so that it counts
                    break
                if time.monotonic() > deadline:
                    raise ExpertError(f"{name} needs {_format_gib(size)}, which models that are at work have: try again later.")
                self._changed.wait(_POLL_SECONDS)  # lets go of the lock meanwhile
            entry.users += 1
            return entry

    def _make_room(self, name: str, device: str, size: int) -> bool:
        """Drop idle models as needed, and return whether there is room then; call it with the lock held.

        Raises:
            ExpertError: There is too little even without any other model.
        """
        budget = self._budgets.get(device, 0)
        if size > budget:  # waiting would never help
            raise ExpertError(
                f"{name} needs {_format_gib(size)} on {device}, and models may take {_format_gib(budget)} there: "
                f"choose a smaller one, or raise {'HUGGINGGPT_MEMORY_GB' if device == 'cpu' else 'HUGGINGGPT_GPU_MEMORY_GB'}."
            )
        idle = sorted(
            ((key, entry) for key, entry in self._entries.items() if entry.device == device and not entry.users),
            key=lambda pair: pair[1].last_used,
        )
        while self._compute_shortfall(device, size, budget) and idle:
            del self._entries[idle.pop(0)[0]]
            _release_memory()  # now, because the next turn measures what is free
        if not (missing := self._compute_shortfall(device, size, budget)):
            return True
        # waiting helps only while a call may still give memory back
        if not any(entry.users for entry in self._entries.values() if entry.device == device):
            raise ExpertError(
                f"{name} needs {_format_gib(size)}, {_format_gib(missing)} more than {device} has left: close other programs."
            )
        return False

    def _compute_shortfall(self, device: str, size: int, budget: int) -> int:
        over_budget = self.get_used_bytes(device) + size - budget
        available = self._get_available(device)  # other programs may have taken what the budget allows
        return max(over_budget, 0 if available is None else size - available, 0)


def _format_gib(size: int) -> str:
    return f"{size / _GIB:.1f} GB" if size >= _GIB / 10 else f"{size / 2**20:.0f} MB"


def _release_memory() -> None:
    """Have Python, torch and the C allocator return the memory of dropped models."""
    gc.collect()
    torch = sys.modules.get("torch")  # no import: without it, no model was loaded
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library than glibc
            # glibc keeps freed memory for itself, and the process would grow with every model
            ctypes.CDLL("libc.so.6").malloc_trim(0)
