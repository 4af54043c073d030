"""Models of texts, beside transformers' pipelines, or its documented code where version 5 has no pipeline."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.parity.cases import Case
from hugginggpt.experts.base import Result
from tests.conftest import MEDIA

SENTENCE: Final = "Ines Varga and eleven volunteers carried 620 volumes up two flights of stairs."
REPORT: Final = (MEDIA / "report.txt").read_text(encoding="utf-8").strip()
SHORT: Final = "The library is old and it opened in 1931."
QUESTION: Final = "Who will retire in August?"
_BORDERS: Final = " \n.,;:!?()"
_MAX_WRITTEN: Final = 62  # longest text of a tiny writer whose positions are counted, in tokens
LIMIT: Final = 512  # our longest reply, in tokens; half of the window where that is less


def run_pipeline(task: str, folder: Path, *inputs: Any, **options: Any) -> Any:
    """Run transformers' own pipeline, on a CPU in float32."""
    import torch
    import transformers

    make: Any = transformers.pipeline  # its overloads want the task as a literal
    return make(task, model=str(folder), device="cpu", dtype=torch.float32)(*inputs, **options)


def read_classes(result: Result) -> dict[str, float]:
    """Return our labels with their scores."""
    return {entry["label"]: entry["score"] for entry in result.outputs[0].data["classes"]}


def score_classes(found: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return a pipeline's labels with their scores."""
    return {str(entry["label"]): float(entry["score"]) for entry in found}


def read_text(result: Result) -> str:
    """Return our text."""
    return str(next(output.text for output in result.outputs if output.text is not None))


def _classify(folder: Path, inputs: Mapping[str, Any]) -> Any:
    cut = {"truncation": True, "max_length": 64}
    return score_classes(run_pipeline("text-classification", folder, inputs["text"], top_k=None, **cut))


def _find_names(folder: Path, inputs: Mapping[str, Any]) -> Any:
    found = run_pipeline("token-classification", folder, inputs["text"], aggregation_strategy="first")
    names = []
    for entry in found:  # without the quotes and stops around a name, as our results have it
        text = inputs["text"][entry["start"] : entry["end"]]
        start = entry["start"] + len(text) - len(text.lstrip(_BORDERS))
        if name := text.strip(_BORDERS):
            names.append((start, start + len(name), entry["entity_group"], float(entry["score"])))
    return names


def _read_names(result: Result) -> Any:
    return [(entry["start"], entry["end"], entry["label"], entry["score"]) for entry in result.outputs[0].data["entities"]]


def _fill(folder: Path, inputs: Mapping[str, Any]) -> Any:
    from transformers import AutoTokenizer

    mask = AutoTokenizer.from_pretrained(folder).mask_token
    found = run_pipeline("fill-mask", folder, inputs["text"].replace("___", mask), top_k=10)
    whole = [entry for entry in found if not entry["token_str"].startswith("##") and entry["token_str"].strip()]
    return [(entry["token_str"].strip(), float(entry["score"])) for entry in whole[:5]]


def _sort_by_labels(folder: Path, inputs: Mapping[str, Any]) -> Any:
    labels = inputs["labels"].split(", ")
    found = run_pipeline("zero-shot-classification", folder, inputs["text"], candidate_labels=labels)
    return dict(zip(found["labels"], found["scores"], strict=True))


def _compare_sentences(folder: Path, inputs: Mapping[str, Any]) -> Any:
    from sentence_transformers import SentenceTransformer, util

    model = SentenceTransformer(str(folder), device="cpu")
    return float(util.cos_sim(*(model.encode(inputs[name]) for name in ("text", "other_text"))))


def _answer(folder: Path, inputs: Mapping[str, Any]) -> Any:
    """Find the likeliest span of at most 30 tokens, and its words, as transformers 4 did in its pipeline."""
    import torch
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForQuestionAnswering.from_pretrained(folder).eval()
    encoded = tokenizer(inputs["question"], inputs["text"], return_tensors="pt", return_offsets_mapping=True)
    offsets = encoded.pop("offset_mapping")[0].tolist()
    with torch.inference_mode():
        output = model(**encoded)
    outside = torch.tensor([part != 1 for part in encoded.sequence_ids(0)])
    start, end = (x[0].masked_fill(outside, -torch.inf).softmax(-1) for x in (output.start_logits, output.end_logits))
    scores = (start[:, None] * end[None, :]).triu().tril(29)
    first, last = divmod(int(scores.argmax()), len(scores))
    begin, finish = (encoded.word_to_chars(encoded.token_to_word(0, i), sequence_index=1) for i in (first, last))
    return begin.start, finish.end, float(scores.max()), offsets[first][0] >= 0


def _read_answer(result: Result) -> Any:
    data = result.outputs[0].data
    return data["start"], data["end"], data["score"], True


def _generate(folder: Path, inputs: Mapping[str, Any]) -> Any:
    """Write with an encoder and a decoder; the arguments of ``generate`` that a task's settings name come with the inputs."""
    import torch
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, **inputs.get("tokenizer", {}))
    model = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    encoded = tokenizer(inputs.get("prefix", "") + inputs["text"], return_tensors="pt", truncation=True, max_length=64)
    options = dict(inputs.get("options", {}))
    if language := inputs.get("first"):
        options["forced_bos_token_id"] = tokenizer.convert_tokens_to_ids(language)
    growth = inputs.get("growth")
    if growth:
        options["max_new_tokens"] = growth[0] * encoded["input_ids"].shape[1] + growth[1]
        if getattr(model.config, "max_position_embeddings", None):
            options["max_new_tokens"] = min(options["max_new_tokens"], _MAX_WRITTEN)
    model.generation_config.update(return_dict_in_generate=False, output_scores=False)
    with torch.inference_mode():
        ids = model.generate(**{name: encoded[name] for name in ("input_ids", "attention_mask")}, **options)
    return str(tokenizer.decode(ids[0], skip_special_tokens=True)).strip()


def _with(**more: Any) -> Any:
    """Return `_generate` with more inputs, which aren't the task's."""
    return lambda folder, inputs: _generate(folder, {**inputs, **more})


def _chat(folder: Path, inputs: Mapping[str, Any]) -> Any:
    from transformers import AutoConfig

    limit = min(LIMIT, AutoConfig.from_pretrained(folder).max_position_embeddings // 2)
    message = [{"role": "user", "content": inputs["text"]}]
    # the settings of a generation configuration that change the form of the output are no part of the reply
    found = run_pipeline(
        "text-generation", folder, message, max_new_tokens=limit, return_dict_in_generate=False, output_scores=False
    )
    return found[0]["generated_text"][-1]["content"].strip()


def _continue(folder: Path, inputs: Mapping[str, Any]) -> Any:
    from transformers import AutoConfig

    limit = min(LIMIT, AutoConfig.from_pretrained(folder).max_position_embeddings // 2)
    return run_pipeline("text-generation", folder, inputs["text"], max_new_tokens=limit, do_sample=False)[0]["generated_text"]


def _ask_table(folder: Path, inputs: Mapping[str, Any]) -> Any:
    import pandas as pd  # type: ignore[import-untyped]

    table = pd.read_csv(inputs["table"], dtype=str)
    found = run_pipeline("table-question-answering", folder, table=table, query=inputs["question"])
    return found["cells"], [list(pair) for pair in found["coordinates"]], found.get("aggregator", "NONE")


def _read_cells(result: Result) -> Any:
    data = result.outputs[0].data
    return data["cells"], data["coordinates"], data["aggregator"]


def _classify_rows(folder: Path, inputs: Mapping[str, Any]) -> Any:
    import pandas as pd
    import skops.io  # type: ignore[import-untyped]

    table = pd.read_csv(inputs["table"])
    return [str(label) for label in skops.io.load(folder / "model.skops", trusted=[]).predict(table)]


def _read_predictions(result: Result) -> Any:
    with open(str(result.outputs[0].path), newline="", encoding="utf-8") as file:
        return [row["prediction"] for row in csv.DictReader(file)]


_SENTENCE: Final = {"text": SENTENCE}
_WORDS: Final = {"text": SHORT}
_GERMAN: Final = {**_WORDS, "language": "German"}
_LONG: Final = "texts beyond the window are read in parts, whose scores are averaged; the pipeline drops the rest"
_NO_REPEATS: Final = "no four tokens come twice, and a text that meets the limit ends at a sentence"
_ENDS: Final = "a reply that meets the limit ends at a sentence, or shows that it goes on"
_THOUGHTS: Final = "thoughts are no part of a reply"
_T5_SETTINGS: Final = {"max_new_tokens": 24, "min_length": 4, "num_beams": 2, "early_stopping": True}
_FLOW: Final = (2, 16)
_REWRITE: Final = (2, 32)


def _cases(
    task: str, models: str, inputs: Mapping[str, str], reference: Any, read: Any = read_text, purpose: str = ""
) -> list[Case]:
    return [Case(task, f"tiny/{model}", inputs, reference, read, purpose) for model in models.split()]


def _read_gap(result: Result) -> Any:
    return [(entry["word"], entry["score"]) for entry in result.outputs[0].data["gaps"][0]]


def _read_similarity(result: Result) -> Any:
    return result.outputs[0].data["similarity"]


_CLASSIFIERS: Final = "bert-sentiment roberta-sentiment bert-emotions"
_KINDS: Final = "bert-sentiment-one-label bert-sentiment-tags bert-sentiment-values"

CASES: Final[tuple[Case, ...]] = (
    *_cases("text-classification", f"{_CLASSIFIERS} {_KINDS}", _WORDS, _classify, read_classes),
    *_cases("text-classification", "bert-sentiment roberta-sentiment", {"text": REPORT}, _classify, read_classes, _LONG),
    *_cases("token-classification", "bert-ner roberta-ner", _SENTENCE, _find_names, _read_names),
    *_cases("fill-mask", "bert-mask roberta-mask", {"text": "It stands on Lantern ___ in the town."}, _fill, _read_gap),
    *_cases(
        "zero-shot-classification", "roberta-nli", {"text": "It is old.", "labels": "art, money"}, _sort_by_labels, read_classes
    ),
    *_cases(
        "sentence-similarity", "minilm bge", {"text": "A cat sat here.", "other_text": "The dog is there."}, _compare_sentences,
        _read_similarity,
    ),
    *_cases(
        "question-answering", "bert-squad roberta-squad", {"text": "Ines Varga carried books.", "question": "Who?"}, _answer,
        _read_answer,
    ),
    *_cases("table-question-answering", "tapas", {"table": "people.csv", "question": "Ages?"}, _ask_table, _read_cells),
    *_cases("tabular-classification", "retirement", {"table": "people.csv"}, _classify_rows, _read_predictions),
    *_cases("summarization", "bart-cnn", _WORDS, _with(options={"max_new_tokens": 20, "min_length": 6})),
    *_cases("summarization", "pegasus mt5", _WORDS, _with(options={"max_new_tokens": 24})),
    *_cases("summarization", "t5", _WORDS, _with(prefix="summarize: ", options=_T5_SETTINGS)),
    *_cases("text2text-generation", "flan-t5 bart-cnn mt5", _WORDS, _with(growth=_REWRITE, options={"min_length": 0})),
    *_cases("translation", "opus-mt-en-de", _WORDS, _with(growth=_FLOW)),
    *_cases("translation", "opus-mt-en-roa", {**_WORDS, "language": "French"}, _with(prefix=">>fra<< ", growth=_FLOW)),
    *_cases("translation", "t5", _GERMAN, _with(prefix="translate English to German: ", growth=_FLOW)),
    *_cases("translation", "madlad", _GERMAN, _with(prefix="<2de> ", growth=_FLOW)),
    *_cases("translation", "nllb", _GERMAN, _with(tokenizer={"src_lang": "eng_Latn"}, first="deu_Latn", growth=_FLOW)),
    *_cases("translation", "m2m100", _GERMAN, _with(tokenizer={"src_lang": "en"}, first="__de__", growth=_FLOW)),
    *_cases("translation", "mbart-many", _GERMAN, _with(tokenizer={"src_lang": "en_XX"}, first="de_DE", growth=_FLOW)),
    *_cases("conversational", "blenderbot", {"text": "Hello, how are you?"}, _with(options={"max_new_tokens": 62})),
    *_cases("text-generation", "gpt2", {"text": "The library"}, _continue, purpose=_NO_REPEATS),
    *_cases("conversational", "dialogue-chat whole-chat scores-chat", {"text": "Hi"}, _chat),
    *_cases("conversational", "llama-chat long-chat endless-chat", {"text": "Hi"}, _chat, purpose=_ENDS),
    *_cases("conversational", "think-chat opened-chat", {"text": "Hi"}, _chat, purpose=_THOUGHTS),
)  # fmt: skip
