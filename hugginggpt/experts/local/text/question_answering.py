"""Answers taken word for word from a text or a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.errors import InputError
from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.csv_tables import read_rows
from hugginggpt.experts.local.runtime.runtime import SAFE, Runtime, select_weights
from hugginggpt.experts.local.text.decoding import Writer, build_writer, generate_texts
from hugginggpt.experts.local.text.token_budget import compute_text_window
from hugginggpt.experts.local.text.word_borders import align_to_words
from hugginggpt.experts.outputs import tables
from hugginggpt.experts.outputs import text as texts
from hugginggpt.hub.cache import Checkpoint

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WINDOW, _STRIDE = 384, 128
"""Tokens of question and text that a network sees at once, and overlap of two windows, in tokens (as in BERT's script)."""
_MAX_ANSWER_TOKENS: Final = 30
_MAX_ENDPOINTS: Final = 20  # most starts, and most ends, of each window that are combined
_MIN_SCORE: Final = 0.01
"""Probability below which an answer counts as none; about that of a guess among a hundred spans."""
_UNANSWERABLE_DATASETS: Final = ("squad2", "squad_v2", "squadv2", "squad-v2", "squad-2", "adversarial_qa")
"""Data sets with unanswerable questions, as ids and cards name them."""
_TOO_WIDE: Final = "The question and one row of the table are already more than the model can read."


@dataclass(frozen=True, slots=True)
class _TokenSpan:
    """Span of a text that may answer a question."""

    start: int
    """In characters; the end is exclusive."""
    end: int
    logit: float
    score: float
    """Probability within its own window, 0..1."""
    window: int = 0
    """Number of that window, from 0."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """Answers found in a text, over all its windows."""

    best: _TokenSpan | None
    """Likeliest span."""
    null: float | None
    """Lowest logit of "no answer"; None where the model has no token for it."""
    windows: Sequence[tuple[int, int]]
    """Start and end of each window, in characters."""


def answer_from_text(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run question-answering: the words of the text that answer, and their sentence.

    The likeliest span of at most 30 tokens, never from the question, over windows of 384 tokens that overlap by 128
    (Devlin et al., "BERT", NAACL 2019). A model that was trained on unanswerable questions may say that the answer is
    not in the text (Rajpurkar et al., "SQuAD 2.0", ACL 2018); an answer hardly better than a guess is dropped for any model.

    Returns:
        One text; ``data`` has answer, score (0..1), start and end (characters of the trimmed text, at borders of words),
        sentence; without an answer, answer and sentence are empty, and start and end None. Of a text that took several
        windows, ``data["windows"]`` has start and end of each, and ``data["window"]`` the answer's, which the note names.

    Raises:
        InputError: The text or the question is empty, or the question is longer than the model can read.
    """
    import torch

    (call,) = calls
    text, question = call.text(), call.text("question")

    def load(checkpoint: Checkpoint) -> tuple[Any, Any]:
        from transformers import AutoModelForQuestionAnswering, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(checkpoint.folder, **SAFE)
        model = AutoModelForQuestionAnswering.from_pretrained(
            checkpoint.folder, dtype=runtime.dtype, **select_weights(checkpoint)
        )
        return tokenizer, model.to(runtime.device.name).eval()

    with runtime.load_model("question answerer", load, call.token) as (tokenizer, model), torch.inference_mode():
        found = _read_windows(tokenizer, model, question, text, call)
    span, null = found.best, found.null
    refuses = _may_refuse(runtime.checkpoint) and null is not None and (span is None or null >= span.logit)
    if span is None or refuses or span.score < _MIN_SCORE:
        return [_name_windows(texts.build_no_answer_result(span.score if span else 0.0), found)]
    start, end = align_to_words(text, span.start, span.end)
    return [_name_windows(texts.build_answer_result(text, start, end, span.score), found, span)]


def _name_windows(result: Result, found: _Reading, span: _TokenSpan | None = None) -> Result:
    """Add to the result of a long text which windows were read, and which one the answer is from."""
    if len(found.windows) < 2:
        return result
    (output,) = result.outputs
    windows = [{"start": start, "end": end} for start, end in found.windows]
    note = f"The text was read to its end, in {len(windows)} windows that overlap"
    note += f"; the answer is from number {span.window + 1}." if span else "."
    number = {"window": span.window} if span else {}
    return replace(result, outputs=(replace(output, data={**output.data, "windows": windows, **number}),), note=note)


def _read_windows(tokenizer: Any, model: Any, question: str, text: str, call: Call) -> _Reading:
    """Read a text window by window."""
    window = min(compute_text_window(tokenizer, model.config) + tokenizer.num_special_tokens_to_add(), _WINDOW)
    question_length = len(tokenizer(question, verbose=False)["input_ids"]) + 2  # a pair has up to two special tokens more
    if question_length > window * 3 // 4:  # the text needs a quarter at least
        raise InputError("The question is longer than the model can read: put it more briefly.")
    windows = tokenizer(
        question, text, truncation="only_second", max_length=window, stride=min(_STRIDE, (window - question_length) // 2),
        return_overflowing_tokens=True, return_offsets_mapping=True,
    )  # fmt: skip
    spans: list[_TokenSpan] = []
    borders: list[tuple[int, int]] = []
    nulls: list[float] = []
    for number in range(len(windows["input_ids"])):
        call.token.check()
        if number:
            call.progress(f"Reading, part {number + 1} of {len(windows['input_ids'])}", number / len(windows["input_ids"]))
        inputs = {name: [windows[name][number]] for name in tokenizer.model_input_names if name in windows}
        outputs = model(**tokenizer.pad(inputs, return_tensors="pt").to(model.device))
        start, end = (logits[0].float().cpu().numpy() for logits in (outputs.start_logits, outputs.end_logits))
        inside = [i for i, part in enumerate(windows.sequence_ids(number)) if part == 1]
        offsets = windows["offset_mapping"][number]
        borders.append((offsets[inside[0]][0], offsets[inside[-1]][1]) if inside else (0, 0))
        if (span := _find_span(start, end, inside, offsets)) is not None:
            spans.append(replace(span, window=number))
        ids = windows["input_ids"][number]
        if tokenizer.cls_token_id in ids:  # models of SQuAD 2.0 point there for "no answer"
            null = ids.index(tokenizer.cls_token_id)
            nulls.append(float(start[null] + end[null]))
    best = max(spans, key=lambda span: span.logit, default=None)
    return _Reading(best, min(nulls, default=None), borders)  # as in SQuAD 2.0's script


def _find_span(
    start: NDArray[np.float32], end: NDArray[np.float32], inside: Sequence[int], offsets: Sequence[tuple[int, int]]
) -> _TokenSpan | None:
    """Return the likeliest span of one window.

    Args:
        start: Logits of the start, shape (tokens,).
        end: Logits of the end, shape (tokens,).
        inside: Indices of the text's tokens; the others are the question's.
        offsets: Start and end of each token, in characters.
    """
    import numpy as np

    tokens = np.array([i for i in inside if offsets[i][0] < offsets[i][1]], dtype=int)  # special tokens are empty
    if not tokens.size:
        return None
    exps = [np.exp(logits[tokens] - logits[tokens].max()) for logits in (start, end)]  # less the maximum, against overflow
    starts, ends = (probability / probability.sum() for probability in exps)
    pairs = [
        (i, j)
        for i in np.argsort(-starts)[:_MAX_ENDPOINTS].tolist()  # all pairs would be quadratic in the window
        for j in np.argsort(-ends)[:_MAX_ENDPOINTS].tolist()
        if i <= j < i + _MAX_ANSWER_TOKENS
    ]
    if not pairs:
        return None
    i, j = max(pairs, key=lambda pair: starts[pair[0]] * ends[pair[1]])
    first, last = int(tokens[i]), int(tokens[j])
    return _TokenSpan(offsets[first][0], offsets[last][1], float(start[first] + end[last]), float(starts[i] * ends[j]))


def _may_refuse(checkpoint: Checkpoint) -> bool:
    """Return whether a checkpoint was trained on questions that the text doesn't answer."""
    described = f"{checkpoint.id} {checkpoint.card.get('datasets', '')}".lower()
    return any(name in described for name in _UNANSWERABLE_DATASETS)


def answer_from_table(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run table-question-answering: the cells that answer, or their sum, average or number.

    TAPAS chooses cells and an aggregation: none, sum, average, count (Herzig et al., ACL 2020), which is computed here.
    TAPEX writes its answer (Liu et al., ICLR 2022). Of a table longer than the model's window the first rows are read, and
    the result's note says how many.

    Returns:
        One text; ``data`` has answer and, from TAPAS, aggregator (NONE, SUM, AVERAGE, COUNT), cells, and coordinates:
        pairs of row and column, both from 0, without the header.

    Raises:
        InputError: The question is empty, or the table has no rows or is too wide for the model.
    """
    (call,) = calls
    question, rows = call.text("question"), read_rows(call)
    if runtime.checkpoint.model_type == "tapas":
        return [_answer_with_tapas(call, runtime, question, rows)]
    return [_answer_with_tapex(call, runtime, question, rows)]


def _answer_with_tapas(call: Call, runtime: Runtime, question: str, rows: list[list[str]]) -> Result:
    import pandas as pd  # type: ignore[import-untyped]
    import torch

    def load(checkpoint: Checkpoint) -> tuple[Any, Any]:
        from transformers import AutoModelForTableQuestionAnswering, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(checkpoint.folder, **SAFE)
        auto = AutoModelForTableQuestionAnswering
        model = auto.from_pretrained(checkpoint.folder, dtype=runtime.dtype, **select_weights(checkpoint))
        tokenizer.model_max_length = min(tokenizer.model_max_length, model.config.max_position_embeddings)
        return tokenizer, model.to(runtime.device.name).eval()

    header, *body = rows
    with runtime.load_model("table answerer", load, call.token) as (tokenizer, model), torch.inference_mode():
        limits = model.config.type_vocab_sizes  # numbers of segment, column, row and other ids
        body = body[: min(limits[2], model.config.max_num_rows) - 1]  # id 0 is the header's
        if len(header) >= min(limits[1], model.config.max_num_columns):
            raise InputError(f"The table has {len(header)} columns, more than the model can read.")
        frame = pd.DataFrame(body, columns=header, dtype=object)  # TAPAS's tokenizer takes text alone
        try:
            inputs = tokenizer(frame, question, truncation="drop_rows_to_fit", padding="max_length", return_tensors="pt")
        except ValueError as error:
            raise InputError(_TOO_WIDE) from error
        if not (rows_read := int(inputs["token_type_ids"][0, :, 2].max())):  # rows count from 1, so 0 is the header alone
            raise InputError(_TOO_WIDE)
        call.token.check()
        outputs = model(**inputs.to(model.device))
        logits, choices = outputs.logits.float().cpu(), outputs.logits_aggregation
        inputs = {name: tensor.cpu() for name, tensor in inputs.items()}  # the tokenizer's decoding works in NumPy
        if choices is None:  # a model without aggregation
            ((cells,),) = tokenizer.convert_logits_to_predictions(inputs, logits)
            aggregator = "NONE"
        else:
            (cells,), (choice,) = tokenizer.convert_logits_to_predictions(inputs, logits, choices.float().cpu())
            aggregator = str((model.config.aggregation_labels or {}).get(choice, "NONE"))
    chosen = [(int(row), int(column)) for row, column in cells]
    values = [body[row][column] for row, column in chosen]
    return tables.build_cells_result(values, aggregator, chosen, _describe_cut(rows_read, len(rows) - 1))


def _answer_with_tapex(call: Call, runtime: Runtime, question: str, rows: list[list[str]]) -> Result:
    def load(checkpoint: Checkpoint) -> Writer:
        from transformers import BartTokenizer

        # transformers 5 has no TapexTokenizer; it was BART's, after a table written out in one line (see `line` below)
        tokenizer = BartTokenizer.from_pretrained(checkpoint.folder, **SAFE)
        return build_writer(checkpoint, runtime, "AutoModelForSeq2SeqLM", tokenizer)

    header, *body = rows
    with runtime.load_model("table writer", load, call.token) as writer:
        line = f"{question} col : {' | '.join(header)}".lower()  # lower case and this layout: as TAPEX was trained
        rows_read = 0
        for number, row in enumerate(body, 1):
            longer = f"{line} row {number} : {' | '.join(row)}".lower()  # quadratic, but the window ends it
            if len(writer.tokenizer(longer, add_special_tokens=False, verbose=False)["input_ids"]) > writer.max_input_tokens:
                break
            line, rows_read = longer, number
        if not rows_read:
            raise InputError(_TOO_WIDE)
        (answer,) = generate_texts(writer, [line], call, action="Answering", limit=lambda _: 64)
    return texts.build_text_result(answer, {"answer": answer}, _describe_cut(rows_read, len(body)))


def _describe_cut(rows_read: int, total: int) -> str:
    return "" if rows_read >= total else f"The model could read only the first {rows_read} of the table's {total} rows."
