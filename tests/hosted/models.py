"""The real tiny models behind the stand-in; what each is asked is computed once."""

from __future__ import annotations

import asyncio
import functools
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.checkpoints import HubCache
from tests.hosted.formats import TASKS
from tests.hosted.inputs import Given, RefusedError

CHECKPOINTS: Final[Mapping[str, str]] = {
    "text-classification": "tiny/bert-sentiment",
    "token-classification": "tiny/bert-ner",
    "fill-mask": "tiny/bert-mask",
    "zero-shot-classification": "tiny/roberta-nli",
    "sentence-similarity": "tiny/minilm",
    "feature-extraction": "tiny/minilm",
    "summarization": "tiny/bart-cnn",
    "translation": "tiny/opus-mt-en-de",
    "text2text-generation": "tiny/flan-t5",
    "text-generation": "tiny/gpt2",
    "question-answering": "tiny/bert-squad",
    "table-question-answering": "tiny/tapas",
    "tabular-classification": "tiny/retirement",
    "image-classification": "tiny/vit",
    "object-detection": "tiny/detr",
    "image-segmentation": "tiny/segformer",
    "zero-shot-image-classification": "tiny/clip",
    "image-to-text": "tiny/blip-captioning",
    "text-to-image": "tiny/sd",
    "image-to-image": "tiny/sd",
    "text-to-speech": "tiny/vits",
    "automatic-speech-recognition": "tiny/wav2vec2-ctc",
    "audio-classification": "tiny/wav2vec2-classifier",
    "audio-to-audio": "DeepFilterNet3",
    "text-to-video": "tiny/ltx",
    "image-to-video": "tiny/ltx-i2v",
    "conversational": "tiny/llama-chat",
    "image-text-to-text": "tiny/smolvlm",
}
"""Which does a task where a test names none; one that isn't "tiny/..." is a bundled model."""


class Models:
    """The models of one cache; what each is asked is computed once."""

    def __init__(self, cache: HubCache) -> None:
        from hugginggpt.experts.bundled.expert import BundledExpert
        from hugginggpt.experts.local.expert import LocalExpert

        self._add, self.local = cache.add, LocalExpert(cache.folder, device="cpu", memory_gb=2)
        self._bundled = BundledExpert()
        self._pipes: dict[tuple[str, str], Any] = {}
        self._said: dict[tuple[str, str, str], Any] = {}
        self._ran: dict[tuple[str, str, str], tuple[Any, Any, bytes]] = {}
        """What the back ends made, which differs less than what is asked: sizes and the like come later."""
        self._lock = threading.Lock()

    def ask(self, task: str, checkpoint: str, given: Given) -> Any:
        """What a model makes of an input: a JSON value, or a file.

        Raises:
            RefusedError: The input doesn't suit the task.
        """
        from hugginggpt.core.errors import HuggingGPTError

        key = task, checkpoint, given.key()
        with self._lock:
            if key not in self._said:
                if task not in TASKS:
                    raise RefusedError(f"Task {task} is not done here")
                try:
                    self._said[key] = TASKS[task](self, task, checkpoint, given)
                except (HuggingGPTError, ValueError, TypeError, IndexError, OSError) as error:
                    raise RefusedError(str(error)) from error
            return self._said[key]

    def pipe(self, task: str, checkpoint: str) -> Any:
        """A pipeline of transformers, loaded once."""
        import transformers

        if (task, checkpoint) not in self._pipes:
            make: Any = transformers.pipeline  # its overloads want the task as a literal
            self._pipes[task, checkpoint] = make(task, model=str(self._add(checkpoint)), device="cpu")
        return self._pipes[task, checkpoint]

    def encode(self, checkpoint: str, texts: Sequence[str]) -> list[list[float]]:
        """The mean vector of each text, of length 1."""
        import torch

        pipe = self.pipe("feature-extraction", checkpoint)
        means = [torch.tensor(pipe(text)[0]).mean(0) for text in texts]
        return [(mean / mean.norm()).tolist() for mean in means]

    def knows(self, task: str, checkpoint: str) -> bool:
        """Whether a checkpoint does a task in the project's own back ends."""
        return any(card.task == task for card in self._cards(checkpoint))

    def run(self, task: str, checkpoint: str, files: Mapping[str, bytes] | None = None, **texts: str) -> tuple[Any, Any, bytes]:
        """Text, data and file that a model of the project's own back ends makes; None, {} and b"" where there is none."""
        key = task, checkpoint, Given([dict(files or {}), texts]).key()
        if key not in self._ran:
            self._ran[key] = self._run(task, checkpoint, files or {}, texts)
        return self._ran[key]

    def _run(self, task: str, checkpoint: str, files: Mapping[str, bytes], texts: Mapping[str, str]) -> tuple[Any, Any, bytes]:
        from hugginggpt.core.resources import Origin, Resource
        from hugginggpt.core.tasks import Kind
        from hugginggpt.experts.base import Call

        card = next((card for card in self._cards(checkpoint) if card.task == task), None)
        if card is None:
            raise RefusedError(f"{checkpoint} doesn't do {task}")
        expert = self.local if card.backend == "local" else self._bundled
        with tempfile.TemporaryDirectory(prefix="hosted-") as folder:
            given: dict[str, Any] = dict(texts)
            for name, content in files.items():
                (path := Path(folder, f"{name}.in")).write_bytes(content)
                given[name] = Resource(f"{name}-1", Kind(name), Origin("upload", name), path=path)
            made = iter(range(99))
            result = asyncio.run(expert.run(Call(card, given, lambda suffix: Path(folder, f"{next(made)}{suffix}"))))
            text = next((each.text for each in result.outputs if each.text is not None), None)
            data = next((each.data for each in result.outputs if each.data), {})
            file = next((each.path.read_bytes() for each in result.outputs if each.path is not None), b"")
        return text, data, file

    def _cards(self, checkpoint: str) -> list[Any]:
        if not checkpoint.startswith("tiny/"):
            return [card for card in self._bundled.cards() if checkpoint in card.id]
        self._add(checkpoint)
        found = [card for card in self.local.cards() if card.id == checkpoint]
        if not found:  # it came into the cache after the last look
            self.local.rescan()
            found = [card for card in self.local.cards() if card.id == checkpoint]
        return found


@functools.cache
def models_of(cache: HubCache) -> Models:
    """Those of a cache, shared by all servers in front of it."""
    return Models(cache)
