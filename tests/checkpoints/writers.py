"""Models that write: encoders with decoders, and decoders.

What they write is noise, but never nothing: their generation configurations forbid special tokens and an early end.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.checkpoints.vocabularies import byte_pair_tokenizer, metaspace_pairs, save_sentence_pieces, unigrams

LAYERS: Mapping[str, int] = {
    "d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
    "encoder_ffn_dim": 16, "decoder_ffn_dim": 16, "max_position_embeddings": 64,
}  # fmt: skip
SMALL_T5: Mapping[str, Any] = {
    "d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2, "n_positions": 64, "decoder_start_token_id": 0,
}  # fmt: skip
T5_TASKS = {
    "summarization": {"prefix": "summarize: ", "num_beams": 2, "max_length": 24, "min_length": 4, "early_stopping": True},
    "translation_en_to_de": {"prefix": "translate English to German: ", "max_length": 300},
    "translation_en_to_fr": {"prefix": "translate English to French: ", "max_length": 300},
}


def _save(folder: Path, model: Any, tokenizer: Any, **generation: Any) -> None:
    end = tokenizer.eos_token_id
    known = range(min(len(tokenizer), model.config.vocab_size))
    silent = [[n] for n in known if n != end and not tokenizer.decode([n], skip_special_tokens=True).strip()]
    model.generation_config.update(bad_words_ids=silent or None, begin_suppress_tokens=[end], **generation)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _t5(folder: Path, first: Sequence[str] = (), **options: Any) -> None:
    from transformers import T5Config, T5ForConditionalGeneration, T5Tokenizer

    tokenizer = T5Tokenizer(vocab=list(unigrams(("<pad>", "</s>", "<unk>", *first))), model_max_length=64, extra_ids=2)
    config = T5Config(vocab_size=len(tokenizer), **SMALL_T5, **options)
    _save(folder, T5ForConditionalGeneration(config), tokenizer)


def t5(folder: Path) -> None:
    """The original T5, with prefixes for its tasks."""
    _t5(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"task_specific_params": T5_TASKS}))


def flan_t5(folder: Path) -> None:
    """A T5 that follows instructions."""
    _t5(folder)


def madlad(folder: Path) -> None:
    """A T5 that translates, into the language that a token before the text names."""
    _t5(folder, ("<2en>", "<2de>", "<2fr>"))


def mt5(folder: Path) -> None:
    """A multilingual T5."""
    from transformers import MT5Config, MT5ForConditionalGeneration, T5Tokenizer

    tokenizer = T5Tokenizer(vocab=list(unigrams(("<pad>", "</s>", "<unk>"))), model_max_length=64, extra_ids=0)
    _save(folder, MT5ForConditionalGeneration(MT5Config(vocab_size=len(tokenizer), **SMALL_T5)), tokenizer, max_length=24)


def bart(folder: Path) -> None:
    """A summarizer as those of CNN/DailyMail: beams, at least some tokens, at most some more."""
    from transformers import BartConfig, BartForConditionalGeneration

    tokenizer = byte_pair_tokenizer("BartTokenizer")
    config = BartConfig(
        vocab_size=len(tokenizer), bos_token_id=0, pad_token_id=1, eos_token_id=2, decoder_start_token_id=2, **LAYERS
    )
    _save(folder, BartForConditionalGeneration(config), tokenizer, num_beams=2, min_length=6, max_length=20)


def pegasus(folder: Path) -> None:
    """A summarizer whose positions are sines."""
    from transformers import PegasusConfig, PegasusForConditionalGeneration, PegasusTokenizer

    tokenizer = PegasusTokenizer(vocab=list(unigrams(("<pad>", "</s>", "<mask_1>", "<mask_2>", "<unk>"))), offset=5)
    config = PegasusConfig(vocab_size=len(tokenizer), pad_token_id=0, eos_token_id=1, decoder_start_token_id=0, **LAYERS)
    _save(folder, PegasusForConditionalGeneration(config), tokenizer, max_length=24)


def marian(folder: Path, codes: Sequence[str] = ()) -> None:
    """One pair of languages, from its SentencePiece files, as the OPUS-MT models are saved."""
    from transformers import MarianConfig, MarianMTModel

    pieces = save_sentence_pieces(folder, "source.spm", "target.spm")
    words = ["</s>", "<unk>", *codes, *(piece for piece in pieces if piece not in {"<s>", "</s>", "<unk>"}), "<pad>"]
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    target = "roa" if codes else "de"
    settings = {"tokenizer_class": "MarianTokenizer", "source_lang": "en", "target_lang": target, "model_max_length": 64}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    pad = len(words) - 1
    config = MarianConfig(
        vocab_size=len(words), pad_token_id=pad, eos_token_id=0, decoder_start_token_id=pad, forced_eos_token_id=0, **LAYERS
    )
    model = MarianMTModel(config)
    model.generation_config.update(bad_words_ids=[[pad]], num_beams=2, suppress_tokens=[1], begin_suppress_tokens=[0])
    model.save_pretrained(folder)


def marian_group(folder: Path) -> None:
    """One source and a group of targets, told apart by a token before the text."""
    marian(folder, (">>fra<<", ">>spa<<", ">>ita<<"))


def m2m(folder: Path) -> None:
    """A hundred languages with two-letter codes."""
    from transformers import M2M100Config, M2M100ForConditionalGeneration, M2M100Tokenizer

    pieces = save_sentence_pieces(folder, "sentencepiece.bpe.model")
    words = ["<s>", "<pad>", "</s>", "<unk>", *(piece for piece in pieces if piece not in {"<s>", "</s>", "<unk>"})]
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    tokenizer = M2M100Tokenizer(folder / "vocab.json", folder / "sentencepiece.bpe.model", model_max_length=64)
    config = M2M100Config(vocab_size=len(words) + 108, **LAYERS)
    _save(folder, M2M100ForConditionalGeneration(config), tokenizer)


def nllb(folder: Path) -> None:
    """M2M-100's architecture with NLLB's codes of language and script."""
    from transformers import M2M100Config, M2M100ForConditionalGeneration, NllbTokenizer

    vocabulary, merges = metaspace_pairs(("<s>", "<pad>", "</s>", "<unk>"))
    codes = ["eng_Latn", "deu_Latn", "fra_Latn", "zho_Hans", "zho_Hant"]
    tokenizer = NllbTokenizer(vocab=dict(vocabulary), merges=list(merges), extra_special_tokens=codes, model_max_length=64)
    _save(folder, M2M100ForConditionalGeneration(M2M100Config(vocab_size=len(tokenizer), **LAYERS)), tokenizer)


def mbart(folder: Path) -> None:
    """Fifty languages with codes of language and country."""
    from transformers import MBart50Tokenizer, MBartConfig, MBartForConditionalGeneration

    tokenizer = MBart50Tokenizer(vocab=list(unigrams(("<s>", "<pad>", "</s>", "<unk>"))), model_max_length=64)
    config = MBartConfig(vocab_size=len(tokenizer), **LAYERS)
    _save(folder, MBartForConditionalGeneration(config), tokenizer)


def blenderbot(folder: Path) -> None:
    """An encoder and a decoder that talk."""
    from transformers import BlenderbotConfig, BlenderbotForConditionalGeneration

    tokenizer = byte_pair_tokenizer("BlenderbotTokenizer", model_max_length=64)
    config = BlenderbotConfig(
        vocab_size=len(tokenizer), bos_token_id=0, pad_token_id=1, eos_token_id=2, decoder_start_token_id=0, **LAYERS
    )
    _save(folder, BlenderbotForConditionalGeneration(config), tokenizer, max_length=20)


def gpt2(folder: Path) -> None:
    """A language model that goes on with a text; it has no padding token."""
    from transformers import GPT2Config, GPT2LMHeadModel

    tokenizer = byte_pair_tokenizer("GPT2Tokenizer")
    end = tokenizer.eos_token_id
    config = GPT2Config(
        vocab_size=len(tokenizer), n_embd=16, n_layer=1, n_head=2, n_positions=64, bos_token_id=end, eos_token_id=end
    )
    _save(folder, GPT2LMHeadModel(config), tokenizer)


CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def llama_chat(folder: Path) -> None:
    """A language model with a chat template."""
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = byte_pair_tokenizer("GPT2Tokenizer", pad_token="<pad>", eos_token="<|im_end|>")
    tokenizer.chat_template = CHAT_TEMPLATE
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=128, bos_token_id=0, eos_token_id=tokenizer.eos_token_id, pad_token_id=1,
    )  # fmt: skip
    _save(folder, LlamaForCausalLM(config), tokenizer)


CHECKPOINTS: Mapping[str, Callable[[Path], None]] = {
    "tiny/t5": t5,
    "tiny/flan-t5": flan_t5,
    "tiny/madlad": madlad,
    "tiny/mt5": mt5,
    "tiny/bart-cnn": bart,
    "tiny/pegasus": pegasus,
    "tiny/opus-mt-en-de": marian,
    "tiny/opus-mt-en-roa": marian_group,
    "tiny/m2m100": m2m,
    "tiny/nllb": nllb,
    "tiny/mbart-many": mbart,
    "tiny/blenderbot": blenderbot,
    "tiny/gpt2": gpt2,
    "tiny/llama-chat": llama_chat,
}
