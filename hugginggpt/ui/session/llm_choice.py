"""The choice of who plans and answers, and the language model that the fields of the page describe."""

import os
from dataclasses import dataclass, field, fields
from typing import Any, Final, Self

from hugginggpt.agent.factory import make_language_model
from hugginggpt.core.errors import RequestError
from hugginggpt.llm.client import DEFAULT_MODEL, HUGGING_FACE_MODEL, HUGGING_FACE_URL, LanguageModel
from hugginggpt.llm.connection import OPENAI_URL
from hugginggpt.llm.model_list import join_route

BUILT_IN: Final = "built-in"
HUGGING_FACE: Final = "hugging-face"
OPENAI: Final = "openai"
OTHER: Final = "other"
CONTROLLERS: Final = (BUILT_IN, HUGGING_FACE, OPENAI, OTHER)
DEFAULT_MODELS: Final = {HUGGING_FACE: HUGGING_FACE_MODEL, OPENAI: DEFAULT_MODEL, OTHER: ""}
_MAX_CHARS: Final = 2_000


@dataclass(frozen=True, slots=True)
class LLMFields:
    """Typed values, without blanks around them."""

    controller: str = BUILT_IN
    openai_key: str = field(default="", repr=False)
    """Key of OpenAI, or of another server."""
    hf_token: str = field(default="", repr=False)
    base_url: str = field(default="", repr=False)
    model: str = ""
    route: str = ""
    """Policy or provider at Hugging Face's router."""

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)  # a box that was never seen gives None
            object.__setattr__(self, each.name, value.strip() if isinstance(value, str) else "")

    @property
    def key(self) -> str:
        """The key that this controller takes."""
        return {HUGGING_FACE: self.hf_token, BUILT_IN: ""}.get(self.controller, self.openai_key)

    @classmethod
    def from_stored(cls, stored: Any) -> Self | None:
        """Parse what a browser has stored, which may be anything; None where it is no choice of a controller."""
        if not isinstance(stored, dict) or stored.get("brain") not in CONTROLLERS[1:]:
            return None
        controller, key, base_url, model = (
            str(stored.get(name) or "")[:_MAX_CHARS] for name in ("brain", "key", "base_url", "model")
        )
        key_field = "hf_token" if controller == HUGGING_FACE else "openai_key"
        return cls(controller, base_url=base_url, model=model, **{key_field: key})


def is_space() -> bool:
    """Return whether this process runs on a Space of the Hub."""
    return "SPACE_ID" in os.environ  # the Hub sets it


def is_personal_machine() -> bool:
    """Return whether this is a person's own machine, for them alone: no Space, and no public address by Gradio's tunnel."""
    return not is_space() and os.environ.get("GRADIO_SHARE", "").lower() != "true"


async def make_model(
    typed: LLMFields, *, router_url: str = HUGGING_FACE_URL, allow_unnamed: bool = False
) -> LanguageModel | None:
    """Return the language model that the fields of the page describe; None for the built-in planner.

    Args:
        typed: The fields.
        router_url: The base URL of Hugging Face's router.
        allow_unnamed: Whether another server's model may be without a name, to ask the server which it has.

    Raises:
        HuggingGPTError: Something is missing, malformed, or leads to a server that may not be reached from here.
    """
    key, base_url, model = typed.key, typed.base_url, typed.model or DEFAULT_MODELS.get(typed.controller, "")
    if typed.controller == BUILT_IN:
        return None
    if typed.controller == HUGGING_FACE:
        if not key:
            raise RequestError("Enter a Hugging Face token first: huggingface.co/settings/tokens makes one.")
        base_url, model = router_url, join_route(model, typed.route)
    elif typed.controller == OPENAI:
        if not key:
            raise RequestError("Enter an OpenAI key first: platform.openai.com/api-keys makes one.")
        base_url = OPENAI_URL
    else:
        if not base_url:
            raise RequestError("Enter the server's base URL first, such as http://127.0.0.1:11434/v1.")
        if not model and not allow_unnamed:
            raise RequestError("Enter the name of the model that the server runs.")
    private = typed.controller != OTHER or is_personal_machine()  # who comes from outside has no business in this network
    llm = make_language_model(key=key, base_url=base_url, model=model or "?", private_servers=private)
    if llm is not None:
        await llm.check()  # a refused address is reported now, not at the first request
    return llm
