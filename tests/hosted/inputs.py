"""What hosted models are given: the inputs of a request, out of whatever they are wrapped in."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

FILES: Final = frozenset({
    "image-classification", "object-detection", "image-segmentation", "zero-shot-image-classification", "image-to-text",
    "image-to-image", "image-to-video", "automatic-speech-recognition", "audio-classification", "audio-to-audio",
})  # fmt: skip
"""Tasks whose input is a picture or a recording: raw bytes, or base64 where there are parameters."""

_PARAMETERS: Final = frozenset({"prompt", "width", "height", "target_size"})
"""Fields of other providers that a task heeds besides its input."""


class RefusedError(Exception):
    """The input doesn't suit the task: what the API answers with 400."""


@dataclass(frozen=True)
class Given:
    """What a model is to work on."""

    inputs: Any
    """A text, an object, or the bytes of a file."""
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        if not isinstance(self.inputs, str):
            raise RefusedError(f"inputs: a string is wanted, not {type(self.inputs).__name__}")
        return self.inputs

    @property
    def file(self) -> bytes:
        if not isinstance(self.inputs, bytes):
            raise RefusedError(f"inputs: a file is wanted, not {type(self.inputs).__name__}")
        return self.inputs

    def value(self, name: str) -> Any:
        """A member of an input that is an object."""
        if not isinstance(self.inputs, dict) or name not in self.inputs:
            raise RefusedError(f"inputs: {name} is missing")
        return self.inputs[name]

    @classmethod
    def of_body(cls, task: str, body: bytes, content_type: str) -> Given:
        """What stands in a request to hf-inference, or to an endpoint for that task."""
        if task in FILES and "json" not in content_type:
            return cls(body)
        try:
            value = json.loads(body)
        except ValueError as error:
            raise RefusedError("The body is no JSON") from error
        inputs = value.get("inputs", value.get("table")) if isinstance(value, dict) else None
        if inputs is None:
            raise RefusedError("inputs: field required")
        if task in FILES and isinstance(inputs, str):
            inputs = decoded(inputs)
        return cls(inputs, value.get("parameters") or {})

    @classmethod
    def of_fields(cls, task: str, fields: Mapping[str, Any]) -> Given:
        """What stands in the object that providers of other make are sent: a prompt, or a file as a data URL."""
        names = ("image_url", "audio_url", "image", "audio") if task in FILES else ("prompt", "text", "input")
        found = next((fields[name] for name in names if isinstance(fields.get(name), str)), None)
        if found is None:
            raise RefusedError(f"{names[0]}: field required")
        size = fields.get("image_size")
        sizes = {**size, "target_size": size} if isinstance(size, dict) else {}
        return cls(decoded(found) if task in FILES else found, {**{k: fields[k] for k in _PARAMETERS & {*fields}}, **sizes})

    def key(self) -> str:
        """Tells inputs apart."""
        return json.dumps([self.inputs, self.parameters], sort_keys=True, default=lambda raw: hashlib.sha256(raw).hexdigest())


def decoded(text: str) -> bytes:
    """The bytes behind base64, or behind a data URL."""
    try:
        return base64.b64decode(text.partition(",")[2] if text.startswith("data:") else text, validate=True)
    except ValueError as error:
        raise RefusedError("inputs: no base64") from error


def picture(given: Given) -> Any:
    """The picture that is given, RGB."""
    from PIL import Image

    with Image.open(io.BytesIO(given.file)) as image:
        return image.convert("RGB")


def sound(given: Given, rate: int) -> Any:
    """The recording that is given, as pipelines take it."""
    from hugginggpt.workspace import media

    with tempfile.TemporaryDirectory(prefix="hosted-") as folder:
        (path := Path(folder, "sound")).write_bytes(given.file)
        return {"raw": media.read_audio(path, rate=rate, max_seconds=60), "sampling_rate": rate}


def table(columns: Any) -> bytes:
    """A table as a CSV file; the API has it as lists by column."""
    if not isinstance(columns, dict) or not columns or not all(isinstance(column, list) for column in columns.values()):
        raise RefusedError("table: lists by column are wanted")
    csv.writer(into := io.StringIO()).writerows([[*columns], *zip(*columns.values(), strict=True)])
    return into.getvalue().encode()
