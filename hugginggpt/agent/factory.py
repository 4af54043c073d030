"""Assembly of agent, controllers and experts, for all front ends."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from threading import Thread
from typing import TYPE_CHECKING, Final

from hugginggpt.agent.agent import HuggingGPT
from hugginggpt.controllers.base import Controller
from hugginggpt.controllers.rules.controller import RulesController
from hugginggpt.core.errors import RequestError
from hugginggpt.core.settings import Settings, SettingsError, load_settings
from hugginggpt.core.ssrf import is_public
from hugginggpt.experts.base import AccountExpert, CacheExpert, Expert
from hugginggpt.hub.client import HubAddresses
from hugginggpt.hub.tokens import parse_token
from hugginggpt.llm.client import DEFAULT_MODEL, LanguageModel
from hugginggpt.llm.connection import OPENAI_URL
from hugginggpt.workspace.session_folder import remove_stale

if TYPE_CHECKING:
    from hugginggpt.hub.account import Visitor
    from hugginggpt.hub.shared_token import SharedToken

_SESSION_NAME: Final = re.compile(r"[\w-]{24}", re.ASCII)
"""Name of a session's folder (see Workspace.create)."""


def make_agent(settings: Settings | None = None) -> HuggingGPT:
    """Return the agent with all back ends that need no key; what processes that were killed have left is deleted first.

    Raises:
        SettingsError: The environment sets something that can't be used, or a file of `models_config/` does.
    """
    from hugginggpt.experts import llm  # imported where they are used, here and below: commands like --help start faster
    from hugginggpt.experts.bundled.expert import BundledExpert
    from hugginggpt.hub.catalog import load_catalog

    settings = settings or load_settings()
    load_catalog()  # what somebody has edited is checked now, and not in the middle of a request
    if not _holds_only_sessions(settings):  # what lies with the sessions can be had through the page
        settings = settings.model_copy(update={"sessions": settings.sessions / "hugginggpt-sessions"})
    remove_stale(settings)  # after the folder is settled: it deletes what looks like a session there
    return HuggingGPT(
        [*_make_local_experts(settings), BundledExpert(), _make_hosted_expert(settings)],
        fallback=RulesController(),
        settings=settings,
        with_key=frozenset(llm.load_instructions()),
    )


def _make_local_experts(settings: Settings) -> Sequence[Expert]:
    from hugginggpt.experts.local.expert import LocalExpert
    from hugginggpt.experts.local.preloading import read_preload_list
    from hugginggpt.experts.local.zerogpu import get_gpu_function, is_zero_gpu_space, preload_models, run_remotely

    if settings.local == "off":
        return ()
    on_zero_gpu = is_zero_gpu_space()
    if on_zero_gpu:
        get_gpu_function()  # now, before anything imports torch
        preload_models(read_preload_list() if settings.preload is None else settings.preload)
    return [
        LocalExpert(
            device=settings.device,
            memory_gb=settings.memory_gb,
            gpu_memory_gb=settings.gpu_memory_gb,
            remote=run_remotely if on_zero_gpu else None,
        )
    ]


def preload(agent: HuggingGPT) -> Thread | None:
    """Load what ``HUGGINGGPT_PRELOAD`` names, in a thread; to be called when the page is up. None where that's nothing.

    On ZeroGPU `make_agent` has done it: there it must be before the page is up.
    """
    from hugginggpt.experts.local.preloading import load_in_background
    from hugginggpt.experts.local.zerogpu import is_zero_gpu_space

    local, models = agent.expert("local"), agent.settings.preload
    if not isinstance(local, CacheExpert) or not models or is_zero_gpu_space():
        return None
    return load_in_background(local, models)


def _make_hosted_expert(settings: Settings) -> Expert:
    """Make the expert that all sessions share for hosted models; a session's own token makes some of them runnable."""
    from hugginggpt.experts.hosted.circuit_breaker import CircuitBreaker
    from hugginggpt.experts.hosted.expert import HostedExpert
    from hugginggpt.hub.search import HubSearch

    addresses = HubAddresses(settings.hub, settings.router, settings.endpoints)
    search = HubSearch(settings.catalogue, addresses, settings.catalogue_hours * 3_600)
    return HostedExpert(search, CircuitBreaker(), start_seconds=settings.endpoint_seconds)


def _holds_only_sessions(settings: Settings) -> bool:
    """Tell whether the sessions' folder holds nothing else: a deployment may have named one with files of its own."""
    folder = settings.sessions
    return not folder.is_dir() or all(_SESSION_NAME.fullmatch(entry.name) and entry.is_dir() for entry in folder.iterdir())


def make_shared_token(settings: Settings) -> SharedToken | None:
    """Return the token of this page's owner, from ``HF_TOKEN``, where they have chosen to share it with visitors.

    Raises:
        SettingsError: They have, and there is none.
    """
    from hugginggpt.hub.shared_token import SharedToken

    if not settings.share_token:  # only by choice: a token in the environment may be there for downloads alone
        return None
    try:
        token = parse_token(os.environ.get("HF_TOKEN", ""))
    except RequestError as error:  # here it is the owner's mistake, not a visitor's
        raise SettingsError(f"HUGGINGGPT_SHARE_TOKEN is set, but HF_TOKEN can't be used: {error}") from error
    if not token:
        raise SettingsError("HUGGINGGPT_SHARE_TOKEN is set, but there is no token to share: set HF_TOKEN.")
    return SharedToken(token, settings.shared_calls, settings.bill_to)


def make_language_model(
    *, key: str = "", base_url: str = "", model: str = "", private_servers: bool = True
) -> LanguageModel | None:
    """Return the language model that a key or a server's address gives; None without either.

    Args:
        key: The key to the server.
        base_url: Its address; OpenAI's without one.
        model: What the server calls the model.
        private_servers: Whether the server may have a private address: at home that's the point, on a public Space it
            would open the Space's own network to every visitor.
    """
    key, base_url, model = key.strip(), base_url.strip(), model.strip()
    if not key and not base_url:
        return None
    base_url = base_url.rstrip("/").removesuffix("/chat/completions")  # what many servers' documents print
    allowed = None if private_servers else is_public
    return LanguageModel(model or DEFAULT_MODEL, base_url or OPENAI_URL, key, allowed=allowed)


def make_controller(model: LanguageModel | None = None, *, show_images: bool = False) -> Controller:
    """Return the controller: a language model where there is one, else the built-in planner.

    Args:
        model: Plans and answers.
        looks: Whether it is shown the pictures before it plans.
    """
    from hugginggpt.controllers.llm.controller import LLMController

    return LLMController(model, show_images=show_images) if model else RulesController()


def make_session_experts(
    agent: HuggingGPT,
    model: LanguageModel | None,
    *,
    fetch: bool | Collection[str] | None = None,
    visitor: Visitor | None = None,
) -> Sequence[Expert]:
    """Return back ends that a session adds by its own key and its own choice.

    Args:
        agent: Whose local models are added to.
        model: Does text work; None where it shouldn't.
        fetch: Whether small models may be fetched from the Hub when they are needed, or for which tasks they may; None: what
            the settings say.
        visitor: On whose account hosted models run, and what they have added.
    """
    from hugginggpt.experts.llm import TextWorkExpert
    from hugginggpt.experts.local.auto_download import make_fetching_experts

    experts: list[Expert] = [TextWorkExpert(model)] if model else []
    hosted = agent.expert("hosted")
    if visitor is not None and isinstance(hosted, AccountExpert):
        experts.append(hosted.bind_visitor(visitor))
    if (agent.settings.local == "download") if fetch is None else fetch:
        tasks = None if isinstance(fetch, bool | None) else fetch
        experts += make_fetching_experts(agent.expert("local"), max_bytes=agent.settings.max_download_bytes, tasks=tasks)
    return experts
