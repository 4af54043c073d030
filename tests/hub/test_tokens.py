"""Hugging Face tokens, pasted and from the environment."""

import pytest

from hugginggpt.core.errors import RequestError
from hugginggpt.hub.tokens import parse_token, read_environment_token


@pytest.mark.parametrize("token", ["hf_abc", " hf_oauth_aB1 ", ""])
def test_a_hugging_face_token_is_taken(token: str) -> None:
    assert parse_token(token) == token.strip()


@pytest.mark.parametrize("token", ["sk-abc", "hf abc", "hf_-", "hf_a\nb", "HF_ABC"])
def test_any_other_key_is_not_sent_to_the_hub(token: str) -> None:
    with pytest.raises(RequestError, match="This is no Hugging Face token") as caught:
        parse_token(token)
    assert token not in str(caught.value)


def test_the_environment_holds_a_token_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    assert read_environment_token() == "hf_mine"
    monkeypatch.setenv("HF_TOKEN", "sk-other")
    assert read_environment_token() == ""
    monkeypatch.delenv("HF_TOKEN")
    assert read_environment_token() == ""
