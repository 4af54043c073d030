"""The language model that the page's fields describe, and what a browser may have remembered of them."""

from __future__ import annotations

import pytest

from hugginggpt.core.errors import HuggingGPTError
from hugginggpt.llm.client import LanguageModel
from hugginggpt.ui.session.llm_choice import BUILT_IN, HUGGING_FACE, OPENAI, OTHER, LLMFields, make_model

KEY = "sk-visitor-0815-secret"


async def chosen(brain: str, key: str = "", token: str = "", url: str = "", model: str = "") -> LanguageModel | None:
    return await make_model(LLMFields(brain, key, token, url, model))


async def test_the_built_in_planner_needs_nothing_and_takes_nothing() -> None:
    assert await chosen(BUILT_IN, KEY, KEY, "http://127.0.0.1", "tiny") is None


async def test_each_brain_has_its_server_and_its_usual_model() -> None:
    openai, hugging_face = await chosen(OPENAI, KEY), await chosen(HUGGING_FACE, token=KEY)
    assert openai
    assert hugging_face
    assert (openai.server, openai.key) == ("api.openai.com", KEY)
    assert (hugging_face.server, hugging_face.key) == ("router.huggingface.co", KEY)
    assert openai.model
    assert hugging_face.model


async def test_a_key_is_sent_only_to_the_server_that_it_was_entered_for() -> None:
    hugging_face = await chosen(HUGGING_FACE, key=KEY, token="hf_1")
    assert hugging_face
    assert hugging_face.key == "hf_1"


async def test_blanks_around_what_was_pasted_are_taken_off() -> None:
    model = await chosen(OTHER, f" {KEY}\n", url=" http://127.0.0.1:11434/v1/ ", model=" tiny ")
    assert model == LanguageModel("tiny", "http://127.0.0.1:11434/v1", KEY)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"brain": OPENAI}, "Enter an OpenAI key first"),
        ({"brain": HUGGING_FACE, "key": KEY}, "Enter a Hugging Face token first"),
        ({"brain": OTHER, "model": "tiny"}, "Enter the server's base URL first"),
        ({"brain": OTHER, "model": "tiny", "url": "file:///etc/passwd"}, "The base URL is not valid"),
        ({"brain": OTHER, "model": "tiny", "url": "http://[/v1"}, "The base URL is not valid"),
        ({"brain": OTHER, "model": "tiny", "url": "https://host.example/v1?api-key=secret"}, "nothing behind its path"),
        ({"brain": OTHER, "model": "tiny", "url": "https://host.example/v1#secret"}, "nothing behind its path"),
        ({"brain": OTHER, "model": "tiny", "url": "https://host.example/v1?"}, "nothing behind its path"),
        ({"brain": OTHER, "model": "tiny", "url": "https://user:secret@host.example/v1"}, "The base URL is not valid"),
        ({"brain": OPENAI, "key": "sk-1 2"}, "copy it again"),
        ({"brain": OTHER, "url": "http://127.0.0.1/v1"}, "Enter the name of the model"),
    ],
)
async def test_what_is_missing_is_asked_for(fields: dict[str, str], said: str) -> None:
    with pytest.raises(HuggingGPTError, match=said) as refused:
        await chosen(**fields)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(("variable", "value"), [("SPACE_ID", "somebody/hugginggpt"), ("GRADIO_SHARE", "True")])
async def test_whoever_comes_from_outside_names_no_private_server(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    for url in ("http://127.0.0.1:8000/v1", "http://169.254.169.254/v1", "http://[::1]/v1", "http://localhost/v1"):
        with pytest.raises(HuggingGPTError, match="private address"):
            await chosen(OTHER, url=url, model="tiny")


def test_what_the_browser_remembers_goes_into_the_box_of_its_own_server() -> None:
    kept = {"brain": HUGGING_FACE, "key": "hf_1", "base_url": "", "model": "big"}
    assert LLMFields.from_stored(kept) == LLMFields(HUGGING_FACE, "", "hf_1", "", "big")
    kept = {"brain": OTHER, "key": KEY, "base_url": "http://127.0.0.1/v1", "model": "tiny"}
    assert LLMFields.from_stored(kept) == LLMFields(OTHER, KEY, "", "http://127.0.0.1/v1", "tiny")
    assert KEY not in repr(LLMFields.from_stored(kept))


@pytest.mark.parametrize("kept", [None, [], "x", {}, {"brain": BUILT_IN}, {"brain": "x", "key": KEY}, {"brain": [1]}])
def test_anything_else_in_the_browsers_storage_is_left_there(kept: object) -> None:
    assert LLMFields.from_stored(kept) is None
