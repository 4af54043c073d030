"""The cards of hosted models."""

from typing import Final

from hugginggpt.core.model_card import ModelCard
from hugginggpt.hub.catalog import CatalogEntry, find_catalog_entry
from hugginggpt.hub.search import HubModel

BACKEND: Final = "hosted"


def make_hosted_card(model: HubModel, task: str, provider: str, source: str) -> ModelCard:
    """Make the card of a model that the Hub's search found, completed from the catalog."""
    entry = find_catalog_entry(model.id, task)
    size = model.parameters * 2 / 1e6 if model.parameters else entry.size_mb if entry else None  # MB, at two bytes a parameter
    return ModelCard(
        model.id,
        task,
        BACKEND,
        entry.description if entry else _describe_model(model),  # a person has written the catalog's
        license=model.license or (entry.license if entry else ""),
        size_mb=round(size, 1) if size else None,
        languages=(entry.languages if entry else ()) or model.languages,  # the Hub's are read off its tags
        downloads=model.downloads,
        likes=model.likes,
        provider=provider,
        gated=model.gated,
        source=source,
    )


def make_shipped_card(entry: CatalogEntry, task: str, source: str) -> ModelCard:
    """Make the card of a model from the catalog alone; its provider is looked up at the call."""
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


def _describe_model(model: HubModel) -> str:
    """Describe a model that isn't in the catalog by the Hub's own numbers."""
    size = f"{model.parameters / 1e9:.1f} billion parameters" if model.parameters else ""
    return ", ".join(filter(None, (f"Made for {model.pipeline_tag}", model.library, size))) + "."


def describe_age(seconds: float) -> str:
    """Format an age in seconds as people say it: "5 min ago"."""
    return "just now" if seconds < 60 else f"{seconds / 60:.0f} min ago" if seconds < 3600 else f"{seconds / 3600:.0f} h ago"


def list_providers() -> frozenset[str]:
    """Return the providers that the client knows how to ask."""
    from huggingface_hub.inference._providers import PROVIDERS  # here, because this import takes long

    return frozenset(PROVIDERS)


def is_supported_by_client(provider: str, provider_task: str) -> bool:
    """Return whether the client knows how to ask this provider for that; the Hub lists some that it doesn't know yet."""
    from huggingface_hub.inference._providers import PROVIDERS

    return provider_task in PROVIDERS.get(provider, {})  # type: ignore[call-overload]
