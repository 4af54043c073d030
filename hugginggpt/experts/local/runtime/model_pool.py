"""Warm models inside a memory budget: loaded once, kept while there is room, the least recently used goes first."""

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
from hugginggpt.experts.base import CancelToken

T = TypeVar("T")

_LOOK_SECONDS: Final = 0.2
"""Seconds between two looks, while waiting for room, at whether the work is still wanted."""
_GIB: Final = 2**30


@dataclass(eq=False)
class _PooledModel:
    """One loaded model, or one that is being loaded."""

    name: str
    device: str
    size: int
    users: int = 0
    used: float = 0.0
    model: Any = None
    ready: bool = False
    loading: threading.Lock = field(default_factory=threading.Lock)


class ModelPool:
    """Loaded models by key. Thread-safe: many threads ask, each model is loaded by one."""

    def __init__(
        self, budgets: Mapping[str, int], *, available: Callable[[str], int | None] = lambda _: None, wait: float = 60.0
    ) -> None:
        """Make an empty one.

        Args:
            budgets: How many bytes the models on each device may take together.
            available: What a device has left right now, in bytes, whoever has taken the rest; None where it can't say.
            wait: How long to wait for models that others are using, in seconds.
        """
        self._budgets = dict(budgets)
        self._available = available
        self._wait = wait
        self._entries: dict[Hashable, _PooledModel] = {}
        self._changed = threading.Condition()

    @contextmanager
    def held(
        self, key: Hashable, load: Callable[[], T], *, name: str, device: str, size: int, token: CancelToken | None = None
    ) -> Iterator[T]:
        """A loaded model, which stays loaded at least as long as it is held.

        Args:
            key: What it is found under: its id, revision and form.
            load: Loads it; called once however many ask, and again only after it has failed or gone.
            name: What people call it.
            device: Where it is loaded to, one of the budgets.
            size: How much it takes there, in bytes.
            token: Who waits for it.

        Raises:
            ExpertError: It doesn't fit.
            StoppedError: Nobody waits any more.
        """
        entry = self._entered(key, name, device, size, token or CancelToken())
        try:
            with entry.loading:
                if not entry.ready:
                    entry.model = load()
                    entry.ready = True
            yield cast(T, entry.model)
        finally:
            with self._changed:
                entry.users -= 1
                entry.used = time.monotonic()
                if not entry.ready and not entry.users:  # it could not be loaded
                    self._entries.pop(key, None)
                self._changed.notify_all()

    def taken(self, device: str) -> int:
        """Return how many bytes the models on a device take by their own account."""
        return sum(entry.size for entry in self._entries.values() if entry.device == device)

    @property
    def names(self) -> tuple[str, ...]:
        """Loaded models, the least recently used first."""
        ready = [entry for entry in self._entries.values() if entry.ready]
        return tuple(entry.name for entry in sorted(ready, key=lambda entry: entry.used))

    def clear(self) -> None:
        """Let go of everything that nobody holds."""
        with self._changed:
            for key in [key for key, entry in self._entries.items() if not entry.users]:
                del self._entries[key]
        _give_memory_back()

    def _entered(self, key: Hashable, name: str, device: str, size: int, token: CancelToken) -> _PooledModel:
        end = time.monotonic() + self._wait
        with self._changed:
            while True:
                token.check()
                if (entry := self._entries.get(key)) is not None:
                    break
                if self._make_room(name, device, size):
                    entry = self._entries[key] = _PooledModel(name, device, size)
                    break
                if time.monotonic() > end:
                    raise ExpertError(f"{name} needs {_gib(size)}, which models that are at work have: try again later.")
                self._changed.wait(_LOOK_SECONDS)
            entry.users += 1
            return entry

    def _make_room(self, name: str, device: str, size: int) -> bool:
        """Return whether there is room now, after idle models have gone; to be called with the lock held.

        Raises:
            ExpertError: There would not be enough if all of them went.
        """
        budget = self._budgets.get(device, 0)
        if size > budget:
            raise ExpertError(
                f"{name} needs {_gib(size)} on {device}, and models may take {_gib(budget)} there: choose a smaller one, "
                f"or raise {'HUGGINGGPT_MEMORY_GB' if device == 'cpu' else 'HUGGINGGPT_GPU_MEMORY_GB'}."
            )
        idle = sorted(
            ((key, entry) for key, entry in self._entries.items() if entry.device == device and not entry.users),
            key=lambda pair: pair[1].used,
        )
        while self._missing(device, size, budget) and idle:
            del self._entries[idle.pop(0)[0]]
            _give_memory_back()
        if not (missing := self._missing(device, size, budget)):
            return True
        if not any(entry.users for entry in self._entries.values() if entry.device == device):
            raise ExpertError(f"{name} needs {_gib(size)}, {_gib(missing)} more than {device} has left: close other programs.")
        return False

    def _missing(self, device: str, size: int, budget: int) -> int:
        beyond_budget = self.taken(device) + size - budget
        left = self._available(device)
        return max(beyond_budget, 0 if left is None else size - left, 0)


def _gib(size: int) -> str:
    return f"{size / _GIB:.1f} GB" if size >= _GIB / 10 else f"{size / 2**20:.0f} MB"


def _give_memory_back() -> None:
    """Have Python, torch and the allocator return what models that went have taken."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library than glibc
            ctypes.CDLL("libc.so.6").malloc_trim(0)
