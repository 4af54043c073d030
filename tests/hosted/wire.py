"""One request and one answer of the stand-in, apart from any protocol."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs


@dataclass(frozen=True)
class Asked:
    """One request as it came in."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """By name, in lower case."""
    body: bytes

    @property
    def token(self) -> str | None:
        """What stands behind "Bearer"."""
        value = self.headers.get("authorization")
        return value.removeprefix("Bearer ") if value else None

    @property
    def json(self) -> dict[str, Any]:
        """The body as an object; {} where it is something else."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    def all(self, name: str) -> list[str]:
        """All values of a parameter of the query."""
        return parse_qs(self.query).get(name, [])

    def one(self, name: str) -> str:
        """Its first value, or ""."""
        return next(iter(self.all(name)), "")


@dataclass(frozen=True)
class Media:
    """A file that a model made."""

    content: bytes
    type: str

    @property
    def suffix(self) -> str:
        return f".{self.type.partition('/')[2]}"

    @property
    def base64(self) -> str:
        return base64.b64encode(self.content).decode()


@dataclass(frozen=True)
class Answer:
    """What is sent back."""

    body: bytes = b""
    status: int = 200
    type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    def send(self, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(self.status)
        for name, value in {"Content-Type": self.type, "Content-Length": str(len(self.body)), **self.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(self.body)


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """A file as it is, anything else as JSON; numpy's numbers become plain ones."""
    if isinstance(value, Media):
        return Answer(value.content, status, value.type, headers or {})
    return Answer(json.dumps(value, default=float).encode(), status, headers=headers or {})


def refusal(status: int, message: str, code: str = "") -> Answer:
    """An error as the Hub words it, with its code where it has one."""
    return answer({"error": message}, status, {"X-Error-Code": code, "X-Error-Message": message} if code else {})
