"""A visitor's key: used for that visitor, and in no place where anybody could read it."""

from __future__ import annotations

import json
import re
import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import expect

from tests.conftest import MEDIA
from tests.scripted_server import KEY, ScriptedServer, error, scripted_server
from tests.ui.app_server import Server, free_port
from tests.ui.page.conftest import Visitor
from tests.ui.page.tab import Tab

pytestmark = pytest.mark.browser

BUILT_IN = "The built-in planner plans"


@pytest.fixture
def models() -> Iterator[ScriptedServer]:
    """A server that refuses the key and quotes it."""
    with scripted_server() as server:
        server.will(error(401, "Incorrect API key provided: {key}"))
        yield server


class Wire:
    """Stands between browser and server and remembers every byte that the server sent."""

    def __init__(self, server: Server) -> None:
        self._target = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.sent = bytearray()
        self._open: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for held in self._open:
            with suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)
            held.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                browser, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                self._open += [browser, server]
                threading.Thread(target=self._copy, args=(browser, server, False), daemon=True).start()
                threading.Thread(target=self._copy, args=(server, browser, True), daemon=True).start()

    def _copy(self, source: socket.socket, target: socket.socket, remembered: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if remembered:
                    self.sent += data
                else:  # nothing compressed, so that it can be searched
                    data = data.replace(b"Accept-Encoding:", b"X-Not-Encoding:")
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    between = Wire(server)
    yield between
    between.close()


def use(tab: Tab, models: ScriptedServer) -> None:
    tab.choose("Other server", openai_key=KEY, base_url=models.base_url, model="tiny")
    expect(tab.status).to_contain_text("tiny at 127.0.0.1 plans")


def test_a_key_leaves_the_box_and_goes_nowhere_but_to_its_server(
    visitor: Visitor, wire: Wire, models: ScriptedServer, server: Server
) -> None:
    tab = visitor(wire.url)
    use(tab, models)
    expect(tab.page.locator("#openai-key input")).to_have_value("")
    answer = tab.ask("Draw the edges of this photo.", MEDIA / "coffee.jpg")
    assert "127.0.0.1 refused the key: check it, or enter another one." in answer
    assert models.asked[-1].headers["authorization"] == f"Bearer {KEY}"
    tab.page.reload()
    tab.box.wait_for()

    assert b"refused the key" in wire.sent  # the queue's stream is among what was looked at
    assert KEY.encode() not in wire.sent
    assert KEY not in tab.page.content()
    assert KEY not in tab.page.url
    assert KEY not in tab.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert server.files_with(KEY) == []  # sessions, Gradio's cache, the log
    stored = tab.page.evaluate("indexedDB.databases().then(found => found.map(one => one.name))")
    assert not any("run" in name or "history" in name for name in stored)


def test_what_was_typed_comes_back_when_the_key_is_refused(tab: Tab, models: ScriptedServer) -> None:
    use(tab, models)
    tab.ask("Draw the edges of this photo.", MEDIA / "coffee.jpg")
    expect(tab.box).to_have_value("Draw the edges of this photo.")
    expect(tab.thumbnails).to_have_count(1)
    tab.choose("Built-in")
    expect(tab.status).to_contain_text(BUILT_IN)
    tab.send()
    assert "drawn in image-2" in tab.finish()  # the picture that came back is the one that is there already


def test_choosing_built_in_forgets_the_key(tab: Tab, models: ScriptedServer) -> None:
    use(tab, models)
    tab.choose("Built-in")
    expect(tab.status).to_contain_text(BUILT_IN)
    tab.choose("Other server")
    assert "image-2" in tab.ask("Draw the edges of this photo.", MEDIA / "coffee.jpg")
    assert models.asked == []


def test_a_new_conversation_keeps_the_planner(tab: Tab, models: ScriptedServer) -> None:
    use(tab, models)
    tab.start("Hello?")
    expect(tab.answers.last).to_contain_text("key")  # it was refused, and the request is over
    tab.finish()
    tab.page.get_by_label("Clear").click()
    expect(tab.requests).to_have_count(0)
    expect(tab.status).to_contain_text("tiny at 127.0.0.1 plans")
    asked = len(models.asked)
    tab.start("Hello again?")
    expect(tab.answers.last).to_contain_text("key")
    assert models.asked[asked].headers["authorization"] == f"Bearer {KEY}"


def test_a_server_that_is_gone_is_said_in_a_sentence(tab: Tab) -> None:
    with scripted_server() as gone:
        tab.choose("Other server", base_url=gone.base_url, model="tiny")
        expect(tab.status).to_contain_text("tiny at 127.0.0.1 plans")
    assert "127.0.0.1 can't be reached: check the base URL and the network." in tab.ask("Say “hello” aloud.")
    expect(tab.box).to_have_value("Say “hello” aloud.")


def test_what_does_not_work_is_not_used_and_can_be_put_right(tab: Tab, models: ScriptedServer) -> None:
    tab.choose("Other server", openai_key=KEY, base_url=f"http://127.0.0.1:{free_port()}/v1", model="tiny")
    expect(tab.status).to_contain_text("127.0.0.1 can't be reached: check the base URL and the network.")
    expect(tab.status).to_contain_text(BUILT_IN)
    expect(tab.page.locator("#openai-key input")).to_have_value(KEY)
    tab.choose("Other server", base_url=models.base_url)
    expect(tab.status).to_contain_text("tiny at 127.0.0.1 plans")
    expect(tab.page.locator("#openai-key input")).to_have_value("")


def listing(models: ScriptedServer, *names: str) -> None:
    models.models = {"data": [{"id": name} for name in names]}


def test_a_test_lists_the_servers_models_and_keeps_nothing(
    visitor: Visitor, wire: Wire, models: ScriptedServer, server: Server
) -> None:
    listing(models, "tiny", "large")
    tab = visitor(wire.url)
    tab.type("Other server", openai_key=KEY, base_url=models.base_url)
    tab.page.locator("#test-brain").click()
    expect(tab.status).to_contain_text("127.0.0.1 answers and lists 2 models: choose one.")
    expect(tab.status).to_contain_text(BUILT_IN)
    expect(tab.page.locator("#openai-key input")).to_have_value(KEY)  # what was typed is still there
    assert tab.page.evaluate("JSON.stringify(window.hugginggpt)") == "{}"
    tab.page.locator("#model input").click()
    tab.page.get_by_role("option", name="tiny").click()
    tab.page.locator("#use-brain").click()
    expect(tab.status).to_contain_text("Works: 127.0.0.1 lists 2 models, tiny among them.")
    expect(tab.status).to_contain_text("tiny at 127.0.0.1 plans")
    expect(tab.page.locator("#openai-key input")).to_have_value("")
    tab.type("Other server", model="large")  # the key is there for another of its models
    tab.page.locator("#use-brain").click()
    expect(tab.status).to_contain_text("large at 127.0.0.1 plans")
    tab.ask("Hello?")
    assert models.asked[-1].headers["authorization"] == f"Bearer {KEY}"
    assert models.asked[-1].body["model"] == "large"
    assert KEY.encode() not in wire.sent
    assert server.files_with(KEY) == []


def test_a_browser_remembers_a_key_until_it_is_told_to_forget(
    visitor: Visitor, wire: Wire, models: ScriptedServer, server: Server
) -> None:
    kept = "localStorage.getItem('hugginggpt.brain')"
    tab = visitor(wire.url)
    tab.type("Other server", openai_key=KEY, base_url=models.base_url, model="tiny")
    tab.page.get_by_label("Remember in this browser").check()
    assert tab.page.evaluate(kept) is None
    tab.page.locator("#use-brain").click()
    expect(tab.status).to_contain_text("tiny at 127.0.0.1 plans. The key is in this browser's storage, too")
    tab.page.wait_for_function(kept)
    whole = {"brain": "other", "base_url": models.base_url, "model": "tiny", "key": KEY}
    assert json.loads(tab.page.evaluate(kept)) == whole

    again = Tab(tab.page.context.new_page())
    again.open(wire.url)
    again.open_settings()
    expect(again.status).to_contain_text("tiny at 127.0.0.1 plans. The key is in this browser's storage, too")
    expect(again.page.get_by_label("Other server", exact=True)).to_be_checked()
    expect(again.page.get_by_label("Remember in this browser")).to_be_checked()
    expect(again.page.locator("#openai-key input")).to_have_value("")
    again.ask("Hello?")
    assert models.asked[-1].headers["authorization"] == f"Bearer {KEY}"
    assert KEY.encode() not in wire.sent
    assert KEY not in again.page.content()
    assert server.files_with(KEY) == []

    again.page.get_by_label("Remember in this browser").uncheck()
    expect(again.status).to_contain_text("tiny at 127.0.0.1 plans. The key stays in this tab's session")
    assert tab.page.evaluate(kept) is None
    again.page.locator("#forget-brain").click()
    expect(again.status).to_have_text(re.compile(BUILT_IN))
    expect(again.page.get_by_label("Built-in", exact=True)).to_be_checked()
    assert "image-2" in again.ask("Draw the edges of this photo.", MEDIA / "coffee.jpg")


def test_a_field_that_is_missing_is_asked_for(tab: Tab) -> None:
    tab.choose("Other server", base_url="")
    expect(tab.status).to_contain_text("Enter the server's base URL first")
    tab.choose("Other server", base_url="127.0.0.1", model="tiny")
    expect(tab.status).to_contain_text("The base URL is not valid")
    tab.choose("OpenAI", openai_key="")
    expect(tab.status).to_contain_text("Enter an OpenAI key first")
    tab.choose("Hugging Face", hf_token="")
    expect(tab.status).to_contain_text("Enter a Hugging Face token first")


def test_no_handler_of_the_page_is_part_of_its_interface(server: Server) -> None:
    with urllib.request.urlopen(f"{server.url}/gradio_api/info") as response:
        told = json.load(response)
    assert (set(told["named_endpoints"]), told["unnamed_endpoints"]) == ({"/run", "/plan", "/list_tasks", "/list_models"}, {})


def test_runs_are_not_remembered_by_the_browser(server: Server) -> None:
    with urllib.request.urlopen(f"{server.url}/config") as response:
        assert json.load(response)["run_history"] is False


def test_the_browser_drops_no_request_that_follows_another(server: Server) -> None:
    with urllib.request.urlopen(f"{server.url}/config") as response:
        told = json.load(response)
    kinds = {component["id"]: component["type"] for component in told["components"]}
    begins = {("multimodaltextbox", "submit"), ("chatbot", "retry"), ("chatbot", "edit"), ("chatbot", "option_select")}
    modes = {
        (kinds[target], event): dependency["trigger_mode"]
        for dependency in told["dependencies"]
        if dependency["backend_fn"]
        for target, event in dependency["targets"]
        if target in kinds and (kinds[target], event) in begins
    }
    assert modes == dict.fromkeys(begins, "multiple")
