"""Identity of an API's caller, told by headers alone, and the files that a call brings.

A key is never a parameter: parameters stand in schemas and in the queue. The headers are read where they are used, and
what they hold lives as long as the call.
"""

import asyncio
import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from hugginggpt.core.errors import RequestError, ResourceError
from hugginggpt.core.resources import Resource
from hugginggpt.hub.tokens import parse_organization, parse_token
from hugginggpt.llm.client import LanguageModel
from hugginggpt.ui.session.llm_choice import BUILT_IN, OPENAI, OTHER, LLMFields, make_model
from hugginggpt.workspace.workspace import Workspace

_MAX_NAME_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys and choices in the headers of one call."""

    hf_token: str = field(default="", repr=False)
    """``X-HF-Token``, or ``Authorization: Bearer hf_…``: on whose account hosted models run."""
    openai_key: str = field(default="", repr=False)
    """``X-OpenAI-Key``: who plans and answers, at OpenAI or at the base URL."""
    base_url: str = ""
    """``X-OpenAI-Base-URL``: any other server that speaks OpenAI's language."""
    model: str = ""
    """``X-OpenAI-Model``: what the server calls the model."""
    bill_to: str = ""
    """``X-HF-Bill-To``: the organization on the Hub that pays for what runs on the token."""

    async def make_language_model(self) -> LanguageModel | None:
        """Return the language model that plans; None for the built-in planner.

        Raises:
            HuggingGPTError: It may not be reached from here, or the key or the address is malformed.
        """
        controller = OTHER if self.base_url else OPENAI if self.openai_key else BUILT_IN
        llm_fields = LLMFields(controller, openai_key=self.openai_key, base_url=self.base_url, model=self.model)
        return await make_model(llm_fields)


def read_keys(headers: Mapping[str, str]) -> Keys:
    """Return the keys of a call.

    Other headers are left alone, ``X-HF-Authorization`` above all: Gradio's client puts the token there that it finds on
    the machine where it runs, and for MCP that client runs inside this server, with the owner's token.

    Raises:
        RequestError: Something is malformed, or one header lacks the other.
    """
    lowered = {name.lower(): value.strip() for name, value in headers.items()}  # header names are case-insensitive
    openai_key, base_url, model = (lowered.get(f"x-openai-{name}", "") for name in ("key", "base-url", "model"))
    if base_url and not openai_key:
        raise RequestError(
            "X-OpenAI-Base-URL came without X-OpenAI-Key: send that server's own key, or any word if it needs none."
        )
    if base_url and not model:
        raise RequestError("X-OpenAI-Base-URL came without X-OpenAI-Model: send the name of the model that the server runs.")
    if model and not openai_key:
        raise RequestError("X-OpenAI-Model came without X-OpenAI-Key: send the key to the server that runs it.")
    scheme, _, bearer = lowered.get("authorization", "").partition(" ")
    # any other bearer is for a proxy on the way
    hub_token = bearer.strip() if scheme.lower() == "bearer" and bearer.strip().startswith("hf_") else ""
    hf_token = parse_token(lowered.get("x-hf-token") or hub_token)
    return Keys(hf_token, openai_key, base_url, model, parse_organization(lowered.get("x-hf-bill-to", "")))


async def take_files(workspace: Workspace, files: Sequence[object] | None, uploads: Path, *, max_bytes: int) -> list[Resource]:
    """Take a call's files into its workspace.

    Args:
        workspace: The workspace of the call.
        files: Uploads as Gradio's clients describe them; or texts, as MCP clients send them: a URL, the address or the path
            of an upload, ``data:…;base64,…``, or the name of a shipped example.
        uploads: The only folder of this machine out of which files are taken.
        max_bytes: The largest that a ``data:`` text may hold.

    Raises:
        ResourceError: One of them can't be used.
    """
    if files is not None and (isinstance(files, str) or not isinstance(files, Sequence)):  # whatever a client sends
        raise ResourceError("The files are no list: send a list of uploads or URLs, even for one.")
    return [await _take_file(workspace, file, uploads, max_bytes) for file in files or ()]


async def _take_file(workspace: Workspace, file: object, uploads: Path, max_bytes: int) -> Resource:
    if isinstance(file, Mapping) and isinstance(file.get("path"), str):
        return await _take_upload(workspace, file["path"], uploads, file.get("orig_name"))
    if not isinstance(file, str):
        raise ResourceError("A file is neither an upload nor a URL: send one of these.")
    if file.startswith("data:"):
        return await asyncio.to_thread(_take_data, workspace, file, max_bytes)  # decoding megabytes would block the loop
    if upload := _find_upload(file, uploads):  # before `resolve`, which would fetch the address
        return await _take_upload(workspace, upload, uploads)
    return await workspace.resolve(file)


def _find_upload(text: str, uploads: Path) -> str:
    """Return the path of the upload that a text names by its path or its address on this page; empty if it names none."""
    if "://" in text:
        _, marker, path = unquote(urlsplit(text).path).partition("/gradio_api/file=")
        return path if marker and _is_inside(path, uploads) else ""  # the host doesn't matter, the folder does
    return text if _is_inside(text, uploads) else ""


async def _take_upload(workspace: Workspace, path: str, uploads: Path, name: Any = None) -> Resource:
    """Take an upload, after checking its path: Gradio checks only those paths that come with a mark."""
    label = Path(str(name or path)).name[:_MAX_NAME_CHARS]  # a client may send a whole path as the name
    if not _is_inside(path, uploads):
        raise ResourceError(f"“{label}” was not uploaded: upload the file, or give its URL.")
    return await asyncio.to_thread(workspace.add_file, Path(path), label)


def _is_inside(path: str, folder: Path) -> bool:
    try:
        return Path(path).is_absolute() and Path(path).resolve().is_relative_to(folder.resolve())  # follows “..” and links
    except (OSError, ValueError):  # a name that no file can have
        return False


def _take_data(workspace: Workspace, text: str, max_bytes: int) -> Resource:
    header, comma, data = text.partition(",")
    if not comma or not header.endswith(";base64") or len(data) > max_bytes * 4 / 3 + 4:  # base64: 4 letters for 3 bytes
        raise ResourceError(
            f"A data: text must be base64 and hold at most {max_bytes / 2**20:.3g} MB: upload the file instead."
        )
    path = workspace.new_path(".part")
    try:
        path.write_bytes(base64.b64decode(data, validate=True))
        return workspace.add_file(path, f"file.{header.removesuffix(';base64').rpartition('/')[2][:10]}")
    except binascii.Error as error:
        raise ResourceError("A data: text is not valid base64: upload the file instead.") from error
    finally:
        path.unlink(missing_ok=True)  # the workspace has a copy
