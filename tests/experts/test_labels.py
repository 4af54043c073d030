"""Labels as people write them down."""

import pytest

from hugginggpt.core.errors import InputError
from hugginggpt.experts.labels import split_labels


@pytest.mark.parametrize(
    ("written", "labels"),
    [
        ("billing, support or sales", ["billing", "support", "sales"]),
        ("billing, support, or sales.", ["billing", "support", "sales"]),
        ("positive and negative", ["positive", "negative"]),
        ("good, bad, and ugly", ["good", "bad", "ugly"]),
        ("research and development or sales", ["research and development", "sales"]),
        ('["salt and pepper", "oil"]', ["salt and pepper", "oil"]),
        ("“this, that” or “other”", ["this, that", "other"]),
        ("- red\n- green\n- red", ["red", "green"]),
        ("a; b, c", ["a", "b, c"]),
        ("a cat, a dog or the car", ["cat", "dog", "car"]),
        ("a black and white cat or a dog", ["black and white cat", "dog"]),
        ('["a cat", "an old dog"]', ["cat", "old dog"]),
    ],
)
def test_labels_are_read_as_people_write_them(written: str, labels: list[str]) -> None:
    assert split_labels(written) == labels


def test_one_label_is_enough_to_look_for() -> None:
    assert split_labels("the tower", min_labels=1) == ["tower"]
    with pytest.raises(InputError, match="at least two labels"):
        split_labels("the tower")


@pytest.mark.parametrize("written", [" , ", "[]", '""'])
def test_no_labels_is_one_sentence(written: str) -> None:
    with pytest.raises(InputError, match="There are no labels"):
        split_labels(written, min_labels=1)


def test_more_labels_than_anybody_means_are_refused() -> None:
    with pytest.raises(InputError, match="These are 101 labels: name at most 100"):
        split_labels(",".join(f"label {n}" for n in range(101)))
