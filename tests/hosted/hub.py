"""The Hub's own interface: lists of models, what is known of one, and whose a token is.

Formats are those of https://huggingface.co/api/models, which ``huggingface_hub.HfApi`` reads: who serves a model is a
list where many models are listed, and an object by provider where one is asked for.
"""

from __future__ import annotations

import collections.abc
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.hosted.wire import Answer, Asked, answer, refusal

ACCOUNT: Final = "tester"
"""Whose all tokens are."""
_LISTED: Final = ("likes", "private", "downloads", "tags", "pipeline_tag", "library_name", "createdAt", "modelId")
"""What a list tells of a model unless it is asked for certain properties."""
_TOLD: Final = (*_LISTED, "author", "gated", "disabled", "sha", "siblings", "cardData", "config", "safetensors", "lastModified")
"""What is told of one model."""
_SORTS: Final = {"downloads", "likes", "trendingScore", "createdAt", "lastModified"}


@dataclass(frozen=True)
class Mapping:
    """Who serves a model, and what they call it."""

    provider: str
    provider_id: str
    task: str
    status: str = "live"

    def json(self) -> dict[str, Any]:
        return {"status": self.status, "providerId": self.provider_id, "task": self.task, "type": "single-model"}


@dataclass(frozen=True)
class Model:
    """A row of the Hub's table."""

    id: str
    pipeline_tag: str
    downloads: int = 0
    likes: int = 0
    library: str = "transformers"
    gated: bool | str = False
    """False, or how people are admitted: "auto" or "manual"."""
    private: bool = False
    tags: tuple[str, ...] = ()
    providers: tuple[Mapping, ...] = ()
    parameters: int = 0
    """In its safetensors files; 0 where it has none."""
    card: collections.abc.Mapping[str, Any] = field(default_factory=lambda: {"license": "apache-2.0"})
    """The front matter of its README."""

    def json(self, wanted: Sequence[str], *, listed: bool) -> dict[str, Any]:
        """These properties, as they stand in a list or for themselves."""
        if listed:
            mapping: Any = [{"provider": each.provider, **each.json()} for each in self.providers]
        else:
            mapping = {each.provider: each.json() for each in self.providers}
        licensed = [f"license:{self.card['license']}"] if "license" in self.card else []
        known = {
            "modelId": self.id,
            "author": self.id.rpartition("/")[0],
            "sha": "a" * 40,
            "createdAt": "2024-01-01T00:00:00.000Z",
            "lastModified": "2024-06-01T00:00:00.000Z",
            "private": self.private,
            "gated": self.gated,
            "disabled": False,
            "downloads": self.downloads,
            "likes": self.likes,
            "trendingScore": self.likes,
            "library_name": self.library,
            "pipeline_tag": self.pipeline_tag,
            "tags": [*dict.fromkeys((*self.tags, self.library, self.pipeline_tag, *licensed, "region:us"))],
            "cardData": dict(self.card),
            "config": {},
            "siblings": [{"rfilename": "README.md"}, {"rfilename": "config.json"}],
            "safetensors": {"parameters": {"F32": self.parameters}, "total": self.parameters} if self.parameters else None,
            "inference": "warm" if any(each.status == "live" for each in self.providers) else None,
            "inferenceProviderMapping": mapping,
        }
        return {"_id": "0" * 24, "id": self.id, **{name: known[name] for name in wanted if known.get(name) is not None}}


def answer_hub(
    asked: Asked, models: collections.abc.Mapping[str, Model], accounts: Collection[str], organisations: Sequence[str] = ()
) -> Answer:
    """What the Hub says to a request under /api; a token that it doesn't know is refused wherever it turns up."""
    known = asked.token in accounts
    if asked.path == "/api/whoami-v2":
        return answer(_account(organisations)) if known else refusal(401, "Invalid username or password.", "Unauthorized")
    if asked.token is not None and not known:
        return refusal(401, "Invalid credentials in Authorization header", "Unauthorized")
    visible = {model.id: model for model in models.values() if known or not model.private}
    if asked.path == "/api/models":
        return _list(asked, [*visible.values()])
    if asked.path.startswith("/api/models/"):
        found = visible.get(asked.path.removeprefix("/api/models/").partition("/revision/")[0])
        if found is None:
            return refusal(404, "Repository not found", "RepoNotFound")
        return answer(found.json(asked.all("expand") or _TOLD, listed=False))
    return refusal(404, "Sorry, we can't find the page you are looking for.")


@dataclass(frozen=True)
class Listed:
    """A dedicated endpoint in the account's list."""

    url: str
    owner: str
    task: str
    state: str = "running"

    def json(self) -> dict[str, Any]:
        """As in https://huggingface.co/docs/inference-endpoints/api_reference."""
        dated = {"createdAt": "2024-01-01T00:00:00.000Z", "updatedAt": "2024-01-01T00:00:00.000Z"}
        model = {"repository": "owner/name", "framework": "pytorch", "revision": "main", "task": self.task}
        status = {"state": self.state, "url": self.url, **dated}
        name = self.url.rpartition("/")[2]
        return {"name": name, "type": "protected", "healthRoute": "/health", "model": model, "status": status}


def list_endpoints(asked: Asked, endpoints: Sequence[Listed], accounts: Collection[str], namespaces: Collection[str]) -> Answer:
    """What api.endpoints.huggingface.cloud says to a request for a namespace's endpoints.

    Args:
        asked: For /v2/endpoint/NAMESPACE.
        endpoints: All that there are.
        accounts: Tokens that are good.
        namespaces: Those that their account may see.
    """
    namespace = asked.path.removeprefix("/v2/endpoint/")
    if asked.token not in accounts or namespace not in namespaces:
        return refusal(401, "Unauthorized")
    return answer({"items": [endpoint.json() for endpoint in endpoints if endpoint.owner == namespace]})


def _account(organisations: Sequence[str]) -> dict[str, Any]:
    token = {"displayName": "tests", "role": "read", "createdAt": "2024-01-01T00:00:00.000Z"}
    auth = {"type": "access_token", "accessToken": token}
    about = {"type": "user", "id": "0" * 24, "name": ACCOUNT, "fullname": "A Tester", "isPro": False, "auth": auth}
    return about | {"orgs": [{"type": "org", "name": name} for name in organisations]}


def _list(asked: Asked, models: Sequence[Model]) -> Answer:
    providers = {name for value in asked.all("inference_provider") for name in value.split(",")}
    found = [model for model in models if _wanted(model, asked, providers)]
    if sort := asked.one("sort"):
        if sort not in _SORTS:
            return refusal(400, f"Invalid sort parameter: {sort}")
        key = sort if sort == "downloads" else "likes"
        found.sort(key=lambda model: -getattr(model, key))
    wanted = asked.all("expand") or (*_LISTED, *(_TOLD if asked.one("full") else ()))
    return answer([model.json(wanted, listed=True) for model in found[: int(asked.one("limit") or 1000)]])


def _wanted(model: Model, asked: Asked, providers: set[str]) -> bool:
    served_by = {each.provider for each in model.providers}
    tag, search, author, gated = (asked.one(name) for name in ("pipeline_tag", "search", "author", "gated"))
    return (
        (not tag or model.pipeline_tag == tag)
        and (not providers or bool(served_by & providers) or ("all" in providers and bool(served_by)))
        and (not asked.one("inference") or any(each.status == "live" for each in model.providers))
        and search.lower() in model.id.lower()
        and (not author or model.id.startswith(f"{author}/"))
        and (not gated or bool(model.gated) == (gated.lower() == "true"))
        and {*asked.all("filter")} <= {*model.json(["tags"], listed=True)["tags"]}
    )
