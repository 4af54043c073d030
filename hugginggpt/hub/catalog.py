"""What `models_config/` says: for each task the models of the Hub that are known to do it, in order of preference.

One file a modality, which a person can read and edit. It serves where the Hub's own search can't be asked, tells what
a live result leaves open (what a model is good at, what it needs), and says which small model to fetch for a task.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, NoReturn

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, field_validator

from hugginggpt.core.tasks import task_table
from hugginggpt.core.yaml_files import ConfigFileError, line_of, read_yaml

FOLDER: Final = Path(__file__).resolve().parents[2] / "models_config"
MODALITIES: Final = ("text", "image", "audio", "video", "control")

_UNITS: Final = {"M": 1e6, "B": 1e9}


def _like(pattern: str, example: str) -> BeforeValidator:
    """A text of that form; the example is the remedy."""

    def check(value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(f"“{value}” is not of the form {example}")
        return value

    return BeforeValidator(check)


ModelId = Annotated[str, _like(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", "owner/name")]


class CatalogEntry(BaseModel):
    """One model for one task."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: ModelId
    library: (
        Literal["transformers", "diffusers", "sklearn", "sentence-transformers", "speechbrain", "espnet", "nemo"] | None
    ) = None
    """What loads it."""
    parameters: Annotated[str, _like(r"\d+(\.\d+)?[MB]", "67M or 1.5B")] | None = None
    """How many, in millions or billions."""
    license: str = ""
    """The Hub's identifier."""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes; "multilingual" where they are many; empty where language doesn't matter."""
    needs: Literal["cpu", "gpu", "server"]
    """A laptop's processor, a GPU, or hosted inference."""
    gated: StrictBool = False
    """Whether the Hub asks for consent to terms first."""
    small: StrictBool = False
    """Whether it is what `models pull TASK` fetches."""
    beside: tuple[ModelId, ...] = ()
    """Models that it can't do without."""
    description: Annotated[str, Field(min_length=20, max_length=200)]
    source: Annotated[str, _like(r"[a-z][\w-]*|https://\S+", "a library's name or https://…")]
    """Where its id stands in public: a library, the list of 2023, or a page's address."""

    @field_validator("languages")
    @classmethod
    def _known(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        for code in codes:
            if code != "multilingual" and not (2 <= len(code) <= 3 and code.isalpha() and code.islower()):
                raise ValueError(f"“{code}” is no language code: write two letters such as en, or multilingual")
        return codes

    @property
    def count(self) -> int | None:
        """How many parameters."""
        return round(float(self.parameters[:-1]) * _UNITS[self.parameters[-1]]) if self.parameters else None

    @property
    def size_mb(self) -> float | None:
        """Its weights in megabytes, at two bytes a parameter."""
        return self.count * 2 / 1e6 if self.count else None


Catalog = Mapping[str, tuple[CatalogEntry, ...]]
"""Entries by task."""


def read_catalog(folder: Path = FOLDER) -> Catalog:
    """All files of a folder, checked.

    Raises:
        ConfigFileError: Something in them can't be used.
    """
    found: dict[str, tuple[CatalogEntry, ...]] = {}
    places: dict[str, str] = {}
    for modality in MODALITIES:
        path = folder / f"{modality}.yaml"
        for task, entries in read_yaml(path, dict[str, tuple[CatalogEntry, ...]]).items():
            if task in places:
                _complain(path, task, f"{task} stands in {places[task]} too: join the two.")
            _check(path, task, entries)
            found[task], places[task] = entries, path.name
    return found


def _check(path: Path, task: str, entries: tuple[CatalogEntry, ...]) -> None:
    """What can't be seen in one entry alone."""
    if task not in task_table():
        near = task_table().recognise(task)
        _complain(path, task, f"“{task}” is no task: {f'write “{near}”' if near else 'python -m hugginggpt tasks lists them'}.")
    ids = [entry.id.lower() for entry in entries]
    for number, entry in enumerate(entries):
        if entry.id.lower() in ids[:number]:
            _complain(path, task, f"{entry.id} stands under {task} for the second time: delete it.", number)
    for number in [number for number, entry in enumerate(entries) if entry.small][1:]:
        _complain(path, task, f"{task} has two small models: take “small” away from all but one.", number, "small")


def _complain(path: Path, task: str, said: str, *place: int | str) -> NoReturn:
    raise ConfigFileError(f"{path.name}, line {line_of(path, (task, *place))}: {said}")


@functools.cache
def load_catalog() -> Catalog:
    """The files as shipped, read once.

    Raises:
        ConfigFileError: Somebody has edited them, and something in them can't be used.
    """
    return read_catalog()


def known(model: str, task: str) -> CatalogEntry | None:
    """What the files say of a model for a task."""
    return next((entry for entry in load_catalog().get(task, ()) if entry.id == model), None)


def small_models() -> Mapping[str, tuple[str, ...]]:
    """For each task the Hub's ids of one small model and of what it can't do without."""
    return {task: (entry.id, *entry.beside) for task, entries in load_catalog().items() for entry in entries if entry.small}
