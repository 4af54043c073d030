"""The policies that go with pages and files."""

from __future__ import annotations

import re

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from hugginggpt.ui.security.headers import FILE_POLICY, SecurityHeadersMiddleware

PAGE = '<head><script>one()</script><script type="module" src="./a.js"></script></head><p>&lt;script></p>'


async def page(request: Request) -> Response:
    return HTMLResponse(PAGE)


async def file(request: Request) -> Response:
    return Response(b"<script>evil()</script>", media_type="text/html; charset=utf-8")


@pytest.fixture
def client() -> TestClient:
    routes = [Route("/", page), Route("/gradio_api/file={name}", file), Route("/assets/a.js", file)]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(SecurityHeadersMiddleware)]))


def test_only_a_pages_own_scripts_run_each_time_under_another_nonce(client: TestClient) -> None:
    nonces = set()
    for _ in range(2):
        response = client.get("/")
        (nonce,) = re.findall(r"script-src [^;]*'nonce-([\w-]+)'", response.headers["content-security-policy"])
        assert response.text == PAGE.replace("<script", f'<script nonce="{nonce}"')
        assert "unsafe-inline" not in response.headers["content-security-policy"].partition("script-src")[2].partition(";")[0]
        nonces.add(nonce)
    assert len(nonces) == 2


@pytest.mark.parametrize(
    "name", ["default-src", "script-src", "frame-src", "font-src", "connect-src", "base-uri", "object-src", "form-action"]
)
def test_the_policy_names_what_may_be_loaded(client: TestClient, name: str) -> None:
    assert re.search(rf"(^|; ){name} '(self|none)'", client.get("/").headers["content-security-policy"])


@pytest.mark.parametrize("path", ["/gradio_api/file=a.html", "/assets/a.js", "/missing"])
def test_what_is_not_the_page_is_served_into_a_sandbox_and_by_its_type(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers.get_list("content-security-policy") == [FILE_POLICY]
    assert headers["x-content-type-options"] == "nosniff"
    assert FILE_POLICY.startswith("sandbox;")


def test_on_a_space_its_bar_loads_what_is_its_own_and_scripts_stay_as_they_are() -> None:
    app = Starlette(routes=[Route("/", page)], middleware=[Middleware(SecurityHeadersMiddleware, space=True)])
    policy = dict(each.split(" ", 1) for each in TestClient(app).get("/").headers["content-security-policy"].split("; "))
    assert policy["font-src"] == "'self' data: https://fonts.gstatic.com"
    assert policy["connect-src"].endswith("https://huggingface.co/api/spaces/")
    assert "http" not in policy["script-src"] + policy["default-src"] + policy["frame-src"]


def test_a_head_request_has_the_headers_alone(client: TestClient) -> None:
    response = client.head("/")
    assert (response.status_code, response.text) == (200, "")
    assert "script-src" in response.headers["content-security-policy"]
