"""Loading of models ahead of their first request: the setting ``HUGGINGGPT_PRELOAD``.

A ZeroGPU Space loads them before its page is up: a process that is lent a GPU is a copy of the one that started, and has
the models that were loaded there. Everywhere else the page comes first, and a thread loads them in the background.
"""

import functools
import logging
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import yaml

from hugginggpt.core.errors import HuggingGPTError
from hugginggpt.core.model_card import ModelCard
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind, TaskInput, load_task_table
from hugginggpt.experts.base import CacheExpert, Call
from hugginggpt.workspace.workspace import EXAMPLE_MEDIA

log = logging.getLogger(__name__)

PRELOAD_LIST: Final = Path(__file__).resolve().parents[3] / "models_config" / "preload.yaml"
_SAMPLE_TEXT: Final = "A cat on a sofa"
_SAMPLE_FILES: Final[Mapping[Kind, str]] = {
    Kind.IMAGE: "cat.jpg",
    Kind.AUDIO: "speech.flac",
    Kind.VIDEO: "clip.mp4",
    Kind.TABLE: "people.csv",
}
"""Example files for a function that is only to load its model: it reads its inputs before it loads."""


@functools.cache
def read_preload_list() -> Sequence[str]:
    """Read the models that a ZeroGPU Space loads by default, from ``models_config/preload.yaml``."""
    found: list[str] = yaml.safe_load(PRELOAD_LIST.read_text(encoding="utf-8"))
    return tuple(found)  # cached, so it must not be changed


def load_models(expert: CacheExpert, models: Sequence[str]) -> Sequence[str]:
    """Load cached models one after the other; a model that can't be loaded is logged and left to its first request.

    Returns:
        The models that are loaded now.
    """
    loaded: list[str] = []
    for model in models:
        try:
            expert.load(model)
        except HuggingGPTError as error:  # the Space starts without it
            log.warning("%s is not loaded ahead: %s", model, error)
        else:
            loaded.append(model)
            log.info("%s is loaded.", model)
    return loaded


def load_in_background(expert: CacheExpert, models: Sequence[str]) -> threading.Thread:
    """Load cached models in a daemon thread, and return the thread."""
    thread = threading.Thread(target=load_models, args=(expert, models), name="preload", daemon=True)  # the exit needn't wait
    thread.start()
    return thread


def make_sample_call(card: ModelCard) -> Call:
    """Build a call with inputs of the right kinds, to load a model; its result is never used."""
    inputs = {item.name: _make_sample_input(item) for item in load_task_table()[card.task].inputs if item.required}
    return Call(card, inputs, lambda suffix: Path(os.devnull))  # it ends once the model is loaded: nothing is written


def _make_sample_input(task_input: TaskInput) -> str | Resource:
    if task_input.kind is Kind.TEXT:
        return _SAMPLE_TEXT
    name = _SAMPLE_FILES[task_input.kind]
    return Resource(f"{task_input.kind.value}-1", task_input.kind, Origin("example", name), path=EXAMPLE_MEDIA / name)
