"""The Hub, its router, a language model and hosted models in one server, each call of a model taking a set time.

The path begins with that time in seconds (``/0.5/v1/chat/completions``), so that one server serves every measurement.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from benchmarks.orchestration.llm_server import cut
from benchmarks.orchestration.serving import Handler, Server, address, serve, sleep_until, usage
from benchmarks.orchestration.stages import Body, stage_of

CHAT: Final = "openai/gpt-oss-120b"
"""Model that the page takes at Hugging Face's router where none is named."""
_TEXT: Final = "Angela lives in Berlin and works in Potsdam."
TRANSLATION: Final = "Angela wohnt in Berlin und arbeitet in Potsdam."
_NAMES: Final = [
    {
        "entity_group": kind,
        "score": 0.99,
        "word": word,
        "start": TRANSLATION.index(word),
        "end": TRANSLATION.index(word) + len(word),
    }
    for kind, word in (("PER", "Angela"), ("LOC", "Berlin"), ("LOC", "Potsdam"))
]
_MODELS: Final[Mapping[str, tuple[str, Any]]] = {
    "translation": ("load/translates", [{"translation_text": TRANSLATION}]),
    "token-classification": ("load/finds-names", _NAMES),
}
"""Models that are served, by task: the id, and the answer. No bundled model does any of it."""
REQUEST: Final = f"Translate this text into German and find the names of people and places in it: {_TEXT}"
"""Request of which the built-in planner makes the same plan."""
_PLAN: Final = (
    {"task": "translation", "id": 0, "dep": [-1], "args": {"text": _TEXT, "language": "German"}},
    {"task": "token-classification", "id": 1, "dep": [0], "args": {"text": "<resource>-0"}},
)
ANSWER: Final = f"In German: {TRANSLATION} It names Angela, Berlin and Potsdam."
_PIECES: Final = 20  # of a streamed reply
_ACCOUNT: Final = {"type": "user", "name": "caller", "auth": {"type": "access_token", "accessToken": {"role": "write"}}}


class _Handler(Handler):
    def do_GET(self) -> None:  # noqa: N802 (the base class says so)
        path, _, query = self.path.partition("?")
        if path.endswith("/api/whoami-v2"):
            self.send_json(_ACCOUNT)
        elif path.endswith("/v1/models"):
            self.send_json({"object": "list", "data": [{"id": CHAT, "object": "model", "created": 0}]})
        elif path.endswith("/api/models"):
            self.send_json([_entry(task, listed=True) for task in _MODELS if f"pipeline_tag={task}" in query])
        elif found := [task for task, (model, _) in _MODELS.items() if path.endswith(f"/api/models/{model}")]:
            self.send_json(_entry(found[0], listed=False))
        else:
            self.send_json({"error": "Not Found"}, 404)

    def do_POST(self) -> None:  # noqa: N802
        begun, body = time.monotonic(), self.body()
        delay, _, rest = self.path.lstrip("/").partition("/")
        if rest.endswith("/chat/completions"):
            self._chat(body, begun, float(delay))
            return
        sleep_until(begun + float(delay))
        self.send_json(next(answer for model, answer in _MODELS.values() if model in rest))

    def _chat(self, body: Body, begun: float, delay: float) -> None:
        reply = json.dumps({"tasks": _PLAN}) if stage_of(body) == "plan" else ANSWER
        if not body.get("stream"):
            sleep_until(begun + delay)
            choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": reply}}
            self.send_json(_completion([choice], "chat.completion") | {"usage": usage(1, 1)})
            return
        self.begin_events()
        pieces = cut(reply, _PIECES)
        for number, piece in enumerate(pieces, 1):
            sleep_until(begun + delay * number / len(pieces))
            self.send_events(_chunk({"content": piece}))
        self.send_events(_chunk({}, "stop"), last=True)


def _entry(task: str, *, listed: bool) -> Any:
    """Return the Hub's entry of a model: providers are a list where models are listed, an object where one is asked for."""
    one = {"provider": "hf-inference", "providerId": _MODELS[task][0], "status": "live", "task": task, "type": "single-model"}
    mapping = [one] if listed else {"hf-inference": one}
    about = {"downloads": 1_000, "likes": 10, "library_name": "transformers", "gated": False, "private": False}
    return {"id": _MODELS[task][0], "pipeline_tag": task, "tags": [task], "inferenceProviderMapping": mapping, **about}


def _chunk(delta: Mapping[str, str], finish: str | None = None) -> dict[str, Any]:
    return _completion([{"index": 0, "delta": delta, "finish_reason": finish}], "chat.completion.chunk")


def _completion(choices: Sequence[Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 0, "model": CHAT, "choices": list(choices)}


if __name__ == "__main__":
    serve(Server(address(), _Handler))
