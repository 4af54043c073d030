"""A server's list of models, in the forms that servers have: windows, prices, and the providers behind a router."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hugginggpt.llm.client import LanguageModel
from hugginggpt.llm.model_list import Price, find_price, find_window, join_route, list_providers_of, split_route
from hugginggpt.llm.server_check import check_server
from tests.scripted_server import KEY, ScriptedServer, completion, pieces

ROUTED = {
    "object": "list",
    "data": [
        {"id": "other/model", "providers": []},
        {
            "id": "owner/m",
            "providers": [
                {"provider": "groq", "status": "live", "context_length": 131_072, "pricing": {"input": 0.15, "output": 0.75}},
                {"provider": "novita", "status": "live", "context_length": 32_768, "pricing": {"input": 0.05, "output": 0.25}},
                {"provider": "hf-inference", "status": "live"},
            ],
        },
    ],
}
"""Form of https://router.huggingface.co/v1/models: dollars for a million tokens."""


@pytest.mark.parametrize(
    ("entry", "window"),
    [
        ({"id": "m", "max_model_len": 4096}, 4096),  # vLLM
        ({"id": "m", "meta": {"n_ctx": 8192, "n_ctx_train": 32768}}, 8192),  # llama.cpp
        ({"id": "m", "context_window": 131072}, 131072),  # Groq
        ({"id": "m", "providers": [{"context_length": 32768}, {"context_length": 16384}]}, 16384),  # Hugging Face's router
        ({"id": "m"}, None),  # OpenAI
        ({"id": "m", "context_length": "8k"}, None),
        ({"id": "m", "context_length": 3}, None),
        ({"id": "other", "context_length": 4096}, 4096),  # a server that has but one
    ],
)
def test_each_server_tells_it_in_its_own_field(entry: Any, window: int | None) -> None:
    assert find_window({"object": "list", "data": [entry]}, "m") == window


@pytest.mark.parametrize("odd", [None, [], {}, {"data": None}, {"data": [1]}, "text", {"data": [{"id": "a"}, {"id": "b"}]}])
def test_an_odd_list_tells_nothing(odd: Any) -> None:
    assert find_window(odd, "m") is None


@pytest.mark.parametrize(
    ("entry", "price"),
    [
        ({"id": "m", "pricing": {"prompt": "0.00000015", "completion": "0.0000006", "image": "0"}}, (0.15, 0.6)),  # OpenRouter
        ({"id": "m", "pricing": {"input": 0.88, "output": 0.88, "hourly": 0, "base": 0}}, (0.88, 0.88)),  # Together
        ({"id": "m", "pricing": {"prompt": "0", "completion": "0"}}, (0, 0)),  # a free one
        ({"id": "m", "providers": [{"pricing": {"input": 1, "output": 2}}, {"pricing": {"input": 2, "output": 3}}]}, (2, 3)),
        ({"id": "m", "pricing": {"prompt": "-1", "completion": "-1"}}, None),  # OpenRouter's own choice of a model
        ({"id": "m", "pricing": {"input": 0.5}}, None),
        ({"id": "m", "pricing": {"input": "free", "output": None}}, None),
        ({"id": "m", "pricing": {"input": float("nan"), "output": 1}}, None),
        ({"id": "m", "pricing": {"input": True, "output": 1}}, None),
        ({"id": "m", "pricing": "0.15"}, None),
        ({"id": "m"}, None),  # OpenAI
    ],
)
def test_each_server_tells_its_price_in_its_own_form(entry: Any, price: tuple[float, float] | None) -> None:
    found = find_price({"data": [entry, {"id": "dear", "pricing": {"input": 9_000, "output": 9_000}}]}, "m")
    assert found == (None if price is None else Price(*(pytest.approx(number / 1e6) for number in price)))


@pytest.mark.parametrize(
    ("model", "window", "prompt_price"),
    [
        ("owner/m", 32_768, 0.15),  # any of them may answer: the smallest window, the highest price
        ("owner/m:groq", 131_072, 0.15),
        ("owner/m:novita", 32_768, 0.05),
        ("owner/m:cheapest", 32_768, 0.05),
        ("owner/m:fastest", 32_768, 0.15),
        ("owner/m:nobody", 32_768, 0.15),
    ],
)
def test_a_policy_or_a_provider_behind_the_name_is_followed(model: str, window: int, prompt_price: float) -> None:
    assert find_window(ROUTED, model) == window
    price = find_price(ROUTED, model)
    assert price is not None
    assert price.prompt == pytest.approx(prompt_price / 1e6)


def test_a_name_and_what_stands_behind_it_are_told_apart() -> None:
    assert join_route("owner/m", "cheapest") == "owner/m:cheapest"
    assert join_route("owner/m:groq", "cheapest") == "owner/m:groq"  # what was typed is meant
    assert split_route("owner/m:groq") == ("owner/m", "groq")
    assert split_route(join_route("owner/m", "")) == ("owner/m", "")
    assert list_providers_of(ROUTED, "owner/m:groq") == ("groq", "novita", "hf-inference")


async def test_a_name_with_a_provider_is_on_a_routers_list_and_a_tag_is_not(server: ScriptedServer) -> None:
    model = LanguageModel("owner/m:groq", server.base_url, KEY)
    server.models = ROUTED
    assert (await check_server(model)).has_model
    server.models = {"data": [{"id": "llama3"}, {"id": "other"}]}  # where a colon is part of a name
    assert not (await check_server(replace(model, model="llama3:70b"))).has_model


async def test_what_a_request_costs_is_reckoned_from_the_list_unless_the_server_says_it(server: ScriptedServer) -> None:
    model = LanguageModel("owner/m", server.base_url, KEY)
    asked = [{"role": "user", "content": "Hello."}]
    server.will(completion("Hi."))
    assert (await model.complete(asked, "plan"))[1].cost is None
    server.models = ROUTED
    await check_server(model)
    server.will(completion("Hi."))
    _, usage = await model.complete(asked, "plan")
    assert usage.prompt_tokens
    assert usage.cost == pytest.approx((0.15 * usage.prompt_tokens + 0.75 * usage.completion_tokens) / 1e6)


@pytest.mark.parametrize("payer", ["", "my-org"])
async def test_an_organization_pays_at_the_router(server: ScriptedServer, payer: str) -> None:
    model = LanguageModel("owner/m", server.base_url, KEY, bill_to=payer)
    server.will(pieces("Hi."))
    said = [piece async for piece in model.stream([{"role": "user", "content": "Hello."}], "respond")]
    assert "Hi." in said
    assert server.asked[-1].headers.get("x-hf-bill-to", "") == payer
