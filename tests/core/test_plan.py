"""Tasks, plans and references."""

import pytest

from hugginggpt.core.plan import Plan, Reference, Task, find_references, split_references


@pytest.mark.parametrize(
    "written",
    [
        "<resource>-7",
        "<GENERATED>-7",
        "<resource-7>",
        "<GENERATED-7>",
        "<generated>-7",
        "<Resource> - 7",
        "<RESOURCE_7>",
        "< resource > 7",
        "<resources>-7",
    ],
)
def test_every_spelling_of_a_reference_is_read(written: str) -> None:
    assert list(split_references(written)) == [Reference(7)]


@pytest.mark.parametrize("text", ["resource-7", "<image>-7", "a < b - 7 > c", "<resource>", "image-7", ""])
def test_what_is_no_reference_stays_text(text: str) -> None:
    assert find_references(text) == ()


def test_a_sentence_falls_into_its_parts() -> None:
    parts = list(split_references("Say <GENERATED>-0, then -<resource-12>."))
    assert parts == ["Say ", Reference(0), ", then -", Reference(12), "."]


def test_several_references_in_one_argument_are_read_in_order() -> None:
    assert find_references("<GENERATED>-1,<GENERATED>-2") == (Reference(1), Reference(2))


def test_a_reference_named_twice_counts_once() -> None:
    assert find_references(("<resource>-1", "<GENERATED>-1")) == (Reference(1),)


def test_a_reference_of_thousands_of_digits_is_read_without_a_crash() -> None:
    assert len(find_references("<resource>-" + "9" * 10_000)) == 1


def test_a_plan_is_written_in_the_papers_form() -> None:
    plan = Plan((Task("image-to-text", 0, (), {"image": ("a.png", "b.png")}),))
    assert plan.as_json() == [{"task": "image-to-text", "id": 0, "dep": [-1], "args": {"image": ["a.png", "b.png"]}}]
