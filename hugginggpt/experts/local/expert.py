"""Models of the Hugging Face cache, run in this process with transformers and diffusers.

Only cached models are offered; nothing is downloaded here. The table below names the function for each task; a checkpoint's own
configuration decides which architecture is loaded.
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
from hugginggpt.experts.base import Call, Result, batch_in_thread
from hugginggpt.experts.local.preloading import make_sample_call
from hugginggpt.experts.local.runtime.companions import find_partner, needs_partner
from hugginggpt.experts.local.runtime.devices import Device, choose_device, find_devices, get_available_memory
from hugginggpt.experts.local.runtime.model_pool import ModelPool
from hugginggpt.experts.local.runtime.runtime import MEMORY_OVERHEAD, LoadedError, LoadOnlyRuntime, Runtime, translate_errors
from hugginggpt.experts.local.runtime.task_matching import Match, match_tasks
from hugginggpt.hub.cache import Checkpoint, find_checkpoints

_FUNCTIONS: Final[Mapping[str, str]] = {
    "text-classification": "text.classification:classify",
    "token-classification": "text.classification:find_entities",
    "fill-mask": "text.classification:fill_gap",
    "zero-shot-classification": "text.classification:sort_into_labels",
    "sentence-similarity": "text.classification:compare",
    "text2text-generation": "text.writing:rewrite",
    "summarization": "text.writing:summarize",
    "translation": "text.writing:translate",
    "text-generation": "text.writing:go_on",
    "conversational": "text.writing:converse",
    "question-answering": "text.question_answering:answer_from_text",
    "table-question-answering": "text.question_answering:answer_from_table",
    "tabular-classification": "text.tabular:classify_rows",
    "image-classification": "image.classification:classify",
    "zero-shot-image-classification": "image.classification:sort_into_labels",
    "object-detection": "image.detection:detect",
    "zero-shot-object-detection": "image.detection:detect_named",
    "image-segmentation": "image.segmentation:segment",
    "mask-generation": "image.segmentation:outline",
    "seg-control": "image.segmentation:draw_segments",
    "depth-estimation": "image.depth:estimate",
    "depth-control": "image.depth:draw_depth",
    "normal-control": "image.depth:draw_normals",
    "image-to-text": "image.captioning:describe",
    "visual-question-answering": "image.captioning:answer_about_picture",
    "document-question-answering": "image.captioning:answer_about_document",
    "openpose-control": "image.pose:draw_pose",
    "text-to-speech": "audio.text_to_speech:speak",
    "text-to-audio": "audio.text_to_speech:make_sound",
    "automatic-speech-recognition": "audio.speech_recognition:transcribe",
    "audio-classification": "audio.speech_recognition:classify",
    "audio-to-audio": "audio.audio_to_audio:clean",
    "video-classification": "video.classification:classify",
    "text-to-image": "image.text_to_image:paint",
    "image-to-image": "image.text_to_image:repaint",
    "inpainting": "image.text_to_image:fill_in",
    "text-to-video": "video.generation:film",
    "image-to-video": "video.generation:animate",
    "canny-text-to-image": "image.controlnet:paint",
    "hed-text-to-image": "image.controlnet:paint",
    "mlsd-text-to-image": "image.controlnet:paint",
    "normal-text-to-image": "image.controlnet:paint",
    "openpose-text-to-image": "image.controlnet:paint",
    "depth-text-to-image": "image.controlnet:paint",
    "seg-text-to-image": "image.controlnet:paint",
}
"""Function for each task, as "module:function"; imported at the first call, because it imports torch."""

_BATCH_SIZES: Final[Mapping[str, int]] = {
    "text-classification": 32,
    "token-classification": 16,
    "image-classification": 16,
    "object-detection": 4,
    "audio-classification": 8,
}
"""Most inputs of a task that go through a model at once; 1 for tasks that aren't named."""

_SECONDS_BETWEEN_SCANS: Final = 5.0  # a scan reads every snapshot's configuration

RemoteRunner = Callable[[Sequence[Call], Path | None], Sequence[Result]]
"""Function that runs calls of one card in another process, on models of the given cache."""
TaskFunction = Callable[[Sequence[Call], Runtime], Sequence[Result]]
"""Function for a task: returns one result per call, in order. Only tasks in `_BATCH_SIZES` get several calls."""


class LocalExpert:
    """Expert that runs cached models."""

    backend = "local"

    def __init__(
        self,
        cache: Path | None = None,
        *,
        device: str = "auto",
        memory_gb: float | None = None,
        gpu_memory_gb: float | None = None,
        remote: RemoteRunner | None = None,
    ) -> None:
        """Create the expert; nothing is scanned or imported yet.

        Args:
            cache: The Hugging Face cache; by default the one that ``HF_HOME`` names.
            device: "auto", "cpu", or a device's name in torch.
            memory_gb: Budget of loaded models in the CPU's memory, in GiB; by default half of it.
            gpu_memory_gb: Their budget on each GPU, in GiB; by default 85 % of its memory.
            remote: Runs calls in another process, which is lent a GPU; None to run them in this one.
        """
        self.cache = cache
        self._remote = remote
        self._device_settings = device, memory_gb, gpu_memory_gb
        self._scanned = 0.0  # never: tested by itself, because right after a boot `monotonic` is near 0 too
        self._checkpoints: dict[str, Checkpoint] = {}
        self._cards: tuple[ModelCard, ...] = ()
        self._placed: dict[str, Device] = {}
        self._lock = threading.Lock()

    @functools.cached_property
    def devices(self) -> list[Device]:
        """Devices that models run on; found at the first use, because that imports torch."""
        device, memory_gb, gpu_memory_gb = self._device_settings
        return find_devices(device, memory_gb=memory_gb, gpu_memory_gb=gpu_memory_gb)

    @functools.cached_property
    def pool(self) -> ModelPool:
        """Pool of loaded models."""
        return ModelPool({device.name: device.budget for device in self.devices}, get_available=get_available_memory)

    def cards(self, tasks: Collection[str] | None = None) -> Sequence[ModelCard]:
        """Return a card for each task of each cached model; reads the disk, so call it outside the event loop."""
        with self._lock:
            if time.monotonic() - self._scanned > _SECONDS_BETWEEN_SCANS or not self._scanned:
                self._checkpoints = {checkpoint.id: checkpoint for checkpoint in find_checkpoints(self.cache)}
                usable = [c for c in self._checkpoints.values() if not needs_partner(c) or self._find_partner(c)]
                found = [(match, checkpoint) for checkpoint in usable for match in match_tasks(checkpoint)]
                found.sort(key=lambda pair: pair[0].rank)  # each task's preferred architectures come first
                self._cards = tuple(self._make_card(c, match) for match, c in found if match.task in _FUNCTIONS)
                self._scanned = time.monotonic()
            return self._cards

    def rescan(self) -> None:
        """Have the next `cards` read the disk again, because something has been downloaded."""
        self._scanned = 0.0

    def _make_card(self, checkpoint: Checkpoint, match: Match) -> ModelCard:
        device = self._choose_device(checkpoint)
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
            batch=_BATCH_SIZES.get(match.task, 1),
            tags=match.tags,
        )

    def _find_partner(self, checkpoint: Checkpoint) -> Checkpoint | None:
        return find_partner(checkpoint, self._checkpoints.values())

    def _choose_device(self, checkpoint: Checkpoint) -> Device:
        """Return the device for a model; the choice is kept, so that a loaded model is found again."""
        # a ControlNet goes where the pipeline is that it steers: they exchange tensors at every step
        if checkpoint.id not in self._placed and (steered := self._find_partner(checkpoint)):
            self._placed[checkpoint.id] = self._choose_device(steered)
        if checkpoint.id not in self._placed:
            used = [sum(self._estimate_memory(i, d) for i, d in self._placed.items() if d == device) for device in self.devices]
            half_precision_size = round(checkpoint.parameters * 2 * MEMORY_OVERHEAD)
            self._placed[checkpoint.id] = choose_device(half_precision_size, self.devices, used)
        return self._placed[checkpoint.id]

    def _estimate_memory(self, checkpoint_id: str, device: Device) -> int:
        known = self._checkpoints.get(checkpoint_id)
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
        """Run several calls of one card together and return one result for each. Raises like `run`, for all of them."""
        return await batch_in_thread(self.run_now, calls)

    def run_now(self, calls: Sequence[Call]) -> Sequence[Result]:
        """Run calls of one card, blocking; in the other process where there is one. Raises like `run`."""
        return self._remote(calls, self.cache) if self._remote else self.run_here(calls)

    def run_here(self, calls: Sequence[Call]) -> Sequence[Result]:
        """Run calls of one card in this process, blocking. Raises like `run`."""
        card = calls[0].card
        with translate_errors(f"{card.id} failed on this input"):
            return _import_function(_FUNCTIONS[card.task])(calls, self._make_runtime(card.id))

    def load(self, model: str) -> None:
        """Load a cached model ahead of its first request, as the first task that it can do would; blocks.

        Raises:
            ExpertError: The model is not in the cache, doesn't fit, or can't be loaded.
        """
        card = next((card for card in self.cards() if card.id == model), None)
        if card is None:
            raise ExpertError(f"{model} is not in the cache, or does none of the tasks here.")
        with suppress(LoadedError), translate_errors(f"{card.id} can't be tried on {card.task}"):
            _import_function(_FUNCTIONS[card.task])([make_sample_call(card)], self._make_runtime(model, LoadOnlyRuntime))

    def _make_runtime(self, model: str, kind: type[Runtime] = Runtime) -> Runtime:
        if model not in self._checkpoints:  # this process scanned the cache before the model was fetched
            self.rescan()
            self.cards()
        checkpoint = self._checkpoints.get(model)
        if checkpoint is None or not checkpoint.folder.is_dir():  # deleted since the scan
            raise ExpertError(f"{model} is not in the cache any more.")
        return kind(checkpoint, self._choose_device(checkpoint), self.pool, tuple(self._checkpoints.values()))


def _describe(checkpoint: Checkpoint, steered: Checkpoint | None) -> str:
    labels = ", ".join(checkpoint.labels[:4])
    labelled = f", for {len(checkpoint.labels)} labels ({labels}…)" if len(checkpoint.labels) > 4 else f", for {labels}"
    beside = f", steering {steered.id}" if steered else ""
    size = f"{checkpoint.parameters / 1e6:,.0f} million parameters"
    return f"{checkpoint.architecture}{labelled if labels else ''}{beside}; {size}."


@functools.cache
def _import_function(path: str) -> TaskFunction:
    module, _, name = path.partition(":")
    found: TaskFunction = getattr(importlib.import_module(f"{__package__}.{module}"), name)
    return found
