"""The stand-in for hosted inference, asked by the real clients; what they make of its answers is what it is for."""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import av
import httpx
import httpx2
import numpy as np
import openai
import pytest
import soundfile
from huggingface_hub import AsyncInferenceClient, HfApi
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, InferenceTimeoutError, RepositoryNotFoundError
from PIL import Image

from hugginggpt.hub.client import HubAddresses, HubContext, use_hub_context
from tests import hosted_server as hosted
from tests.checkpoints import HubCache
from tests.conftest import MEDIA
from tests.hosted_server import TOKEN, HostedServer

pytestmark = pytest.mark.slow

TABLE = {"name": ["Ines", "Tom"], "age": ["36", "41"]}
CAT, SPEECH = MEDIA / "cat.jpg", MEDIA / "speech.flac"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> HubCache:
    return HubCache(tmp_path_factory.mktemp("hosted"))


@pytest.fixture
def server(cache: HubCache) -> Iterator[HostedServer]:
    with HostedServer(cache) as started:
        yield started
    assert started.errors == []


def client(**options: Any) -> AsyncInferenceClient:
    return AsyncInferenceClient(**{"token": TOKEN, "timeout": 120, **options})


@contextmanager
def routed(server: HostedServer) -> Iterator[None]:
    """The router and the Hub stand there for the client's own addresses."""
    with use_hub_context(HubContext(TOKEN, time.monotonic() + 60, HubAddresses(server.url, server.url))):
        yield


Ask = Callable[[AsyncInferenceClient, str], Awaitable[Any]]
TASKS: dict[str, tuple[Ask, Callable[[Any], bool]]] = {
    "text-classification": (
        lambda c, m: c.text_classification("I like it.", model=m),
        lambda r: {each.label for each in r} == {"negative", "neutral", "positive"} and 0 < r[0].score < 1,
    ),
    "token-classification": (
        lambda c, m: c.token_classification("Ines saw Paris.", model=m),
        lambda r: r[0].entity_group in {"PER", "LOC"} and r[0].end > r[0].start,
    ),
    "fill-mask": (lambda c, m: c.fill_mask("Ines saw a [MASK].", model=m), lambda r: len(r) == 5 and bool(r[0].token_str)),
    "zero-shot-classification": (
        lambda c, m: c.zero_shot_classification("I like it.", candidate_labels=["tea", "sports"], model=m),
        lambda r: {each.label for each in r} == {"tea", "sports"} and abs(sum(each.score for each in r) - 1) < 0.01,
    ),
    "sentence-similarity": (
        lambda c, m: c.sentence_similarity("A cat.", other_sentences=["A cat.", "Stocks fell sharply."], model=m),
        lambda r: abs(r[0] - 1) < 1e-4 and r[1] < 0.999,
    ),
    "feature-extraction": (lambda c, m: c.feature_extraction("A cat.", model=m), lambda r: r.shape == (16,)),
    "summarization": (
        lambda c, m: c.summarization("A long story of a cat. It slept.", model=m),
        lambda r: bool(r.summary_text),
    ),
    "translation": (lambda c, m: c.translation("A cat slept.", model=m), lambda r: bool(r.translation_text)),
    "question-answering": (
        lambda c, m: c.question_answering("Who slept?", "The cat slept.", model=m),
        lambda r: r.answer == "The cat slept."[r.start : r.end] and 0 <= r.score <= 1,
    ),
    "table-question-answering": (
        lambda c, m: c.table_question_answering(TABLE, "How old is Tom?", model=m),
        lambda r: (
            r.cells == [TABLE[[*TABLE][column]][row] for row, column in r.coordinates] and all(c in r.answer for c in r.cells)
        ),
    ),
    "tabular-classification": (
        lambda c, m: c.tabular_classification({"age": [66, 12], "born_in": ["Spain", "Kenya"]}, model=m),
        lambda r: r == ["yes", "no"],
    ),
    "image-classification": (
        lambda c, m: c.image_classification(CAT, model=m, top_k=2),
        lambda r: len(r) == 2 and r[0].score >= r[1].score,
    ),
    "object-detection": (lambda c, m: c.object_detection(CAT, model=m), lambda r: 0 <= r[0].box.xmin < r[0].box.xmax <= 451),
    "image-segmentation": (
        lambda c, m: c.image_segmentation(CAT, model=m),
        lambda r: r[0].mask.size == (451, 300) and {*np.unique(np.asarray(r[0].mask))} <= {0, 255},
    ),
    "zero-shot-image-classification": (
        lambda c, m: c.zero_shot_image_classification(CAT, candidate_labels=["cat", "dog"], model=m),
        lambda r: {each.label for each in r} == {"cat", "dog"},
    ),
    "text-to-image": (lambda c, m: c.text_to_image("A cat", model=m, width=96, height=64), lambda r: r.size == (96, 64)),
    "image-to-image": (lambda c, m: c.image_to_image(CAT, prompt="A dog", model=m), lambda r: r.format == "PNG"),
    "image-to-text": (lambda c, m: c.image_to_text(CAT, model=m), lambda r: bool(r.generated_text)),
    "text-to-speech": (lambda c, m: c.text_to_speech("Good day.", model=m), lambda r: r[:4] == b"fLaC" and _seconds(r) > 0),
    "automatic-speech-recognition": (lambda c, m: c.automatic_speech_recognition(SPEECH, model=m), lambda r: bool(r.text)),
    "audio-classification": (lambda c, m: c.audio_classification(SPEECH, model=m), lambda r: "rain" in {e.label for e in r}),
    "audio-to-audio": (
        lambda c, m: c.audio_to_audio(SPEECH, model=m),
        lambda r: r[0].content_type == "audio/flac" and abs(_seconds(r[0].blob) - _seconds(SPEECH.read_bytes())) < 0.1,
    ),
}


def _seconds(sound: bytes) -> float:
    return float(soundfile.info(io.BytesIO(sound)).duration)


@pytest.mark.parametrize("task", TASKS)
async def test_hf_inference_does_a_task(server: HostedServer, task: str) -> None:
    server.serve(task)
    ask, is_right = TASKS[task]
    pipeline = f"/pipeline/{task}" if task in {"sentence-similarity", "feature-extraction"} else ""
    async with client() as asking:
        said = await ask(asking, f"{server.url}/hf-inference/models/owner/{task}{pipeline}")
    assert is_right(said), said
    assert server.tokens == [f"Bearer {TOKEN}"]


@pytest.mark.parametrize("task", ["fill-mask", "sentence-similarity"])
async def test_by_its_id_the_client_finds_a_model(server: HostedServer, task: str) -> None:
    """It asks the Hub first what the model can do, and remembers that for good; then it makes the path itself."""
    here, gone = f"owner/here-{task}", f"owner/gone-{task}"
    server.serve(task, here)
    server.models[gone] = hosted.Model(gone, task)
    ask, is_right = TASKS[task]
    with routed(server):
        async with client(provider="hf-inference") as asking:
            assert is_right(await ask(asking, here))
            with pytest.raises(HfHubHTTPError) as caught:
                await ask(asking, gone)
            with pytest.raises(ValueError, match="doesn't support task"):
                await asking.summarization("A cat.", model=here)
    assert caught.value.response.status_code == 404
    assert f"/api/models/{here}" in [asked.path for asked in server.asked]


def test_the_hub_lists_and_tells_of_models(server: HostedServer) -> None:
    server.serve("text-to-image", "a/small", downloads=5, likes=1)
    server.serve("text-to-image", "b/large", provider="fal-ai", downloads=50, gated="auto", tags=("art",), parameters=12)
    server.serve("text-to-image", "b/large", provider="together", live="staging")
    server.serve("summarization", "c/other", downloads=500)
    server.serve("text-to-image", "d/hidden", private=True)
    server.models["e/idle"] = hosted.Model("e/idle", "text-to-image", downloads=1000)
    api = HfApi(endpoint=server.url, token=TOKEN)
    wanted: Any = {"pipeline_tag": "text-to-image", "inference_provider": "all", "sort": "downloads", "limit": 2}
    expand: Any = ["downloads", "likes", "gated", "inferenceProviderMapping", "pipeline_tag", "library_name"]
    large, small = api.list_models(**wanted, expand=expand)
    assert (large.id, small.id, large.downloads, large.gated, small.gated) == ("b/large", "a/small", 50, "auto", False)
    assert [(m.provider, m.provider_id, m.status) for m in large.inference_provider_mapping or ()] == [
        ("fal-ai", "fal-ai/large", "live"),
        ("together", "b/large", "staging"),
    ]
    info = api.model_info("b/large", expand=["inferenceProviderMapping"])
    assert info.inference_provider_mapping == large.inference_provider_mapping
    whole = api.model_info("b/large")
    assert whole.safetensors is not None
    assert (whole.pipeline_tag, whole.safetensors.total, whole.inference_provider_mapping) == ("text-to-image", 12, None)
    assert {"art", "license:apache-2.0"} <= {*(whole.tags or ())}
    assert api.model_info("d/hidden").private
    assert "d/hidden" not in {model.id for model in HfApi(endpoint=server.url, token=False).list_models()}
    with pytest.raises(RepositoryNotFoundError):
        api.model_info("no/such")
    assert api.whoami()["name"] == "tester"
    with pytest.raises(HfHubHTTPError, match="Invalid user token"):
        api.whoami(token="hf_other")


@pytest.mark.parametrize("task", ["text-to-video", "image-to-video"])
async def test_fals_queue_is_polled_until_the_video_is_there(server: HostedServer, task: str) -> None:
    server.serve(task, f"owner/film-{task}", provider="fal-ai", provider_id="fal-ai/film/v2/long")
    with routed(server):
        async with client(provider="fal-ai", model=f"owner/film-{task}") as asking:
            video = await (asking.text_to_video("A cat") if task == "text-to-video" else asking.image_to_video(CAT))
    with av.open(io.BytesIO(video)) as opened:
        assert opened.streams.video[0].frames > 1
    paths = [f"{asked.method} {asked.path}" for asked in server.asked if not asked.path.startswith("/api/")]
    assert paths[0] == "POST /fal-ai/fal-ai/film/v2/long"
    assert [path.rpartition("/")[2] for path in paths[1:3]] == ["status"] * 2
    assert paths[-1].startswith("GET /files/")
    assert server.asked[-1].token is None


async def test_a_job_of_fals_queue_may_fail(server: HostedServer) -> None:
    server.serve("text-to-video", "owner/film-that-fails", provider="fal-ai")
    server.router.polls, server.router.fails = 0, "Content could not be processed"
    with routed(server):
        async with client(provider="fal-ai", model="owner/film-that-fails") as asking:
            with pytest.raises(KeyError, match="video"):  # the client doesn't look at the status
                await asking.text_to_video("A cat")


async def test_other_providers_protocols(server: HostedServer) -> None:
    with routed(server):
        for provider in ("fal-ai", "together", "replicate"):
            server.serve("text-to-image", f"{provider}/paints", provider=provider)
            async with client(provider=provider, model=f"{provider}/paints") as asking:
                assert (await asking.text_to_image("A cat", width=64, height=32)).size == (64, 32)
        server.serve("text-to-speech", "owner/speaks", provider="fal-ai")
        server.serve("automatic-speech-recognition", "owner/hears", provider="fal-ai")
        async with client(provider="fal-ai") as asking:
            speech = await asking.text_to_speech("Good day.", model="owner/speaks")
            assert (await asking.automatic_speech_recognition(speech, model="owner/hears")).text


async def test_chats_by_the_router_a_provider_and_an_endpoint(server: HostedServer) -> None:
    server.serve("conversational", "owner/talks", provider="groq")
    server.serve("image-text-to-text", "owner/sees", provider="novita")
    own = server.endpoint("conversational")
    image = Image.new("RGB", (40, 30), "navy")
    image.save(into := io.BytesIO(), "PNG")
    picture = "data:image/png;base64," + hosted.Media(into.getvalue(), "image/png").base64
    question = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": picture}}]
    for base, model, content in (
        ("/v1", "owner/talks", "Hello"),
        ("/v1", "owner/talks:groq", "Hello"),
        ("/groq/openai/v1", "owner/talks", "Hello"),
        ("/v1", "owner/sees:fastest", question),
        (own.removeprefix(server.url) + "/v1", "tgi", "Hello"),
    ):
        async with openai.AsyncOpenAI(base_url=server.url + base, api_key=TOKEN, max_retries=0) as asking:
            messages: Any = [{"role": "user", "content": content}]
            whole = await asking.chat.completions.create(model=model, messages=messages)
            stream = await asking.chat.completions.create(model=model, messages=messages, stream=True)
            pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
        assert whole.choices[0].message.content
        assert "".join(pieces).strip() == whole.choices[0].message.content.strip()
    async with httpx.AsyncClient() as plain:
        listed = (await plain.get(f"{server.url}/v1/models")).json()["data"]
    assert {each["id"]: each["providers"][0]["provider"] for each in listed} == {"owner/talks": "groq", "owner/sees": "novita"}
    async with client() as asking:
        said = await asking.chat_completion([{"role": "user", "content": "Hello"}], model=own)
        assert said.choices[0].message.content
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key=TOKEN, max_retries=0) as asking:
        shown: Any = [{"role": "user", "content": question}]
        with pytest.raises(openai.BadRequestError, match="image"):
            await asking.chat.completions.create(model="owner/talks", messages=shown)


async def test_an_endpoint_answers_for_its_task_and_wants_a_good_token(server: HostedServer) -> None:
    own, anybodys = server.endpoint("image-classification"), server.endpoint("summarization", path="free", public=True)
    async with client() as asking:
        assert len(await asking.image_classification(CAT, model=own)) == 5
    async with client(token="hf_other") as asking:
        assert await asking.summarization("A cat slept.", model=anybodys)
        with pytest.raises(HfHubHTTPError) as caught:
            await asking.image_classification(CAT, model=own)
    assert caught.value.response.status_code == 401


async def test_a_gated_model_is_refused_until_one_is_admitted(server: HostedServer) -> None:
    server.serve("fill-mask", "owner/gated", gated="manual")
    url = f"{server.url}/hf-inference/models/owner/gated"
    async with client() as asking:
        with pytest.raises(GatedRepoError):
            await asking.fill_mask("A [MASK].", model=url)
        server.admitted.add("owner/gated")
        assert await asking.fill_mask("A [MASK].", model=url)


STATUSES = {
    "busy": (hosted.busy("1"), 429), "loading": (hosted.loading(), 503), "no credit": (hosted.no_credit(), 402),
    "gated": (hosted.gated(), 403), "missing": (hosted.status(404), 404), "broken": (hosted.status(500), 500),
}  # fmt: skip
BREAKS: dict[str, tuple[hosted.Fault, type[Exception]]] = {
    "cut body": (hosted.cut_body(), httpx2.RemoteProtocolError),
    "reset": (hosted.reset(), httpx2.ReadError),
    "hang": (hosted.hang(), InferenceTimeoutError),
    "page": (hosted.wrong_type(), ValueError),
    "no JSON": (hosted.no_json(), ValueError),
    "other JSON": (hosted.wrong_json(), ValueError),
}


@pytest.mark.parametrize("name", [*STATUSES, *BREAKS])
async def test_a_fault_comes_once_and_then_all_is_well(server: HostedServer, name: str) -> None:
    server.serve("fill-mask", "owner/model")
    fault, error = STATUSES[name] if name in STATUSES else BREAKS[name]
    server.faults["model:owner/model"] += [hosted.passes(), fault]
    async with client(timeout=0.5 if name == "hang" else 120) as asking:
        url = f"{server.url}/hf-inference/models/owner/model"
        assert await asking.fill_mask("A [MASK].", model=url)
        with pytest.raises(HfHubHTTPError if isinstance(error, int) else error) as caught:
            await asking.fill_mask("A [MASK].", model=url)
        if isinstance(error, int):
            assert caught.value.response.status_code == error  # type: ignore[attr-defined]
        assert await asking.fill_mask("A [MASK].", model=url)


def test_faults_by_path_last_as_told_and_end_with_the_server(server: HostedServer) -> None:
    server.faults["/api/"] = [hosted.busy(), hosted.status(500).forever()]
    server.faults["/files/"] = [hosted.drip()]
    codes = [httpx.get(f"{server.url}/api/models").status_code for _ in range(4)]
    assert codes == [429, 500, 500, 500]
    begun = time.monotonic()
    with httpx.stream("GET", f"{server.url}/files/x", timeout=5) as dripping:
        body = dripping.iter_raw(1)
        assert [*itertools.islice(body, 5)] == [b" "] * 5
        server.over.set()
        assert len([*body]) < 200
    assert time.monotonic() - begun < 4


def test_a_refusing_port_and_a_blocking_proxy() -> None:
    with pytest.raises(httpx.ConnectError):
        httpx.get(hosted.refused_url())
    with hosted.blocking_proxy() as proxy:
        with pytest.raises(httpx.ProxyError, match="403"):
            httpx.get("https://router.huggingface.co/v1/models", proxy=proxy.url)
        assert "blocked by policy" in httpx.get("http://huggingface.co/api/models", proxy=proxy.url).text
    assert proxy.asked == ["CONNECT router.huggingface.co:443", "GET http://huggingface.co/api/models"]
