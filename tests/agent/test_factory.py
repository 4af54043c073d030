"""Putting the parts together: which model a key and an address give, and who plans."""

import os
import time
from pathlib import Path

import pytest

from hugginggpt.agent.factory import make_agent, make_controller, make_language_model, make_session_experts, make_shared_token
from hugginggpt.core.events import Answered, ModelRef
from hugginggpt.core.settings import Settings, SettingsError
from hugginggpt.core.ssrf import is_public
from hugginggpt.core.trace import fold_steps
from hugginggpt.hub.account import Visitor
from hugginggpt.llm.client import DEFAULT_MODEL
from hugginggpt.llm.connection import OPENAI_URL
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
    assert (made.model, made.base_url, made.key, made.allowed) == (model, url, key, None)


def test_where_private_servers_are_not_meant_only_public_addresses_are_allowed() -> None:
    made = make_language_model(base_url="http://127.0.0.1:11434/v1", private_servers=False)
    assert made is not None
    assert made.allowed is is_public


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


async def test_the_settings_limits_hold_for_every_model(settings: Settings) -> None:
    agent = make_agent(settings.model_copy(update={"max_audio_seconds": 4.0}))
    session = agent.new_session()
    speech = session.workspace.add_file(MEDIA / "speech.flac")
    events = [event async for event in agent.run("What is said here?", session, make_controller(None), [speech])]
    (step,) = fold_steps(events)
    assert "Only the first 0:04 of 0:09 are written down" in step.note


async def test_what_only_a_language_model_could_do_says_that_a_key_would_help(settings: Settings) -> None:
    agent = make_agent(settings)
    events = [e async for e in agent.run("Translate “Guten Morgen” into English.", agent.new_session(), make_controller(None))]
    assert "with an OpenAI or Hugging Face key" in str(fold_steps(events)[0].error)


def test_a_sessions_language_model_adds_text_work_after_the_bundled_models(settings: Settings) -> None:
    agent = make_agent(settings)
    extra = make_session_experts(agent, make_language_model(key=KEY, model="big"))
    assert not make_session_experts(agent, None)
    assert "translation" not in agent.candidates()
    assert [card.id for card in agent.candidates(extra)["translation"].cards] == ["big"]
    assert [card.backend for card in agent.candidates(extra)["summarization"].cards] == ["bundled", "controller"]


@pytest.mark.parametrize(
    ("fetch", "tasks"),
    [(None, ()), (False, ()), (True, ("object-detection", "translation")), ({"object-detection"}, ("object-detection",))],
)
def test_models_are_fetched_for_what_a_visitor_has_agreed_to(
    settings: Settings, fetch: bool | set[str] | None, tasks: tuple[str, ...]
) -> None:
    agent = make_agent(settings)
    found = {card.task for expert in make_session_experts(agent, None, fetch=fetch) for card in expert.cards()}
    assert found & {"object-detection", "translation"} == set(tasks)


def test_what_a_killed_process_has_left_is_deleted_before_the_first_session(settings: Settings) -> None:
    left, fresh = (settings.sessions / (letter * 24) for letter in "ab")
    for folder in (left, fresh):
        folder.mkdir(parents=True)
        (folder / "image-1.png").touch()
    os.utime(left, (time.time() - 10 * 86_400,) * 2)
    make_agent(settings)
    assert [folder.name for folder in settings.sessions.iterdir()] == [fresh.name]


def test_a_folder_that_holds_other_things_too_is_left_alone(settings: Settings) -> None:
    for name in ("a" * 24, "photographs"):
        folder = settings.sessions / name
        folder.mkdir(parents=True)
        os.utime(folder, (time.time() - 10 * 86_400,) * 2)
    agent = make_agent(settings)
    assert {folder.name for folder in settings.sessions.iterdir()} == {"a" * 24, "photographs"}
    # what the page serves lies in a folder of its own, beside what is none of its business
    assert agent.new_session().workspace.folder.parent == settings.sessions / "hugginggpt-sessions"


def test_the_name_of_a_session_is_known(settings: Settings) -> None:
    session = make_agent(settings).new_session()
    os.utime(session.workspace.folder, (time.time() - 10 * 86_400,) * 2)
    make_agent(settings)
    assert not session.workspace.folder.exists()


def test_an_agent_of_settings_that_cannot_be_used_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HUGGINGGPT_SESSIONS", str(tmp_path / "file"))
    with pytest.raises(SettingsError, match="HUGGINGGPT_SESSIONS"):
        make_agent()


def test_the_owners_token_is_shared_only_where_the_owner_says_so(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_owner4711")
    assert make_shared_token(settings) is None
    sharing = settings.model_copy(update={"share_token": True, "shared_calls": 3})
    shared = make_shared_token(sharing)
    assert shared is not None
    assert (shared.token, shared.per_hour) == ("hf_owner4711", 3)
    assert "4711" not in repr(shared)


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("", "HUGGINGGPT_SHARE_TOKEN is set, but there is no token to share: set HF_TOKEN."),
        ("sk-4711", "HUGGINGGPT_SHARE_TOKEN is set, but HF_TOKEN can't be used: This is no Hugging Face token"),
    ],
)
def test_sharing_without_a_token_is_refused_at_the_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, token: str, said: str
) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(SettingsError) as caught:
        make_shared_token(settings.model_copy(update={"share_token": True}))
    assert str(caught.value).startswith(said)
    assert "4711" not in str(caught.value)


def test_hosted_models_belong_to_the_session_that_brings_a_token(settings: Settings) -> None:
    agent = make_agent(settings)
    assert not [card for ranking in agent.candidates().values() for card in ranking.cards if card.backend == "hosted"]
    (expert,) = make_session_experts(agent, None, visitor=Visitor("hf_visitor"))
    assert expert.backend == "hosted"
    assert "hf_visitor" not in repr(expert)
