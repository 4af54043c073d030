"""Putting the parts together: which model a key and an address give, and who plans."""

import pytest

from hugginggpt.assembly import DEFAULT_MODEL, make_agent, make_controller, make_language_model, session_experts
from hugginggpt.events import Answered, ModelRef
from hugginggpt.language_model import OPENAI_URL
from hugginggpt.settings import Settings
from hugginggpt.trace import fold_steps
from tests.conftest import MEDIA
from tests.scripted_server import KEY


@pytest.mark.parametrize(
    ("given", "model", "url", "key"),
    [
        ({"key": KEY}, DEFAULT_MODEL, OPENAI_URL, KEY),
        ({"key": f"  {KEY}\n", "model": " big "}, "big", OPENAI_URL, KEY),
        ({"base_url": "http://127.0.0.1:11434/v1/", "model": "qwen"}, "qwen", "http://127.0.0.1:11434/v1", ""),
        ({"base_url": "https://host/v1/chat/completions"}, DEFAULT_MODEL, "https://host/v1", ""),
    ],
)
def test_a_key_or_an_address_gives_a_language_model(given: dict[str, str], model: str, url: str, key: str) -> None:
    made = make_language_model(**given)
    assert made is not None
    assert (made.model, made.base_url, made.key) == (model, url, key)


@pytest.mark.parametrize("given", [{}, {"key": "  "}, {"model": "big"}, {"base_url": "\n", "key": ""}])
def test_without_either_there_is_none(given: dict[str, str]) -> None:
    assert make_language_model(**given) is None


def test_the_environment_makes_nobody_a_language_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-server-own")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    assert make_language_model() is None


def test_who_plans_depends_on_the_session() -> None:
    assert make_controller(None).name == "built-in planner"
    assert make_controller(make_language_model(key=KEY, model="big")).name == "big (api.openai.com)"


async def test_the_tutorials_case_word_for_word(settings: Settings) -> None:
    agent = make_agent(settings)
    session = agent.new_session()
    invoice = session.workspace.add_file(MEDIA / "invoice.png")
    request = agent.run("read the image example.jpg for me", session, make_controller(None), [invoice])
    events = [event async for event in request]
    read, spoken = fold_steps(events)
    assert (read.task.task, read.model) == ("image-to-text", ModelRef("PP-OCRv6-small", "bundled"))
    assert (spoken.task.task, spoken.model) == ("text-to-speech", ModelRef("hibari-tts", "bundled"))
    assert spoken.task.as_json()["args"] == {"text": "<resource>-0"}
    assert "20417" in str(read.outputs[0].text)
    assert "20417" in next(event.answer for event in events if isinstance(event, Answered))
    assert spoken.outputs[0].name == "audio-1"
    session.close()
    assert not any(settings.sessions.iterdir())


def test_a_sessions_language_model_adds_text_work_after_the_bundled_models(settings: Settings) -> None:
    agent = make_agent(settings)
    extra = session_experts(make_language_model(key=KEY, model="big"))
    assert not session_experts(None)
    assert not agent.candidates("translation")
    assert [card.id for card in agent.candidates("translation", extra)] == ["big"]
    assert [card.backend for card in agent.candidates("summarization", extra)] == ["bundled", "controller"]
