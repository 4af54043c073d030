"""Downloads of models from the Hub: their size is known beforehand, and no pickle is fetched."""

from __future__ import annotations

import errno
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from hugginggpt.core.errors import ExpertError, HuggingGPTError
from hugginggpt.hub.cache import find_cache_folder
from hugginggpt.hub.client import install_http_clients
from hugginggpt.hub.deadline import limit_time

_WEIGHT_FILE: Final = re.compile(r"(?:model|diffusion_pytorch_model)(?:-\d+-of-\d+)?\.safetensors")
_HALF_FILE: Final = re.compile(r"(?:model|diffusion_pytorch_model)(?:\.fp16(?:-\d+-of-\d+)?|-\d+-of-\d+\.fp16)\.safetensors")
_COMPANION_SUFFIXES: Final = frozenset({".json", ".txt", ".model", ".spm", ".bpe", ".jinja", ".md"})
"""Suffixes of configurations, vocabularies, chat templates and the card."""
_DISK_MARGIN: Final = 1.05  # free space that the disk must have, as a multiple of what the files take
_METADATA_SECONDS: Final = 20.0  # time for one question to the Hub


@dataclass(frozen=True, slots=True)
class Download:
    """Files of a model that are still to be fetched."""

    id: str
    revision: str
    """Commit that is fetched."""
    files: tuple[tuple[str, int], ...]
    """Names and sizes, in bytes, of the files that are not in the cache yet."""

    @property
    def size(self) -> int:
        """Number of bytes to fetch."""
        return sum(size for _, size in self.files)


@dataclass(frozen=True, slots=True)
class HubDownloader:
    """Downloader from one address of the Hub into one cache."""

    cache: Path
    endpoint: str | None = None
    """The Hub's base URL; None: what ``HF_ENDPOINT`` says, else huggingface.co."""
    token: str | bool | None = None
    """Token to send; False for none, None for that of whoever runs this program."""

    def look_up(self, model: str, check: Callable[[], None] = lambda: None) -> Download:
        """List the files of a model that are still to be fetched.

        Args:
            model: Its id.
            check: As for `fetch`.

        Raises:
            ExpertError: There is no such model, it may not be had, or it has no safetensors weights.
        """
        from huggingface_hub import HfApi, try_to_load_from_cache

        install_http_clients()  # they keep the limit
        ends = time.monotonic() + _METADATA_SECONDS

        def check_time() -> float:
            check()
            return ends - time.monotonic()

        with _translate_errors(model), limit_time(check_time):
            info = HfApi(self.endpoint, self.token).model_info(model, files_metadata=True, timeout=_METADATA_SECONDS)
        sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
        wanted = select_files(list(sizes))
        if not any(name.endswith((".safetensors", ".skops")) for name in wanted):
            raise ExpertError(f"{model} has no safetensors weights, and pickles are not loaded here: choose another model.")
        revision = str(info.sha)
        cached = {n for n in wanted if isinstance(try_to_load_from_cache(model, n, self.cache, revision), str)}
        return Download(model, revision, tuple((name, sizes[name]) for name in wanted if name not in cached))

    def fetch(
        self, download: Download, progress: Callable[[int], None] = lambda _: None, check: Callable[[], None] = lambda: None
    ) -> None:
        """Fetch the missing files.

        Args:
            download: Result of `look_up`.
            progress: Called with the bytes that are there so far.
            check: Called between pieces; what it raises ends the download, which can be resumed later.

        Raises:
            ExpertError: The disk is too small, or the Hub fails.
        """
        from huggingface_hub import hf_hub_download

        install_http_clients()
        self._check_disk(download)
        done_bytes = 0

        class ReportingBar(_SilentBar):  # a class: the client makes a bar of its own for each file
            def update(self, n: float | None = 1) -> None:
                nonlocal done_bytes
                check()
                done_bytes += int(n or 0)
                progress(done_bytes)

        for name, size in download.files:
            check()
            before = done_bytes
            with _translate_errors(download.id), limit_time(check):  # the client's own pieces are large: one that drips lasts
                hf_hub_download(
                    download.id,
                    name,
                    revision=download.revision,
                    cache_dir=self.cache,
                    endpoint=self.endpoint,
                    token=self.token,
                    tqdm_class=ReportingBar,
                )
            done_bytes = before + size  # pieces that were there from a broken-off download are not reported
            progress(done_bytes)
        self._write_main_ref(download)  # last: what broke off is not to become “main”

    def _check_disk(self, download: Download) -> None:
        self.cache.mkdir(parents=True, exist_ok=True)  # `disk_usage` needs a folder that exists
        free = shutil.disk_usage(self.cache).free
        if download.size * _DISK_MARGIN > free:
            raise ExpertError(
                f"{download.id} takes {format_size(download.size)}, and the disk has {format_size(free)} left at "
                f"{self.cache}: free some space, or set HF_HOME to a larger disk."
            )

    def _write_main_ref(self, download: Download) -> None:
        """Record that the branch "main" stands for this revision, as the Hub's client does."""
        reference = self.cache / f"models--{download.id.replace('/', '--')}" / "refs" / "main"
        reference.parent.mkdir(parents=True, exist_ok=True)
        reference.write_text(download.revision, encoding="ascii")


def create_downloader(cache: Path | None = None, endpoint: str | None = None, token: str | bool | None = None) -> HubDownloader:
    """Return a downloader for the Hub and cache that the Hub's client uses, unless others are named."""
    install_http_clients()  # now: later it would close the connections of a download
    return HubDownloader(cache or find_cache_folder(), endpoint, token)


def select_files(names: Sequence[str]) -> list[str]:
    """Return the needed files of a repository: weights in safetensors or skops' format, once, and what lies beside them.

    Repositories hold the same weights in many forms (half precision, ONNX, pickles, a single file for other programs).
    """
    pipeline = "model_index.json" in names
    wanted = {name for name in names if _is_wanted(PurePosixPath(name), pipeline=pipeline)}
    whole = {PurePosixPath(name).parent for name in wanted if name.endswith(".safetensors")}
    for name in names:  # half precision, where a folder has nothing else
        path = PurePosixPath(name)
        if _HALF_FILE.fullmatch(path.name) and path.parent not in whole and len(path.parts) - 1 == int(pipeline):
            wanted.add(name)
    return [name for name in names if name in wanted]


def _is_wanted(path: PurePosixPath, *, pipeline: bool) -> bool:
    depth = len(path.parts) - 1
    if path.suffix == ".safetensors":  # a pipeline's lie in the folders of its parts
        return depth == int(pipeline) and bool(_WEIGHT_FILE.fullmatch(path.name))
    if path.suffix == ".skops":
        return depth == 0
    return depth <= 1 and path.suffix in _COMPANION_SUFFIXES and path.parts[0] not in {"onnx", "openvino", "coreml"}


def format_size(size: int) -> str:
    """Format a size in bytes as people read it: "850 MB", "1.7 GB"."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(size / 1e6, 0.1):.{0 if size >= 1e7 else 1}f} MB"


class _SilentBar:
    """Progress bar for the Hub's client that draws nothing."""

    def __init__(self, *_: Any, **__: Any) -> None:
        return None

    def __enter__(self) -> _SilentBar:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self, n: float | None = 1) -> None:
        """Count one piece, in bytes."""

    def set_description(self, *_: Any, **__: Any) -> None:
        """Show nothing."""

    def refresh(self, *_: Any, **__: Any) -> None:
        """Draw nothing."""

    def close(self) -> None:
        """Close nothing."""


@contextmanager
def _translate_errors(model: str) -> Iterator[None]:
    """Turn what the Hub's client raises into one sentence; what a `check` raised passes unchanged."""
    import httpx2
    from huggingface_hub import errors

    try:
        yield
    except HuggingGPTError:
        raise
    except errors.GatedRepoError as error:  # a kind of RepositoryNotFoundError, so it comes first
        page = f"https://huggingface.co/{model}"
        raise ExpertError(f"{model} asks for consent: accept its terms at {page}, then use your token.") from error
    except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        raise ExpertError(f"The Hub knows no model “{model}”, or it is private: check the name, or use a token.") from error
    except errors.HfHubHTTPError as error:
        raise ExpertError(f"The Hub answered {error.response.status_code}: try again in a minute.") from error
    except (httpx2.HTTPError, errors.LocalEntryNotFoundError) as error:  # before OSError, which the latter is
        raise ExpertError("The Hub can't be reached: check the network, or the proxy.") from error
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        message = "The disk is full: free some space." if full else f"{model} can't be kept on this disk: the log says why."
        raise ExpertError(message) from error
