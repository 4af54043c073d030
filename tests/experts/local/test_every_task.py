"""Every row of the task table runs here on cached or bundled models, through the real scheduler, on real media."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from hugginggpt.agent.agent import HuggingGPT, Session
from hugginggpt.core.events import TaskDone, TaskStarted
from hugginggpt.core.settings import Settings
from hugginggpt.core.tasks import Kind, load_task_table
from hugginggpt.core.trace import fold_steps
from hugginggpt.experts.bundled.expert import BundledExpert
from hugginggpt.experts.local.expert import LocalExpert
from hugginggpt.workspace import file_types
from hugginggpt.workspace.workspace import Workspace
from tests.checkpoints import HubCache
from tests.conftest import MEDIA, Planner

CONTROLS = ("canny", "hed", "mlsd", "normal", "openpose", "depth", "seg")

MODELS: Mapping[str, tuple[str, ...]] = {
    "text-classification": ("tiny/bert-sentiment",),
    "token-classification": ("tiny/bert-ner",),
    "text2text-generation": ("tiny/flan-t5",),
    "summarization": ("tiny/bart-cnn",),
    "translation": ("tiny/opus-mt-en-de",),
    "question-answering": ("tiny/bert-squad",),
    "conversational": ("tiny/llama-chat",),
    "text-generation": ("tiny/gpt2",),
    "sentence-similarity": ("tiny/minilm",),
    "zero-shot-classification": ("tiny/roberta-nli",),
    "fill-mask": ("tiny/bert-mask",),
    "table-question-answering": ("tiny/tapas",),
    "table-to-chart": ("matplotlib-charts",),
    "tabular-classification": ("tiny/retirement",),
    "image-to-text": ("tiny/blip-captioning",),
    "image-classification": ("tiny/vit",),
    "object-detection": ("tiny/detr",),
    "image-segmentation": ("tiny/segformer",),
    "visual-question-answering": ("tiny/vilt",),
    "document-question-answering": ("tiny/layoutlm",),
    "text-to-image": ("tiny/sd",),
    "image-to-image": ("tiny/sd",),
    "inpainting": ("tiny/sd",),
    "depth-estimation": ("tiny/dpt",),
    "mask-generation": ("tiny/sam",),
    "zero-shot-image-classification": ("tiny/clip",),
    "zero-shot-object-detection": ("tiny/owlvit",),
    "text-to-speech": ("tiny/vits",),
    "automatic-speech-recognition": ("tiny/whisper",),
    "audio-classification": ("tiny/wav2vec2-classifier",),
    "audio-to-audio": ("DeepFilterNet3",),
    "text-to-audio": ("tiny/musicgen",),
    "text-to-video": ("tiny/ltx",),
    "image-to-video": ("tiny/ltx-i2v",),
    "video-classification": ("tiny/videomae",),
    "canny-control": ("opencv-canny",),
    "hed-control": ("opencv-outlines",),
    "mlsd-control": ("opencv-lsd",),
    "normal-control": ("tiny/dpt",),
    "openpose-control": ("tiny/vitpose", "tiny/sees-people"),
    "depth-control": ("tiny/dpt",),
    "seg-control": ("tiny/segformer",),
    **{f"{name}-text-to-image": (f"tiny/controlnet-{name}", "tiny/sd") for name in CONTROLS},
}
"""For each task its model, and the models that this one needs beside it."""

TEXTS = {"question": "Who is named?", "labels": "cats, dogs", "other_text": "A cat sat there.", "language": "German"}
FILES = {Kind.IMAGE: "cat.jpg", Kind.AUDIO: "speech.flac", Kind.TABLE: "people.csv", Kind.VIDEO: "clip.mp4"}

OWN_FILES = {"document-question-answering": {"image": "sign.jpg"}}
OWN_TEXTS = {"table-to-chart": {"instruction": "bar chart of age by name"}, "fill-mask": {"text": "Ines saw a ___ in Paris."}}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> HubCache:
    """A cache with these models alone."""
    alone = HubCache(tmp_path_factory.mktemp("every-task"))
    for model in dict.fromkeys(model for models in MODELS.values() for model in models):
        if model.startswith("tiny/"):
            alone.add(model)
    return alone


@pytest.fixture(scope="module")
def agent(cache: HubCache, tmp_path_factory: pytest.TempPathFactory) -> HuggingGPT:
    settings = Settings(sessions=tmp_path_factory.mktemp("sessions"), top_k=100)
    return HuggingGPT(
        [LocalExpert(cache.folder, device="cpu", memory_gb=2), BundledExpert()], fallback=Planner(), settings=settings
    )


def test_the_cases_cover_the_table() -> None:
    assert set(MODELS) == set(load_task_table())


@pytest.mark.parametrize("name", list(load_task_table()))
async def test_a_task_runs_and_makes_what_its_row_says(agent: HuggingGPT, name: str) -> None:
    row = load_task_table()[name]
    with Workspace.create(agent.settings) as workspace:
        args = {}
        for wanted in row.inputs:
            if wanted.kind is Kind.TEXT:
                args[wanted.name] = TEXTS.get(wanted.name, "Ines saw a cat in Paris.")
            else:
                args[wanted.name] = workspace.add_file(MEDIA / FILES[wanted.kind]).name
        args |= {key: workspace.add_file(MEDIA / value).name for key, value in OWN_FILES.get(name, {}).items()}
        args |= OWN_TEXTS.get(name, {})
        plan = [{"task": name, "id": 0, "dep": [-1], "args": args}]
        planner = Planner([plan], prefers=MODELS[name][0])
        events = [event async for event in agent.run("Do it.", Session(workspace), planner)]
        (step,) = fold_steps(events)
        assert (step.status, step.error) == ("done", "")
        assert step.model is not None
        assert MODELS[name][0] in step.model.id
        assert [output.kind for output in step.outputs] == list(row.outputs)
        for output in step.outputs:
            if output.path is not None:
                found, _ = file_types.identify(output.path, output.path.name, max_pixels=10**7)
                assert found is output.kind
            else:
                assert output.text is not None


async def test_eight_pictures_to_classify_go_through_the_model_as_one_batch(agent: HuggingGPT) -> None:
    with Workspace.create(agent.settings) as workspace:
        name = workspace.add_file(MEDIA / "cat.jpg").name
        plan = [{"task": "image-classification", "id": n, "dep": [-1], "args": {"image": name}} for n in range(8)]
        planner = Planner([plan], prefers="tiny/vit")
        events = [event async for event in agent.run("Do it.", Session(workspace), planner)]
    kinds = [type(event) for event in events if isinstance(event, TaskStarted | TaskDone)]
    assert kinds == [TaskStarted] * 8 + [TaskDone] * 8


def test_the_terminal_shows_every_task_runnable(cache: HubCache, tmp_path: Path) -> None:
    environment = os.environ | {"HF_HUB_CACHE": str(cache.folder), "HUGGINGGPT_SESSIONS": str(tmp_path)}
    command = [sys.executable, "-m", "hugginggpt", "tasks", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=True)
    rows = {row["task"]: row for row in json.loads(done.stdout)}
    assert [name for name, row in rows.items() if not row["runnable"]] == []
    for name, models in MODELS.items():
        assert models[0] in {model["id"] for model in rows[name]["models"]}
