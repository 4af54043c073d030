"""Fetching a model from the Hub on purpose: what it will take is known before, and no pickle is taken."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from hugginggpt.core.errors import ExpertError, HuggingGPTError
from hugginggpt.hub.cache import cache_folder
from hugginggpt.hub.client import install

_WEIGHTS: Final = re.compile(r"(?:model|diffusion_pytorch_model)(?:-\d+-of-\d+)?\.safetensors")
_BESIDE: Final = frozenset({".json", ".txt", ".model", ".spm", ".bpe", ".jinja", ".md"})
"""Configurations, vocabularies, chat templates and the card."""
_SPARE: Final = 1.05
"""How much more room than the files take the disk must have."""
_TIMEOUT: Final = 20.0
"""Seconds for one question to the Hub."""


@dataclass(frozen=True, slots=True)
class Download:
    """What fetching a model means."""

    id: str
    revision: str
    """The commit that is fetched."""
    files: tuple[tuple[str, int], ...]
    """Names and sizes, in bytes, of what is not in the cache yet."""

    @property
    def size(self) -> int:
        """How many bytes will be fetched."""
        return sum(size for _, size in self.files)


@dataclass(frozen=True, slots=True)
class HubDownloader:
    """Where models are fetched from, and where to."""

    cache: Path
    endpoint: str | None = None
    """Its address; None: what ``HF_ENDPOINT`` says, else huggingface.co."""
    token: str | bool | None = None
    """The token to show; False for none, None for that of whoever runs this program."""

    def look_up(self, model: str) -> Download:
        """What fetching a model would take.

        Raises:
            ExpertError: There is no such model, it may not be had, or it has no safetensors weights.
        """
        from huggingface_hub import HfApi, try_to_load_from_cache

        with _told_apart(model):
            info = HfApi(self.endpoint, self.token).model_info(model, files_metadata=True, timeout=_TIMEOUT)
        sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
        wanted = wanted_files(list(sizes))
        if not any(name.endswith((".safetensors", ".skops")) for name in wanted):
            raise ExpertError(f"{model} has no safetensors weights, and pickles are not loaded here: choose another model.")
        revision = str(info.sha)
        there = {n for n in wanted if isinstance(try_to_load_from_cache(model, n, self.cache, revision), str)}
        return Download(model, revision, tuple((name, sizes[name]) for name in wanted if name not in there))

    def fetch(
        self, download: Download, progress: Callable[[int], None] = lambda _: None, check: Callable[[], None] = lambda: None
    ) -> None:
        """Fetch what is missing.

        Args:
            download: What `look_up` gave.
            progress: Told the bytes that are there so far.
            check: Called between pieces; what it raises ends the download, which can be gone on with later.

        Raises:
            ExpertError: The disk is too small, or the Hub fails.
        """
        from huggingface_hub import hf_hub_download

        self._check_disk(download)
        done = 0

        class Told(_Bar):
            def update(self, n: float | None = 1) -> None:
                nonlocal done
                check()
                done += int(n or 0)
                progress(done)

        for name, size in download.files:
            check()
            before = done
            with _told_apart(download.id):
                hf_hub_download(
                    download.id,
                    name,
                    revision=download.revision,
                    cache_dir=self.cache,
                    endpoint=self.endpoint,
                    token=self.token,
                    tqdm_class=Told,
                )
            done = before + size
            progress(done)
        self._point_at(download)

    def _check_disk(self, download: Download) -> None:
        self.cache.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.cache).free
        if download.size * _SPARE > free:
            raise ExpertError(
                f"{download.id} takes {in_megabytes(download.size)}, and the disk has {in_megabytes(free)} left at "
                f"{self.cache}: free some space, or set HF_HOME to a larger disk."
            )

    def _point_at(self, download: Download) -> None:
        """Note that this revision is what the branch "main" stands for, as the Hub's client does."""
        reference = self.cache / f"models--{download.id.replace('/', '--')}" / "refs" / "main"
        reference.parent.mkdir(parents=True, exist_ok=True)
        reference.write_text(download.revision, encoding="ascii")


def hub(cache: Path | None = None, endpoint: str | None = None, token: str | bool | None = None) -> HubDownloader:
    """The Hub and the cache that the Hub's client uses, unless others are named."""
    install()  # now: later it would close the connections of a download
    return HubDownloader(cache or cache_folder(), endpoint, token)


def wanted_files(names: Sequence[str]) -> list[str]:
    """Which files of a repository are needed: weights in safetensors or skops' format, once, and what lies beside them.

    Repositories hold the same weights in many forms (half precision, ONNX, pickles, a single file for other programs).
    """
    pipeline = "model_index.json" in names
    return [name for name in names if _is_wanted(PurePosixPath(name), pipeline=pipeline)]


def _is_wanted(path: PurePosixPath, *, pipeline: bool) -> bool:
    depth = len(path.parts) - 1
    if path.suffix == ".safetensors":  # a pipeline's lie in the folders of its parts
        return depth == int(pipeline) and bool(_WEIGHTS.fullmatch(path.name))
    if path.suffix == ".skops":
        return depth == 0
    return depth <= 1 and path.suffix in _BESIDE and path.parts[0] not in {"onnx", "openvino", "coreml"}


def in_megabytes(size: int) -> str:
    """A size as people read it: "850 MB", "1.7 GB"."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(size / 1e6, 0.1):.{0 if size >= 1e7 else 1}f} MB"


class _Bar:
    """What the Hub's client takes for a progress bar; draws nothing."""

    def __init__(self, *_: Any, **__: Any) -> None:
        return None

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self, n: float | None = 1) -> None:
        """Told the bytes of one piece."""

    def set_description(self, *_: Any, **__: Any) -> None:
        """Not shown."""

    def refresh(self, *_: Any, **__: Any) -> None:
        """Nothing is drawn."""

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def _told_apart(model: str) -> Iterator[None]:
    """Turn what the Hub's client raises into one sentence; what a `check` raised goes on as it is."""
    import httpx2
    from huggingface_hub import errors

    try:
        yield
    except HuggingGPTError:
        raise
    except errors.GatedRepoError as error:
        where = f"https://huggingface.co/{model}"
        raise ExpertError(f"{model} asks for consent: accept its terms at {where}, then use your token.") from error
    except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        raise ExpertError(f"The Hub knows no model “{model}”, or it is private: check the name, or use a token.") from error
    except errors.HfHubHTTPError as error:
        raise ExpertError(f"The Hub answered {error.response.status_code}: try again in a minute.") from error
    except (httpx2.HTTPError, errors.LocalEntryNotFoundError) as error:
        raise ExpertError("The Hub can't be reached: check the network, or the proxy.") from error
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        said = "The disk is full: free some space." if full else f"{model} can't be kept on this disk: the log says why."
        raise ExpertError(said) from error
