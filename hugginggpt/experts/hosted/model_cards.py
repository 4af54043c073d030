"""The cards of hosted models."""

from typing import Final

from hugginggpt.core.model_card import ModelCard
from hugginggpt.hub.catalog import CatalogEntry, find_catalog_entry
from hugginggpt.hub.search import HubModel

BACKEND: Final = "hosted"


def make_hosted_card(model: HubModel, task: str, provider: str, source: str) -> ModelCard:
    """Return what the Hub's search found, with what our list knows of it besides."""
    entry = find_catalog_entry(model.id, task)
    size = model.parameters * 2 / 1e6 if model.parameters else entry.size_mb if entry else None
    return ModelCard(
        model.id,
        task,
        BACKEND,
        entry.description if entry else _described(model),
        license=model.license or (entry.license if entry else ""),
        size_mb=round(size, 1) if size else None,
        languages=(entry.languages if entry else ()) or model.languages,
        downloads=model.downloads,
        likes=model.likes,
        provider=provider,
        gated=model.gated,
        source=source,
    )


def make_shipped_card(entry: CatalogEntry, task: str, source: str) -> ModelCard:
    """Return what our list knows alone; who serves it is found out when it is needed."""
    return ModelCard(
        entry.id,
        task,
        BACKEND,
        entry.description,
        license=entry.license,
        size_mb=entry.size_mb,
        languages=entry.languages,
        gated=entry.gated,
        source=source,
    )


def _described(model: HubModel) -> str:
    """Return what the Hub's own numbers tell of a model that our list doesn't know."""
    size = f"{model.parameters / 1e9:.1f} billion parameters" if model.parameters else ""
    return ", ".join(filter(None, (f"Made for {model.pipeline_tag}", model.library, size))) + "."


def describe_age(seconds: float) -> str:
    """Return how long ago something was, as people say it."""
    return "just now" if seconds < 60 else f"{seconds / 60:.0f} min ago" if seconds < 3600 else f"{seconds / 3600:.0f} h ago"


def list_providers() -> frozenset[str]:
    """Return the providers that the client knows how to ask."""
    from huggingface_hub.inference._providers import PROVIDERS

    return frozenset(PROVIDERS)


def is_known_to(provider: str, does: str) -> bool:
    """Return whether the client knows how to ask this provider for that; the Hub lists some that it doesn't know yet."""
    from huggingface_hub.inference._providers import PROVIDERS

    return does in PROVIDERS.get(provider, {})  # type: ignore[call-overload]
