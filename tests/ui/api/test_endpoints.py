"""The agent for programs: gradio_client, curl's protocol and an MCP client call the real app.py."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from mcp import ClientSession
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

from tests.conftest import MEDIA
from tests.hosted_server import TOKEN, HostedServer
from tests.scripted_server import KEY, ScriptedServer, completion, scripted_server
from tests.ui.app_server import ROOT, Server, until

pytestmark = pytest.mark.slow

ENDPOINTS = {"run", "plan", "list_tasks", "list_models"}
READ_ALOUD = "Read the text in this picture aloud."


@pytest.fixture
def llm() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture
def quiet(server: Server) -> Iterator[None]:
    """Afterwards the server's log must be clean."""
    before = len(server.troubles)
    yield
    assert server.troubles[before:] == []


@pytest.fixture
def client(server: Server, tmp_path: Path, quiet: None) -> Iterator[Client]:
    with connected(server, tmp_path) as found:
        yield found


@contextmanager
def connected(server: Server, folder: Path, **headers: str) -> Iterator[Client]:
    client = Client(server.url, verbose=False, analytics_enabled=False, headers=headers, download_files=folder)
    yield client
    client.close()


def headers_for(llm: ScriptedServer) -> dict[str, str]:
    return {"X-OpenAI-Key": KEY, "X-OpenAI-Base-URL": llm.base_url, "X-OpenAI-Model": "tiny"}


@asynccontextmanager
async def mcp(server: Server, **headers: str) -> AsyncIterator[ClientSession]:
    async with (
        create_mcp_http_client(headers=headers) as http,
        streamable_http_client(f"{server.url}/gradio_api/mcp/", http_client=http) as (incoming, outgoing, _),
        ClientSession(incoming, outgoing) as session,
    ):
        await session.initialize()
        yield session


def test_a_program_plans_runs_and_fetches_what_was_made(server: Server, client: Client) -> None:
    before = server.folders()
    planned = client.predict(READ_ALOUD, [handle_file(MEDIA / "sign.jpg")], api_name="/plan")
    assert [task["task"] for task in planned["plan"]] == ["image-to-text", "text-to-speech"]
    assert server.folders() == before

    done = client.predict(request=READ_ALOUD, files=[handle_file(MEDIA / "sign.jpg")], api_name="/run")
    assert "BEACH CLOSED" in done["answer"]
    assert done["complete"]
    assert done["plan"] == planned["plan"]
    assert [step["status"] for step in done["steps"]] == ["done", "done"]
    sign, text, speech = done["resources"]
    assert (sign["name"], sign["origin"], "file" in sign) == ("image-1", "sign.jpg", False)
    assert "NO SWIMMING" in text["text"]
    assert Path(speech["file"]).read_bytes()[:4] == b"RIFF"
    assert str(server.home) not in json.dumps(done)
    (kept,) = server.folders() - before  # so that a slow client can fetch it
    assert any(kept.rglob("audio-1.wav"))


def test_a_program_hears_how_far_it_is(client: Client) -> None:
    job = client.submit(READ_ALOUD, [handle_file(MEDIA / "sign.jpg")], api_name="/run")
    heard: list[tuple[str | None, int | None, Any]] = []
    while not job.done():
        heard += [(unit.desc, unit.index, unit.length) for unit in job.status().progress_data or ()]
        time.sleep(0.02)
    assert ("image-to-text runs on PP-OCRv6-small", 0, 2) in heard
    assert ("text-to-speech runs on hibari-tts", 1, 2) in heard


def test_a_program_lists_tasks_and_models(client: Client) -> None:
    tasks = {task["task"]: task for task in client.predict(api_name="/list_tasks")}
    assert tasks["image-to-text"]["runs"]
    assert tasks["image-to-text"]["inputs"] == [
        {"name": "image", "kind": "image", "required": True},
        {"name": "instruction", "kind": "text", "required": False},
    ]
    assert not tasks["text-to-video"]["runs"]
    first, *others = client.predict("image to text", api_name="/list_models")
    assert (first["id"], first["runs"], first["license"]) == ("PP-OCRv6-small", True, "Apache-2.0")
    assert first["why_first"]
    assert {"Salesforce/blip-image-captioning-base"} <= {model["id"] for model in others if not model["runs"]}
    assert not any(model["why_first"] for model in others)
    with pytest.raises(AppError, match="“dancing” is no task"):
        client.predict("dancing", api_name="/list_models")


def test_a_token_comes_by_header_and_goes_to_the_router(server: Server, hosting: HostedServer, tmp_path: Path) -> None:
    hosting.serve("image-classification", "owner/pictures")
    with connected(server, tmp_path) as client:
        assert "owner/pictures" not in {m["id"] for m in client.predict("image-classification", api_name="/list_models")}
    with connected(server, tmp_path, **{"X-HF-Token": TOKEN}) as client:
        models = client.predict("image-classification", api_name="/list_models")
    assert ("owner/pictures", "hosted by hf-inference", True) in [(m["id"], m["where"], m["runs"]) for m in models]
    assert server.files_with(TOKEN) == []
    with connected(server, tmp_path, **{"X-HF-Token": KEY}) as client, pytest.raises(AppError, match="begins with hf_"):
        client.predict(api_name="/list_tasks")


def test_a_language_model_plans_by_header_and_its_key_stays_with_it(
    server: Server, llm: ScriptedServer, tmp_path: Path
) -> None:
    plan = [{"task": "text-to-speech", "id": 0, "dep": [-1], "args": {"text": "Good day"}}]
    llm.will(completion({"tasks": plan}), completion("Here you are: audio-1."))
    with connected(server, tmp_path, **headers_for(llm)) as client:
        done = client.predict("Sag guten Tag", api_name="/run")
    assert done["controller"] == "tiny (127.0.0.1)"
    assert done["answer"].startswith("Here you are")
    assert done["usage"]["calls"] == 2
    assert {asked.headers["authorization"] for asked in llm.asked} == {f"Bearer {KEY}"}
    assert KEY not in json.dumps(done)
    assert server.files_with(KEY) == []
    with connected(server, tmp_path) as client:  # the next caller has no part in it
        assert client.predict("Say good day.", api_name="/plan")["controller"] == "built-in planner"


def test_a_cancelled_job_and_one_whose_caller_is_gone_are_stopped(
    quiet: None, server: Server, llm: ScriptedServer, tmp_path: Path
) -> None:
    def slow(*_: object) -> None:
        asked.set()
        llm.over.wait(60)

    asked = threading.Event()
    llm.will(slow)
    before = server.folders()
    with connected(server, tmp_path, **headers_for(llm)) as client:
        job = client.submit("Say good day.", api_name="/run")
        assert asked.wait(60)
        assert len(server.folders() - before) == 1
        job.cancel()
        until(lambda: server.folders() == before, 30)

    asked.clear()
    url, body = f"{server.url}/gradio_api/queue", {"data": ["Say good day.", None], "session_hash": "gone", "fn_index": 0}
    info = httpx.get(f"{server.url}/config", timeout=60).json()
    body["fn_index"] = next(each["id"] for each in info["dependencies"] if each["api_name"] == "run")
    httpx.post(f"{url}/join", json=body, headers=headers_for(llm), timeout=60).raise_for_status()
    with httpx.stream("GET", f"{url}/data?session_hash=gone", timeout=60) as stream:
        next(stream.iter_lines())
        assert asked.wait(60)
        assert len(server.folders() - before) == 1
    until(lambda: server.folders() == before, 30)


@pytest.mark.parametrize(
    "file",
    [
        {"path": "/etc/passwd"},
        {"path": "/etc/passwd", "orig_name": "cat.jpg", "meta": {"_type": "gradio.FileData"}},
        "/etc/passwd",
        "file:///etc/passwd",
        "http://127.0.0.1:1/cat.jpg",
    ],
)
def test_no_file_of_the_server_can_be_read(server: Server, file: object) -> None:
    called = httpx.post(f"{server.url}/gradio_api/call/plan", json={"data": ["Read this aloud.", [file]]}, timeout=60)
    event = called.json()["event_id"]
    heard = httpx.get(f"{server.url}/gradio_api/call/plan/{event}", timeout=60).text
    assert heard.splitlines()[0] == "event: error"
    assert "root:" not in heard


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("plan", [5, None], "The request is no text"),
        ("plan", [None, None], "The request is no text"),
        ("run", [{"a": []}, []], "The request is no text"),
        ("run", ["x" * 40_000, []], "The request is 40,000 characters long"),
        ("plan", ["Say hello aloud.", 5], "The files are no list"),
        ("plan", ["Say hello aloud.", "data:,x"], "The files are no list"),
        ("plan", ["Say hello aloud.", [5]], "neither an upload nor a URL"),
        ("plan", [], "not what its endpoint takes"),
        ("plan", ["Say hello aloud."], "not what its endpoint takes"),
        ("plan", ["x", {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}], "was not uploaded"),
        ("list_models", [5], "“5” is no task"),
        ("list_models", ["x" * 7_000_000], "is no task"),
    ],
)
def test_arguments_of_another_kind_are_refused_in_a_sentence(
    server: Server, quiet: None, name: str, data: list[Any], said: str
) -> None:
    address = f"{server.url}/gradio_api/call/{name}"
    heard = httpx.get(f"{address}/{httpx.post(address, json={'data': data}, timeout=60).json()['event_id']}", timeout=60).text
    assert heard.splitlines()[0] == "event: error"
    assert said in json.loads(heard.splitlines()[1].removeprefix("data: "))["error"]


def test_the_schema_holds_these_endpoints_and_no_key(server: Server) -> None:
    info = httpx.get(f"{server.url}/gradio_api/info", timeout=60).json()
    assert {name.removeprefix("/") for name in info["named_endpoints"]} == ENDPOINTS
    assert info["unnamed_endpoints"] == {}
    parameters = [p["parameter_name"] for each in info["named_endpoints"].values() for p in each["parameters"]]
    assert sorted(parameters) == ["files", "files", "request", "request", "task"]
    assert all(each["description"] for each in info["named_endpoints"].values())


async def test_an_mcp_client_finds_the_tools_and_runs_one(server: Server) -> None:
    heard: list[str | None] = []

    async def hear(_: float, __: float | None, message: str | None) -> None:
        heard.append(message)

    async with mcp(server, Authorization=f"Bearer {TOKEN}") as session:
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
        assert set(tools) == ENDPOINTS
        assert {name for tool in tools.values() for name in tool.inputSchema["properties"]} == {"request", "files", "task"}
        assert "plans tasks" in (tools["run"].description or "")
        assert tools["run"].inputSchema["properties"]["request"]["description"]

        done = await session.call_tool("run", {"request": READ_ALOUD, "files": ["sign.jpg"]}, progress_callback=hear)
        said = "".join(getattr(block, "text", "") for block in done.content)
        assert not done.isError, said
        assert "BEACH CLOSED" in said
        address = said.partition("'url': '")[2].partition("'")[0]
        assert address.startswith(server.url)
        assert (await asyncio.to_thread(httpx.get, address)).content[:4] == b"RIFF"
        assert "Progress text-to-speech runs on hibari-tts: Step 1 of 2" in heard

        refused = await session.call_tool("list_models", {"task": "dancing"})
        assert refused.isError
        assert "“dancing” is no task" in getattr(refused.content[0], "text", "")
        # Gradio would upload this to itself: a file of the server
        file = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
        assert (await session.call_tool("plan", {"request": "Read this aloud.", "files": [file]})).isError
        assert (await session.call_tool("plan", {"request": file})).isError
    assert server.files_with(TOKEN) == []


async def test_an_mcp_clients_token_counts_for_that_call_alone(server: Server, hosting: HostedServer) -> None:
    hosting.serve("image-classification", "owner/pictures")
    async with mcp(server, Authorization=f"Bearer {TOKEN}") as mine, mcp(server) as theirs:
        with_token, without = await asyncio.gather(
            mine.call_tool("list_models", {"task": "image-classification"}),
            theirs.call_tool("list_models", {"task": "image-classification"}),
        )
    assert "owner/pictures" in str(with_token.content)
    assert "owner/pictures" not in str(without.content)


async def test_a_request_whose_mcp_client_is_gone_is_stopped(quiet: None, server: Server, llm: ScriptedServer) -> None:
    def slow(*_: object) -> None:
        asked.set()
        llm.over.wait(60)

    asked = threading.Event()
    llm.will(slow)
    before = server.folders()
    async with mcp(server, **headers_for(llm)) as session:
        call = asyncio.create_task(session.call_tool("run", {"request": "Say good day."}))
        assert await asyncio.to_thread(asked.wait, 60)
        assert len(server.folders() - before) == 1
        call.cancel()
    await asyncio.to_thread(until, lambda: server.folders() == before, 30)


def test_the_example_of_its_page_runs_as_it_stands(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(from gradio_client.*?)```", page, re.DOTALL)
    code = code.replace("http://127.0.0.1:7860", server.url).replace("demos/media", str(ROOT / "demos" / "media"))
    exec(compile(code, "api.md", "exec"), {})
    assert "SWIMMING" in capsys.readouterr().out.upper()


def test_no_upload_is_larger_than_what_can_be_used(server: Server) -> None:
    too_much = {"files": ("big.bin", bytes(80 * 2**20))}
    answer = httpx.post(f"{server.url}/gradio_api/upload", files=too_much, timeout=60)
    assert answer.status_code == 413
