"""Cases of the comparison, and the rules by which two results agree."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from hugginggpt.core.resources import Resource
from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.cancel_token import CancelToken
from hugginggpt.experts.local.expert import LocalExpert
from hugginggpt.workspace.workspace import Workspace
from tests.checkpoints import HubCache
from tests.conftest import MEDIA

TOLERANCE: Final = 2e-3
"""Greatest difference of two numbers that count as one: results are rounded to four digits, pictures to eight bits."""

Reference = Callable[[Path, Mapping[str, Any]], Any]
"""Runs the library's own code on a checkpoint's folder and the inputs: texts, and paths of files."""


@dataclass(frozen=True, slots=True)
class Case:
    """One model on one input."""

    task: str
    model: str
    inputs: Mapping[str, str]
    """Texts; a name with a suffix that lies in demos/media is that file."""
    reference: Reference
    read: Callable[[Result], Any]
    """Returns of our result what the reference returns."""
    purpose: str = ""
    """Why it may differ; empty where it must not."""
    beside: tuple[str, ...] = ()
    """Checkpoints that it needs beside it."""
    tolerance: float = TOLERANCE


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of one case."""

    case: Case
    outcome: Literal["agrees", "on purpose", "differs"]
    detail: str = ""


class Bench:
    """A folder for caches of tiny checkpoints, and a workspace."""

    def __init__(self, folder: Path, workspace: Workspace) -> None:
        """Make pictures of sizes that the examples lack."""
        from PIL import Image

        self._folder, self._workspace = folder, workspace
        cat = Image.open(MEDIA / "cat.jpg").convert("RGB")
        self._pictures = {"small.png": cat.resize((90, 60)), "square.png": cat.resize((96, 96))}
        for name, picture in self._pictures.items():
            picture.save(folder / name)

    def compare(self, case: Case) -> Verdict:
        """Run one case both ways, in a cache of its own."""
        import torch

        try:
            cache = HubCache(Path(tempfile.mkdtemp(dir=self._folder)))
            snapshot = [cache.add(model) for model in (*case.beside, case.model)][-1]
            files = {name: path for name, value in case.inputs.items() if (path := self._find_file(value))}
            torch.manual_seed(0)
            theirs = case.reference(snapshot, {**case.inputs, **files})
            torch.manual_seed(0)  # for what both sample
            ours = case.read(self._run(case, cache, files))
        except Exception as error:  # a case that fails is one that differs, and the others go on
            return Verdict(case, "differs", (f"{type(error).__name__}: {error}".splitlines() or [""])[0])
        if agree(ours, theirs, case.tolerance):
            return Verdict(case, "agrees")
        return Verdict(case, "on purpose" if case.purpose else "differs", case.purpose or f"{ours!r:.150} / {theirs!r:.150}")

    def _find_file(self, value: str) -> Path | None:
        if value in self._pictures:
            return self._folder / value
        is_name = " " not in value and "\n" not in value
        return MEDIA / value if is_name and (MEDIA / value).is_file() else None

    def _run(self, case: Case, cache: HubCache, files: Mapping[str, Path]) -> Result:
        expert = LocalExpert(cache.folder, device="cpu", memory_gb=2)
        card = next(card for card in expert.cards() if (card.id, card.task) == (case.model, case.task))
        given: dict[str, str | Resource] = {**case.inputs}
        given |= {name: self._workspace.add_file(path) for name, path in files.items()}
        (result,) = expert.run_here([Call(card, given, self._workspace.new_path, CancelToken())])
        return result


def agree(ours: Any, theirs: Any, tolerance: float = TOLERANCE) -> bool:
    """Return whether two results are the same but for rounding: texts alike, numbers and arrays within a tolerance."""
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        return ours.keys() == theirs.keys() and all(agree(ours[key], theirs[key], tolerance) for key in ours)
    if isinstance(ours, str) or isinstance(theirs, str) or ours is None or theirs is None:
        return bool(ours == theirs)
    if isinstance(ours, list | tuple) and isinstance(theirs, list | tuple):
        return len(ours) == len(theirs) and all(agree(*pair, tolerance) for pair in zip(ours, theirs, strict=True))
    one, other = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    return one.shape == other.shape and bool(np.allclose(one, other, rtol=tolerance, atol=tolerance))
