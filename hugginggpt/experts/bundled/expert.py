"""The bundled back end: models whose weights come inside Python packages.

They run with nothing cached, nothing hosted and no key. ``models_config/bundled.yaml`` lists them; each pair of model
and task is one function of this package.
"""

import functools
import importlib
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from hugginggpt.core.model_card import ModelCard
from hugginggpt.experts.base import Call, Result, run_in_thread
from hugginggpt.experts.bundled.weights import CONFIG_PATH, Weights, find_package, use_weights

# must be set before onnxruntime's first import, or it reports to its maker and writes into the home folder
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_FUNCTIONS: Final[Mapping[tuple[str, str], str]] = {
    (model, task): function
    for model, functions in yaml.safe_load(Path(__file__).with_name("functions.yaml").read_text(encoding="utf-8")).items()
    for task, function in functions.items()
}
"""Functions by model and task, as "module:name", imported at the first call."""

_SECOND_MODELS: Final[Mapping[tuple[str, str], str]] = {("PP-OCRv6-small", "document-question-answering"): "all-MiniLM-L6-v2"}
"""Second models that tasks need, by model and task."""


@dataclass(frozen=True, slots=True)
class _ModelEntry:
    """One entry of the YAML file."""

    id: str
    module: str
    description: str
    tasks: tuple[str, ...]
    license: str = ""
    size_mb: float | None = None
    languages: tuple[str, ...] = ()
    weights: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()

    @property
    def modules(self) -> set[str]:
        """Packages that it needs: its code's and its weights'."""
        return {self.module, *(name.partition("/")[0] for name in self.weights)}


class BundledExpert:
    """Expert for models that come inside packages."""

    backend = "bundled"

    def __init__(self, config: Path = CONFIG_PATH) -> None:
        """Read the table of models; nothing heavy is imported."""
        entries: list[dict[str, Any]] = yaml.safe_load(config.read_text(encoding="utf-8"))
        self._models = {
            e["id"]: _ModelEntry(**e | {k: tuple(e.get(k, ())) for k in ("tasks", "languages", "tags")}) for e in entries
        }
        self._weights = Weights({model.id: model.weights for model in self._models.values()})

    @functools.cached_property
    def _cards(self) -> tuple[ModelCard, ...]:
        return tuple(
            ModelCard(
                id=model.id,
                task=task,
                backend=self.backend,
                description=model.description,
                license=model.license,
                size_mb=model.size_mb,
                languages=model.languages,
                slot=f"bundled:{model.id}",
                tags=model.tags,
            )
            for model in self._models.values()
            for task in model.tasks
            if (model.id, task) in _FUNCTIONS
            and self._is_installed(model.id)  # looks at the disk, hence the cached property
            and self._is_installed(_SECOND_MODELS.get((model.id, task), model.id))
        )

    def _is_installed(self, model_id: str) -> bool:
        model = self._models.get(model_id)
        return model is not None and all(find_package(module) is not None for module in model.modules)

    def cards(self, tasks: Collection[str] | None = None) -> Sequence[ModelCard]:
        """Return the cards of the models whose packages are installed, in the file's order."""
        return self._cards  # all, whatever the tasks: they cost nothing

    async def run(self, call: Call) -> Result:
        """Run one model in a thread; all weights are checked before they are loaded.

        Raises:
            InputError: The input doesn't suit the task.
            ExpertError: The weights are missing or not the ones that were checked.
        """
        return await run_in_thread(self._run_blocking, call)

    def _run_blocking(self, call: Call) -> Result:
        with use_weights(self._weights):
            return _import_function(_FUNCTIONS[call.card.id, call.card.task])(call)


@functools.cache
def _import_function(name: str) -> Callable[[Call], Result]:
    module, _, function = name.partition(":")
    found: Callable[[Call], Result] = getattr(importlib.import_module(f"{__package__}.{module}"), function)
    return found
