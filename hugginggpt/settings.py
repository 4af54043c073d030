"""What a deployment can set, each with its unit; environment variables carry the prefix ``HUGGINGGPT_``.

No key is a setting: a visitor's key is an argument of that visitor's session and of nothing else.
"""

from __future__ import annotations

from getpass import getuser
from pathlib import Path
from tempfile import gettempdir

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Limits and places; frozen, so that one session can't change another's."""

    model_config = SettingsConfigDict(env_prefix="HUGGINGGPT_", frozen=True, extra="ignore")

    sessions: Path = Path(gettempdir()) / f"hugginggpt-{getuser()}"
    """Folder in which each session gets a folder of its own."""
    max_request_chars: int = Field(32_000, ge=100)
    """Longest request, in characters."""
    max_file_bytes: int = Field(64 * 2**20, ge=1024)
    """Largest file that is taken, uploaded or fetched, in bytes."""
    max_session_files: int = Field(2_000, ge=1)
    """How many files one session may hold."""
    max_pixels: int = Field(50_000_000, ge=1)
    """Largest picture, in pixels after decoding."""
    max_audio_seconds: float = Field(1_800.0, gt=0)
    """Longest recording that is decoded, in seconds."""
    max_tasks: int = Field(2_000, ge=1)
    """Longest plan, in tasks."""
    fetch_seconds: float = Field(20.0, gt=0)
    """How long fetching one URL may take in all, in seconds."""
    task_seconds: float = Field(180.0, gt=0)
    """Deadline of one task, over all the models that are tried for it, in seconds; waiting for its turn doesn't count."""
    plan_seconds: float = Field(150.0, gt=0)
    """Deadline of planning, in seconds."""
    select_seconds: float = Field(60.0, gt=0)
    """Deadline of model selection, in seconds; after it the first candidate is taken."""
    respond_seconds: float = Field(150.0, gt=0)
    """Deadline of writing the answer, in seconds."""
    top_k: int = Field(5, ge=1)
    """How many candidates per task the controller chooses among."""
