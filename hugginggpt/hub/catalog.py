"""The catalog in `models_config/`: for each task the models of the Hub that are known to do it, in order of preference.

One file a modality, which a person can read and edit. It stands in where the Hub's own search can't be reached, adds what
a live result leaves open (what a model is good at, what it needs), and names the small model to fetch for a task.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, NoReturn

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, field_validator

from hugginggpt.core.tasks import load_task_table
from hugginggpt.core.yaml_files import ConfigFileError, find_line, read_yaml

CATALOG_FOLDER: Final = Path(__file__).resolve().parents[2] / "models_config"
MODALITIES: Final = ("text", "image", "audio", "video", "control")

_BYTES_PER_PARAMETER: Final = 4  # most small models are stored in 32 bits
_UNITS: Final = {"M": 1e6, "B": 1e9}


def _require_pattern(pattern: str, example: str) -> BeforeValidator:
    """Build a validator for texts that match a pattern; its message shows the example."""

    def check(value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(f"“{value}” is not of the form {example}")
        return value

    return BeforeValidator(check)  # before pydantic's own checks, so that this message is the one shown


ModelId = Annotated[str, _require_pattern(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", "owner/name")]


class CatalogEntry(BaseModel):
    """Entry of the catalog: one model for one task."""

    model_config = ConfigDict(extra="forbid", frozen=True)  # people edit these files: a misspelt key is an error

    id: ModelId
    library: (
        Literal["transformers", "diffusers", "sklearn", "sentence-transformers", "speechbrain", "espnet", "nemo"] | None
    ) = None
    """Library that loads it."""
    parameters: Annotated[str, _require_pattern(r"\d+(\.\d+)?[MB]", "67M or 1.5B")] | None = None
    """Number of parameters, in millions or billions."""
    license: str = ""
    """License identifier on the Hub."""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes; "multilingual" where they are many; empty where language doesn't matter."""
    needs: Literal["cpu", "gpu", "server"]
    """Smallest hardware that runs it: a laptop's processor, a GPU, or hosted inference."""
    gated: StrictBool = False  # strict: pydantic would take the text “no” for a value, too
    """True if the Hub asks for consent to its terms first."""
    small: StrictBool = False
    """True if `models pull TASK` fetches it."""
    beside: tuple[ModelId, ...] = ()
    """Models that it needs beside it."""
    description: Annotated[str, Field(min_length=20, max_length=200)]
    source: Annotated[str, _require_pattern(r"[a-z][\w-]*|https://\S+", "a library's name or https://…")]
    """Public source of its id: a library, the list of 2023, or a page's address."""

    @field_validator("languages")
    @classmethod
    def _check_languages(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        for code in codes:
            if code != "multilingual" and not (2 <= len(code) <= 3 and code.isalpha() and code.islower()):
                raise ValueError(f"“{code}” is no language code: write two letters such as en, or multilingual")
        return codes

    @property
    def parameter_count(self) -> int | None:
        """Number of parameters."""
        return round(float(self.parameters[:-1]) * _UNITS[self.parameters[-1]]) if self.parameters else None

    @property
    def size_mb(self) -> float | None:
        """Size of the weights in megabytes, at two bytes a parameter."""
        return self.parameter_count * 2 / 1e6 if self.parameter_count else None


Catalog = Mapping[str, tuple[CatalogEntry, ...]]
"""Entries by task."""


def read_catalog(folder: Path = CATALOG_FOLDER) -> Catalog:
    """Read and check all files of a folder.

    Raises:
        ConfigFileError: Something in them can't be used.
    """
    found: dict[str, tuple[CatalogEntry, ...]] = {}
    file_names: dict[str, str] = {}
    for modality in MODALITIES:
        path = folder / f"{modality}.yaml"
        for task, entries in read_yaml(path, dict[str, tuple[CatalogEntry, ...]]).items():
            if task in file_names:
                _raise_at_line(path, task, f"{task} stands in {file_names[task]} too: join the two.")
            _check_task(path, task, entries)
            found[task], file_names[task] = entries, path.name
    return found


def _check_task(path: Path, task: str, entries: tuple[CatalogEntry, ...]) -> None:
    """Check what can't be seen in one entry alone: the task's name, doubled ids, more than one small model."""
    if task not in load_task_table():
        suggestion = load_task_table().recognise(task)
        remedy = f"write “{suggestion}”" if suggestion else "python -m hugginggpt tasks lists them"
        _raise_at_line(path, task, f"“{task}” is no task: {remedy}.")
    ids = [entry.id.lower() for entry in entries]  # ids that differ in case alone mean one model
    for number, entry in enumerate(entries):
        if entry.id.lower() in ids[:number]:  # quadratic, for a dozen entries
            _raise_at_line(path, task, f"{entry.id} stands under {task} for the second time: delete it.", number)
    for number in [number for number, entry in enumerate(entries) if entry.small][1:]:
        _raise_at_line(path, task, f"{task} has two small models: take “small” away from all but one.", number, "small")


def _raise_at_line(path: Path, task: str, message: str, *keys: int | str) -> NoReturn:
    raise ConfigFileError(f"{path.name}, line {find_line(path, (task, *keys))}: {message}")


@functools.cache
def load_catalog() -> Catalog:
    """Return the shipped catalog, read once.

    Raises:
        ConfigFileError: Somebody has edited the files, and something in them can't be used.
    """
    return read_catalog()


def find_catalog_entry(model: str, task: str) -> CatalogEntry | None:
    """Return the catalog's entry for a model and a task, if there is one."""
    return next((entry for entry in load_catalog().get(task, ()) if entry.id == model), None)


@dataclass(frozen=True, slots=True)
class SmallModel:
    """The small model of a task, as it is offered before the Hub is asked."""

    id: str
    max_bytes: int
    """The most that it takes, with the models beside it, at four bytes a parameter."""
    license: str


def find_small_model(task: str) -> SmallModel | None:
    """Find the small model that is fetched for a task; None where there is none, or its size isn't known."""
    entry = next((entry for entry in load_catalog().get(task, ()) if entry.small), None)
    if entry is None:
        return None
    others = [next((e for es in load_catalog().values() for e in es if e.id == model), None) for model in entry.beside]
    counts = [each.parameter_count if each else None for each in (entry, *others)]
    known = [count for count in counts if count]
    return SmallModel(entry.id, sum(known) * _BYTES_PER_PARAMETER, entry.license) if len(known) == len(counts) else None


def list_small_models() -> Mapping[str, tuple[str, ...]]:
    """Return, for each task, the ids of one small model and of the models that it needs beside it."""
    return {task: (entry.id, *entry.beside) for task, entries in load_catalog().items() for entry in entries if entry.small}
