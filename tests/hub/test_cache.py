"""What the Hugging Face cache holds: whole checkpoints, and nothing else."""

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from hugginggpt.hub.cache import Checkpoint, find_cache_folder, find_checkpoints
from tests.checkpoints import add_to_cache

CONFIG = {"architectures": ["ViTForImageClassification"], "model_type": "vit", "id2label": {"0": "cat", "1": "dog"}}
CARD = "---\nlicense: mit\nlanguage: en\npipeline_tag: image-classification\n---\n# A model\nlicense: none\n"

Made = Callable[..., Path]


def header(text: str) -> bytes:
    """A safetensors file of a header alone."""
    return struct.pack("<Q", len(text)) + text.encode() + b"\0"


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Lay out one repository; what is given last overrides what a good one holds, None leaves it out."""

    def make(repo_id: str = "tiny/vit", **files: str | bytes | None) -> Path:
        folder = tmp_path / "making"
        folder.mkdir()
        save_file({"a": torch.zeros(2, 3), "b": torch.zeros(4, dtype=torch.float16)}, folder / "model.safetensors")
        (folder / "config.json").write_text(json.dumps(CONFIG))
        (folder / "README.md").write_text(CARD)
        for name, content in files.items():
            path = folder / name.replace("__", "/").replace("_json", ".json").replace("_safetensors", ".safetensors")
            path.parent.mkdir(exist_ok=True)
            path.unlink(missing_ok=True)
            if content is not None:
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return add_to_cache(tmp_path / "hub", repo_id, folder)

    return make


def found(tmp_path: Path) -> list[Checkpoint]:
    return find_checkpoints(tmp_path / "hub")


def test_a_checkpoint_is_known_by_its_configuration_its_card_and_its_weights(made: Made, tmp_path: Path) -> None:
    snapshot = made()
    (checkpoint,) = found(tmp_path)
    assert (checkpoint.id, checkpoint.folder, checkpoint.library) == ("tiny/vit", snapshot, "transformers")
    assert (checkpoint.architecture, checkpoint.model_type) == ("ViTForImageClassification", "vit")
    assert (checkpoint.labels, checkpoint.license, checkpoint.languages) == (("cat", "dog"), "mit", ("en",))
    assert (checkpoint.parameters, checkpoint.size) == (10, 2 * 3 * 4 + 4 * 2)


@pytest.mark.parametrize(
    "files",
    [
        {"model_safetensors": None},
        {"config_json": None},
        {"config_json": "{"},
        {"config_json": "[]"},
        {"config_json": "[" * 10_000},
        {"model_safetensors": header('{"a": {"b": 1}}')},
        {"model_safetensors": header('{"a": [1, 2]}')},
        {"config_json": '{"sklearn": {"model": 1}}'},
        {"model_safetensors": b""},
        {"model_safetensors": b"\x10\0\0\0\0\0\0\0{}"},
        {"model_safetensors": None, "pytorch_model.bin": b"a pickle"},
        {"model_safetensors": None, "model_safetensors.index_json": '{"weight_map": {"a": "model-1.safetensors"}}'},
    ],
)
def test_what_is_not_whole_is_not_offered(made: Made, tmp_path: Path, files: dict[str, str | bytes | None]) -> None:
    made(**files)
    assert found(tmp_path) == []


def test_a_download_that_broke_off_is_not_offered(made: Made, tmp_path: Path) -> None:
    snapshot = made()
    blob = (snapshot / "model.safetensors").resolve()
    blob.write_bytes(blob.read_bytes()[:-3])
    assert found(tmp_path) == []


def test_a_file_whose_content_is_gone_is_not_there(made: Made, tmp_path: Path) -> None:
    (made() / "model.safetensors").resolve().unlink()
    assert found(tmp_path) == []


def test_weights_in_several_files_count_together(made: Made, tmp_path: Path) -> None:
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    snapshot = made(model_safetensors=None, **{"model_safetensors.index_json": json.dumps(index)})
    for name in ("model-1", "model-2"):
        save_file({"a": torch.zeros(3)}, snapshot / f"{name}.safetensors")
    (checkpoint,) = found(tmp_path)
    assert checkpoint.parameters == 6


@pytest.mark.parametrize("card", ["no front matter", "---\n: [\n---\n", "---\njust words\n---\n", "\xff\xfe"])
def test_a_card_that_can_not_be_read_costs_only_what_it_would_say(made: Made, tmp_path: Path, card: str) -> None:
    made(**{"README.md": card.encode("latin-1")})
    (checkpoint,) = found(tmp_path)
    assert (checkpoint.license, checkpoint.languages) == ("", ())


def test_of_two_revisions_the_newest_whole_one_counts(made: Made, tmp_path: Path) -> None:
    snapshot = made()
    broken = snapshot.parent / ("f" * 40)
    broken.mkdir()
    (broken / "config.json").write_text("{")
    assert [checkpoint.folder for checkpoint in found(tmp_path)] == [snapshot]


def test_a_pipeline_counts_all_its_parts(made: Made, tmp_path: Path) -> None:
    index = {
        "_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"],
        "scheduler": ["diffusers", "PNDMScheduler"], "safety_checker": [None, None], "requires_safety_checker": False,
    }  # fmt: skip
    snapshot = made(
        **{"model_index_json": json.dumps(index), "unet__config_json": "{}", "scheduler__scheduler_config_json": "{}"}
    )
    assert found(tmp_path) == []  # the unet's weights are missing
    save_file({"a": torch.zeros(7)}, snapshot / "unet" / "diffusion_pytorch_model.safetensors")
    (checkpoint,) = found(tmp_path)
    assert (checkpoint.library, checkpoint.architecture, checkpoint.parameters) == ("diffusers", "StableDiffusionPipeline", 7)
    shutil.rmtree(snapshot / "scheduler")
    assert found(tmp_path) == []


def test_no_cache_is_an_empty_one(tmp_path: Path) -> None:
    assert find_checkpoints(tmp_path / "nowhere") == []
    (tmp_path / "file").write_text("")
    assert find_checkpoints(tmp_path / "file") == []


def test_the_cache_lies_where_the_hubs_client_says() -> None:
    assert find_cache_folder().name == "hub"
