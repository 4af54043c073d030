"""Models that answer from a text or a table, and a classifier of rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.checkpoints.vocabularies import bert_tokenizer, byte_pair_tokenizer, wordpieces
from tests.checkpoints.writers import bart

SMALL: Mapping[str, int] = {
    "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
    "max_position_embeddings": 66,
}  # fmt: skip
"""One layer of 16 numbers that reads 64 tokens."""
AGGREGATIONS = {0: "NONE", 1: "SUM", 2: "AVERAGE", 3: "COUNT"}


def _sure(model: Any) -> None:
    """Make a random answerer decided, as a trained one is: one token stands out, as the beginning and as the end."""
    model.qa_outputs.weight.data[:] = model.qa_outputs.weight.data[0] * 500


def bert_squad(folder: Path) -> None:
    """Answers every question."""
    from transformers import BertConfig, BertForQuestionAnswering

    tokenizer = bert_tokenizer()
    model = BertForQuestionAnswering(BertConfig(vocab_size=len(tokenizer), **SMALL))
    _sure(model)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def roberta_squad(folder: Path) -> None:
    """The same on byte pairs, whose tokenizer names no window."""
    from transformers import RobertaConfig, RobertaForQuestionAnswering

    tokenizer = byte_pair_tokenizer("RobertaTokenizer")
    config = RobertaConfig(vocab_size=len(tokenizer), pad_token_id=1, bos_token_id=0, eos_token_id=2, **SMALL)
    model = RobertaForQuestionAnswering(config)
    _sure(model)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def bert_squad2(folder: Path) -> None:
    """Trained on questions without answers, as its card says; it finds nothing anywhere."""
    from transformers import BertConfig, BertForQuestionAnswering

    tokenizer = bert_tokenizer()
    model = BertForQuestionAnswering(BertConfig(vocab_size=len(tokenizer), **SMALL))
    model.qa_outputs.weight.data.zero_()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "README.md").write_text("---\nlicense: cc-by-4.0\ndatasets:\n- squad_v2\n---\n# BERT\n")


def tapas(folder: Path) -> None:
    """Chooses cells of a table and what to do with them."""
    from transformers import TapasConfig, TapasForQuestionAnswering, TapasTokenizer

    vocabulary = wordpieces()
    words = [*sorted(vocabulary, key=lambda word: vocabulary[word]), "[EMPTY]"]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    tokenizer = TapasTokenizer(folder / "vocab.txt", model_max_length=128)
    config = TapasConfig(
        vocab_size=len(words), **{**SMALL, "max_position_embeddings": 128}, num_aggregation_labels=4,
        aggregation_labels=AGGREGATIONS, no_aggregation_label_index=0, type_vocab_sizes=[3, 256, 256, 2, 256, 256, 10],
    )  # fmt: skip
    TapasForQuestionAnswering(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def tapex(folder: Path) -> None:
    """Writes its answer from a table in a line; its tokenizer's class is gone from transformers."""
    bart(folder)
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(config | {"tokenizer_class": "TapexTokenizer"}))


def _sklearn(folder: Path, model: Any, columns: list[str], example: Mapping[str, list[Any]]) -> None:
    import skops.io

    skops.io.dump(model, folder / "model.skops")
    about = {
        "columns": columns, "example_input": example, "model": {"file": "model.skops"}, "model_format": "skops",
        "task": "tabular-classification",
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps({"sklearn": about}))
    (folder / "README.md").write_text("---\nlibrary_name: sklearn\npipeline_tag: tabular-classification\n---\n# Rows\n")


def retirement(folder: Path) -> None:
    """Tells from age and place of birth who is near retirement."""
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    rows = pd.DataFrame({"age": [25, 31, 44, 52, 60, 63], "born_in": ["Kenya", "Japan", "Spain", "Kenya", "Spain", "Norway"]})
    encode = (OneHotEncoder(handle_unknown="ignore"), ["born_in"])
    model = make_pipeline(make_column_transformer((StandardScaler(), ["age"]), encode), LogisticRegression())
    model.fit(rows, ["no", "no", "no", "no", "yes", "yes"])
    _sklearn(folder, model, ["age", "born_in"], {"age": [25, 31], "born_in": ["Kenya", "Japan"]})


def strange_estimator(folder: Path) -> None:
    """Has a function of another package inside, which skops doesn't trust."""
    import pathlib

    from sklearn.preprocessing import FunctionTransformer

    _sklearn(folder, FunctionTransformer(pathlib.Path.unlink), ["age"], {"age": [25]})


CHECKPOINTS: Mapping[str, Callable[[Path], None]] = {
    "tiny/bert-squad": bert_squad,
    "tiny/roberta-squad": roberta_squad,
    "tiny/bert-unsure": bert_squad2,
    "tiny/tapas": tapas,
    "tiny/tapex": tapex,
    "tiny/retirement": retirement,
    "tiny/strange-estimator": strange_estimator,
}
