"""Answers that are taken from a text or a table word for word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.errors import InputError
from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.csv_tables import read_rows
from hugginggpt.experts.local.runtime.runtime import SAFE, SAFE_WEIGHTS, Runtime
from hugginggpt.experts.local.text.decoding import Writer, build_writer, generate_texts
from hugginggpt.experts.local.text.token_budget import compute_text_window
from hugginggpt.experts.outputs import tables
from hugginggpt.experts.outputs import text as texts
from hugginggpt.hub.cache import Checkpoint

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WINDOW, _STRIDE = 384, 128
"""Tokens of question and text that a network sees at once, and how many of them two windows share (as in BERT's script)."""
_LONGEST: Final = 30
"""The longest answer, in tokens."""
_CONSIDERED: Final = 20
"""Beginnings and ends of each window that are combined."""
_TINY: Final = 0.01
"""A probability below which an answer is no answer; about what guessing among a hundred spans gives."""
_UNANSWERABLE: Final = ("squad2", "squad_v2", "squadv2", "squad-v2", "squad-2", "adversarial_qa")
"""Data sets of questions without answers, as ids and cards name them."""
_TOO_WIDE: Final = "The question and one row of the table are already more than the model can read."


@dataclass(frozen=True, slots=True)
class _TokenSpan:
    """A place in a text that may answer a question."""

    start: int
    """In characters; the end stands behind the last one."""
    end: int
    logit: float
    score: float
    """Its probability in its own window, 0..1."""


def answer_from_text(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run question-answering: the words of the text that answer, and the sentence they stand in.

    The likeliest span of at most 30 tokens, never from the question, over windows of 384 tokens that overlap by 128
    (Devlin et al., "BERT", NAACL 2019). A model that was trained on unanswerable questions may say that the answer is
    not in the text (Rajpurkar et al., "SQuAD 2.0", ACL 2018); of any other, one that is hardly better than a guess is
    not given either.

    Returns:
        One text; ``data`` holds answer, score (0..1), start and end (characters of the trimmed text), sentence; answer
        and sentence are empty and the places None where there is no answer.

    Raises:
        InputError: The text or the question is empty, or the question is longer than the model can read.
    """
    import torch

    (call,) = calls
    text, question = call.text(), call.text("question")

    def load(checkpoint: Checkpoint) -> tuple[Any, Any]:
        from transformers import AutoModelForQuestionAnswering, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(checkpoint.folder, **SAFE)
        model = AutoModelForQuestionAnswering.from_pretrained(checkpoint.folder, dtype=runtime.dtype, **SAFE_WEIGHTS)
        return tokenizer, model.to(runtime.device.name).eval()

    with runtime.load_model("question answerer", load, call.token) as (tokenizer, model), torch.inference_mode():
        span, null = _best_span(tokenizer, model, question, text, call)
    refuses = _answers_not_always(runtime.checkpoint) and null is not None and (span is None or null >= span.logit)
    if span is None or refuses or span.score < _TINY:
        return [texts.build_no_answer_result(span.score if span else 0.0)]
    return [texts.build_answer_result(text, span.start, span.end, span.score)]


def _best_span(tokenizer: Any, model: Any, question: str, text: str, call: Call) -> tuple[_TokenSpan | None, float | None]:
    """Return the likeliest span over all windows, and the lowest logit of "no answer", where the model has a token for it."""
    most = min(compute_text_window(tokenizer, model.config) + tokenizer.num_special_tokens_to_add(), _WINDOW)
    asked = len(tokenizer(question, verbose=False)["input_ids"]) + 2
    if asked > most * 3 // 4:
        raise InputError("The question is longer than the model can read: put it more briefly.")
    windows = tokenizer(
        question, text, truncation="only_second", max_length=most, stride=min(_STRIDE, (most - asked) // 2),
        return_overflowing_tokens=True, return_offsets_mapping=True,
    )  # fmt: skip
    spans: list[_TokenSpan] = []
    nulls: list[float] = []
    for number in range(len(windows["input_ids"])):
        call.token.check()
        if number:
            call.progress(f"Reading, part {number + 1} of {len(windows['input_ids'])}", number / len(windows["input_ids"]))
        inputs = {name: [windows[name][number]] for name in tokenizer.model_input_names if name in windows}
        outputs = model(**tokenizer.pad(inputs, return_tensors="pt").to(model.device))
        start, end = (logits[0].float().cpu().numpy() for logits in (outputs.start_logits, outputs.end_logits))
        inside = [i for i, part in enumerate(windows.sequence_ids(number)) if part == 1]
        if (span := _span(start, end, inside, windows["offset_mapping"][number])) is not None:
            spans.append(span)
        ids = windows["input_ids"][number]
        if tokenizer.cls_token_id in ids:
            null = ids.index(tokenizer.cls_token_id)
            nulls.append(float(start[null] + end[null]))
    return max(spans, key=lambda span: span.logit, default=None), min(nulls, default=None)


def _span(
    start: NDArray[np.float32], end: NDArray[np.float32], inside: Sequence[int], offsets: Sequence[tuple[int, int]]
) -> _TokenSpan | None:
    """Return the likeliest span of one window.

    Args:
        start: Logits of the beginning, shape (tokens,).
        end: Logits of the end, likewise.
        inside: Which tokens are of the text.
        offsets: From where to where each token goes, in characters.
    """
    import numpy as np

    known = np.array([i for i in inside if offsets[i][0] < offsets[i][1]], dtype=int)
    if not known.size:
        return None
    chance = [np.exp(logits[known] - logits[known].max()) for logits in (start, end)]
    starts, ends = (probability / probability.sum() for probability in chance)
    pairs = [
        (i, j)
        for i in np.argsort(-starts)[:_CONSIDERED].tolist()
        for j in np.argsort(-ends)[:_CONSIDERED].tolist()
        if i <= j < i + _LONGEST
    ]
    if not pairs:
        return None
    i, j = max(pairs, key=lambda pair: starts[pair[0]] * ends[pair[1]])
    first, last = int(known[i]), int(known[j])
    return _TokenSpan(offsets[first][0], offsets[last][1], float(start[first] + end[last]), float(starts[i] * ends[j]))


def _answers_not_always(checkpoint: Checkpoint) -> bool:
    """Return whether it was trained on questions that its text doesn't answer."""
    named = f"{checkpoint.id} {checkpoint.card.get('datasets', '')}".lower()
    return any(name in named for name in _UNANSWERABLE)


def answer_from_table(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run table-question-answering: the cells that answer, or what they add up to.

    TAPAS chooses cells and what to do with them: nothing, sum, average, count (Herzig et al., ACL 2020); the sum is
    taken here. TAPEX writes its answer (Liu et al., ICLR 2022). Of a table that is longer than the model's window, the
    first rows are read, and the result's note says how many.

    Returns:
        One text; ``data`` holds answer and, of TAPAS, aggregator (NONE, SUM, AVERAGE, COUNT), cells, and coordinates:
        pairs of row and column, both from 0, the header left out.

    Raises:
        InputError: The question is empty, or the table has no rows or is too wide for the model.
    """
    (call,) = calls
    question, rows = call.text("question"), read_rows(call)
    if runtime.checkpoint.model_type == "tapas":
        return [_by_tapas(call, runtime, question, rows)]
    return [_by_tapex(call, runtime, question, rows)]


def _by_tapas(call: Call, runtime: Runtime, question: str, rows: list[list[str]]) -> Result:
    import pandas as pd  # type: ignore[import-untyped]
    import torch

    def load(checkpoint: Checkpoint) -> tuple[Any, Any]:
        from transformers import AutoModelForTableQuestionAnswering, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(checkpoint.folder, **SAFE)
        auto = AutoModelForTableQuestionAnswering
        model = auto.from_pretrained(checkpoint.folder, dtype=runtime.dtype, **SAFE_WEIGHTS)
        tokenizer.model_max_length = min(tokenizer.model_max_length, model.config.max_position_embeddings)
        return tokenizer, model.to(runtime.device.name).eval()

    header, *body = rows
    with runtime.load_model("table answerer", load, call.token) as (tokenizer, model), torch.inference_mode():
        limits = model.config.type_vocab_sizes  # of the segment, column, row and other ids
        body = body[: min(limits[2], model.config.max_num_rows) - 1]
        if len(header) >= min(limits[1], model.config.max_num_columns):
            raise InputError(f"The table has {len(header)} columns, more than the model can read.")
        frame = pd.DataFrame(body, columns=header, dtype=object)
        try:
            inputs = tokenizer(frame, question, truncation="drop_rows_to_fit", padding="max_length", return_tensors="pt")
        except ValueError as error:
            raise InputError(_TOO_WIDE) from error
        if not (read := int(inputs["token_type_ids"][0, :, 2].max())):  # rows are counted from one
            raise InputError(_TOO_WIDE)
        call.token.check()
        outputs = model(**inputs.to(model.device))
        logits, choices = outputs.logits.float().cpu(), outputs.logits_aggregation
        inputs = {name: tensor.cpu() for name, tensor in inputs.items()}
        if choices is None:  # a model of questions about cells alone
            ((cells,),) = tokenizer.convert_logits_to_predictions(inputs, logits)
            aggregator = "NONE"
        else:
            (cells,), (choice,) = tokenizer.convert_logits_to_predictions(inputs, logits, choices.float().cpu())
            aggregator = str((model.config.aggregation_labels or {}).get(choice, "NONE"))
    chosen = [(int(row), int(column)) for row, column in cells]
    values = [body[row][column] for row, column in chosen]
    return tables.build_cells_result(values, aggregator, chosen, _read_in_part(read, len(rows) - 1))


def _by_tapex(call: Call, runtime: Runtime, question: str, rows: list[list[str]]) -> Result:
    def load(checkpoint: Checkpoint) -> Writer:
        from transformers import BartTokenizer

        # its own tokenizer went with transformers 5; it is BART's, on a table that is written out in a line
        return build_writer(
            checkpoint, runtime, "AutoModelForSeq2SeqLM", BartTokenizer.from_pretrained(checkpoint.folder, **SAFE)
        )

    header, *body = rows
    with runtime.load_model("table writer", load, call.token) as writer:
        line = f"{question} col : {' | '.join(header)}".lower()
        read = 0
        for number, row in enumerate(body, 1):
            longer = f"{line} row {number} : {' | '.join(row)}".lower()
            if len(writer.tokenizer(longer, add_special_tokens=False, verbose=False)["input_ids"]) > writer.room:
                break
            line, read = longer, number
        if not read:
            raise InputError(_TOO_WIDE)
        (answer,) = generate_texts(writer, [line], call, doing="Answering", most=lambda _: 64)
    return texts.build_text_result(answer, {"answer": answer}, _read_in_part(read, len(body)))


def _read_in_part(read: int, total: int) -> str:
    return "" if read >= total else f"The model could read only the first {read} of the table's {total} rows."
