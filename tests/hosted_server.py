"""The Hub, its inference router and a dedicated endpoint on loopback, for the real clients over real sockets.

What it serves is told by tests; what it answers is computed by real tiny models; how it misbehaves is told by
`HostedServer.faults`. A program under test must take ``https://huggingface.co`` and ``https://router.huggingface.co``
for `HostedServer.url`.
"""

from __future__ import annotations

import socket
import threading
from collections import defaultdict
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.checkpoints import HubCache
from tests.hosted.faults import BlockingProxy as BlockingProxy
from tests.hosted.faults import Fault as Fault
from tests.hosted.faults import blocking_proxy as blocking_proxy
from tests.hosted.faults import busy as busy
from tests.hosted.faults import cut_body as cut_body
from tests.hosted.faults import drip as drip
from tests.hosted.faults import drip_head as drip_head
from tests.hosted.faults import gated as gated
from tests.hosted.faults import hang as hang
from tests.hosted.faults import loading as loading
from tests.hosted.faults import no_credit as no_credit
from tests.hosted.faults import no_json as no_json
from tests.hosted.faults import passes as passes
from tests.hosted.faults import refused_url as refused_url
from tests.hosted.faults import reset as reset
from tests.hosted.faults import status as status
from tests.hosted.faults import wrong_json as wrong_json
from tests.hosted.faults import wrong_type as wrong_type
from tests.hosted.hub import ACCOUNT, Listed, answer_hub, list_endpoints
from tests.hosted.hub import Mapping as Mapping
from tests.hosted.hub import Model as Model
from tests.hosted.inputs import RefusedError
from tests.hosted.models import CHECKPOINTS, models_of
from tests.hosted.providers import CHAT, CHATS, Router, Served, chat_refusal
from tests.hosted.wire import Answer, answer, refusal
from tests.hosted.wire import Asked as Asked
from tests.hosted.wire import Media as Media

TOKEN = "hf_test"
"""The one token that a new server takes."""


class HostedServer(ThreadingHTTPServer):
    """Serves what tests register with `serve` and `endpoint`; a ``with`` starts and closes it."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, cache: HubCache) -> None:
        """Make one; `cache` is where the checkpoints lie that compute its answers, and servers of one cache share those."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.models: dict[str, Model] = {}
        """The Hub's table, by id."""
        self.accounts: set[str] = {TOKEN}
        """Tokens that are good; the router refuses all others and none, the Hub all others."""
        self.admitted: set[str] = set()
        """Gated models that the accounts may use."""
        self.faults: defaultdict[str, list[Fault]] = defaultdict(list)
        """What goes wrong, before anything else is looked at. A key is the beginning of a path ("/api/models",
        "/hf-inference", "/fal-ai/", "/files/"), or "model:ID" with the Hub's id for whatever is asked of that model, by
        whichever provider. The first key that suits and has a fault left gives its first one, which is then gone unless it
        is `Fault.forever`."""
        self.asked: list[Asked] = []
        """All requests, as they came in."""
        self.owners: dict[str, str] = {}
        """Who runs each endpoint: "tester", whose the tokens are, an organisation of theirs, or somebody else; by its path."""
        self.states: dict[str, str] = {}
        """State of each endpoint in the account's list, by its path; "running" where none is said."""
        self.organisations: list[str] = []
        """Those that the tokens' account belongs to."""
        self.router = Router(models_of(cache), self.url)
        """Who serves what; `Router.polls`, `fails`, `media_base` and `cancelled` steer and tell of fal's queue."""
        self.errors: list[Exception] = []
        """What failed in the stand-in itself: nothing, if all is well."""
        self.over = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self._open: set[socket.socket] = set()

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def tokens(self) -> list[str | None]:
        """The Authorization header of each request."""
        return [asked.headers.get("authorization") for asked in self.asked]

    def start(self) -> None:
        """Serve, in a thread."""
        self._thread.start()

    def close(self) -> None:
        """Let go of all that hangs, and stop."""
        self.over.set()
        if self._thread.ident:
            self.shutdown()
            self._thread.join()
        self.server_close()
        for connection in [*self._open]:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it is closed already

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def serve(
        self,
        task: str,
        model: str = "",
        checkpoint: str = "",
        provider: str = "hf-inference",
        *,
        provider_id: str = "",
        live: str = "live",
        **about: Any,
    ) -> Model:
        """Have a provider serve a model, which comes into the Hub's table; again with another provider, both serve it.

        Args:
            task: What the provider does with it: "conversational" for a chat, "image-text-to-text" for one with pictures.
            model: The Hub's id; "owner/TASK" if none is said.
            checkpoint: What computes its answers; by default a tiny model for the task.
            provider: "hf-inference", "fal-ai", "together", "replicate"; chats may be anybody's.
            provider_id: What the provider calls it.
            live: The mapping's status: "live", "staging" or "error".
            about: Fields of `Model`: downloads, likes, gated, private, tags, pipeline_tag…
        """
        model = model or f"owner/{task}"
        provider_id = provider_id or (f"fal-ai/{model.rpartition('/')[2]}" if provider == "fal-ai" else model)
        tag = {"conversational": "text-generation"}.get(task, task)
        known = replace(self.models.get(model) or Model(model, tag), **about)
        others = tuple(each for each in known.providers if each.provider != provider)
        mapping = Mapping(provider, provider_id, "conversational" if task in CHATS else task, live)
        self.models[model] = replace(known, providers=(*others, mapping))
        served = Served(model, provider, provider_id, task, checkpoint or CHECKPOINTS[task])
        self.router.served[provider, provider_id] = served
        return self.models[model]

    def endpoint(self, task: str, checkpoint: str = "", *, path: str = "", public: bool = False, owner: str = ACCOUNT) -> str:
        """Have a dedicated endpoint for a task; returns its address, below which a chat's completions lie.

        Args:
            task: As in `serve`.
            checkpoint: What computes its answers; by default a tiny model for the task.
            path: By default "/endpoint/TASK".
            public: Whether it answers without a token.
            owner: Who runs it.
        """
        path = f"/endpoint/{path.removeprefix('/endpoint/').strip('/') or task}"
        self.owners[path] = owner
        self.router.endpoints[path] = Served(path, "endpoint", path, task, checkpoint or CHECKPOINTS[task], public)
        return self.url + path

    def answer(self, asked: Asked) -> Answer | Fault:
        """What is said to a request."""
        served = self.router.find(asked)
        if fault := self._fault(asked, served):
            return fault
        if asked.path.startswith("/files/"):
            found = self.router.files.get(asked.path)
            return answer(found) if found else refusal(404, "Not Found")
        if asked.path.startswith("/api/"):
            return answer_hub(asked, self.models, self.accounts, self.organisations)
        if asked.path.startswith("/v2/endpoint/"):
            listed = [
                Listed(self.url + path, owner, self.router.endpoints[path].task, self.states.get(path, "running"))
                for path, owner in self.owners.items()
            ]
            return list_endpoints(asked, listed, self.accounts, (ACCOUNT, *self.organisations))
        if asked.path == "/v1/models":
            return self.router.chats()
        if asked.token not in self.accounts and not (served and served.public):
            return refusal(401, "Invalid username or password.")
        if served is None and asked.path.endswith(CHAT):
            named = asked.json.get("model")
            return chat_refusal(404, f"The requested model '{named}' does not exist", "model_not_found")
        if served is None:
            return refusal(404, "The requested model is not served here.")
        model = self.models.get(served.model)
        if model and model.gated and model.id not in self.admitted:
            return refusal(403, f"Access to model {model.id} is restricted.", "GatedRepo")
        try:
            return self.router.answer(asked, served)
        except RefusedError as error:
            return refusal(400, str(error))
        except Exception as error:  # a fault of the stand-in itself
            if type(error).__name__ == "PipelineException":  # transformers' own word for an input that doesn't suit
                return refusal(400, str(error))
            self.errors.append(error)
            return refusal(500, f"The stand-in failed: {error!r}")

    def _fault(self, asked: Asked, served: Served | None) -> Fault | None:
        name = f"model:{served.model}" if served else None
        for key, faults in [*self.faults.items()]:
            if faults and (key == name or (key.startswith("/") and asked.path.startswith(key))):
                fault = faults[0] if faults[0].lasts else faults.pop(0)
                return fault if fault.play else None
        return None

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, *_: object) -> None:
        """A client that gives up early is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    server: HostedServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _answer(self) -> None:
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        asked = Asked(self.command, path, query, headers, body)
        self.server.asked.append(asked)
        said = self.server.answer(asked)
        if isinstance(said, Fault):
            assert said.play is not None
            said.play(self, self.server.over)
        else:
            said.send(self)

    do_GET = do_POST = do_PUT = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass
