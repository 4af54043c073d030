"""A request about a document is about its text, unless it speaks of the pictures or tables in it."""

import pytest

from hugginggpt.controllers.rules.document_parts import select_parts
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind


def make(name: str, part_of: str = "") -> Resource:
    return Resource(name, Kind(name.partition("-")[0]), Origin("upload", f"{name}.x"), part_of=part_of)


LETTER = (make("text-1"), make("image-1", "text-1"), make("table-1", "text-1"))
BUDGET = (make("table-1"), make("table-2", "table-1"))


@pytest.mark.parametrize(
    ("text", "attached", "chosen"),
    [
        ("Sum this letter up", LETTER, "text-1"),
        ("Read it aloud", LETTER, "text-1"),
        ("What is in the picture of this letter?", LETTER, "text-1 image-1"),
        ("What does the logo show?", LETTER, "text-1 image-1"),
        ("What is the total in the table?", LETTER, "text-1 table-1"),
        ("Describe image-1", LETTER, "text-1 image-1"),
        ("Which row has the highest sum?", BUDGET, "table-1 table-2"),
        ("Describe this picture", (make("image-5"), *LETTER), "image-5 text-1"),
    ],
)
def test_parts_are_chosen_by_the_words_of_the_request(text: str, attached: tuple[Resource, ...], chosen: str) -> None:
    assert [resource.name for resource in select_parts(text, attached)] == chosen.split()
