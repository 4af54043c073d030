"""One visitor's side of the page: the session, the language model with its key, what was said.

It lives in a ``gr.State``, which Gradio keeps on the server for that one browser tab and deletes with it.
"""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import gradio as gr

from hugginggpt.agent import Session
from hugginggpt.assembly import DEFAULT_MODEL
from hugginggpt.errors import RequestError
from hugginggpt.events import Event
from hugginggpt.fetch import is_public
from hugginggpt.language_model import HUGGING_FACE_URL, OPENAI_URL, LanguageModel

BUILT_IN: Final = "Built-in"
HUGGING_FACE: Final = "Hugging Face"
OPENAI: Final = "OpenAI"
OTHER: Final = "Other server"
BRAINS: Final = (BUILT_IN, HUGGING_FACE, OPENAI, OTHER)
HUGGING_FACE_MODEL: Final = "openai/gpt-oss-120b"


@dataclass
class Visit:
    """What belongs to one tab."""

    session: Session
    model: LanguageModel | None = None
    transcript: list[gr.ChatMessage] = field(default_factory=list)
    """The chat, as far as its requests are over."""
    request: gr.ChatMessage | None = None
    """The request that is being worked on."""
    events: list[Event] = field(default_factory=list)
    """What has happened in it."""

    def close(self) -> None:
        """Delete its files."""
        self.session.close()


def close_visit(visit: Visit | None) -> None:
    """Called by Gradio when the tab is gone."""
    if visit is not None:
        visit.close()


async def language_model(brain: str, openai_key: str, hf_token: str, base_url: str, model: str) -> LanguageModel | None:
    """The language model that the fields of the page describe; None for the built-in planner.

    Raises:
        RequestError: Something is missing, or the server's address may not be used.
    """
    openai_key, hf_token, base_url, model = (
        (value or "").strip()
        for value in (openai_key, hf_token, base_url, model)  # a box that was never seen gives None
    )
    if brain == BUILT_IN:
        return None
    if brain == HUGGING_FACE:
        if not hf_token:
            raise RequestError("Enter a Hugging Face token first: huggingface.co/settings/tokens makes one.")
        return LanguageModel(model or HUGGING_FACE_MODEL, HUGGING_FACE_URL, hf_token)
    if brain == OPENAI:
        if not openai_key:
            raise RequestError("Enter an OpenAI key first: platform.openai.com/api-keys makes one.")
        return LanguageModel(model or DEFAULT_MODEL, OPENAI_URL, openai_key)
    if urlsplit(base_url).scheme not in {"http", "https"}:
        raise RequestError("Enter the server's base URL first, such as http://127.0.0.1:11434/v1.")
    if not model:
        raise RequestError("Enter the name of the model that the server runs.")
    await _check_server(base_url)
    return LanguageModel(model, base_url.rstrip("/"), openai_key)


async def _check_server(base_url: str) -> None:
    """On a public Space a visitor may not have the server talk to its own network; at home that is the point."""
    if "SPACE_ID" not in os.environ:
        return
    host = urlsplit(base_url).hostname or ""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise RequestError(f"There is no server called {host}.") from error
    if not all(is_public(str(entry[4][0])) for entry in found):
        raise RequestError(f"{host} is a private address, which this Space can't reach: run the app on your own machine.")
