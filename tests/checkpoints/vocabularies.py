"""Tokenizers of each kind, trained on a demonstration text."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.conftest import MEDIA

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "<|endoftext|>", "<|im_start|>", "<|im_end|>"]


@functools.cache
def corpus() -> list[str]:
    """Lines to train tokenizers on."""
    return (MEDIA / "report.txt").read_text(encoding="utf-8").splitlines()


@functools.cache
def wordpieces(size: int = 400) -> Mapping[str, int]:
    """BERT's kind of vocabulary."""
    from tokenizers import BertWordPieceTokenizer

    tokenizer = BertWordPieceTokenizer(lowercase=True)
    tokenizer.train_from_iterator(corpus(), vocab_size=size, min_frequency=1, show_progress=False)
    return tokenizer.get_vocab(with_added_tokens=True)


@functools.cache
def byte_pairs() -> tuple[Mapping[str, int], list[tuple[str, str]]]:
    """GPT-2's and RoBERTa's: vocabulary and merges."""
    from tokenizers import ByteLevelBPETokenizer

    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(corpus(), vocab_size=400, special_tokens=SPECIAL, show_progress=False)
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], [tuple(merge) for merge in model["merges"]]


@functools.cache
def metaspace_pairs(first: tuple[str, ...]) -> tuple[Mapping[str, int], list[tuple[str, str]]]:
    """NLLB's: byte pairs of words with their spaces."""
    from tokenizers import SentencePieceBPETokenizer

    tokenizer = SentencePieceBPETokenizer()
    tokenizer.train_from_iterator(corpus(), vocab_size=400, special_tokens=list(first), show_progress=False)
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], [tuple(merge) for merge in model["merges"]]


@functools.cache
def unigrams(first: tuple[str, ...]) -> list[tuple[str, float]]:
    """T5's, Pegasus' and mBART's: pieces with their log probabilities, the special ones first."""
    from tokenizers import SentencePieceUnigramTokenizer

    tokenizer = SentencePieceUnigramTokenizer()
    tokenizer.train_from_iterator(corpus(), vocab_size=300, unk_token="<unk>", special_tokens=["<unk>"], show_progress=False)
    pieces = json.loads(tokenizer.to_str())["model"]["vocab"]
    return [(name, 0.0) for name in first] + [(piece, score) for piece, score in pieces if piece not in first]


@functools.cache
def _sentence_pieces() -> bytes:
    import io

    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus()), model_writer=model, vocab_size=250, model_type="unigram", minloglevel=2,
        hard_vocab_limit=False,
    )  # fmt: skip
    return model.getvalue()


def save_sentence_pieces(folder: Path, *names: str) -> list[str]:
    """Write Marian's and M2M-100's SentencePiece files; returns the pieces in them."""
    import sentencepiece

    for name in names:
        (folder / name).write_bytes(_sentence_pieces())
    processor = sentencepiece.SentencePieceProcessor(model_proto=_sentence_pieces())
    return [processor.IdToPiece(number) for number in range(processor.vocab_size())]


def bert_tokenizer(**options: Any) -> Any:
    from transformers import BertTokenizer

    return BertTokenizer(vocab=dict(wordpieces()), model_max_length=64, **options)


def byte_pair_tokenizer(kind: str, **options: Any) -> Any:
    """A RobertaTokenizer, BartTokenizer, GPT2Tokenizer..."""
    import transformers

    vocabulary, merges = byte_pairs()
    return getattr(transformers, kind)(vocab=dict(vocabulary), merges=list(merges), **options)
