"""Tiny checkpoints of real architectures, made from configurations and laid out as the Hub's client lays out its cache.

Each is made when a test first asks for it, by the function that `CHECKPOINTS` names for its id, once for all caches of a
process. What such a model says is noise; that it is loaded and run by the real code is the point.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.checkpoints import diffusion, documents, labels, pictures, poses, scenes, scripted, sounds, texts, videos

CHECKPOINTS: Mapping[str, Callable[[Path], None]] = {
    **texts.CHECKPOINTS,
    **pictures.CHECKPOINTS,
    **scenes.CHECKPOINTS,
    **documents.CHECKPOINTS,
    **poses.CHECKPOINTS,
    **sounds.CHECKPOINTS,
    **videos.CHECKPOINTS,
    **labels.CHECKPOINTS,
    **scripted.CHECKPOINTS,
    **diffusion.CHECKPOINTS,
}
"""By the Hub's id: what saves it into a folder, as ``save_pretrained`` does."""


def add_to_cache(cache: Path, repo_id: str, folder: Path) -> Path:
    """Move the files of a folder into a cache, as if the Hub's client had downloaded them; returns the snapshot."""
    repo = cache / f"models--{repo_id.replace('/', '--')}"
    revision = hashlib.sha1(repo_id.encode(), usedforsecurity=False).hexdigest()
    snapshot = repo / "snapshots" / revision
    (repo / "refs").mkdir(parents=True)
    (repo / "refs" / "main").write_text(revision)
    (repo / "blobs").mkdir()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        blob = repo / "blobs" / hashlib.sha256(f"{repo_id}/{file.relative_to(folder)}".encode()).hexdigest()
        shutil.move(file, blob)
        link = snapshot / file.relative_to(folder)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blob, link.parent))
    shutil.rmtree(folder)
    return snapshot


class HubCache:
    """A cache in a folder, into which checkpoints come as they are asked for."""

    def __init__(self, folder: Path) -> None:
        """Make one; `folder` is what ``HF_HUB_CACHE`` would name."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._snapshots: dict[str, Path] = {}

    def add(self, repo_id: str) -> Path:
        """Have a checkpoint in it; returns its snapshot."""
        if repo_id not in self._snapshots:
            copy = self.folder / "making"
            shutil.rmtree(copy, ignore_errors=True)  # of one that could not be made
            shutil.copytree(_make(repo_id), copy)
            self._snapshots[repo_id] = add_to_cache(self.folder, repo_id, copy)
        return self._snapshots[repo_id]


@functools.cache
def _keep() -> tempfile.TemporaryDirectory[str]:
    """Return the folder of what was made in this process, which goes with it."""
    return tempfile.TemporaryDirectory(prefix="checkpoints-")


@functools.cache
def _make(repo_id: str) -> Path:
    import torch

    made = Path(_keep().name) / repo_id
    made.mkdir(parents=True)
    torch.manual_seed(0)  # the same weights in whatever order tests run
    try:
        CHECKPOINTS[repo_id](made)
    except BaseException:
        shutil.rmtree(made)
        raise
    return made
