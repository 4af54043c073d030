"""The request guard, over real HTTP: names, origins, addresses that Gradio would fetch, and bodies."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from gradio.route_utils import FnIndexInferError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from hugginggpt.ui.security.request_bodies import MAX_FORM_BYTES, MAX_JSON_BYTES, check_body
from hugginggpt.ui.security.request_guard import RequestGuardMiddleware, find_hosts, is_foreign, read_host
from tests.ui.app_server import free_port


async def tell(request: Request) -> JSONResponse:
    """Answer with what reaches the app behind the guard."""
    return JSONResponse({"session": request.session, "cookies": request.cookies, "body": (await request.body()).decode()})


async def look_up(request: Request) -> JSONResponse:
    """Break as Gradio's routes do on a function that there isn't."""
    number = (await request.json())["fn_index"]
    if number is None:
        raise FnIndexInferError("Could not infer the function's index.")
    return JSONResponse({}[number])


async def quote(request: Request) -> JSONResponse:
    """Refuse a body as FastAPI does."""
    return JSONResponse({"detail": [{"input": await request.json()}]}, status_code=422)


async def find_page(request: Request) -> JSONResponse:
    """Break as Gradio's page does where there is no such page."""
    return JSONResponse({}[request.query_params["page"]])


async def fail(request: Request) -> JSONResponse:
    raise RuntimeError("a fault of our own")


async def sign_in(request: Request) -> JSONResponse:
    request.session["oauth_info"] = "ada"
    return JSONResponse({})


@contextmanager
def serving(**guard: Any) -> Iterator[int]:
    """A web app with a sign-in, in Gradio's order of middleware: the session's outside the guard."""
    session = Middleware(SessionMiddleware, secret_key="secret", same_site="none")
    routes = [
        Route("/sign-in", sign_in),
        Route("/gradio_api/break", look_up, methods=["POST"]),
        Route("/gradio_api/quote", quote, methods=["POST"]),
        Route("/page", find_page),
        Route("/broken", fail),
        Route("/{path:path}", tell, methods=["GET", "POST"]),
    ]
    app = Starlette(routes=routes, middleware=[session, Middleware(RequestGuardMiddleware, **guard)])
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield port
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def home() -> Iterator[int]:
    with serving(hosts=("studio.lan",)) as port:
        yield port


@pytest.fixture(scope="module")
def space() -> Iterator[int]:
    with serving(personal=False) as port:
        yield port


def ask(port: int, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, Any, Any]:
    """Status, body and headers; header names are written with underscores."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    found = response.status, json.loads(response.read() or b"null"), response.headers
    connection.close()
    return found


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:7860", "[::1]:7860", "192.168.1.7", "Studio.LAN:80", "app.localhost", "localhost."]
)
def test_at_home_the_page_answers_to_this_machines_names_and_addresses(home: int, host: str) -> None:
    assert ask(home, "/", Host=host)[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "evil.example:7860", "[", "", "a@evil"]
)
def test_a_name_that_was_bound_anew_to_this_machine_reaches_nothing(home: int, space: int, host: str) -> None:
    for path in ("/", "/gradio_api/info", "/gradio_api/call/run"):
        status, told, _ = ask(home, path, Host=host)
        assert status == 421
        assert "HUGGINGGPT_ALLOWED_HOSTS" in told["detail"]
    assert ask(space, "/", Host=host)[0] == 200  # a Space is open to everybody


def test_an_owner_names_further_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_ROOT_PATH", "https://Models.example.org/agent")
    monkeypatch.setenv("GRADIO_SERVER_NAME", "studio")
    assert find_hosts(("a.example",)) == ("a.example", "studio", "models.example.org")
    with serving(hosts=("*",)) as port:
        assert ask(port, "/", Host="anything.example")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=https://evil.example/a.png",
        "/gradio_api/file=http://127.0.0.1:9/",
        "/gradio_api/file=%68ttps://evil.example/a.png",
        "/gradio_api/file=HTTPS://evil.example/a.png",
        "/gradio_api/file=%20https://evil.example/a.png",
        "/gradio_api/file=ftp://evil.example/a.png",
        "/tools/gradio_api/file=https://evil.example/a.png",
        "/gradio_api/proxy=https://evil.hf.space/file=x",
        "/file=https://evil.example/a.png",
        "/gradio_api/file/https://evil.example/a.png",
        "/gradio_api/file/%20HTTP://evil.example/a.png",
        "/file/http:/evil.example/a.png",
    ],
)
def test_no_route_fetches_an_address_for_a_browser(home: int, space: int, path: str) -> None:
    for port in (home, space):
        status, told, _ = ask(port, path)
        assert (status, set(told)) == (403, {"detail"})


def test_a_file_by_its_path_is_served(space: int) -> None:
    assert ask(space, "/gradio_api/file=/tmp/sessions/a/image-1.png")[0] == 200
    assert ask(space, "/gradio_api/file=C:/sessions/a/image-1.png")[0] == 200


@pytest.mark.parametrize("path", ["/monitoring", "/monitoring/summary", "/tools/monitoring/", "/gradio_api/deep_link"])
def test_how_the_page_is_used_is_nobodys_business(space: int, path: str) -> None:
    assert ask(space, path)[0] == 404


EVENT = b'{"data": []}'
FOREIGN = [
    {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "cors", "Origin": "https://evil.example"},
    {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"},
    {"Sec_Fetch_Site": "same-site", "Origin": "http://127.0.0.1:9999"},
    {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"},  # a form that is sent from there
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "https://evil.example", "X_Forwarded_Host": "evil.example"},
]
OWN = [
    {},
    {"Sec_Fetch_Site": "same-origin", "Origin": "http://127.0.0.1"},
    {"Sec_Fetch_Site": "none", "Sec_Fetch_Mode": "navigate"},
    {"Origin": "http://127.0.0.1", "Host": "127.0.0.1"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_another_origin_never_carries_a_sign_in_into_anything(home: int, space: int, headers: dict[str, str]) -> None:
    cookie = ask(space, "/sign-in")[2]["set-cookie"].partition(";")[0]
    status, seen, answered = ask(space, "/gradio_api/queue/join", "POST", EVENT, Cookie=cookie, **headers)
    assert (status, seen["session"], seen["cookies"]) == (200, {}, {})  # the API is open to pages, which bring their own keys
    assert "set-cookie" not in answered  # and nobody is signed out


@pytest.mark.parametrize("headers", FOREIGN)
def test_at_home_another_origin_may_not_ask_or_read_anything(home: int, headers: dict[str, str]) -> None:
    assert ask(home, "/gradio_api/queue/join", "POST", EVENT, **headers)[0] == 403
    reads = "Origin" in headers  # a page's pictures and links name no origin, and nobody reads what comes
    assert ask(home, "/config", **headers)[0] == (403 if reads else 200)
    if reads:
        assert ask(home, "/gradio_api/call/run", "OPTIONS", **headers)[0] == 403


def test_at_home_a_proxys_word_counts_for_a_name_that_the_owner_has_given(home: int) -> None:
    headers = {"Origin": "https://studio.lan", "X_Forwarded_Host": "studio.lan"}
    assert ask(home, "/gradio_api/queue/join", "POST", EVENT, **headers)[0] == 200


@pytest.mark.parametrize("headers", OWN)
def test_the_page_itself_and_programs_keep_theirs(space: int, headers: dict[str, str]) -> None:
    cookie = ask(space, "/sign-in")[2]["set-cookie"].partition(";")[0]
    assert ask(space, "/gradio_api/queue/join", "POST", EVENT, Cookie=cookie, **headers)[1]["session"] == {"oauth_info": "ada"}


def test_who_comes_back_from_signing_in_is_not_foreign() -> None:
    back = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert not is_foreign("GET", back)
    assert is_foreign("POST", back)


def file(path: str) -> dict[str, Any]:
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


REMOTE = [
    [file("http://127.0.0.1:9/a.png")],
    {"data": [{"text": "x", "files": [file("https://evil.example/a.png")]}]},
    {"data": [[[file("HTTP://evil.example/a.png")]]]},
    {"data": [{"a": {"b": [file(" https://evil.example")]}}]},
]


@pytest.mark.parametrize("body", REMOTE)
def test_a_file_object_with_an_address_is_refused_before_anything_reads_it(space: int, body: Any) -> None:
    for sent in (json.dumps(body), json.dumps(body).replace("gradio", "\\u0067radio").replace("http", "\\u0068ttp")):
        for path in ("/gradio_api/queue/join", "/gradio_api/call/run", "/gradio_api/mcp", "/gradio_api/component_server"):
            status, told, _ = ask(space, path, "POST", sent.encode(), Content_Type="application/json")
            assert status == 400
            assert "give the address itself" in told["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b'{"data": ["https://example.org/a.png"]}',
        json.dumps([file("/tmp/gradio/a.png")]).encode(),
        b'{"path": "http://a"}',
    ],
)
def test_what_names_no_file_elsewhere_goes_through_as_it_came(space: int, body: bytes) -> None:
    status, seen, _ = ask(space, "/gradio_api/component_server", "POST", body)
    assert (status, seen["body"]) == (200, body.decode())


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 40_000, b'{"a": ' * 40_000, b"{}{}"])
def test_what_is_no_json_is_said(space: int, body: bytes) -> None:
    status, told, _ = ask(space, "/gradio_api/queue/join", "POST", body)
    assert status == 400
    assert told["detail"] == "The request's body is not JSON, or it is nested too deep."


def test_a_body_of_more_values_than_any_call_has_is_refused_before_it_is_parsed() -> None:
    for unit in (b"[],", b'{"a":1},', b"1,"):
        rejection = check_body(b"[" + unit * (MAX_JSON_BYTES // len(unit) - 1) + b"0]")
        assert rejection is not None
        assert (rejection.status, "more than 50,000 values" in rejection.message) == (413, True)


@pytest.mark.parametrize("body", [b"{}", b'{"fn_index": -1}', b'{"fn_index": null}', b"5"])
def test_where_a_route_breaks_on_a_body_that_is_said(space: int, body: bytes) -> None:
    status, told, _ = ask(space, "/gradio_api/break", "POST", body)
    assert (status, told["detail"]) == (400, "The request's body is not what this route takes.")


@pytest.mark.parametrize(
    "body",
    [{}, [], {"data": {"a": 1}}, {"data": None}, {"data": [], "event_id": [1] * 1_000}, {"data": [], "session_hash": {"a": 1}}],
)
def test_an_event_of_another_shape_is_refused_before_gradio_would_quote_it(space: int, body: Any) -> None:
    for path in ("/gradio_api/queue/join", "/gradio_api/call/plan", "/gradio_api/run/plan"):
        status, told, _ = ask(space, path, "POST", json.dumps(body).encode())
        assert (status, told["detail"]) == (400, "The request's body is not what this route takes.")


def test_a_refusal_that_quotes_the_body_is_replaced(space: int) -> None:
    status, told, _ = ask(space, "/gradio_api/quote", "POST", b'{"data": []}')
    assert (status, told) == (400, {"detail": "The request's body is not what this route takes."})


def test_a_page_that_is_not_there_is_not_found_and_what_breaks_is_said(space: int) -> None:
    assert ask(space, "/page?page=x")[:2] == (404, {"detail": "There is nothing here."})
    status, told, _ = ask(space, "/broken")
    assert (status, told["detail"]) == (500, "Something broke inside this program; the log says what.")


def test_a_call_names_no_more_files_than_a_session_holds(space: int) -> None:
    body = json.dumps({"data": [[file("a")] * 2_001]}).encode()
    status, told, _ = ask(space, "/gradio_api/queue/join", "POST", body)
    assert (status, told["detail"]) == (413, "The request names 2,001 files; 2,000 is the limit.")


def test_half_a_letter_in_an_mcp_call_is_said() -> None:
    for body in (b'{"a": ["\\ud800 hello"]}', b'{"a": "\\udfff"}'):
        rejection = check_body(body, "/gradio_api/mcp/")
        assert rejection is not None
        assert "half a letter" in rejection.message
    assert check_body(b'{"a": "\\ud83d\\ude42"}', "/gradio_api/mcp/") is None


def test_a_body_has_a_limit_whatever_its_length_claims(space: int) -> None:
    large = b"[" + b"1," * (MAX_JSON_BYTES // 2) + b"1]"
    for headers in ({}, {"Content_Length": "1" * 30}, {"Content_Length": "-1"}):
        connection = http.client.HTTPConnection("127.0.0.1", space, timeout=10)
        try:
            connection.request(
                "POST", "/gradio_api/mcp", large if not headers else None, {k.replace("_", "-"): v for k, v in headers.items()}
            )
            assert connection.getresponse().status in {400, 413}
        except (ConnectionError, http.client.RemoteDisconnected):
            assert headers  # uvicorn hangs up on a length that is none
        finally:
            connection.close()
    assert ask(space, "/")[0] == 200


def test_a_body_that_mcps_schemas_are_held_against_has_few_values(space: int) -> None:
    body = json.dumps({"data": [{"a": 1}] * 300}).encode()
    assert ask(space, "/gradio_api/mcp/", "POST", body)[0] == 413
    assert ask(space, "/gradio_api/call/plan", "POST", body)[0] == 200


def test_what_is_neither_json_nor_an_upload_is_a_small_form(space: int) -> None:
    assert ask(space, "/login", "POST", bytes(MAX_FORM_BYTES))[0] == 200
    assert ask(space, "/login", "POST", bytes(MAX_FORM_BYTES + 1), Content_Type="multipart/form-data; boundary=x")[0] == 413


async def test_a_body_that_stalls_is_given_up() -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.sleep(60 if sent or received else 0)
        received.append(1)
        return {"type": "http.request", "body": b"{", "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    received: list[int] = []
    guard = RequestGuardMiddleware(Starlette(), personal=False, max_body_seconds=0.1)
    scope = {"type": "http", "method": "POST", "path": "/gradio_api/queue/join", "headers": [(b"content-length", b"8000000")]}
    await guard(scope, receive, send)
    assert sent[0]["status"] == 408


async def test_bodies_that_have_come_in_part_are_so_many_at_once() -> None:
    answers: list[int] = []
    entered = asyncio.Semaphore(0)

    async def ask_slowly(first: bytes, *, whole: bool) -> None:
        pieces = [{"type": "http.request", "body": first, "more_body": not whole}]

        async def receive() -> Any:
            if pieces:
                return pieces.pop()
            entered.release()
            return await asyncio.Event().wait()

        async def send(message: Any) -> None:
            answers.append(message.get("status", 0))

        scope = {"type": "http", "method": "POST", "path": "/gradio_api/mcp", "headers": [], "client": ("10.0.0.1", 1)}
        await guard({**scope, "query_string": b""}, receive, send)

    guard = RequestGuardMiddleware(Starlette(), personal=False)
    stalled = [asyncio.create_task(ask_slowly(b"[", whole=False)) for _ in range(32)]
    for _ in stalled:
        await entered.acquire()
    await ask_slowly(b"[", whole=False)
    assert answers[0] == 503
    await ask_slowly(b"[]", whole=True)  # one that comes whole waits for nobody
    assert answers[2] == 404
    stalled.pop().cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    again = asyncio.create_task(ask_slowly(b"[", whole=False))
    await entered.acquire()
    for task in (*stalled, again):
        task.cancel()


def test_the_largest_body_is_looked_through_in_little_time() -> None:
    file_object = json.dumps({"path": "a" * 8_000, "meta": {}}).encode() + b","
    body = b"[" + file_object * (MAX_JSON_BYTES // len(file_object) - 1) + b"0]"
    begun = time.process_time()
    assert check_body(body) is None
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    ("value", "name"), [("A.example:80", "a.example"), ("[::1]:1", "::1"), ("a.", "a"), ("", ""), ("[", "")]
)
def test_a_hosts_name_is_read_without_its_port(value: str, name: str) -> None:
    assert read_host(value) == name
