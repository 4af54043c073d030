"""Small matters of language."""

import pytest

from hugginggpt.experts.outputs.grammar import format_count, join_parts


@pytest.mark.parametrize(
    ("label", "many"),
    [("cat", "2 cats"), ("person", "2 people"), ("bench", "2 benches"), ("wine glass", "2 wine glasses"), ("skis", "2 skis"),
     ("sheep", "2 sheep"), ("berry", "2 berries"), ("toy", "2 toys"), ("box", "2 boxes")],
)  # fmt: skip
def test_things_are_counted_in_english(label: str, many: str) -> None:
    assert format_count(label, 2) == many
    assert format_count(label, 1) == f"1 {label}"


@pytest.mark.parametrize(("parts", "sentence"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")])
def test_parts_are_joined_as_a_sentence_joins_them(parts: list[str], sentence: str) -> None:
    assert join_parts(parts) == sentence
