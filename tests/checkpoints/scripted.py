"""Language models that write what a script says: each token is followed by the next of the script, whatever the prompt."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.checkpoints.vocabularies import byte_pair_tokenizer
from tests.checkpoints.writers import CHAT_TEMPLATE

WINDOW = 256


def script(
    *pieces: str, opening: str = "", special: Collection[str] = (), template: bool = True, generation: Mapping[str, Any] = {}
) -> Callable[[Path], None]:
    """Return a function that makes a model whose reply is these pieces, each a token of its own, and an end.

    Args:
        pieces: What it writes, each piece once.
        opening: What its template writes behind the beginning of the reply.
        special: Those of the pieces that are special tokens.
        template: Whether it has a chat template.
        generation: Further settings in its generation configuration.
    """

    def make(folder: Path) -> None:
        import torch
        from tokenizers import AddedToken
        from transformers import LlamaConfig, LlamaForCausalLM

        tokenizer = byte_pair_tokenizer("GPT2Tokenizer", pad_token="<pad>", eos_token="<|im_end|>", model_max_length=WINDOW)
        tokenizer.add_tokens([AddedToken(piece, special=piece in special, normalized=False) for piece in pieces])
        prompt = "User: Hi\nAssistant:"
        if template:
            tokenizer.chat_template = CHAT_TEMPLATE + opening
            prompt = tokenizer.apply_chat_template([{"role": "user"}], add_generation_prompt=True, tokenize=False)
        size = len(tokenizer)
        config = LlamaConfig(
            vocab_size=size, hidden_size=size, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1, head_dim=8,
            max_position_embeddings=WINDOW, bos_token_id=0, eos_token_id=tokenizer.eos_token_id, pad_token_id=1,
            tie_word_embeddings=False,
        )  # fmt: skip
        model = LlamaForCausalLM(config)
        chain = [tokenizer(prompt)["input_ids"][-1], *tokenizer.convert_tokens_to_ids(list(pieces)), tokenizer.eos_token_id]
        with torch.no_grad():
            for name, weight in model.named_parameters():
                weight.fill_(1.0 if "norm" in name else 0.0)
            model.model.embed_tokens.weight.copy_(torch.eye(size))
            for token, following in zip(chain, chain[1:], strict=False):
                model.lm_head.weight[following, token] = 1.0
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        settings = folder / "generation_config.json"
        settings.write_text(json.dumps(json.loads(settings.read_text()) | dict(generation)))

    return make


def number_words(count: int, ends: Collection[int] = ()) -> Sequence[str]:
    """Return numbered words, each with a space before it; those in `ends` end a sentence and begin the next."""
    return [
        f" {'W' if number - 1 in {0, *ends} else 'w'}ord{number}{'.' if number in ends else ''}" for number in range(1, count)
    ]


CHECKPOINTS: Mapping[str, Callable[[Path], None]] = {
    "tiny/dialogue-chat": script("User: Is it open?", "\nAssistant: Yes.", "\nUser: Till when?", "\nAssistant: Six."),
    "tiny/transcript-chat": script(" It is open.", "\nUser: Till when?", template=False),
    "tiny/long-chat": script(*number_words(150, {50, 100})),
    "tiny/endless-chat": script(*number_words(150)),
    "tiny/whole-chat": script(*number_words(128)),
    "tiny/think-chat": script("<think>", "A secret", "</think>", "It is open."),
    "tiny/opened-chat": script("A secret", "</think>", "It is open.", opening="<think>\n"),
    "tiny/endless-think-chat": script(*number_words(150), opening="<think>\n"),
    "tiny/special-think-chat": script("[THINK]", "A secret", "[/THINK]", "It is open.", special=("[THINK]", "[/THINK]")),
    "tiny/scores-chat": script("It is open.", generation={"return_dict_in_generate": True, "output_scores": True}),
    "tiny/choices-chat": script("It is open.", generation={"num_return_sequences": 2, "num_beams": 2}),
    "tiny/stop-string-chat": script(
        "It is", " open.", generation={"stop_strings": ["Never"], "penalty_alpha": 0.6, "top_k": 4}
    ),
}
