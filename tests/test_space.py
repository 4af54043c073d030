"""The repository as a Space: its front matter is what the Hub documents, and agrees with what is installed."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import SpaceHardware
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from hugginggpt.experts.local.preloading import read_preload_list
from hugginggpt.hub.catalog import load_catalog
from hugginggpt.llm.client import HUGGING_FACE_MODEL

ROOT = Path(__file__).resolve().parent.parent
FIELDS: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("space_reference.yaml").read_text("utf-8"))
FRONT: dict[str, Any] = yaml.safe_load((ROOT / "README.md").read_text("utf-8").split("---\n")[1])
REQUIRED = {name for line in (ROOT / "requirements.txt").read_text("utf-8").splitlines() if (name := line.strip())}
REQUIREMENTS = {found.name: found for found in (Requirement(line) for line in REQUIRED if not line.startswith("#"))}
ZERO_TORCH = ("2.8.0", "2.9.1", "2.10.0", "2.11.0", "2.12.1", "2.13.0")
"""What ZeroGPU takes: https://huggingface.co/docs/hub/spaces-zerogpu, the last two since
https://github.com/huggingface/hub-docs/pull/2763."""
ZERO_PYTHON = ("3.10.13", "3.12.12")
APT_NAME = r"[a-z0-9][a-z0-9+.-]+"


def unsuitable(name: str, value: object) -> str:
    """Why a field can't have a value; empty where it can."""
    if name not in FIELDS:
        return f"{name} is no field"
    rule = FIELDS[name]
    kind = {"str": str, "int": int, "bool": bool, "list": list, "dict": dict}[rule["type"]]
    if type(value) is not kind:
        return f"{name} is a {rule['type']}"
    for each in value if isinstance(value, list) else [value]:
        if "values" in rule and each not in rule["values"]:
            return f"{name} can't be {each}"
        if "pattern" in rule and not re.fullmatch(rule["pattern"], str(each)):
            return f"{name} can't be {each}"
        if len(str(each)) > rule.get("most", 10_000):
            return f"{name} is too long"
        if rule.get("hardware") and each not in {str(flavour.value) for flavour in SpaceHardware}:
            return f"{name} can't be {each}"
        if rule.get("file") and not (ROOT / str(each)).is_file():
            return f"{name} is not here"
    return ""


@pytest.mark.parametrize("name", FRONT)
def test_a_field_is_documented_and_has_a_value_that_it_can_have(name: str) -> None:
    assert unsuitable(name, FRONT[name]) == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("colour", "green"),
        ("colorFrom", "teal"),
        ("python_version", 3.12),
        ("short_description", "x" * 61),
        ("suggested_hardware", "h100"),
        ("app_file", "main.py"),
        ("hf_oauth_scopes", ["everything"]),
        ("preload_from_hub", ["t5-small"]),
        ("suggested_storage", "small"),
        ("emoji", ":)"),
    ],
)
def test_a_mistake_would_be_found(name: str, value: object) -> None:
    assert unsuitable(name, value)


def test_everything_that_a_space_is_found_by_is_there() -> None:
    wanted = "title emoji colorFrom colorTo sdk sdk_version python_version app_file short_description license models tags"
    assert {*wanted.split(), "suggested_hardware", "hf_oauth", "hf_oauth_scopes", "preload_from_hub"} <= set(FRONT)
    assert {"mcp-server", "agents"} <= set(FRONT["tags"])
    assert FRONT["suggested_hardware"] == "cpu-basic"
    assert FRONT["hf_oauth"] is True
    assert FRONT["hf_oauth_scopes"] == ["inference-api"]


def test_versions_agree_with_the_pins_and_with_what_is_installed() -> None:
    assert FRONT["sdk_version"] in REQUIREMENTS["gradio"].specifier
    assert FRONT["sdk_version"] == importlib.metadata.version("gradio")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert FRONT["python_version"] in SpecifierSet(project["requires-python"])
    assert FRONT["python_version"] in ZERO_PYTHON


def test_what_pip_takes_is_what_zero_gpu_takes() -> None:
    torch = REQUIREMENTS["torch"].specifier
    assert max(map(Version, ZERO_TORCH)) in torch  # pip takes the newest that is allowed
    assert not [version for version in ("2.14.0", "2.15.0", "3.0") if version in torch]
    assert Version(importlib.metadata.version("torch")).public in ZERO_TORCH


def test_what_is_fetched_while_it_is_built_is_what_is_loaded_first() -> None:
    fetched = {item.split(" ")[0]: item.partition(" ")[2].split(",") for item in FRONT["preload_from_hub"]}
    assert tuple(fetched) == tuple(read_preload_list())
    for files in fetched.values():  # named, so that nothing comes twice in other formats
        assert {"config.json", "model.safetensors"} <= set(files)


def test_models_are_those_that_it_uses() -> None:
    entries = {entry.id for found in load_catalog().values() for entry in found}
    assert {*read_preload_list(), HUGGING_FACE_MODEL} == set(FRONT["models"])
    assert set(read_preload_list()) <= entries


def test_packages_are_names_alone() -> None:
    """Whatever stands there is handed to apt-get: no comments, no options."""
    lines = (ROOT / "packages.txt").read_text("utf-8").split("\n")
    assert lines.pop() == ""
    assert all(re.fullmatch(APT_NAME, line) for line in lines)
    assert lines == sorted(set(lines))
