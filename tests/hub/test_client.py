"""What is done on somebody's behalf with the Hub's clients: with that token alone, until a deadline, within bounds."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import HfApi, get_session
from huggingface_hub.utils import get_async_session

from hugginggpt.core.errors import ExpertError, StoppedError
from hugginggpt.core.ssrf import RefusedError, is_public
from hugginggpt.hub.client import HUB_URL, ROUTER_URL, FailedAtOnceError, HubAddresses, HubContext, use_hub_context
from tests.workspace.test_fetch import NameServer, only_first_loopback

TOKEN = "hf_visitor4711"


class Echo(ThreadingHTTPServer):
    """Remembers the Authorization headers that it was sent; `redirect` leads elsewhere."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[tuple[str, str | None]] = []
        self.redirect = ""
        self.cookie = ""
        self.cookies: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Echo

    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers.get("authorization")))
        if self.server.redirect:
            self.send_response(302)
            self.send_header("Location", self.server.redirect)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.server.cookies.append(self.headers.get("cookie"))
        body = b"x" * 2_000
        self.send_response(200)
        if self.server.cookie:
            self.send_header("Set-Cookie", self.server.cookie)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def make_context(echo: Echo | None = None, *, seconds: float = 5, **about: object) -> HubContext:
    addresses = HubAddresses(f"{echo.url}/mirror", f"{echo.url}/gateway") if echo else HubAddresses()
    return HubContext(**{"token": TOKEN, "deadline": time.monotonic() + seconds, "addresses": addresses} | about)


def test_the_hub_and_its_router_may_stand_elsewhere(echo: Echo) -> None:
    with use_hub_context(make_context(echo)):
        get_session().get(f"{HUB_URL}/api/models?limit=1")
        get_session().get(f"{ROUTER_URL}/fal-ai/model?_subdomain=queue")
        get_session().get(f"{echo.url}/other")
    assert [path for path, _ in echo.seen] == ["/mirror/api/models?limit=1", "/gateway/fal-ai/model?_subdomain=queue", "/other"]


@pytest.mark.parametrize(("token", "shown"), [(TOKEN, f"Bearer {TOKEN}"), ("", None)])
def test_the_hub_is_shown_the_visitors_token_and_never_the_owners(
    echo: Echo, monkeypatch: pytest.MonkeyPatch, token: str, shown: str | None
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_theOwners")
    with use_hub_context(make_context(echo, token=token)), pytest.raises(ValueError, match="Expecting value"):  # it isn't JSON
        HfApi().model_info("owner/name")
    assert {seen for _, seen in echo.seen} == {shown}


def test_a_token_is_not_shown_where_it_does_not_belong(echo: Echo) -> None:
    own = {"Authorization": f"Bearer {TOKEN}"}
    with use_hub_context(make_context(echo)):
        get_session().get(f"{echo.url.replace('127.0.0.1', 'localhost')}/trusted", headers=own)
        get_session().get(f"{echo.url}/mirror/files/result.png")
        get_session().get(f"{echo.url}/x", headers={"Authorization": "Bearer hf_theOwners"})
        get_session().get(f"{echo.url}/mirror/mine", headers=own)
    assert [shown for _, shown in echo.seen] == [None, None, None, f"Bearer {TOKEN}"]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://router.huggingface.co/v1", True),
        (f"{HUB_URL}/api/models", True),
        ("https://api.endpoints.huggingface.cloud/v2/endpoint/somebody", True),
        ("https://x1.us-east-1.aws.endpoints.huggingface.cloud", False),  # anybody's code runs there, too
        ("http://x1.us-east-1.aws.endpoints.huggingface.cloud", False),  # anybody on the way could read it
        ("https://somebody.hf.space/x", False),  # anybody's code runs there
        ("https://fal.run/model", False),
        ("https://huggingface.co.evil.org/x", False),
        ("https://nothuggingface.co/x", False),
        ("http://10.0.0.1/x", False),
        ("http://127.0.0.1:8000/x", False),
    ],
)
def test_a_token_is_shown_to_hugging_face_alone(url: str, shown: bool) -> None:
    assert make_context().may_send_token(httpx2.URL(url)) is shown


@pytest.mark.parametrize(
    ("endpoint", "url", "at_home", "on_a_space"),
    [
        ("https://x1.aws.endpoints.huggingface.cloud/v1", "https://x1.aws.endpoints.huggingface.cloud/v1/chat", True, True),
        ("https://x1.aws.endpoints.huggingface.cloud", "https://x2.aws.endpoints.huggingface.cloud", False, False),
        ("https://x1.aws.endpoints.huggingface.cloud", "https://x1.aws.endpoints.huggingface.cloud:8443", False, False),
        ("http://x1.aws.endpoints.huggingface.cloud", "http://x1.aws.endpoints.huggingface.cloud", False, False),
        ("https://endpoints.huggingface.cloud.evil.org", "https://endpoints.huggingface.cloud.evil.org", False, False),
        ("https://evil-endpoints.huggingface.cloud", "https://evil-endpoints.huggingface.cloud", False, False),
        ("https://fal.run/x", "https://fal.run/x", False, False),
        ("http://127.0.0.1:8000/x", "http://127.0.0.1:8000/x", True, False),
    ],
)
def test_an_endpoint_that_may_have_the_token_is_one_address_over_tls_or_on_ones_own_machine(
    endpoint: str, url: str, at_home: bool, on_a_space: bool
) -> None:
    for allowed, shown in ((None, at_home), (is_public, on_a_space)):
        assert make_context(endpoint=endpoint, allowed=allowed).may_send_token(httpx2.URL(url)) is shown


def test_on_a_public_space_results_are_not_fetched_from_inside(echo: Echo) -> None:
    with use_hub_context(make_context(allowed=is_public)), pytest.raises(RefusedError):
        get_session().get(f"{echo.url}/result.png")
    assert echo.seen == []


def test_a_result_is_fetched_from_the_very_address_that_was_checked(echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    names = NameServer(["127.0.0.1"], ["127.0.0.2"])
    monkeypatch.setattr(socket, "getaddrinfo", names)
    with use_hub_context(make_context(allowed=only_first_loopback)):
        assert get_session().get(f"http://results.test:{echo.server_port}/a.png").status_code == 200
        assert names.asked == ["results.test"]  # looked up once, then connected to what was found
        with pytest.raises(RefusedError):  # no connection is kept for a name that changes its mind
            get_session().get(f"http://results.test:{echo.server_port}/b.png")
    assert [path for path, _ in echo.seen] == ["/a.png"]


def test_a_redirect_of_the_hub_into_this_network_is_refused(echo: Echo) -> None:
    other = Echo()
    threading.Thread(target=other.serve_forever, args=(0.01,), daemon=True).start()
    echo.redirect = f"{other.url}/inside"
    with use_hub_context(make_context(echo, allowed=is_public)), pytest.raises(RefusedError):
        get_session().get(f"{HUB_URL}/api/models")
    other.shutdown()
    other.server_close()
    assert other.seen == []


def test_what_one_visitors_server_sets_is_not_sent_for_another(echo: Echo) -> None:
    echo.cookie = "who=first"
    with use_hub_context(make_context(echo)):
        get_session().get(f"{echo.url}/a")
        get_session().get(f"{echo.url}/b")
    assert echo.cookies == [None, None]


def test_offline_is_offline(tmp_path: Path) -> None:
    """The Hub's client reads its environment as it is imported."""
    code = (
        "import time; from hugginggpt.hub.client import *; from huggingface_hub import get_session\n"
        "with use_hub_context(HubContext('', time.monotonic() + 5)): get_session().get('https://huggingface.co/api/models')"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert "OfflineModeIsEnabled" in done.stderr


def test_many_first_contexts_at_once_do_not_close_each_others_connections(echo: Echo) -> None:
    """Run in a process that has made no call yet."""
    code = f"""
import threading, time
from huggingface_hub import get_session
from hugginggpt.hub.client import HubContext, use_hub_context
barrier, failed = threading.Barrier(20), []
def work():
    barrier.wait()
    try:
        with use_hub_context(HubContext('', time.monotonic() + 10)):
            for _ in range(5):
                assert get_session().get({echo.url!r}).status_code == 200
    except BaseException as error:
        failed.append(error)
threads = [threading.Thread(target=work) for _ in range(20)]
[thread.start() for thread in threads]; [thread.join() for thread in threads]
assert not failed, failed
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_log_shows_no_query(echo: Echo, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), use_hub_context(make_context(echo)):
        get_session().get(f"{echo.url}/mine?key=secretsecret4711")
    assert f"{echo.url}/mine" in caplog.text
    assert "secret4711" not in caplog.text


def test_a_redirect_does_not_take_the_token_along(echo: Echo) -> None:
    other = Echo()
    threading.Thread(target=other.serve_forever, args=(0.01,), daemon=True).start()
    echo.redirect = f"{other.url}/elsewhere"
    with use_hub_context(make_context(echo)):
        get_session().get(f"{HUB_URL}/api/models")
    other.shutdown()
    other.server_close()
    assert other.seen == [("/elsewhere", None)]


def test_a_reply_that_is_too_large_is_refused(echo: Echo) -> None:
    with use_hub_context(make_context(echo, max_bytes=1_000)), pytest.raises(ExpertError, match="The reply is larger than"):
        get_session().get(f"{echo.url}/large")


async def test_the_same_holds_for_the_asynchronous_client(echo: Echo) -> None:
    with use_hub_context(make_context(echo, max_bytes=1_000)):
        async with get_async_session() as client:
            with pytest.raises(ExpertError, match="The reply is larger than"):
                await client.post(f"{ROUTER_URL}/large", headers={"Authorization": "Bearer hf_theOwners"})
    assert echo.seen == [("/gateway/large", None)]


async def test_the_owners_own_router_may_be_in_a_network_that_visitors_can_not_reach(echo: Echo) -> None:
    url = f"{ROUTER_URL}/hf-inference/models/owner/model"
    with use_hub_context(make_context(echo, allowed=is_public, router_is_ours=True)):
        async with get_async_session() as client:
            assert (await client.get(url)).status_code == 200
            with pytest.raises(RefusedError):
                await client.get("http://127.0.0.1:9/elsewhere")
    with use_hub_context(make_context(echo, allowed=is_public)):  # as for an endpoint that a visitor has named
        async with get_async_session() as client:
            with pytest.raises(RefusedError):
                await client.get(url)


def test_past_its_deadline_nothing_is_asked(echo: Echo) -> None:
    with use_hub_context(make_context(echo, seconds=-1)), pytest.raises(FailedAtOnceError) as caught:
        get_session().get(f"{echo.url}/late")
    assert isinstance(caught.value.__cause__, httpx2.ReadTimeout)
    assert echo.seen == []


def test_what_nobody_waits_for_is_not_asked(echo: Echo) -> None:
    def stop() -> None:
        raise StoppedError("Stopped.")

    with use_hub_context(make_context(echo, check=stop)), pytest.raises(StoppedError):
        get_session().get(f"{echo.url}/stopped")
    assert echo.seen == []


def test_what_is_outside_a_context_is_left_alone(echo: Echo) -> None:
    with use_hub_context(make_context(echo, max_bytes=1)):
        pass
    get_session().get(f"{echo.url}/mine", headers={"Authorization": "Bearer hf_mine"})
    assert echo.seen == [("/mine", "Bearer hf_mine")]


def test_a_context_does_not_print_its_token() -> None:
    assert TOKEN not in repr(make_context())


def test_the_library_is_given_its_clients_once(tmp_path: Path) -> None:
    """Otherwise every context would close the connections of a download that runs beside it."""
    with use_hub_context(make_context()):
        first = get_session()
    with use_hub_context(make_context()):
        assert get_session() is first
