"""Sentences for errors whose cause is the machine."""

import errno
import importlib
from pathlib import Path

import pytest
import torch

from hugginggpt.core.errors import explain_environment_error


def test_a_full_disk() -> None:
    with pytest.raises(OSError) as raised:  # noqa: PT011 (its errno is checked below)
        Path("/dev/full").write_bytes(b"x")
    assert raised.value.errno == errno.ENOSPC
    assert explain_environment_error(raised.value) == "The disk is full: free some space and try again."


def test_no_memory() -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**58, dtype=torch.uint8)
    assert explain_environment_error(raised.value) == "The memory ran out: choose a smaller model or a smaller input."
    assert explain_environment_error(MemoryError()) == explain_environment_error(raised.value)


def test_a_package_that_is_not_installed() -> None:
    with pytest.raises(ModuleNotFoundError) as raised:
        importlib.import_module("no_such_package")
    assert explain_environment_error(raised.value).startswith("This model needs the Python package no_such_package")


def test_anything_else_is_not_the_machines_fault() -> None:
    assert explain_environment_error(ValueError("a shape doesn't fit")) == ""
