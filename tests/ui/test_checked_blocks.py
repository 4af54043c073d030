"""Calls that Gradio can't serve are refused in a sentence that quotes nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio.context import LocalContext

from hugginggpt.ui.checked_blocks import CheckedBlocks
from tests.conftest import MEDIA


def make_blocks() -> CheckedBlocks:
    with CheckedBlocks() as blocks:
        gr.Button().click(lambda box, picture: picture, [gr.MultimodalTextbox(), gr.Image()], gr.File())
    blocks.is_running, blocks.allowed_paths, blocks.blocked_paths = True, [], []  # as when it is launched
    LocalContext.blocks.set(blocks)
    return blocks


@pytest.mark.parametrize(
    ("values", "said"),
    [([], "not what its endpoint takes"), ([{"text": 5, "files": "x"}, None], "not what its endpoint takes")],
)
async def test_values_that_no_handler_can_take(values: list[Any], said: str) -> None:
    blocks = make_blocks()
    with pytest.raises(gr.Error, match=said) as refused:
        await blocks.preprocess_data(blocks.fns[0], values, None)
    assert not refused.value.print_exception


async def test_a_file_that_was_deleted_after_it_was_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))  # sessions need not lie there
    blocks = make_blocks()
    gr.set_static_paths([tmp_path])
    picture = tmp_path / "image-1.jpg"
    picture.write_bytes((MEDIA / "cat.jpg").read_bytes())
    assert await blocks.postprocess_data(blocks.fns[0], str(picture), None)
    picture.unlink()
    with pytest.raises(gr.Error, match="were deleted meanwhile") as refused:
        await blocks.postprocess_data(blocks.fns[0], str(picture), None)
    assert not refused.value.print_exception
