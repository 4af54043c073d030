"""Texts that small parsers read: JSON, lists of labels, headers, links, what a browser keeps, lists of models."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any, Final

from benchmarks.attacks.attack import Attack, Target, mix
from hugginggpt.core.json_text import JsonError, parse_json
from hugginggpt.core.plan import split_references
from hugginggpt.experts.labels import split_labels
from hugginggpt.hub.account import parse_endpoint
from hugginggpt.llm.completions import strip_thoughts
from hugginggpt.ui.api.auth import read_keys
from hugginggpt.ui.run_panel.share_link import read_link
from hugginggpt.ui.security.request_bodies import check_body
from hugginggpt.ui.security.request_guard import is_foreign, read_host
from hugginggpt.ui.settings_panel.browser_storage import read_stored

FRAGMENTS: Final = (
    "[", "]", "{", "}", '"', "\\", ",", ":", "[]", "{}", '{"":', '"\\ud800"', "NaN", "1e999", "-", "9" * 40, "null", " ", "\n",
    "\0", "\ud800", "é", "你", "🙂", "%00", "%", "?", "&", "=", "#", "/", "//", "@", "..", "<", ">", "<think>", "</think>",
    "<resource>", "<resource>-", "<GENERATED-", "-0", "0", " or ", " and ", "•", "“", "”", "'", ";", "a", "the ",
)  # fmt: skip
SEEDS: Final = (
    "a cat, a dog or a car",
    '["billing", "support"]',
    '["a", {"b": [1, null]}]',
    "Say <GENERATED>-0, then <resource-1> and < resource > - 2.",
    "https://name.endpoints.huggingface.cloud/v1?token=secret#x",
    "https://user:word@host.example/v1",
    "?text=Read%20this&example=0&__theme=dark",
    '{"brain": {"brain": "other", "key": "sk-1", "base_url": "http://127.0.0.1:9/v1", "model": "m"}}',
    "<think>An invoice, so…</think> It says 20417.",
    "Bearer hf_abcdefghijklmnopqrstuvwxyz",
    '{"data": [{"path": "https://evil.example/a.png", "meta": {"_type": "gradio.FileData"}}]}',
    "[" * 2_000,
    "[]," * 5_000,
    "<resource>" + " " * 5_000,
    "a" + " " * 5_000 + "b",
)


def make_attack(target: Target) -> Attack:
    """Return the attack on small parsers: each gets each text."""

    def check(text: str) -> None:
        for parse in (parse_json, parse_json_bytes):
            with suppress(JsonError):
                parse(text)
        list(split_references(text))
        assert isinstance(read_stored(text), dict)
        assert isinstance(read_link(text), dict)
        strip_thoughts(text)
        read_host(text)
        is_foreign("POST", {"host": text, "origin": text, "sec-fetch-site": text})
        rejected = check_body(text.encode("utf-8", "replace"))
        assert rejected is None or 400 <= rejected.status < 500
        refusals = []
        for parse_text in (split_labels, _parse_endpoint, _parse_headers):
            try:
                parse_text(text)
            except ValueError as error:  # all of ours are
                refusals.append(error)
        if refusals:
            raise refusals[0]

    return Attack("texts", SEEDS, vary, check)


def vary(chance: random.Random) -> str:
    """Return a further text."""
    return mix(chance, FRAGMENTS, SEEDS)


def parse_json_bytes(text: str) -> Any:
    """Parse a text as it comes over the network."""
    return parse_json(text.encode("utf-8", "replace"))


def _parse_endpoint(text: str) -> object:
    return parse_endpoint("summarization", text)


def _parse_headers(text: str) -> object:
    return read_keys({"Authorization": text, "X-HF-Token": text, "X-OpenAI-Key": text, "X-OpenAI-Base-URL": text})
