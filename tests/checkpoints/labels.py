"""Classifiers whose labels are no choice among several: a single one, some that may all hold, values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.checkpoints import pictures, sounds, texts, videos

KINDS: Mapping[str, tuple[Sequence[str], str | None]] = {
    "one-label": (["nsfw"], None),
    "tags": (["indoors", "night", "people"], "multi_label_classification"),
    "values": (["calm", "joy"], "regression"),
}
"""Labels, and what the configuration says of them."""
MAKERS: Mapping[str, Callable[[Path], None]] = {
    "tiny/vit": pictures.tiny_vit,
    "tiny/videomae": videos.tiny_videomae,
    "tiny/wav2vec2-classifier": sounds.tiny_wav2vec2_classifier,
    "tiny/bert-sentiment": texts.bert_sentiment,
}


def relabel(make: Callable[[Path], None], labels: Sequence[str], problem_type: str | None) -> Callable[[Path], None]:
    """Return a function that makes the same classifier for other labels."""

    def made(folder: Path) -> None:
        import transformers

        make(folder)
        config = transformers.AutoConfig.from_pretrained(folder)
        config.id2label = dict(enumerate(labels))
        config.label2id = {label: number for number, label in enumerate(labels)}
        config.problem_type = problem_type
        getattr(transformers, config.architectures[0])(config).save_pretrained(folder)

    return made


CHECKPOINTS: Mapping[str, Callable[[Path], None]] = {
    f"{name}-{kind}": relabel(make, *labelled) for name, make in MAKERS.items() for kind, labelled in KINDS.items()
}
