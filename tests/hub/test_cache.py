"""What the Hugging Face cache holds: whole checkpoints, and nothing else."""

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from hugginggpt.hub.cache import Checkpoint, find_cache_folder, find_checkpoints, scan_cache
from hugginggpt.hub.cache_faults import UnusableModel, list_reasons
from hugginggpt.ui.i18n import Words
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
            path.parent.mkdir(exist_ok=True, parents=True)
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


PIPELINE = json.dumps({"_class_name": "SDPipeline", "unet": ["diffusers", "UNet"], "scheduler": ["diffusers", "AScheduler"]})
PARTS: dict[str, str | bytes | None] = {
    "config_json": None, "model_safetensors": None, "model_index_json": PIPELINE, "scheduler__scheduler_config_json": "{}",
}  # fmt: skip
LIGHT: dict[str, str | bytes | None] = {"model_safetensors": None}
BARE = LIGHT | {"config_json": None}
ADAPTER = '{"base_model_name_or_path": "a/b"}'
UNET = PARTS | {"unet__config_json": "{}"}
UNET_WEIGHTS = "unet/diffusion_pytorch_model"
STEP = "model-1-of-2.safetensors"
OWN_PART = '{"_class_name": "A", "unet": ["own", "UNet"]}'
PICKLED = '{"sklearn": {"model": {"file": "a.pkl"}}}'
INDEX = '{"weight_map": {"a": "model-1-of-2.safetensors", "b": "model-2-of-2.safetensors"}}'


@pytest.mark.parametrize(
    ("files", "reason", "detail"),
    [
        ({**LIGHT, "pytorch_model.bin": b"a"}, "pickle", "pytorch_model.bin"),
        ({**BARE, "last.ckpt": b"a"}, "pickle", "last.ckpt"),
        ({**LIGHT, "model.onnx": b"a"}, "format", "model.onnx"),
        ({**LIGHT, "tf_model.h5": b"a", "pytorch_model.bin": b"a"}, "pickle", "pytorch_model.bin"),
        ({**BARE, "q4.gguf": b"a", "q8.gguf": b"a"}, "gguf", "q4.gguf, q8.gguf"),
        ({**LIGHT, "consolidated.safetensors": b"a"}, "single-file", "consolidated.safetensors"),
        ({**BARE, "adapter_config.json": ADAPTER}, "adapter", "a/b"),
        ({**BARE, "pytorch_lora_weights.safetensors": b"a"}, "adapter", "another model"),
        ({**LIGHT, "adapter_config.json": "[]", "adapter_model.bin": b"a"}, "adapter", "another model"),
        ({**LIGHT}, "no-weights", ""),
        ({**BARE}, "no-config", ""),
        ({**LIGHT, "model.safetensors.index.json": INDEX, STEP: b"a"}, "missing", "model-2-of-2.safetensors"),
        ({**LIGHT, "model-00001-of-00002.safetensors": b"a"}, "missing", "model.safetensors.index.json"),
        ({"model_safetensors": b"\x10\0\0\0\0\0\0\0{}"}, "damaged", "model.safetensors is no safetensors file"),
        ({"config_json": "[]"}, "damaged", "config.json holds no object"),
        (PARTS, "part", "unet"),
        ({**PARTS, "unet__config_json": "{}"}, "part", "unet"),
        ({**UNET, f"{UNET_WEIGHTS}.bin": b"a"}, "pickle", f"{UNET_WEIGHTS}.bin"),
        ({**UNET, f"{UNET_WEIGHTS}.safetensors.index.json": INDEX}, "missing", f"unet/{STEP}, model-2-of-2.safetensors"),
        ({**PARTS, "scheduler__scheduler_config_json": None, "unet__config_json": "{}"}, "part", "unet"),
        ({**PARTS, "model_index_json": '{"_class_name": ["pipeline", "Own"]}'}, "remote-code", "pipeline.Own"),
        ({**PARTS, "model_index_json": OWN_PART, "unet__own.py": ""}, "remote-code", "unet/own.py"),
        ({**LIGHT, "config_json": PICKLED, "a.pkl": b"a"}, "pickle", "a.pkl"),
    ],
)  # fmt: skip
def test_what_can_not_be_used_is_named_with_its_reason(
    made: Made, tmp_path: Path, files: dict[str, str | bytes | None], reason: str, detail: str
) -> None:
    made(**files)
    (model,) = scan_cache(tmp_path / "hub")
    assert isinstance(model, UnusableModel)
    assert (model.id, model.reason, model.detail) == ("tiny/vit", reason, detail)
    assert detail in model.sentence


@pytest.mark.parametrize(
    ("names", "variant"),
    [
        (["model.fp16.safetensors"], "fp16"),
        (["model.bf16.safetensors", "model.fp16.safetensors"], "fp16"),
        (["model.fp32.safetensors", "model.bf16.safetensors"], "bf16"),
        (["diffusion_pytorch_model.fp16.safetensors"], "fp16"),
        (["model.safetensors.index.fp16.json", "model-1-of-2.safetensors", "model-2-of-2.safetensors"], "fp16"),
        (["model.fp16.safetensors", "model.safetensors"], ""),
    ],
)
def test_weights_in_a_variant_alone_are_found(made: Made, tmp_path: Path, names: list[str], variant: str) -> None:
    snapshot = made(model_safetensors=None)
    for name in names:
        if name.endswith(".json"):
            (snapshot / name).write_text(INDEX)
        else:
            save_file({"a": torch.zeros(3)}, snapshot / name)
    (checkpoint,) = found(tmp_path)
    assert checkpoint.variant == variant


def test_the_page_says_each_reason_in_its_languages() -> None:
    for words in (Words("en"), Words("zh")):
        assert all(
            "a/b" in words(f"unusable.why_{reason}", detail="a/b") for reason, told in list_reasons().items() if "{" in told
        )
    assert all(
        Words("en")(f"unusable.why_{reason}", detail="x") == told.format(detail="x") for reason, told in list_reasons().items()
    )


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
