"""Refusals of real servers, from ``refusals.yaml``, as replies of a server on loopback."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import yaml

from tests.scripted_server import Asked, Reply

ROWS: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_name("refusals.yaml").read_text(encoding="utf-8"))
"""Rows of the table, by what the client does next."""


def refusal(row: Mapping[str, Any]) -> Reply:
    """A server's refusal as it sends it; with 200 as a stream's first event, where a stream was asked for."""

    def reply(handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        body = row["body"] if isinstance(row["body"], str) else json.dumps(row["body"])
        kind = "text/html" if body.startswith("<") else "text/plain" if isinstance(row["body"], str) else "application/json"
        if row["status"] == 200 and asked.body.get("stream"):
            body, kind = f"data: {body}\n\n", "text/event-stream"
        handler.send_response(row["status"])
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body.encode())))
        handler.send_header("Retry-After-Ms", "1")
        handler.end_headers()
        handler.wfile.write(body.encode())

    return reply
