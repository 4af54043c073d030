"""Models of the Hugging Face cache, run in this process with transformers and diffusers.

What the cache holds is what is offered; nothing is downloaded here. Each task is one function of a family's module,
found through the table below; which architecture a checkpoint has is up to its own configuration.
"""

import functools
import importlib
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import yaml

from hugginggpt.core.errors import ExpertError
from hugginggpt.core.model_card import ModelCard
from hugginggpt.experts.base import Call, Result, run_batch_in_thread
from hugginggpt.experts.local.preloading import make_sample_call
from hugginggpt.experts.local.runtime.companions import find_partner, needs_partner, serves_others
from hugginggpt.experts.local.runtime.devices import Device, choose_device, find_devices, get_available_memory
from hugginggpt.experts.local.runtime.model_pool import ModelPool
from hugginggpt.experts.local.runtime.obstacles import find_obstacle, has_vocabulary, needs_tokenizer
from hugginggpt.experts.local.runtime.runtime import MEMORY_OVERHEAD, LoadedError, LoadOnlyRuntime, Runtime, translate_errors
from hugginggpt.experts.local.runtime.task_matching import Match, match_tasks
from hugginggpt.hub.cache import Checkpoint, scan_cache
from hugginggpt.hub.cache_faults import UnusableModel

_TABLE: Final[Mapping[str, Mapping[str, Any]]] = yaml.safe_load(
    Path(__file__).with_name("functions.yaml").read_text(encoding="utf-8")
)
_SECONDS_BETWEEN_SCANS: Final = 5.0  # a scan reads every snapshot's configuration

Remote = Callable[[Sequence[Call], Path | None], Sequence[Result]]
"""Runs calls of one card on models of a cache in another process."""
Function = Callable[[Sequence[Call], Runtime], Sequence[Result]]
"""Does a task: one result for each call, in order. Only a task with a `batch` gets several calls."""


class LocalExpert:
    """Runs cached models."""

    backend = "local"

    def __init__(
        self,
        cache: Path | None = None,
        *,
        device: str = "auto",
        memory_gb: float | None = None,
        gpu_memory_gb: float | None = None,
        remote: Remote | None = None,
    ) -> None:
        """Create the back end.

        Args:
            cache: The Hugging Face cache; by default the folder that ``HF_HOME`` names.
            device: "auto", "cpu", or a device's name as torch has it.
            memory_gb: Limit of the CPU's memory for loaded models, in GiB; by default half of it.
            gpu_memory_gb: The same of each GPU's; by default 85 %.
            remote: Runs calls in another process, which is lent a GPU; None: they run in this one.
        """
        self.cache = cache
        self._remote = remote
        self._device_settings = device, memory_gb, gpu_memory_gb
        self._scanned = 0.0  # never: tested by itself, because right after a boot `monotonic` is near 0 too
        self._checkpoints: dict[str, Checkpoint] = {}
        self._cards: tuple[ModelCard, ...] = ()
        self._unusable: tuple[UnusableModel, ...] = ()
        self._placed: dict[str, Device] = {}
        self._lock = threading.Lock()  # calls list the cards from threads of their own

    @functools.cached_property
    def devices(self) -> list[Device]:
        """Devices that models run on, found out at the first need: asking imports torch."""
        device, memory_gb, gpu_memory_gb = self._device_settings
        return find_devices(device, memory_gb=memory_gb, gpu_memory_gb=gpu_memory_gb)

    @functools.cached_property
    def pool(self) -> ModelPool:
        """Pool of loaded models."""
        return ModelPool({device.name: device.budget for device in self.devices}, get_available=get_available_memory)

    def cards(self, tasks: Collection[str] | None = None) -> Sequence[ModelCard]:
        """List a card for each cached model and each task that it can do; reads the disk, so not for the event loop."""
        with self._lock:
            if time.monotonic() - self._scanned > _SECONDS_BETWEEN_SCANS or not self._scanned:
                entries = scan_cache(self.cache)
                self._checkpoints = {entry.id: entry for entry in entries if isinstance(entry, Checkpoint)}
                matches = {checkpoint.id: self._match(checkpoint) for checkpoint in self._checkpoints.values()}
                faults = [entry if isinstance(entry, UnusableModel) else matches[entry.id] for entry in entries]
                self._unusable = tuple(fault for fault in faults if isinstance(fault, UnusableModel))
                found = [
                    (match, self._checkpoints[id_])
                    for id_, matched in matches.items()
                    if not isinstance(matched, UnusableModel)
                    for match in matched
                ]
                found.sort(key=lambda pair: pair[0].rank)  # each task's preferred architectures come first
                self._cards = tuple(self._make_card(c, match) for match, c in found)
                self._scanned = time.monotonic()
            return self._cards

    def list_unusable(self) -> Sequence[UnusableModel]:
        """Return the cached models that can't be run, each with its reason; reads the disk as `cards` does."""
        self.cards()
        return self._unusable

    def _match(self, checkpoint: Checkpoint) -> Sequence[Match] | UnusableModel:
        """Return the tasks that a checkpoint can do here, or why it can do none; () for one that only serves others."""
        if needs_partner(checkpoint) and not self._find_partner(checkpoint):
            return UnusableModel(checkpoint.id, "no-partner", checkpoint.architecture)
        matched = [match for match in match_tasks(checkpoint) if match.task in _TABLE]
        if not matched:
            return () if serves_others(checkpoint) else UnusableModel(checkpoint.id, "no-task", checkpoint.architecture)
        if obstacle := find_obstacle(checkpoint, on_cpu=self._pick_device(checkpoint).name == "cpu"):
            return obstacle
        if has_vocabulary(checkpoint.folder):
            return matched
        wordless = [match for match in matched if not needs_tokenizer(checkpoint, match.task)]
        return wordless or UnusableModel(checkpoint.id, "no-tokenizer")

    def rescan(self) -> None:
        """Make the next `cards` read the disk again, after a download."""
        self._scanned = 0.0

    def _make_card(self, checkpoint: Checkpoint, match: Match) -> ModelCard:
        device = self._pick_device(checkpoint)
        return ModelCard(
            checkpoint.id,
            match.task,
            self.backend,
            description=_describe(checkpoint, self._find_partner(checkpoint)),
            license=checkpoint.license,
            size_mb=round(checkpoint.size / 1e6, 1),
            languages=checkpoint.languages,
            fits=self._estimate_memory(checkpoint.id, device) <= device.budget,
            slot=device.slot,
            batch=_TABLE[match.task].get("batch", 1),
            tags=match.tags,
        )

    def _find_partner(self, checkpoint: Checkpoint) -> Checkpoint | None:
        return find_partner(checkpoint, self._checkpoints.values())

    def _pick_device(self, checkpoint: Checkpoint) -> Device:
        """Choose a model's device, for a ControlNet its pipeline's; the choice is kept."""
        if checkpoint.id not in self._placed and (steered := self._find_partner(checkpoint)):
            self._placed[checkpoint.id] = self._pick_device(steered)  # they exchange tensors at every step
        if checkpoint.id not in self._placed:
            reserved = [
                sum(self._estimate_memory(i, d) for i, d in self._placed.items() if d == device) for device in self.devices
            ]
            half = round(checkpoint.parameters * 2 * MEMORY_OVERHEAD)  # bytes in float16, in which a GPU would hold it
            self._placed[checkpoint.id] = choose_device(half, self.devices, reserved)
        return self._placed[checkpoint.id]

    def _estimate_memory(self, checkpoint_id: str, device: Device) -> int:
        known = self._checkpoints.get(checkpoint_id)  # None once it is deleted: it keeps its device, but takes no room
        return round(known.parameters * (2 if device.uses_half_precision else 4) * MEMORY_OVERHEAD) if known else 0

    async def run(self, call: Call) -> Result:
        """Run one model once, in a thread.

        Raises:
            InputError: The input doesn't suit the task.
            ExpertError: The model can't be loaded, doesn't fit, or failed.
        """
        (result,) = await self.run_batch([call])
        return result

    async def run_batch(self, calls: Sequence[Call]) -> Sequence[Result]:
        """Run several calls of one card together; one result for each. Raises like `run`, for all of them."""
        return await run_batch_in_thread(self.run_now, calls)

    def run_now(self, calls: Sequence[Call]) -> Sequence[Result]:
        """Run calls as `run_batch` does, but block; in the other process, where there is one."""
        return self._remote(calls, self.cache) if self._remote else self.run_here(calls)

    def run_here(self, calls: Sequence[Call]) -> Sequence[Result]:
        """Run calls as `run_batch` does, but block, and in this process."""
        card = calls[0].card
        with translate_errors(f"{card.id} failed on this input"):
            return _import_function(_TABLE[card.task]["function"])(calls, self._make_runtime(card.id))

    def load(self, model: str) -> None:
        """Load a cached model ahead of its first call, as the first task that it can do would. Blocks.

        Raises:
            ExpertError: It is not in the cache, doesn't fit, or can't be loaded.
        """
        card = next((card for card in self.cards() if card.id == model), None)
        if card is None:
            raise ExpertError(f"{model} is not in the cache, or does none of the tasks here.")
        with suppress(LoadedError), translate_errors(f"{card.id} can't be tried on {card.task}"):  # signals success
            _import_function(_TABLE[card.task]["function"])(
                [make_sample_call(card)], self._make_runtime(model, LoadOnlyRuntime)
            )

    def _make_runtime(self, model: str, kind: type[Runtime] = Runtime) -> Runtime:
        if model not in self._checkpoints:  # a process that has looked before it was fetched
            self.rescan()
            self.cards()
        checkpoint = self._checkpoints.get(model)
        if checkpoint is None or not checkpoint.folder.is_dir():  # deleted since the scan
            raise ExpertError(f"{model} is not in the cache any more.")
        return kind(checkpoint, self._pick_device(checkpoint), self.pool, tuple(self._checkpoints.values()))


def _describe(checkpoint: Checkpoint, steered: Checkpoint | None) -> str:
    labels = ", ".join(checkpoint.labels[:4])  # the description goes into the controller's prompt
    labelled = f", for {len(checkpoint.labels)} labels ({labels}…)" if len(checkpoint.labels) > 4 else f", for {labels}"
    steering = f", steering {steered.id}" if steered else ""
    size = f"{checkpoint.parameters / 1e6:,.0f} million parameters"
    return f"{checkpoint.architecture}{labelled if labels else ''}{steering}; {size}."


@functools.cache
def _import_function(path: str) -> Function:
    module, _, name = path.partition(":")
    found: Function = getattr(importlib.import_module(f"{__package__}.{module}"), name)
    return found
