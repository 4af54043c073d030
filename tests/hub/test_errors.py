"""What a failure at the Hub, its router or a provider means."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from hugginggpt.core.errors import BackendError
from hugginggpt.hub.client import FailedAtOnceError
from hugginggpt.hub.errors import CalledServer, build_fault_error, read_fault


def status(code: int, body: Any = None, **headers: str) -> httpx2.HTTPStatusError:
    request = httpx2.Request("POST", "https://router.huggingface.co/x")
    content = b"" if body is None else json.dumps(body).encode()
    response = httpx2.Response(code, content=content, headers=headers, request=request)
    return httpx2.HTTPStatusError("no", request=request, response=response)


def read(error: BaseException, at: CalledServer = "router") -> Any:
    return read_fault(error, model="o/m", provider="fal-ai", seconds=30, server=at)


@pytest.mark.parametrize("said", ["Access to model o/m is gated", "You must accept the terms of this model first"])
def test_a_gate_is_known_by_its_words(said: str) -> None:
    assert read(status(403, {"error": said})).sentence.startswith("o/m asks for consent: accept its terms at https://hugg")


def test_an_unacceptable_request_is_no_gate() -> None:
    assert "permission" in read(status(403, {"error": "Unacceptable content"})).sentence


@pytest.mark.parametrize(
    ("body", "wait"),
    [
        ({"error": "Model o/m is currently loading", "estimated_time": 20.5}, 20.5),
        ({"error": "loading", "estimated_time": 10**400}, 86_400),
        ({"error": "loading", "estimated_time": -1}, 0),
        ({"error": "loading", "estimated_time": "soon"}, 3),
        ({"error": "loading"}, 3),
    ],
)
def test_a_model_that_loads_says_how_long(body: Any, wait: float) -> None:
    fault = read(status(503, body, **{"retry-after": "3"}))
    assert (fault.loading, fault.retryable, fault.wait) == (True, True, wait)


def test_what_the_library_would_try_again_is_read_all_the_same() -> None:
    error = FailedAtOnceError()
    error.__cause__ = status(500)
    assert read(error).sentence.startswith("fal-ai has trouble of its own (status 500)")


def test_a_certificate_that_is_not_trusted_is_told() -> None:
    error = httpx2.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate")
    assert read(error).sentence.startswith("The certificate of fal-ai is not trusted: if this network inspects connections")


@pytest.mark.parametrize(
    ("error", "at", "whole"),
    [
        (status(401), "router", True),
        (status(402, {"error": "You have exceeded your monthly included credits."}), "router", True),
        (status(402), "router", False),
        (httpx2.ConnectError("no route"), "router", True),
        (httpx2.ProxyError("403 Forbidden"), "router", True),
        (status(403), "router", False),
        (status(429), "router", False),
        (status(401), "endpoint", False),
        (httpx2.ConnectError("no route"), "endpoint", False),
        (KeyError("video"), "router", False),
    ],
)
def test_only_the_account_and_the_network_are_the_whole_back_ends_fault(
    error: Exception, at: CalledServer, whole: bool
) -> None:
    assert isinstance(build_fault_error(read(error, at)), BackendError) is whole


def test_a_sentence_is_no_template() -> None:
    assert read(BackendError("Braces {stay} braces.")).sentence == "Braces {stay} braces."
