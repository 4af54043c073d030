"""Models of text, of which those that write have a module of their own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.checkpoints import answerers, writers
from tests.checkpoints.vocabularies import bert_tokenizer, byte_pair_tokenizer
from tests.checkpoints.vocabularies import byte_pairs as byte_pairs

SENTIMENTS = {0: "negative", 1: "neutral", 2: "positive"}
NLI = {0: "contradiction", 1: "neutral", 2: "entailment"}
ENTITIES = {0: "O", 1: "B-PER", 2: "I-PER", 3: "B-LOC", 4: "I-LOC"}
SIZES: Mapping[str, int] = {
    "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
    "max_position_embeddings": 66,
}  # fmt: skip
"""One layer of 16 numbers that reads 64 tokens (66 positions: some model types count from two)."""


def _bert(folder: Path, head: str, labels: Mapping[int, str] | None = None, **options: Any) -> None:
    import transformers

    tokenizer = bert_tokenizer()
    named = {"id2label": dict(labels), "label2id": {label: i for i, label in labels.items()}} if labels else {}
    config = transformers.BertConfig(vocab_size=len(tokenizer), **SIZES, **named, **options)
    getattr(transformers, head)(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _roberta(folder: Path, head: str, labels: Mapping[int, str] | None = None) -> None:
    import transformers

    tokenizer = byte_pair_tokenizer("RobertaTokenizer")
    named = {"id2label": dict(labels), "label2id": {label: i for i, label in labels.items()}} if labels else {}
    config = transformers.RobertaConfig(
        vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id, bos_token_id=0, eos_token_id=2, **SIZES, **named
    )
    getattr(transformers, head)(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def bert_sentiment(folder: Path) -> None:
    """Three sentiments."""
    _bert(folder, "BertForSequenceClassification", SENTIMENTS)


def bert_emotions(folder: Path) -> None:
    """Several emotions at once."""
    labels = {0: "joy", 1: "anger", 2: "surprise"}
    _bert(folder, "BertForSequenceClassification", labels, problem_type="multi_label_classification")


def roberta_sentiment(folder: Path) -> None:
    """Three sentiments, on byte pairs, without a window in its tokenizer."""
    _roberta(folder, "RobertaForSequenceClassification", SENTIMENTS)


def roberta_nli(folder: Path) -> None:
    """Natural language inference."""
    _roberta(folder, "RobertaForSequenceClassification", NLI)


def bert_ner(folder: Path) -> None:
    """People and places."""
    _bert(folder, "BertForTokenClassification", ENTITIES)


def roberta_ner(folder: Path) -> None:
    """The same on byte pairs, whose offsets take in spaces."""
    _roberta(folder, "RobertaForTokenClassification", ENTITIES)


def bert_mask(folder: Path) -> None:
    """A masked language model with [MASK]."""
    _bert(folder, "BertForMaskedLM")


def roberta_mask(folder: Path) -> None:
    """A masked language model with <mask>."""
    _roberta(folder, "RobertaForMaskedLM")


def _sentence_encoder(folder: Path, pooling: Mapping[str, Any], *, dense: bool = False) -> None:
    import torch
    from safetensors.torch import save_file

    _bert(folder, "BertModel")
    kinds = ["Transformer", "Pooling", *(["Dense"] if dense else []), "Normalize"]
    paths = ["" if kind == "Transformer" else f"{number}_{kind}" for number, kind in enumerate(kinds)]
    modules = [
        {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for number, (kind, path) in enumerate(zip(kinds, paths, strict=True))
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 32, "do_lower_case": False}))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 16, **pooling}))
    if dense:
        (folder / "2_Dense").mkdir()
        config = {
            "in_features": 16, "out_features": 8, "bias": True,
            "activation_function": "torch.nn.modules.activation.Tanh",
        }  # fmt: skip
        (folder / "2_Dense" / "config.json").write_text(json.dumps(config))
        weights = {"linear.weight": torch.randn(8, 16), "linear.bias": torch.zeros(8)}
        save_file(weights, folder / "2_Dense" / "model.safetensors")


def minilm(folder: Path) -> None:
    """A sentence encoder that takes the mean, configured as sentence-transformers did for years."""
    _sentence_encoder(folder, {"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True})


def bge(folder: Path) -> None:
    """One that takes the first token, configured as sentence-transformers does now, with a dense layer."""
    _sentence_encoder(folder, {"pooling_mode": "cls"}, dense=True)


CHECKPOINTS: Mapping[str, Callable[[Path], None]] = {
    "tiny/bert-sentiment": bert_sentiment,
    "tiny/bert-emotions": bert_emotions,
    "tiny/roberta-sentiment": roberta_sentiment,
    "tiny/roberta-nli": roberta_nli,
    "tiny/bert-ner": bert_ner,
    "tiny/roberta-ner": roberta_ner,
    "tiny/bert-mask": bert_mask,
    "tiny/roberta-mask": roberta_mask,
    "tiny/minilm": minilm,
    "tiny/bge": bge,
    **writers.CHECKPOINTS,
    **answerers.CHECKPOINTS,
}
