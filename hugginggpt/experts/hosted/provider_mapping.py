"""The client's mapping from models to providers, which it asks of the Hub once and keeps as long as the process lives."""

from __future__ import annotations

from contextlib import suppress


def read_mapping(model: str, provider: str) -> tuple[str, str] | None:
    """Return a provider's id for a model and its task, as the client's cached mapping has them; None where it has none."""
    from huggingface_hub.inference._providers import _common

    with suppress(Exception):  # the client raises many kinds; what can't be read is no news
        found = _common._fetch_inference_provider_mapping(model)
        return next(((each.provider_id, each.task) for each in found if each.provider == provider), None)
    return None


def clear_mapping_cache() -> None:
    """Clear the client's cached mappings from models to providers, so that it asks the Hub for them again."""
    from huggingface_hub.inference._providers import _common, hf_inference

    _common._fetch_inference_provider_mapping.cache_clear()  # entries have no age: they live as long as the process
    hf_inference._check_supported_task.cache_clear()
