"""Settings of a deployment, each with its unit; environment variables carry the prefix ``HUGGINGGPT_``.

No key is a setting: a visitor's key is an argument of that visitor's session and of nothing else.
"""

import os
import stat
from pathlib import Path
from tempfile import gettempdir
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from hugginggpt.core.errors import HuggingGPTError

_PREFIX = "HUGGINGGPT_"


class SettingsError(HuggingGPTError, ValueError):
    """A deployment's setting can't be used; the message names the variable."""


def _default_sessions_folder() -> Path:
    """Name it by the user's number, not the name: in a container the user may have none."""
    user = f"-{os.getuid()}" if hasattr(os, "getuid") else ""  # Windows: each user has a temporary folder
    return Path(gettempdir()) / f"hugginggpt{user}"


_URL_PATTERN = r"^https?://[^\s/]+(/[^\s?#]*)?$"


def _default_catalogue() -> Path:
    """Place it beside the Hub client's cache, without importing that client."""
    if home := os.environ.get("HF_HOME"):
        return Path(home) / "hugginggpt"
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # Path.home() raises where there is none
    if caches.startswith("~"):  # a user without a home
        return _default_sessions_folder().with_name(f"{_default_sessions_folder().name}-catalogue")
    return Path(caches) / "huggingface" / "hugginggpt"


def _default_hub() -> str:
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def _split_list(value: object) -> object:
    """Parse a list in an environment variable: ids with commas, or "off" for none."""
    if not isinstance(value, str):
        return value
    return () if value.strip().lower() == "off" else tuple(filter(None, (each.strip() for each in value.split(","))))


ModelId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.-]*/[\w.-]+$")]


class Settings(BaseSettings):
    """Settings of a deployment; frozen, so that one session can't change another's."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_ignore_empty=True, frozen=True, extra="ignore")

    sessions: Path = Field(default_factory=_default_sessions_folder)
    """Folder in which each session gets a folder of its own."""
    max_request_chars: int = Field(32_000, ge=100)
    """Longest request, in characters."""
    max_file_bytes: int = Field(64 * 2**20, ge=1024)
    """Largest file that is taken, uploaded or fetched, in bytes."""
    max_session_files: int = Field(2_000, ge=1)
    """Most files that one session may hold."""
    max_session_bytes: int = Field(2**30, ge=1024)
    """The most that the files of one session may take on the disk, in bytes; what waits to be sent may take as much again."""
    max_storage_bytes: int = Field(10 * 2**30, ge=1024)
    """The most that the files of all sessions and all uploads may take together, in bytes; then the idle ones go."""
    idle_seconds: float = Field(300.0, gt=0)
    """Time for which the files of a session are safe after it was used, where others need their room, in seconds."""
    upload_seconds: float = Field(1_800.0, gt=0)
    """Time for which a file is kept that was uploaded and that no request has used, in seconds."""
    max_pixels: int = Field(50_000_000, ge=1)
    """Largest picture, in pixels after decoding."""
    max_audio_seconds: float = Field(1_800.0, gt=0)
    """Longest recording that is decoded, in seconds; of a longer one, the bundled recognizer writes down the beginning."""
    max_tasks: int = Field(2_000, ge=1)
    """Longest plan, in tasks."""
    fetch_seconds: float = Field(20.0, gt=0)
    """Time that fetching one URL may take in all, in seconds."""
    request_seconds: float = Field(3_600.0, gt=0)
    """Deadline of a whole request, in seconds, waiting for a model's turn included; what is done by then is answered from.
    What a person takes to approve a plan doesn't count."""
    task_seconds: float = Field(180.0, gt=0)
    """Deadline of one task, over all the models that are tried for it, in seconds; waiting for its turn doesn't count."""
    endpoint_seconds: float = Field(300.0, ge=0)
    """Longest wait for a dedicated endpoint that is asleep, while it starts, in seconds, on top of the task's deadline; where
    another model can do the task, within that deadline."""
    plan_seconds: float = Field(150.0, gt=0)
    """Deadline of planning, in seconds; an answer that is given instead of a plan has an answer's time."""
    select_seconds: float = Field(60.0, gt=0)
    """Deadline of model selection, in seconds; after it the first candidate of those that are known by then is taken."""
    respond_seconds: float = Field(150.0, gt=0)
    """Deadline of writing the answer, in seconds."""
    local: Literal["cache", "download", "off"] = "cache"
    """Models of the Hugging Face Hub that run here: those in the cache; small ones too, fetched when needed; none."""
    max_download_bytes: int = Field(2 * 10**9, ge=0)
    """The most that is fetched for one task on the way, in bytes; ``models pull`` fetches more."""
    device: str = Field("auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")
    """Device that they run on: all GPUs and the CPU, the CPU alone, or one device, as torch names it."""
    memory_gb: float | None = Field(None, gt=0)
    """Share of the CPU's memory that loaded models may take, in GiB; by default half of it."""
    gpu_memory_gb: float | None = Field(None, gt=0)
    """Share of each GPU's memory that they may take, in GiB; by default 85 % of it."""
    preload: Annotated[tuple[ModelId, ...] | None, NoDecode, BeforeValidator(_split_list)] = None  # NoDecode: no JSON
    """Ids of cached models that are loaded before anybody asks, separated by commas; "off": none. On ZeroGPU those of
    ``models_config/preload.yaml`` by default, elsewhere none."""
    catalogue: Path = Field(default_factory=_default_catalogue)
    """Folder in which the Hub's answers to searches are kept."""
    catalogue_hours: float = Field(24.0, ge=0)
    """Time that such an answer is good for, in hours."""
    hub: str = Field(default_factory=_default_hub, pattern=_URL_PATTERN)
    """Address of the Hub, for searches; by default what ``HF_ENDPOINT`` says, else huggingface.co."""
    router: str = Field("https://router.huggingface.co", pattern=_URL_PATTERN)
    """Address of the Hub's inference router, or of a stand-in for it."""
    endpoints: str = Field("https://api.endpoints.huggingface.cloud", pattern=_URL_PATTERN)
    """Address that lists an account's dedicated endpoints, which get its token, or of a stand-in for it."""
    allowed_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_list)] = ()
    """Names the page answers to at home, separated by commas, beside this machine's own and its addresses; "*": any."""
    share_token: bool = False
    """True if visitors without a token use the owner's (``HF_TOKEN``) for hosted models."""
    shared_calls: int = Field(20, ge=1)
    """Hosted calls an hour that each visitor gets then."""
    bill_to: str = Field("", pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,95})?$")
    """Organization on the Hub that pays for calls with ``HF_TOKEN`` at providers, in place of the token's own account."""
    visitor_calls: int = Field(8, ge=1)
    """Requests of one visitor that are worked on at once; further ones wait for their turn."""
    visitor_waiting: int = Field(32, ge=0)
    """Requests of one visitor that may wait; further ones are refused, with the time to come again."""
    max_waiting: int = Field(1_000, ge=0)
    """Requests of all visitors that may wait; further ones are refused, whoever sends them."""
    max_calls: int = Field(200, ge=1)
    """Requests of all visitors that are worked on at once; where more come, visitors take turns."""
    wait_seconds: float = Field(600.0, gt=0)
    """Time that a request may wait for its turn, in seconds."""
    replans: int = Field(1, ge=0)
    """Most new plans for the rest of a request, after a task has failed or a result showed the plan wrong."""
    top_k: int = Field(5, ge=1)
    """Candidates per task that the controller chooses among."""


def load_settings() -> Settings:
    """Return the settings of this deployment, with the folder for its sessions made.

    Raises:
        SettingsError: A variable can't be used; one sentence that names it.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"{_PREFIX}{first['loc'][0]}".upper()
        message = first["msg"][:1].lower() + first["msg"][1:]
        raise SettingsError(f"{name} can't be “{str(first['input'])[:80]}”: {message}.") from error
    except OSError as error:  # no folder for temporary files anywhere
        raise _make_folder_error("a temporary folder", error) from error
    make_sessions_folder(settings)
    return settings


def make_sessions_folder(settings: Settings) -> None:
    """Make the folder for sessions, where it is not there.

    Raises:
        SettingsError: It can't be made or used; one sentence.
    """
    folder = settings.sessions
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # visitors' files: for nobody else's eyes
        if "sessions" not in settings.model_fields_set and not _belongs_to_us(folder):  # one that was asked for may be a link
            raise _make_folder_error(folder, "it belongs to somebody else")
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise _make_folder_error(folder, "it may not be read or written")
    except OSError as error:
        raise _make_folder_error(folder, error) from error


def _belongs_to_us(folder: Path) -> bool:
    """Return whether the default folder is our own: its name in the shared temporary folder can be guessed by anyone."""
    status = folder.lstat()  # not stat(): somebody else's link may lead to a folder of ours
    return stat.S_ISDIR(status.st_mode) and (not hasattr(os, "getuid") or status.st_uid == os.getuid())


def _make_folder_error(folder: Path | str, reason: OSError | str) -> SettingsError:
    reason = reason if isinstance(reason, str) else reason.strerror or type(reason).__name__
    return SettingsError(f"Sessions can't be kept in {folder} ({reason}): set HUGGINGGPT_SESSIONS to a folder of your own.")
