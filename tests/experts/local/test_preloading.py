"""Models that are loaded ahead of their first request."""

from __future__ import annotations

import logging

import pytest

from hugginggpt.agent.factory import make_agent, preload
from hugginggpt.core.errors import ExpertError
from hugginggpt.core.settings import Settings
from hugginggpt.experts.local import zerogpu
from hugginggpt.experts.local.expert import LocalExpert
from hugginggpt.experts.local.preloading import load_models, read_preload_list
from hugginggpt.hub.catalog import load_catalog
from tests.experts.local.conftest import LocalBench


@pytest.fixture
def cold(local: LocalBench) -> LocalExpert:
    """A back end that has loaded nothing yet, over the same cache."""
    return LocalExpert(local.cache.folder, memory_gb=2)


@pytest.mark.parametrize(
    "model",
    ["tiny/bert-sentiment", "tiny/detr", "tiny/vits", "tiny/whisper", "tiny/videomae", "tiny/sd", "tiny/t5", "tiny/tapas"],
)
def test_a_model_is_loaded_and_nothing_is_run(local: LocalBench, cold: LocalExpert, model: str) -> None:
    local.cache.add(model)
    cold.load(model)
    assert cold.pool.names == (model,)


async def test_its_first_request_finds_it_warm(local: LocalBench, cold: LocalExpert) -> None:
    call = local.call("object-detection", "tiny/detr", image=local.demo("cat.jpg"))
    cold.load("tiny/detr")
    used = cold.pool.get_used_bytes("cpu")
    assert used > 0
    assert len((await cold.run(call)).outputs) == 2
    assert (cold.pool.get_used_bytes("cpu"), cold.pool.names) == (used, ("tiny/detr",))


def test_a_model_that_is_not_there_is_named_and_the_others_are_loaded(
    local: LocalBench, cold: LocalExpert, caplog: pytest.LogCaptureFixture
) -> None:
    local.cache.add("tiny/vit")
    with pytest.raises(ExpertError, match=r"^nobody/nothing is not in the cache, or does none of the tasks here\.$"):
        cold.load("nobody/nothing")
    with caplog.at_level(logging.WARNING):
        assert load_models(cold, ["nobody/nothing", "tiny/vit"]) == ["tiny/vit"]
    assert [record.getMessage() for record in caplog.records] == [
        "nobody/nothing is not loaded ahead: nobody/nothing is not in the cache, or does none of the tasks here."
    ]


def test_what_a_zero_gpu_space_has_loaded_serves_its_runs(local: LocalBench) -> None:
    """In one process: a run there is a copy of this one."""
    call = local.call("image-classification", "tiny/vit", image=local.demo("cat.jpg"))
    assert zerogpu.preload_models(["tiny/vit"], local.cache.folder) == ["tiny/vit"]
    pool = zerogpu._get_expert(local.cache.folder).pool
    loaded = dict(pool._entries)
    (result,) = zerogpu.send_calls([call], local.cache.folder, zerogpu.run_job)
    assert len(result.outputs[0].data["classes"]) == 5
    assert dict(pool._entries) == loaded


def test_a_deployments_list_is_loaded_behind_the_page(
    local: LocalBench, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    local.cache.add("tiny/vit")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(local.cache.folder))
    agent = make_agent(settings.model_copy(update={"preload": ("tiny/vit",)}))
    thread = preload(agent)
    assert thread is not None
    thread.join(60)
    expert = agent.expert("local")
    assert isinstance(expert, LocalExpert)
    assert expert.pool.names == ("tiny/vit",)


def test_without_a_list_nothing_is_loaded(settings: Settings) -> None:
    assert preload(make_agent(settings)) is None
    assert preload(make_agent(settings.model_copy(update={"local": "off", "preload": ("tiny/vit",)}))) is None


def test_the_usual_ones_are_small_and_for_tasks_that_nothing_bundled_does() -> None:
    entries = {entry.id: entry for found in load_catalog().values() for entry in found}
    assert all(entries[model].small and (entries[model].size_mb or 1e9) < 500 for model in read_preload_list())
    assert read_preload_list()
