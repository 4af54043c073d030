"""Callers of the API and visitors of the page, as gradio_client and the page's own script speak with the server."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import httpx2

from benchmarks.load import stand_in

TOKEN: Final = "hf_load"  # noqa: S105 - a stand-in takes any
_NUMBERS: Final = itertools.count(1)


class LoadError(RuntimeError):
    """An answer is not what it should be; the message says what came."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One request as its caller has seen it, in seconds since it was sent."""

    first_s: float
    """To the first sign of life: on the page the first view, for the API the first word on its progress."""
    whole_s: float
    """To the whole answer."""


@dataclass(frozen=True)
class Caller:
    """One person or program, with an address of their own."""

    http: httpx2.AsyncClient
    """Shared by all."""
    session: str = field(default_factory=lambda: uuid4().hex)
    address: str = field(default_factory=lambda: ".".join(map(str, (10, *divmod(next(_NUMBERS), 250), 1))))

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers that a Space's proxy adds, and the caller's token."""
        return {"X-Forwarded-For": self.address, "X-HF-Token": TOKEN}

    async def messages(self, event: Mapping[str, Any]) -> AsyncIterator[tuple[str, str]]:
        """Send an event, and yield the kind and the text of each message about it, until it is over."""
        body = {"session_hash": self.session, "event_data": None, "trigger_id": None, **event}
        joined = await self.http.post("/gradio_api/queue/join", json=body, headers=self.headers)
        if joined.status_code != httpx2.codes.OK:
            raise LoadError(f"{joined.status_code}: {joined.text[:300]}")
        path, query = "/gradio_api/queue/data", {"session_hash": self.session}
        async with self.http.stream("GET", path, params=query, headers=self.headers) as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    kind = line[6:60].partition('"msg":"')[2].partition('"')[0] or json.loads(line[6:])["msg"]
                    yield kind, line[6:]
                    if kind == "close_stream":
                        return

    async def call(self, event: Mapping[str, Any], signs: Sequence[str] = ()) -> tuple[Taken, str]:
        """Send an event and wait for its end.

        Args:
            event: Its number and its data.
            signs: Kinds of messages that are a sign of life, beside the last.

        Raises:
            LoadError: It is refused or fails.
        """
        begun, first, last = time.perf_counter(), 0.0, ""
        async for kind, text in self.messages(event):
            if not first and kind in signs:
                first = time.perf_counter() - begun
            if kind == "process_completed":
                last = text
        whole = time.perf_counter() - begun
        if not last or not json.loads(last)["success"]:
            raise LoadError(last[:500] or "The stream has ended without an answer.")
        return Taken(first or whole, whole), last


@dataclass(frozen=True)
class Layout:
    """The page's events, by what sets them off."""

    numbers: Mapping[tuple[str, str], int]
    """By element and event: ("request", "submit"); by "" and the handler's name, where no element has one."""

    @classmethod
    async def read(cls, http: httpx2.AsyncClient) -> Layout:
        """Read it from the page's configuration."""
        config = (await http.get("/config")).json()
        elements = {each["id"]: each["props"].get("elem_id") for each in config["components"]}
        numbers: dict[tuple[str, str], int] = {}
        for each in config["dependencies"]:
            if each["backend_fn"]:
                numbers[("", each["api_name"])] = each["id"]
                numbers |= {(elements.get(target) or "", event): each["id"] for target, event in each["targets"]}
        return cls(numbers)

    def event(self, element: str, event: str, data: Sequence[Any]) -> Mapping[str, Any]:
        """An event with its data."""
        return {"fn_index": self.numbers[element, event], "data": list(data)}


@dataclass(frozen=True)
class ApiCaller:
    """A program that makes one call."""

    caller: Caller
    layout: Layout

    async def prepare(self) -> None:
        """Nothing: a program has no page to open."""

    async def ask(self) -> Taken:
        """Have a text translated and names found in the translation, by two hosted models."""
        event = self.layout.event("", "run", [stand_in.REQUEST, None])
        taken, last = await self.caller.call(event, ("process_starts", "progress"))
        if "Potsdam: place" not in last:
            raise LoadError(f"The answer is not the one that was asked for: {last[:1000]}")
        return taken


@dataclass(frozen=True)
class PageVisitor:
    """A person who has the page open, and a language model at the router plan."""

    caller: Caller
    layout: Layout

    async def prepare(self) -> None:
        """Open the page as a browser does, and enter a token."""
        (await self.caller.http.get("/", headers=self.caller.headers)).raise_for_status()
        for handler, data in (("restore_tab", [uuid4().hex * 2, "", ""]), ("restore_choices", ["", None]), ("resume", [None])):
            await self.caller.call(self.layout.event("", handler, data))
        await self.caller.call(self.layout.event("use-brain", "click", ["hugging-face", "", TOKEN, "", None, "", False, None]))

    async def ask(self) -> Taken:
        """Send the same request; planned and answered by the language model."""
        event = self.layout.event("request", "submit", [{"text": stand_in.REQUEST, "files": []}, "1", "anywhere", False, None])
        seen = False
        begun, first = time.perf_counter(), 0.0
        async for kind, text in self.caller.messages(event):
            first = first or (time.perf_counter() - begun if kind == "process_generating" else 0.0)
            seen = seen or stand_in.TRANSLATION in text  # the last message repeats only what has changed
        if not seen:
            raise LoadError("The page has not shown the answer.")
        return Taken(first, time.perf_counter() - begun)
