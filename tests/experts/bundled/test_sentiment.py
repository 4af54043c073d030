"""The tone of a text."""

import time

import pytest

from hugginggpt.core.errors import InputError
from tests.experts.bundled.conftest import Bench


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("I love this, it is wonderful!", "positive"),
        ("Best holiday we ever had. The staff were so kind.", "positive"),
        ("This is awful and I hate it.", "negative"),
        ("The blender I ordered arrived broken. I am very disappointed.", "negative"),
        ("The table is made of wood.", "neutral"),
        ("20417", "neutral"),
    ],
)
async def test_a_text_has_a_tone(bench: Bench, text: str, label: str) -> None:
    done = await bench.run("text-classification", text=text)
    assert done.data["label"] == label
    assert done.text.startswith(f"{label} (")
    assert "mixed" not in done.text


async def test_a_text_that_praises_and_blames_is_called_mixed(bench: Bench) -> None:
    done = await bench.run("text-classification", text="The room was lovely and clean. The food was horrible and cold.")
    assert done.text.endswith("; mixed: some sentences are positive, others negative")
    assert [sentence["label"] for sentence in done.data["sentences"]] == ["positive", "negative"]


@pytest.mark.parametrize("text", ["I like it a lot. " * 6000, "good bad " * 11_000, "x" * 100_000])
async def test_a_long_text_takes_no_time(bench: Bench, text: str) -> None:
    begun = time.process_time()
    done = await bench.run("text-classification", text=text)
    assert time.process_time() - begun < 2
    assert -1 <= done.data["compound"] <= 1


async def test_an_empty_text_has_none(bench: Bench) -> None:
    with pytest.raises(InputError, match="The text is empty"):
        await bench.run("text-classification", text="  \n")
