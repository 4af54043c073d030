"""The local back end: what it offers, and how it treats checkpoints that are damaged, vanish or don't fit."""

from __future__ import annotations

import gc
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from hugginggpt.core.errors import ExpertError
from hugginggpt.core.events import AttemptFailed, ModelRef
from hugginggpt.experts.base import Call
from hugginggpt.experts.bundled.expert import BundledExpert
from hugginggpt.experts.cancel_token import CancelToken
from hugginggpt.experts.local.expert import LocalExpert
from hugginggpt.workspace.workspace import Workspace
from tests.checkpoints import CHECKPOINTS, HubCache, add_to_cache
from tests.conftest import MEDIA, RunPlan
from tests.experts.local.conftest import LocalBench

TASK = "image-classification"


@pytest.fixture
def cache(tmp_path: Path) -> HubCache:
    """A cache of this test alone."""
    return HubCache(tmp_path / "hub")


def call(expert: LocalExpert, workspace: Workspace, model: str, token: CancelToken | None = None) -> Call:
    """Classify the cat."""
    card = next(card for card in expert.cards() if (card.id, card.task) == (model, TASK))
    return Call(card, {"image": workspace.add_file(MEDIA / "cat.jpg")}, workspace.new_path, token or CancelToken())


def test_what_the_cache_holds_is_what_is_offered(cache: HubCache) -> None:
    expert = LocalExpert(cache.folder, device="cpu")
    assert expert.cards() == ()
    cache.add("tiny/vit")
    expert.rescan()
    (card,) = expert.cards()
    assert (card.id, card.task, card.backend, card.slot, card.batch) == ("tiny/vit", TASK, "local", "local:cpu", 16)
    assert "ViTForImageClassification, for 6 labels (cat, dog, coffee, harbour…)" in card.description
    assert card.size_mb


async def test_a_model_that_has_vanished_is_one_sentence(cache: HubCache, workspace: Workspace) -> None:
    expert = LocalExpert(cache.folder, device="cpu")
    snapshot = cache.add("tiny/vit")
    prepared = call(expert, workspace, "tiny/vit")
    shutil.rmtree(snapshot)
    with pytest.raises(ExpertError, match=r"^tiny/vit is not in the cache any more\.$"):
        await expert.run(prepared)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.json", {"architectures": ["ViTForImageClassification"], "model_type": "vit", "hidden_size": 48}),
        ("config.json", {"architectures": ["ViTForImageClassification"], "model_type": "no such type"}),
        ("preprocessor_config.json", {"image_processor_type": "NoSuchProcessor"}),
        ("preprocessor_config.json", None),
    ],
)
async def test_files_that_do_not_fit_together_are_one_sentence(
    cache: HubCache, workspace: Workspace, file: str, content: object
) -> None:
    expert = LocalExpert(cache.folder, device="cpu")
    snapshot = cache.add("tiny/vit")
    (snapshot / file).unlink()
    if content is not None:
        (snapshot / file).write_text(json.dumps(content))
    with pytest.raises(ExpertError, match=r"^tiny/vit can't be loaded: its files are damaged or don't fit together \(\w+\)"):
        await expert.run(call(expert, workspace, "tiny/vit"))
    assert expert.pool.names == ()


async def test_a_checkpoint_that_wants_to_run_its_own_code_is_refused(cache: HubCache, workspace: Workspace) -> None:
    expert = LocalExpert(cache.folder, device="cpu")
    snapshot = cache.add("tiny/vit")
    prepared = call(expert, workspace, "tiny/vit")
    config = json.loads((snapshot / "config.json").read_text())
    config |= {"auto_map": {"AutoConfig": "own.Config", "AutoModelForImageClassification": "own.Model"}, "model_type": "own"}
    (snapshot / "config.json").unlink()
    (snapshot / "config.json").write_text(json.dumps(config))
    (snapshot / "own.py").write_text("raise SystemExit('ran')")
    with pytest.raises(ExpertError, match=r"^tiny/vit can't be loaded"):
        await expert.run(prepared)


OWN = {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}
BERT = "BertForSequenceClassification"


@pytest.mark.parametrize(
    ("model", "removed", "config", "reason", "detail"),
    [
        ("tiny/llama-chat", "", {"quantization_config": {"quant_method": "gptq"}}, "quantized-cpu", "gptq"),
        ("tiny/llama-chat", "", {"quantization_config": {"quant_method": "awq"}}, "quantized-cpu", "awq"),
        ("tiny/llama-chat", "", {"quantization_config": {"load_in_4bit": True}}, "quantized-cpu", "bitsandbytes"),
        ("tiny/bert-sentiment", "", {"quantization_config": {"quant_method": "torchao"}}, "quantized-package", "torchao"),
        ("tiny/vit", "", {"quantization_config": {"quant_method": "bitsandbytes"}}, "quantized-cpu", "bitsandbytes"),
        ("tiny/bert-sentiment", "tokenizer.json", {}, "no-tokenizer", ""),
        ("tiny/t5", "tokenizer.json", {}, "no-tokenizer", ""),
        ("tiny/vits", "vocab.json", {}, "no-tokenizer", ""),
        ("tiny/clip", "tokenizer.json", {}, "no-tokenizer", ""),
        ("tiny/bert-ner", "", {"auto_map": OWN, "architectures": ["OwnForTokenClassification"]}, "remote-code", "Own"),
        ("tiny/bert-sentiment", "", {"auto_map": OWN, "model_type": "own"}, "remote-code", BERT),
        ("tiny/vit", "", {"architectures": ["ViTModel"]}, "no-task", "ViTModel"),
    ],
)  # fmt: skip
def test_what_would_fail_or_answer_nonsense_is_not_offered_and_named(
    cache: HubCache, model: str, removed: str, config: dict[str, object], reason: str, detail: str
) -> None:
    snapshot = cache.add(model)
    changed = json.loads((snapshot / "config.json").read_text()) | config
    (snapshot / "config.json").unlink()
    (snapshot / "config.json").write_text(json.dumps(changed))
    if removed:
        (snapshot / removed).unlink()
    expert = LocalExpert(cache.folder, device="cpu", memory_gb=2)
    assert expert.cards() == ()
    (fault,) = expert.list_unusable()
    assert (fault.id, fault.reason) == (model, reason)
    assert fault.detail.startswith(detail)


@pytest.mark.parametrize("config", [{}, {"auto_map": OWN}], ids=["plain", "code that transformers has"])
def test_what_can_be_used_is_named_nowhere(cache: HubCache, config: dict[str, object]) -> None:
    snapshot = cache.add("tiny/bert-sentiment")
    changed = json.loads((snapshot / "config.json").read_text()) | config
    (snapshot / "config.json").unlink()
    (snapshot / "config.json").write_text(json.dumps(changed))
    expert = LocalExpert(cache.folder, device="cpu", memory_gb=2)
    assert expert.cards()
    assert expert.list_unusable() == ()


async def test_weights_in_half_precision_alone_are_loaded(cache: HubCache, workspace: Workspace) -> None:
    snapshot = cache.add("tiny/vit")
    (snapshot / "model.safetensors").rename(snapshot / "model.fp16.safetensors")
    expert = LocalExpert(cache.folder, device="cpu", memory_gb=2)
    result = await expert.run(call(expert, workspace, "tiny/vit"))
    assert result.outputs[0].text


async def test_a_pipeline_in_half_precision_alone_is_loaded(cache: HubCache, workspace: Workspace) -> None:
    snapshot = cache.add("tiny/sd")
    for weights in list(snapshot.glob("*/*.safetensors")):
        weights.rename(weights.with_suffix(".fp16.safetensors"))
    expert = LocalExpert(cache.folder, device="cpu", memory_gb=2)
    card = next(card for card in expert.cards() if card.task == "text-to-image")
    result = await expert.run(Call(card, {"text": "a cat"}, workspace.new_path, CancelToken()))
    assert result.outputs[0].path


async def test_a_model_that_does_not_fit_is_refused_before_it_is_loaded(cache: HubCache, workspace: Workspace) -> None:
    cache.add("tiny/vit")
    expert = LocalExpert(cache.folder, device="cpu", memory_gb=1e-6)
    with pytest.raises(
        ExpertError, match=r"^tiny/vit needs \d+ MB on cpu, and models may take 0 MB there: choose a smaller one"
    ):
        await expert.run(call(expert, workspace, "tiny/vit"))


def test_what_does_not_fit_says_so_on_its_card(cache: HubCache) -> None:
    cache.add("tiny/vit")
    for memory_gb, fits in ((1e-6, False), (2, True)):
        cards = LocalExpert(cache.folder, device="cpu", memory_gb=memory_gb).cards()
        assert next(card for card in cards if card.id == "tiny/vit").fits is fits


async def test_a_picture_that_is_none_spoils_no_warm_model(local: LocalBench) -> None:
    await local.run(TASK, "tiny/vit", image=local.demo("cat.jpg"))
    with pytest.raises(ExpertError, match="There is no image to work on"):
        await local.run(TASK, "tiny/vit", image="a text")
    assert "tiny/vit" in local.expert.pool.names


async def test_memory_stays_flat_however_many_models_have_been_used(tmp_path: Path, workspace: Workspace) -> None:
    """Fifteen models, a budget for five: after the fifth nothing more is taken."""
    from transformers import ViTConfig, ViTForImageClassification

    folder = tmp_path / "one"
    CHECKPOINTS["tiny/vit"](folder)
    config = ViTConfig.from_pretrained(folder, hidden_size=384, num_attention_heads=6, intermediate_size=1536)
    ViTForImageClassification(config).save_pretrained(folder)
    size = (folder / "model.safetensors").stat().st_size
    names = [f"fifteen/vit-{n}" for n in range(15)]
    for name in names:
        shutil.copytree(folder, tmp_path / "copy", copy_function=os.link)
        add_to_cache(tmp_path / "hub", name, tmp_path / "copy")
    expert = LocalExpert(tmp_path / "hub", device="cpu", memory_gb=5.5 * 1.2 * size / 2**30)
    used = []
    for number, name in enumerate(names, 1):
        await expert.run(call(expert, workspace, name))
        if number % 5 == 0:  # looking at all objects of a process that has tested for minutes takes a while
            gc.collect()
            used.append(psutil.Process().memory_info().rss)
    assert expert.pool.names == tuple(names[-5:])
    assert max(used) - used[0] < 1.5 * size


async def test_after_a_damaged_model_the_next_candidate_goes_on(
    cache: HubCache, run_plan: RunPlan, workspace: Workspace
) -> None:
    snapshot = cache.add("tiny/vit")
    (snapshot / "preprocessor_config.json").unlink()
    cat = workspace.add_file(MEDIA / "cat.jpg").name
    task = {"task": TASK, "id": 0, "dep": [-1], "args": {"image": cat}}
    ran = await run_plan([task], LocalExpert(cache.folder, device="cpu"), BundledExpert(), seconds=60)
    (failed,) = ran.select(AttemptFailed)
    assert (failed.model.id, ran.steps[0].status) == ("tiny/vit", "done")
    assert ran.steps[0].model == ModelRef("efficientnet-lite0", "bundled")


async def test_a_full_disk_is_one_sentence(local: LocalBench, tmp_path: Path) -> None:
    full = tmp_path / "full.wav"
    full.symlink_to("/dev/full")  # where every write finds the disk full
    call = replace(local.call("text-to-speech", "tiny/vits", text="Good morning."), new_path=lambda _: full)
    with pytest.raises(ExpertError, match=r"^The disk is full: free some space and try again\.$"):
        await local.expert.run(call)
