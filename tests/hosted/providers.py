"""The router: each provider's own protocol, under the path that ``https://router.huggingface.co`` has for it.

As ``huggingface_hub.inference._providers`` speaks them: hf-inference, fal-ai with its queue, the predictions of
replicate, the OpenAI-like interface of together and others, and chat completions of all of them.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.hosted.inputs import Given, RefusedError
from tests.hosted.models import Models
from tests.hosted.wire import Answer, Asked, Media, answer, refusal

_QUEUED: Final = frozenset({"text-to-video", "image-to-video", "image-to-image", "image-segmentation"})
"""What fal-ai does in its queue; the rest is answered at once."""
CHAT: Final = "/chat/completions"
_JOB: Final = re.compile(r"(?:/fal-ai)?/(?P<app>.+)/requests/(?P<id>[^/]+)(?P<what>/status|/cancel)?")
CHATS: Final = frozenset({"conversational", "image-text-to-text"})
"""Tasks that are asked for by a chat completion."""


@dataclass(frozen=True)
class Served:
    """A model at a provider, or at an endpoint of its own, and the checkpoint that computes its answers."""

    model: str
    """The Hub's id."""
    provider: str
    provider_id: str
    task: str
    checkpoint: str
    public: bool = False
    """Whether an endpoint answers without a token."""


@dataclass
class _Job:
    served: Served
    given: Given
    polls: int = 0


@dataclass
class Router:
    """Finds the model that a request means, and answers for its provider."""

    models: Models
    base: str
    """The server's own address."""
    served: dict[tuple[str, str], Served] = field(default_factory=dict)
    """By provider and the provider's id."""
    endpoints: dict[str, Served] = field(default_factory=dict)
    """By path."""
    polls: int | None = 1
    """How often a queue says that a job goes on before it is done; None: it never is."""
    fails: str = ""
    """What jobs in a queue end with instead of a result, if it is set."""
    media_base: str = ""
    """What the addresses of results begin with, where it isn't the server's own address."""
    files: dict[str, Media] = field(default_factory=dict)
    """Results that are fetched by their address: path -> file."""
    cancelled: list[str] = field(default_factory=list)
    """Ids of jobs that somebody cancelled."""
    _jobs: dict[str, _Job] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def find(self, asked: Asked) -> Served | None:
        """Which model a request is for, whether its id stands in the path or in the body; None if none is known."""
        path = asked.path
        if path.startswith("/endpoint/"):
            return next((served for start, served in self.endpoints.items() if f"{path}/".startswith(f"{start}/")), None)
        if job := _JOB.fullmatch(path):
            return self._jobs[job["id"]].served if job["id"] in self._jobs else None
        if path.endswith(CHAT) and path.startswith("/v1/"):
            wanted = str(asked.json.get("model")).partition(":")
            return next((each for each in self.served.values() if each.model == wanted[0] and _suits(each, wanted[2])), None)
        provider, _, rest = path.removeprefix("/").partition("/")
        if provider == "hf-inference":
            name = rest.removeprefix("models/").removesuffix(CHAT).removesuffix("/v1").partition("/pipeline/")[0]
        elif provider == "fal-ai":
            name = rest
        elif provider == "replicate":
            name = rest.removeprefix("v1/models/").removesuffix("/predictions")
            if rest == "v1/predictions":  # the id's version alone, in the body
                version = str(asked.json.get("version"))
                name = next((n for p, n in self.served if p == provider and n.endswith(f":{version}")), version)
        else:
            name = str(asked.json.get("model"))
        return self.served.get((provider, name))

    def chats(self) -> Answer:
        """The router's list of models that can be talked to, which wants no token."""
        found: dict[str, list[Any]] = {}
        for each in self.served.values():
            if each.task in CHATS:
                price = {"input": 0.35, "output": 0.8}  # in dollars for a million tokens
                found.setdefault(each.model, []).append({"provider": each.provider, "status": "live", "pricing": price})
        rows = [{"id": model, "object": "model", "created": 0, "providers": by} for model, by in found.items()]
        return answer({"object": "list", "data": rows})

    def answer(self, asked: Asked, served: Served) -> Answer:
        """What the provider says. Raises RefusedError where the input doesn't suit."""
        if job := _JOB.fullmatch(asked.path):
            return self._job(job["id"], job["what"] or "")
        if asked.method != "POST":
            return refusal(405, "Method Not Allowed")
        if asked.path.endswith(CHAT):
            return self._chat(asked, served)
        if served.task in CHATS:
            return refusal(404, "This model is asked by chat completions.")
        if served.provider in {"hf-inference", "endpoint"}:
            task = asked.path.partition("/pipeline/")[2] or served.task
            return answer(self._said(served, Given.of_body(task, asked.body, asked.headers.get("content-type", "")), task))
        if served.provider == "fal-ai":
            return self._fal(asked, served)
        if served.provider == "replicate":
            made = self._said(served, Given.of_fields(served.task, asked.json.get("input", {})))
            output = self._address(made) if isinstance(made, Media) else made["text"]
            return answer({"id": "p1", "model": served.provider_id, "status": "succeeded", "output": output}, 201)
        made = self._said(served, Given.of_fields(served.task, asked.json))
        if isinstance(made, Media) and made.type.startswith("image/"):
            return answer({"id": "i1", "model": served.provider_id, "data": [{"index": 0, "b64_json": made.base64}]})
        return answer(made)

    def _said(self, served: Served, given: Given, task: str = "") -> Any:
        return self.models.ask(task or served.task, served.checkpoint, given)

    def _address(self, made: Media) -> str:
        path = f"/files/{next(self._numbers)}{made.suffix}"
        self.files[path] = made
        return f"{self.media_base or self.base}{path}"

    def _fal(self, asked: Asked, served: Served) -> Answer:
        given = Given.of_fields(served.task, asked.json)
        if served.task not in _QUEUED:
            return answer(self._fal_result(served, given))
        number = f"job-{next(self._numbers)}"
        self._jobs[number] = _Job(served, given)
        app = "/".join(served.provider_id.split("/")[:2])  # fal's queue knows jobs by an app's first two names
        url = f"https://queue.fal.run/{app}/requests/{number}"
        urls = {"response_url": url, "status_url": f"{url}/status", "cancel_url": f"{url}/cancel"}
        return answer({"status": "IN_QUEUE", "request_id": number, "queue_position": 0, "logs": None, "metrics": {}, **urls})

    def _job(self, number: str, what: str) -> Answer:
        job = self._jobs[number]
        if what == "/cancel":
            self.cancelled.append(number)
            return answer({"status": "CANCELLATION_REQUESTED"}, 202)
        done = self.polls is not None and job.polls >= self.polls
        if what == "/status":
            job.polls += 1
            status = "COMPLETED" if done else "IN_QUEUE" if job.polls == 1 else "IN_PROGRESS"
            return answer({"status": status, "request_id": number}, 200 if done else 202)
        if not done:
            return answer({"detail": "Request is still in progress"}, 400)
        if self.fails:
            return answer({"detail": self.fails}, 422)
        return answer(self._fal_result(job.served, job.given))

    def _fal_result(self, served: Served, given: Given) -> Any:
        made = self._said(served, given)
        if served.task == "image-segmentation":  # one mask, as a data URL: the client asks for `sync_mode`
            return {"image": {"url": f"data:image/png;base64,{made[0]['mask']}", "content_type": "image/png"}}
        if not isinstance(made, Media):
            return made
        file = {"url": self._address(made), "content_type": made.type, "file_size": len(made.content)}
        kind = made.type.partition("/")[0]
        return {"images": [file], "seed": 1} if kind == "image" else {kind: file}

    def _chat(self, asked: Asked, served: Served) -> Answer:
        wanted = asked.json
        if served.task not in CHATS:
            return chat_refusal(400, f"Model {served.model} is not a chat model")
        if not isinstance(wanted.get("messages"), list):
            return chat_refusal(400, "messages: a list is wanted")
        has_picture = any(isinstance(each.get("content"), list) and _pictures(each) for each in wanted["messages"])
        if has_picture and served.task != "image-text-to-text":
            return chat_refusal(400, f"Model {served.model} does not support image input")
        try:
            text = self._said(served, Given(wanted["messages"]), "conversational")
        except RefusedError as error:
            return chat_refusal(400, str(error))
        read = sum(len(str(message.get("content")).split()) for message in wanted["messages"])
        usage = {"prompt_tokens": read, "completion_tokens": len(text.split()), "total_tokens": read + len(text.split())}
        about = {"id": "chat-1", "created": 0, "model": wanted.get("model", served.model)}
        if wanted.get("stream"):
            return _streamed(about, text, usage if (wanted.get("stream_options") or {}).get("include_usage") else None)
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        return answer({**about, "object": "chat.completion", "choices": [choice], "usage": usage})


def chat_refusal(status: int, message: str, code: str = "invalid_request") -> Answer:
    """An error as OpenAI-compatible servers word it."""
    return answer({"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}, status)


def _suits(served: Served, policy: str) -> bool:
    """Whether a provider is meant by what stands behind an id: its name, or a policy such as "fastest"."""
    return served.task in CHATS and policy in {"", "fastest", "cheapest", "preferred", served.provider}


def _pictures(message: Mapping[str, Any]) -> list[Any]:
    return [part for part in message["content"] if part.get("type") == "image_url"]


def _streamed(about: Mapping[str, Any], text: str, usage: Any) -> Answer:
    pieces = [f"{word} " for word in text.split(" ")]
    chunks: list[dict[str, Any]] = [_chunk({"role": "assistant", "content": piece}, None) for piece in pieces]
    chunks.append(_chunk({}, "stop"))
    if usage:
        chunks.append({"choices": [], "usage": usage})
    lines = [json.dumps({**about, "object": "chat.completion.chunk", **chunk}) for chunk in chunks]
    return Answer("".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"]).encode(), type="text/event-stream")


def _chunk(delta: Mapping[str, Any], finish: str | None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": dict(delta), "finish_reason": finish}]}
