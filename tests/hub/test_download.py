"""Fetching a model on purpose."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from hugginggpt.core.errors import ExpertError, StoppedError
from hugginggpt.hub.cache import find_checkpoints
from hugginggpt.hub.download import HubDownloader, format_size, select_files
from tests.hub_server import HubServer

WEIGHTS = save({"a": torch.zeros(50_000)})
MODEL = {
    "config.json": b'{"architectures": ["ViTForImageClassification"], "model_type": "vit"}',
    "model.safetensors": WEIGHTS,
    "pytorch_model.bin": b"a pickle",
    "README.md": b"---\nlicense: mit\n---\n",
    "onnx/model.onnx": b"another form",
}


@pytest.fixture
def server() -> Iterator[HubServer]:
    made = HubServer({"tiny/vit": MODEL, "tiny/pickles": {"config.json": b"{}", "pytorch_model.bin": b"a pickle"}})
    made.start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def hub(server: HubServer, tmp_path: Path) -> HubDownloader:
    return HubDownloader(tmp_path / "hub", server.url, token=False)


def test_what_is_fetched_is_told_before_and_is_a_checkpoint_after(hub: HubDownloader, server: HubServer) -> None:
    download = hub.look_up("tiny/vit")
    assert dict(download.files).keys() == {"config.json", "model.safetensors", "README.md"}
    assert download.size == sum(len(MODEL[name]) for name in ("config.json", "model.safetensors", "README.md"))
    assert server.fetched == []
    hub.fetch(download)
    (checkpoint,) = find_checkpoints(hub.cache)
    assert (checkpoint.id, checkpoint.license, checkpoint.parameters) == ("tiny/vit", "mit", 50_000)


def test_what_is_there_is_not_fetched_again(hub: HubDownloader, server: HubServer) -> None:
    hub.fetch(hub.look_up("tiny/vit"))
    fetched = len(server.fetched)
    assert hub.look_up("tiny/vit").files == ()
    hub.fetch(hub.look_up("tiny/vit"))
    assert len(server.fetched) == fetched


def test_progress_is_told_in_bytes_and_ends_with_all(hub: HubDownloader) -> None:
    reported: list[int] = []
    download = hub.look_up("tiny/vit")
    hub.fetch(download, reported.append)
    assert reported == sorted(reported)
    assert reported[-1] == download.size


@pytest.mark.parametrize("drips", ["model.safetensors", "api/models/tiny/vit"])
def test_a_download_that_drips_ends_when_nobody_waits_any_more(hub: HubDownloader, server: HubServer, drips: str) -> None:
    ends = time.monotonic() + 0.5

    def check() -> None:
        if time.monotonic() > ends:
            raise StoppedError("Stopped.")

    server.drips = drips
    with pytest.raises(StoppedError):
        hub.fetch(hub.look_up("tiny/vit", check), check=check)


def test_a_download_that_is_stopped_leaves_nothing_that_looks_whole(hub: HubDownloader) -> None:
    def stop() -> None:
        raise StoppedError("Stopped.")

    with pytest.raises(StoppedError):
        hub.fetch(hub.look_up("tiny/vit"), check=stop)
    assert find_checkpoints(hub.cache) == []
    hub.fetch(hub.look_up("tiny/vit"))
    assert len(find_checkpoints(hub.cache)) == 1


def test_no_token_is_shown_unless_one_is_given(hub: HubDownloader, server: HubServer) -> None:
    hub.fetch(hub.look_up("tiny/vit"))
    assert server.tokens == {None}
    HubDownloader(hub.cache, server.url, token="hf_mine").look_up("tiny/vit")
    assert server.tokens == {None, "Bearer hf_mine"}


def test_a_model_without_safetensors_is_refused(hub: HubDownloader) -> None:
    with pytest.raises(ExpertError, match=r"^tiny/pickles has no safetensors weights"):
        hub.look_up("tiny/pickles")


@pytest.mark.parametrize("name", ["tiny/nothing", "no such name!"])
def test_a_model_that_does_not_exist_is_one_sentence(hub: HubDownloader, name: str) -> None:
    with pytest.raises(ExpertError, match=f"The Hub knows no model “{name}”"):
        hub.look_up(name)


def test_a_model_that_asks_for_consent_says_where(hub: HubDownloader, server: HubServer) -> None:
    server.gated.add("tiny/vit")
    with pytest.raises(ExpertError, match=r"accept its terms at https://huggingface\.co/tiny/vit"):
        hub.look_up("tiny/vit")


def test_a_hub_with_trouble_of_its_own_is_one_sentence(hub: HubDownloader, server: HubServer) -> None:
    server.status = 500
    with pytest.raises(ExpertError, match=r"^The Hub answered 500"):
        hub.look_up("tiny/vit")


def test_no_network_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ExpertError, match=r"^The Hub can't be reached"):
        HubDownloader(tmp_path, "http://127.0.0.1:9", token=False).look_up("tiny/vit")


def test_a_model_that_the_disk_can_not_hold_is_not_begun(hub: HubDownloader, server: HubServer) -> None:
    download = hub.look_up("tiny/vit")
    huge = type(download)(download.id, download.revision, (("model.safetensors", 10**18),))
    with pytest.raises(ExpertError, match=r"takes 1000000000\.0 GB, and the disk has .* left"):
        hub.fetch(huge)
    assert server.fetched == []


def test_of_a_pipeline_each_part_is_fetched_once() -> None:
    names = [
        "model_index.json", "README.md", "v1-5-pruned.safetensors", "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors", "unet/diffusion_pytorch_model.fp16.safetensors",
        "unet/diffusion_pytorch_model.bin", "tokenizer/vocab.json", "tokenizer/merges.txt",
        "text_encoder/model-00001-of-00002.safetensors", "text_encoder/model.safetensors.index.json", "images/a.png",
    ]  # fmt: skip
    assert select_files(names) == [
        "model_index.json", "README.md", "unet/config.json", "unet/diffusion_pytorch_model.safetensors",
        "tokenizer/vocab.json", "tokenizer/merges.txt", "text_encoder/model-00001-of-00002.safetensors",
        "text_encoder/model.safetensors.index.json",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["model.fp16.safetensors"], ["model.fp16.safetensors"]),
        (["model.fp16.safetensors", "model.safetensors"], ["model.safetensors"]),
        (["model.fp16-00001-of-00002.safetensors"], ["model.fp16-00001-of-00002.safetensors"]),
        (["model-00001-of-00002.fp16.safetensors"], ["model-00001-of-00002.fp16.safetensors"]),
        (["model.bf16.safetensors", "other.fp16.safetensors", "a/model.fp16.safetensors"], []),
        (
            ["model_index.json", "unet/diffusion_pytorch_model.fp16.safetensors", "vae/diffusion_pytorch_model.safetensors"],
            ["model_index.json", "unet/diffusion_pytorch_model.fp16.safetensors", "vae/diffusion_pytorch_model.safetensors"],
        ),
    ],
)
def test_half_precision_is_fetched_where_there_is_nothing_else(names: list[str], chosen: list[str]) -> None:
    assert select_files(names) == chosen


@pytest.mark.parametrize(("size", "said"), [(0, "0.1 MB"), (1_234_567, "1.2 MB"), (85e7, "850 MB"), (1.7e9, "1.7 GB")])
def test_sizes_are_told_as_people_read_them(size: float, said: str) -> None:
    assert format_size(int(size)) == said
