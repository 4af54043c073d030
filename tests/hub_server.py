"""A Hub on loopback: the few addresses that the Hub's client asks when it fetches a model."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REVISION = "a" * 40


class HubServer(ThreadingHTTPServer):
    """Serves repositories: id -> file name -> content."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, repos: Mapping[str, Mapping[str, bytes]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repos = repos
        self.fetched: list[str] = []
        self.tokens: set[str | None] = set()
        self.gated: set[str] = set()
        self.drips = ""
        """The end of the paths below which contents come a byte at a time, without end."""
        self.status = 0
        """What every request is answered with, if it is set."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def handle_error(self, *_: object) -> None:
        """A client that is stopped hangs up."""


class _Handler(BaseHTTPRequestHandler):
    server: HubServer
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        self.server.tokens.add(self.headers.get("authorization"))
        path = self.path.partition("?")[0].strip("/")
        if body and self.server.drips and path.endswith(self.server.drips):
            return self._drip()
        if self.server.status:
            return self._send(self.server.status, b"{}")
        if path.startswith("api/models/"):
            return self._info(path.removeprefix("api/models/").partition("/revision/")[0])
        repo, _, rest = path.partition("/resolve/")
        content = self.server.repos.get(repo, {}).get(rest.partition("/")[2])
        if content is None:
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
        if body:
            self.server.fetched.append(rest.partition("/")[2])
        tag = hashlib.sha256(content).hexdigest()
        return self._send(200, content, {"X-Repo-Commit": REVISION, "ETag": f'"{tag}"'}, body=body)

    def _drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "10000000")
        self.end_headers()
        while True:  # until the client hangs up
            self.wfile.write(b" ")
            time.sleep(0.02)

    def _info(self, repo: str) -> None:
        if repo in self.server.gated:
            return self._send(403, b"{}", {"X-Error-Code": "GatedRepo"})
        if repo not in self.server.repos:
            return self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        files = [{"rfilename": name, "size": len(content)} for name, content in self.server.repos[repo].items()]
        return self._send(200, json.dumps({"id": repo, "modelId": repo, "sha": REVISION, "siblings": files}).encode())

    def _send(self, status: int, content: bytes, headers: Mapping[str, str] | None = None, *, body: bool = True) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass
