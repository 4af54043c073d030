"""Calls over HTTP: of foreign pages, with malformed bodies, to every route; none breaks the page or what it promises."""

from __future__ import annotations

import json
import random
import time
from typing import Final

from benchmarks.attacks.app_process import AppProcess, HttpCall
from benchmarks.attacks.attack import Attack, mix

_MAX_SECONDS: Final = 10.0  # until the answer is there; other processes may be at work
_JSON: Final = {"Content-Type": "application/json"}
_MCP: Final = {**_JSON, "Accept": "application/json, text/event-stream"}
_FORM: Final = {"Content-Type": "multipart/form-data; boundary=x"}
FOREIGN: Final = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:1"},
    {"Host": "evil.example"},
    {"Host": "127.0.0.1.evil.example", "Origin": "http://127.0.0.1.evil.example"},
)
POSTS: Final = (
    "/gradio_api/queue/join", "/gradio_api/call/plan", "/gradio_api/call/run", "/gradio_api/call/list_tasks",
    "/gradio_api/mcp/",
    "/gradio_api/upload", "/gradio_api/run/predict", "/gradio_api/component_server", "/gradio_api/cancel", "/gradio_api/reset",
    "/gradio_api/stream/x", "/gradio_api/vibe-code", "/login", "/logout",
)  # fmt: skip
GETS: Final = (
    "/", "/config", "/gradio_api/info", "/gradio_api/file=/etc/passwd", "/gradio_api/file=../../../../etc/passwd",
    "/gradio_api/file=https://evil.example/a.png", "/gradio_api/file=%2Fetc%2Fpasswd",
    "/gradio_api/proxy=https://evil.example/",
    "/file=/etc/passwd", "/gradio_api/startup-events", "/monitoring", "/monitoring/summary", "/theme.css", "/assets/../app.py",
    "/static/%2e%2e/%2e%2e/app.py", "/gradio_api/deep_link?session_hash=x", "/?deep_link=../../etc", "/?request=" + "x" * 5_000,
    "/gradio_api/stream/x/0/0/playlist.m3u8", "/custom_component/x/../../x", "/%00", "/%ff",
    "//", "/..",
)  # fmt: skip
BODIES: Final = (
    b"",
    b"null",
    b"[]",
    b"{",
    b'{"data": null}',
    b'{"data": [1, 2, 3]}',
    b'{"data": [null]}',
    b'{"data": ["hi"], "fn_index": 1e9}',
    b'{"fn_index": -1, "data": [], "session_hash": "x"}',
    b'{"fn_index": 0, "data": [], "session_hash": null}',
    b"\xff\xfe",
    b"[" * 9_000,
    b'{"data": [' + b"[]," * 9_000 + b"[]]}",
    b'{"data": ["' + b"x" * 40_000 + b'"]}',
    b'{"data": ["\\ud800"]}',
    b'{"data": [NaN, 1e999]}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}',
    b'{"jsonrpc": "2.0", "id": [], "method": 5}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "plan", "arguments": {"request": 5}}}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "../x", "arguments": null}}',
    b'{"data": ["hi", [{"path": "https://evil.example/a.png", "meta": {"_type": "gradio.FileData"}}]]}',
    b'{"data": ["hi", [{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}]]}',
    b'--x\r\nContent-Disposition: form-data; name="files"; filename="../../a.png"\r\n\r\nx\r\n--x--\r\n',
    b'--x\r\nContent-Disposition: form-data; name="files"\r\n\r\n',
    b"--x--",
    b"--y\r\n\r\n",
)
_FRAGMENTS: Final = tuple(
    '{ } [ ] " : , data fn_index session_hash null 1e9 -1 path meta \\ud800 x jsonrpc method params'.split()
)


def list_calls() -> list[HttpCall]:
    """Return the catalogue."""
    calls = [HttpCall("GET", path) for path in GETS]
    for path in POSTS:
        headers = _MCP if "mcp" in path else _FORM if "upload" in path else _JSON
        calls += [HttpCall("POST", path, body, headers) for body in BODIES]
        calls += [HttpCall("POST", path, b"{}", {**headers, **foreign}) for foreign in FOREIGN]
    calls += [
        HttpCall(method, "/gradio_api/queue/join", b"{}") for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "X")
    ]
    calls += [
        HttpCall("POST", "/gradio_api/mcp/", b"{}", {**_MCP, "Content-Length": length}) for length in ("-1", "9" * 30, "x")
    ]
    return calls


def make_attack(app: AppProcess) -> Attack:
    """Return the attack on the running page."""

    def check(call: HttpCall) -> None:
        status, body = app.ask(call)
        assert app.process.poll() is None, "the server is gone"
        is_told = call.path.startswith("/gradio_api/run/") and b'"error":' in body  # Gradio's way to say what is wrong there
        assert status < 500 or is_told, f"the server failed with {status}"
        if call.method == "POST" and is_foreign(call):
            assert status in {0, 400, 403, 413, 421}, f"a foreign page's call was answered with {status}"
        if "passwd" in call.path or "://" in call.path:
            assert status >= 400 or status == 0, f"a file was served with {status}"

    return Attack("http calls", list_calls(), vary, check, clock=time.monotonic, max_seconds=_MAX_SECONDS)


def is_foreign(call: HttpCall) -> bool:
    """Return whether a call comes from another origin's page, or to another host's name."""
    return any(foreign.items() <= call.headers.items() for foreign in FOREIGN)


def vary(chance: random.Random) -> HttpCall:
    """Return a further call."""
    path = chance.choice(POSTS)
    headers = dict(chance.choice((_JSON, _MCP, _FORM, {})))
    if chance.random() < 0.3:
        headers |= chance.choice(FOREIGN)
    if chance.random() < 0.3:
        name = chance.choice(("Cookie", "Authorization", "X-HF-Token", "X-OpenAI-Key", "Accept-Language", "X-Forwarded-For"))
        headers[name] = mix(chance, ("a", ";", "=", "hf_x", ",", "é", " ", "Bearer "), ("access-token-unsecure=x",), most=2_000)
    if chance.random() < 0.5:
        body = chance.choice(BODIES)
    else:
        body = mix(chance, _FRAGMENTS, [text.decode("latin-1") for text in BODIES]).encode("utf-8", "replace")
    if chance.random() < 0.2:
        body = json.dumps(
            {"data": [body.decode("latin-1")], "session_hash": "x", "fn_index": chance.randrange(-2, 90)}
        ).encode()
    return HttpCall("POST", path, body, headers)
