"""A request about a document is about its text, unless it speaks of the pictures or tables in it."""

from dataclasses import replace

import pytest

from hugginggpt.controllers.base import PlanRequest
from hugginggpt.controllers.rules.document_parts import select_parts
from hugginggpt.controllers.rules.planner import plan_request
from hugginggpt.core.recording import Turn
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind, load_task_table
from hugginggpt.workspace.text_tables import HOLDS_TEXT, PASTED


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


STOCK = (make("text-1"), replace(make("table-1", "text-1"), data={HOLDS_TEXT: True}))
PASTED_TABLE = (replace(make("table-1"), data={PASTED: "0"}),)
ROWS = "\n\npart,price\nlong bolt,2\nbrass nut,3"


@pytest.mark.parametrize(
    ("request_", "attached", "task", "argument"),
    [
        ("Which part is the most expensive?", STOCK, "table-question-answering", "table-1"),
        ("What is the total number in stock in text-1.x?", STOCK, "table-question-answering", "table-1"),
        ("Draw a bar chart of price by part", STOCK, "table-to-chart", "table-1"),
        ("Translate it into French", STOCK, "translation", "text-1"),
        ("Sum it up", STOCK, "summarization", "text-1"),
        ("Who is the keeper?", LETTER, "question-answering", "text-1"),
        ("Which row of the table has the highest sum?", LETTER, "table-question-answering", "table-1"),
        (f"Which part is the cheapest?{ROWS}", PASTED_TABLE, "table-question-answering", "table-1"),
        (f"Make a bar chart of this:{ROWS}", PASTED_TABLE, "table-to-chart", "table-1"),
        (f"Translate this into French:{ROWS}", PASTED_TABLE, "translation", ROWS.strip()),
    ],
)
def test_a_text_that_is_one_table_is_asked_as_a_table(
    request_: str, attached: tuple[Resource, ...], task: str, argument: str
) -> None:
    planned = plan_request(PlanRequest(request_, attached), load_task_table()).tasks
    assert [each["task"] for each in planned] == [task]
    assert argument in planned[0]["args"].values()


PICTURE = make("image-1")
READ = (PICTURE, Resource("text-1", Kind.TEXT, Origin("task", "image-to-text"), text="Branch Staff"))
READ_TABLE = Resource("table-1", Kind.TABLE, Origin("task", "image-to-text"), data={HOLDS_TEXT: True})
INVOICE = (*READ, replace(READ_TABLE, data={}))


@pytest.mark.parametrize(
    ("request_", "resources", "task", "argument"),
    [
        ("Which row has the highest total?", (*READ, READ_TABLE), "table-question-answering", "table-1"),
        ("Which branch has the fewest staff?", (*READ, READ_TABLE), "table-question-answering", "table-1"),
        ("Make a bar chart of it", (*READ, READ_TABLE), "table-to-chart", "table-1"),
        ("Draw a pie chart of staff by branch", (*READ, READ_TABLE), "table-to-chart", "table-1"),
        ("Translate it into German", READ, "translation", "text-1"),
        ("When is it due?", INVOICE, "document-question-answering", "image-1"),
        ("What is the sum of the amounts in the table?", INVOICE, "table-question-answering", "table-1"),
        ("Make a bar chart of the table", INVOICE, "table-to-chart", "table-1"),
    ],
)
def test_what_goes_on_from_a_picture_of_a_table_is_about_the_table(
    request_: str, resources: tuple[Resource, ...], task: str, argument: str
) -> None:
    request = PlanRequest(request_, turns=(Turn("Read this picture", "…", resources),))
    planned = plan_request(request, load_task_table()).tasks
    assert [each["task"] for each in planned] == [task]
    assert argument in planned[0]["args"].values()


@pytest.mark.parametrize("request_", ["Make a bar chart of the table in this picture", "Draw a pie chart of staff by branch"])
def test_a_picture_is_read_before_its_table_is_drawn(request_: str) -> None:
    planned = plan_request(PlanRequest(request_, (PICTURE,)), load_task_table()).tasks
    assert [each["task"] for each in planned] == ["image-to-text", "table-to-chart"]
    assert planned[0]["args"] == {"image": "image-1"}
    assert planned[1]["args"] == {"table": "<resource>-0", "instruction": request_}


@pytest.mark.parametrize(
    ("attached", "task"),
    [(LETTER, "question-answering"), (STOCK, "table-question-answering"), (BUDGET, "table-question-answering")],
)
def test_a_question_that_goes_on_is_about_the_same(attached: tuple[Resource, ...], task: str) -> None:
    answer = Resource("text-9", Kind.TEXT, Origin("task", task), text="4")
    request = PlanRequest("What is the lowest price?", turns=(Turn("What is the highest price?", "4", (*attached, answer)),))
    assert [each["task"] for each in plan_request(request, load_task_table()).tasks] == [task]
