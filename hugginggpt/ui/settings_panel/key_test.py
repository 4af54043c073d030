"""Test of a key: a sentence for the person who pressed the button, and the model that can be used then."""

import asyncio
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from hugginggpt.core.markdown import escape
from hugginggpt.core.trace import format_cost
from hugginggpt.hub.client import HubAddresses
from hugginggpt.hub.token_check import TokenOwner, check_token
from hugginggpt.hub.tokens import parse_token
from hugginggpt.llm.client import LanguageModel
from hugginggpt.llm.server_check import ServerReport, check_server, list_chat_models
from hugginggpt.ui.i18n import Words
from hugginggpt.ui.session.llm_choice import BUILT_IN, HUGGING_FACE, OPENAI, OTHER, LLMFields, make_model
from hugginggpt.ui.session.tab_session import TabSession

_MAX_OFFERED_MODELS: Final = 300  # most models that are offered to choose from


@dataclass(frozen=True, slots=True)
class KeyTestResult:
    """Result of a test."""

    sentence: str
    """The findings, as Markdown."""
    model: LanguageModel | None = None
    """The model that can be used; None where a name must still be chosen."""
    models: tuple[str, ...] = ()
    """Models to choose from."""
    providers: tuple[str, ...] = ()
    """Providers of the model to choose from, at Hugging Face's router."""


def fill_in_key(typed: LLMFields, tab: TabSession | None) -> LLMFields:
    """Return the fields with the key that the tab holds for this very server, where none was typed again."""
    if typed.key or tab is None or typed.controller == BUILT_IN:
        return typed
    key = tab.model.key if tab.model and tab.controller == typed.controller else ""
    if typed.controller == OTHER and tab.model and _parse_origin(typed.base_url) != _parse_origin(tab.model.base_url):
        key = ""  # a key goes to the server that it was typed for, and to no other
    if typed.controller == HUGGING_FACE:
        return replace(typed, hf_token=key or tab.oauth_token)
    return replace(typed, openai_key=key)


def _parse_origin(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.scheme, parts.netloc


async def check_fields(typed: LLMFields, *, addresses: HubAddresses, router_url: str, words: Words) -> KeyTestResult:
    """Test the fields at the server that they lead to.

    Args:
        typed: The fields, with the key.
        addresses: Where the Hub is.
        router_url: The base URL of its router.
        words: The visitor's language.

    Raises:
        HuggingGPTError: Something is missing or doesn't work; one sentence that says what to do.
    """
    if typed.controller == HUGGING_FACE and not typed.hf_token.startswith("hf_"):
        parse_token(typed.hf_token)  # what signing in gives holds other signs than a token that is pasted
    model = await make_model(typed, router_url=router_url, allow_unnamed=True)
    if model is None:
        return KeyTestResult(words("brain.status_built_in"))
    if typed.controller == HUGGING_FACE:
        account = asyncio.create_task(check_token(typed.hf_token, addresses))  # both at once
        listing = asyncio.create_task(check_server(model))
        try:
            return _report_token(await account, await listing, words)  # the token's own trouble says more than the list's
        finally:
            for task in (account, listing):
                task.cancel()  # one may have failed before the other
            await asyncio.gather(account, listing, return_exceptions=True)  # else asyncio logs their errors
    report = await check_server(model)
    if typed.controller == OTHER and not typed.model:
        return _offer_models(report, words)
    return _report_server(report, words, at_openai=typed.controller == OPENAI)


def _report_token(account: TokenOwner, router: ServerReport, words: Words) -> KeyTestResult:
    kind = "unknown" if not account.name else "works" if account.may_call else "unsure"
    models = list_chat_models(router)
    sentence = words(f"brain.token_{kind}", name=escape(account.name), count=len(models))
    if router.has_model is False:
        sentence += " " + _format_sentence(router, words, "without")
    return KeyTestResult(sentence + _forecast(router, words), router.model, models[:_MAX_OFFERED_MODELS], router.providers)


def _offer_models(report: ServerReport, words: Words) -> KeyTestResult:
    """Report on a server for which no model was named: take its only one, else offer those that it has."""
    models = list_chat_models(report)
    if len(models) == 1:
        return _report_server(replace(report, model=replace(report.model, model=models[0])), words)
    kind = "choose" if models else "silent" if report.models is None else "empty"
    return KeyTestResult(_format_sentence(report, words, kind), None, models[:_MAX_OFFERED_MODELS])


def _report_server(report: ServerReport, words: Words, *, at_openai: bool = False) -> KeyTestResult:
    if report.models is None:
        kind = "silent"
    elif not report.has_model:
        kind = "without" if report.models else "empty"
    else:
        kind = "openai" if at_openai else "works"
    sentence = _format_sentence(report, words, kind) + _forecast(report, words)
    return KeyTestResult(sentence, report.model, list_chat_models(report)[:_MAX_OFFERED_MODELS])


def _format_sentence(report: ServerReport, words: Words, kind: str) -> str:
    values = {"server": report.model.server, "model": report.model.model}
    return words(
        f"brain.server_{kind}", count=len(report.models or ()), **{name: escape(text) for name, text in values.items()}
    )


def _forecast(report: ServerReport, words: Words) -> str:
    """Return a sentence on what a request costs, where the server's list tells prices; with the blank before it."""
    price = report.model.capabilities.price
    return "" if price is None else f" {words('brain.price', cost=format_cost(price.typical_cost))}"


def describe_status(tab: TabSession | None, words: Words) -> str:
    """Return the sentences on who plans, and where the key is kept."""
    parts = []
    if tab is not None and tab.oauth_token:
        parts.append(words("brain.status_signed_in", name=escape(tab.user_name)))
    if tab is None or tab.model is None:
        return " ".join([*parts, words("brain.status_built_in")])
    parts.append(words("brain.status_plans", model=escape(tab.model.model), server=escape(tab.model.server)))
    if tab.model.key and tab.model.key != tab.oauth_token:  # signing in has a sentence of its own
        parts.append(words("brain.status_remembered" if tab.key_remembered else "brain.status_kept"))
    return " ".join(parts)
