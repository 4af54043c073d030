"""Settings of ``generate`` that its callers here decide, whatever a checkpoint's ``generation_config.json`` says."""

from collections.abc import Iterator
from typing import Any, Final

_OUTPUT_SETTINGS: Final = (
    "return_dict_in_generate", "output_scores", "output_logits", "output_attentions", "output_hidden_states",
    "num_return_sequences",
)  # fmt: skip
"""Settings of what ``generate`` returns: callers expect one sequence of tokens for each input, and nothing beside it."""
_FOREIGN_SETTINGS: Final = (
    "penalty_alpha", "num_beam_groups", "diversity_penalty", "dola_layers", "constraints", "force_words_ids",
    "prompt_lookup_num_tokens", "assistant_early_exit", "token_healing",
)  # fmt: skip
"""Settings of ways to search whose code transformers 5 fetches from the Hub, or that work for one text at a time."""


def settle_generation(loaded: Any) -> None:
    """Give the models in a loaded object transformers' own defaults for these settings.

    Args:
        loaded: A model, a pipeline or another object with a ``model``, or a tuple of such and other things.
    """
    for config in _list_generation_configs(loaded):
        defaults = type(config)()
        for name in (*_OUTPUT_SETTINGS, *_FOREIGN_SETTINGS):
            if getattr(config, name, None) is not None:
                setattr(config, name, getattr(defaults, name, None))


def _list_generation_configs(loaded: Any) -> Iterator[Any]:
    for part in loaded if isinstance(loaded, tuple) else (loaded,):
        for owner in (part, getattr(part, "model", None)):
            if (config := getattr(owner, "generation_config", None)) is not None:
                yield config
