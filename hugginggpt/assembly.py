"""Putting the parts together, for every front end alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hugginggpt.agent import HuggingGPT
from hugginggpt.controller.base import Controller
from hugginggpt.controller.offline import OfflineController
from hugginggpt.experts.base import Expert
from hugginggpt.language_model import OPENAI_URL, LanguageModel
from hugginggpt.settings import Settings

DEFAULT_MODEL: Final = "gpt-5.4-mini"
"""What is asked for at OpenAI when nobody says otherwise."""


def make_agent(settings: Settings | None = None) -> HuggingGPT:
    """The agent with all back ends that need no key."""
    from hugginggpt.experts.bundled import BundledExpert

    return HuggingGPT([BundledExpert()], fallback=OfflineController(), settings=settings)


def make_language_model(*, key: str = "", base_url: str = "", model: str = "") -> LanguageModel | None:
    """The language model that a key or a server's address gives; None without either."""
    key, base_url, model = key.strip(), base_url.strip(), model.strip()
    if not key and not base_url:
        return None
    base_url = base_url.rstrip("/").removesuffix("/chat/completions")  # what many servers' documents print
    return LanguageModel(model or DEFAULT_MODEL, base_url or OPENAI_URL, key)


def make_controller(model: LanguageModel | None) -> Controller:
    """The controller: a language model where there is one, else the built-in planner."""
    from hugginggpt.controller.llm import LLMController

    return LLMController(model) if model else OfflineController()


def session_experts(model: LanguageModel | None) -> Sequence[Expert]:
    """Back ends that a session's own key adds."""
    from hugginggpt.experts.textwork import TextWorkExpert

    return [TextWorkExpert(model)] if model else []
