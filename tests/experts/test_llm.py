"""Text tasks that the session's own language model does, over real HTTP."""

from collections.abc import Iterator

import pytest

from hugginggpt.core.errors import ExpertError, InputError
from hugginggpt.core.events import Usage
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind, load_task_table
from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.llm import TextWorkExpert, load_instructions
from hugginggpt.llm.client import LanguageModel
from hugginggpt.workspace.workspace import Workspace
from tests.conftest import MEDIA
from tests.scripted_server import KEY, ScriptedServer, completion, error, scripted_server


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        running.will(completion(" Hallo. ", prompt=30, made=3))
        yield running


@pytest.fixture
def expert(server: ScriptedServer) -> TextWorkExpert:
    return TextWorkExpert(LanguageModel("tiny", server.base_url, KEY, seconds=5))


async def run(expert: TextWorkExpert, workspace: Workspace, task: str, **inputs: str | Resource) -> Result:
    card = next(card for card in expert.cards() if card.task == task)
    return await expert.run(Call(card, inputs, workspace.new_path))


def test_every_instruction_is_for_a_task_that_makes_a_text() -> None:
    for task in load_instructions():
        assert load_task_table()[task].outputs == (Kind.TEXT,)


async def test_a_text_is_translated_into_the_language_that_is_named(
    expert: TextWorkExpert, workspace: Workspace, server: ScriptedServer
) -> None:
    result = await run(expert, workspace, "translation", text="Hello. {language}", language="German")
    assert result.outputs[0].text == "Hallo."
    assert result.usage == Usage("work", 1, 30, 3)
    system, user = server.asked[0].body["messages"]
    assert system["content"].startswith("Translate the text into German.")
    assert user["content"] == "text:\nHello. {language}"


async def test_without_a_language_it_is_english(expert: TextWorkExpert, workspace: Workspace, server: ScriptedServer) -> None:
    await run(expert, workspace, "translation", text="Hallo.")
    assert "into English" in server.asked[0].text


async def test_a_question_and_its_text_are_both_sent(
    expert: TextWorkExpert, workspace: Workspace, server: ScriptedServer
) -> None:
    await run(expert, workspace, "question-answering", text="It rains.", question="Does it rain?")
    assert server.asked[0].last == "text:\nIt rains.\n\nquestion:\nDoes it rain?"


async def test_a_table_is_sent_as_it_stands(expert: TextWorkExpert, workspace: Workspace, server: ScriptedServer) -> None:
    table = workspace.add_file(MEDIA / "people.csv")
    await run(expert, workspace, "table-question-answering", table=table, question="How old is Jun Takeda?")
    assert "Jun Takeda,Eastbrook,Japan,29,nurse" in server.asked[0].last


async def test_every_task_can_be_asked_for(expert: TextWorkExpert, workspace: Workspace, server: ScriptedServer) -> None:
    table = workspace.add_file(MEDIA / "people.csv")
    for task in load_instructions():
        inputs = {i.name: table if i.kind is Kind.TABLE else "a, b" for i in load_task_table()[task].required}
        assert (await run(expert, workspace, task, **inputs)).outputs[0].text == "Hallo."
    assert len(server.asked) == len(load_instructions())


async def test_an_empty_text_is_not_sent(expert: TextWorkExpert, workspace: Workspace, server: ScriptedServer) -> None:
    with pytest.raises(InputError, match="The text is empty"):
        await run(expert, workspace, "translation", text=" ", language="German")
    assert not server.asked


async def test_a_failing_server_is_one_sentence_so_that_another_model_is_tried(
    expert: TextWorkExpert, workspace: Workspace, server: ScriptedServer
) -> None:
    server.replies = [error(401, "wrong key {key}")]
    with pytest.raises(ExpertError, match=r"^127\.0\.0\.1 refused the key: check it, or enter another one\.$") as caught:
        await run(expert, workspace, "translation", text="Hello.")
    assert KEY not in f"{caught.value.__cause__!r} {caught.value.__context__!r}"
