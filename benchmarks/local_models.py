"""What the local back end adds to a model's own work: ``python -m benchmarks.local_models``.

The same photograph goes through the same classifier, of ViT-Base's size with random weights (nothing is downloaded), in two
ways that take turns: the bare calls of processor and model, and a warm call through the back end. Both decode the picture.
The second figure is what eight pictures cost as one batch, against one by one.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call
from hugginggpt.experts.local.expert import LocalExpert
from hugginggpt.hub.cache import read_checkpoint
from hugginggpt.workspace import media
from hugginggpt.workspace.workspace import EXAMPLE_MEDIA

MODEL = "benchmark/vit-base"
ROUNDS = 15
PICTURE = Resource("image-1", Kind.IMAGE, Origin("example", "cat.jpg"), path=EXAMPLE_MEDIA / "cat.jpg")


@dataclass(frozen=True)
class Figures:
    """Medians of one run, in seconds."""

    bare: float
    warm: float
    one_by_one: float
    batch: float


def make_cache(folder: Path, **smaller: Any) -> Path:
    """A Hub cache with one image classifier; `smaller` changes its size."""
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor

    snapshot = folder / f"models--{MODEL.replace('/', '--')}" / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    config = ViTConfig(**smaller)
    ViTForImageClassification(config).save_pretrained(snapshot)
    size: Any = config.image_size
    ViTImageProcessor(size={"height": size, "width": size}).save_pretrained(snapshot)
    return folder


def bare_call(snapshot: Path) -> Callable[[], None]:
    """Processor and model as anybody would call them."""
    import torch
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    processor = AutoImageProcessor.from_pretrained(snapshot)
    model = AutoModelForImageClassification.from_pretrained(snapshot).eval()

    def run() -> None:
        assert PICTURE.path
        image = media.open_image(PICTURE.path, max_pixels=50_000_000)
        with torch.inference_mode():
            model(**processor(images=[image], return_tensors="pt")).logits.softmax(-1).topk(2)

    return run


async def measure(cache: Path, rounds: int = ROUNDS) -> Figures:
    """Run both ways in turn."""
    (snapshot,) = cache.glob("models--*/snapshots/*")
    assert read_checkpoint(MODEL, snapshot)
    expert = LocalExpert(cache, device="cpu")
    (card,) = expert.cards()
    bare = bare_call(snapshot)

    def call() -> Call:
        return Call(card, {"image": PICTURE}, lambda suffix: cache / f"unused{suffix}")

    async def warm() -> None:
        await expert.run(call())

    async def together() -> None:
        await expert.run_batch([call() for _ in range(8)])

    async def one_by_one() -> None:
        for _ in range(8):
            await warm()

    async def alone() -> None:
        await asyncio.to_thread(bare)

    ways: list[Callable[[], Coroutine[Any, Any, None]]] = [alone, warm, one_by_one, together]
    taken: list[list[float]] = [[] for _ in ways]
    for way in ways:  # the first call loads
        await way()
    for _ in range(rounds):
        for times, way in zip(taken, ways, strict=True):
            begun = time.perf_counter()
            await way()
            times.append(time.perf_counter() - begun)
    return Figures(*map(statistics.median, taken))


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measure(make_cache(Path(folder))))
    print(f"bare model call   {figures.bare * 1000:7.1f} ms")
    print(f"warm call         {figures.warm * 1000:7.1f} ms   {figures.warm / figures.bare:.3f} of it")
    print(f"8 one by one      {figures.one_by_one * 1000:7.1f} ms")
    print(f"8 as one batch    {figures.batch * 1000:7.1f} ms   {figures.batch / figures.one_by_one:.3f} of it")


if __name__ == "__main__":
    main()
