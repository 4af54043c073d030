"""Questions about a page: models that point at words which another model reads, and models that read for themselves.

Source: https://huggingface.co/docs/transformers/tasks/document_question_answering.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.errors import InputError
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.local.image.processors import make_loader, stretch_to_fit
from hugginggpt.experts.local.image.vision_language import write_answer_text
from hugginggpt.experts.local.runtime.cancellation import make_stopping_criteria
from hugginggpt.experts.local.runtime.runtime import SAFE, Runtime
from hugginggpt.experts.outputs.text import build_text_result
from hugginggpt.hub.cache import Checkpoint

if TYPE_CHECKING:
    import torch
    from PIL import Image

_SCALE: Final = 1000
"""LayoutLM counts places on a page from 0 to this, whatever its size."""
_MOST_TOKENS: Final = 512
_LONGEST_ANSWER: Final = 30
"""In tokens."""
_AT_ONCE: Final = 4
"""Pieces of a long page that go through the model together."""
_SEES: Final = frozenset({"layoutlmv3"})
"""Model types that look at the page besides its words."""

WordBox = tuple[float, float, float, float]
"""left, top, right, bottom in pixels."""


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    box: WordBox


@dataclass(frozen=True, slots=True)
class _PageSpan:
    """Words that may be the answer: the first and the last, by number, and how likely they are."""

    first: int
    last: int
    score: float


def point_at_answer(call: Call, runtime: Runtime) -> Result:
    """LayoutLM and LayoutLMv3: the words of the page that answer the question.

    A page with more words than the model takes is read in pieces that overlap.

    Raises:
        InputError: There is no question, or no text in the picture.
        ExpertError: There is nothing that reads the words: rapidocr is missing.
    """
    import torch

    from hugginggpt.experts.bundled import ocr

    question, picture = call.text("text"), call.picture()
    call.progress("reading the words", None)
    words = [word for row in ocr.read_text_rows(picture) for line in row for word in _words(line.text, line.box)]
    call.token.check()
    if not words:
        raise InputError("There is no text to read in this picture, so nothing in it answers the question.")
    sees = runtime.checkpoint.model_type in _SEES
    load = make_loader(runtime, "AutoModelForDocumentQuestionAnswering", _preparation)
    with runtime.load_model("document reader", load, call.token) as ((processor, tokenizer), model), torch.inference_mode():
        places = [_place(word.box, picture) for word in words]
        pieces = _encoded(tokenizer, model.config, question, [word.text for word in words], places, own_boxes=sees)
        seen = processor(images=stretch_to_fit(picture), return_tensors="pt")["pixel_values"] if sees else None
        spans = list(_spans(call, model, pieces, seen))
    best = max(spans, key=lambda span: span.score)
    found = words[best.first : best.last + 1]
    answer = " ".join(word.text for word in found)
    lefts, tops, rights, bottoms = zip(*(word.box for word in found), strict=True)
    box = [round(side, 1) for side in (min(lefts), min(tops), max(rights), max(bottoms))]
    data = {"answer": answer, "score": round(best.score, 4), "box": box}
    return Result((Output(Kind.TEXT, text=answer, data=data),), models=(ocr.MODEL, call.card.id))


def _preparation(checkpoint: Checkpoint) -> tuple[Any, Any]:
    """Return an image processor, where the model sees, and a tokenizer."""
    from transformers import AutoImageProcessor, AutoTokenizer

    # apply_ocr: the words are known, and Tesseract, which would read them, need not be there
    sees = checkpoint.model_type in _SEES
    processor = AutoImageProcessor.from_pretrained(checkpoint.folder, apply_ocr=False, **SAFE) if sees else None
    return processor, AutoTokenizer.from_pretrained(checkpoint.folder, **SAFE)


def write_answer(call: Call, runtime: Runtime) -> Result:
    """Donut: looks at the page and writes the answer (https://huggingface.co/docs/transformers/model_doc/donut).

    Raises:
        InputError: There is no question.
        ExpertError: It wrote nothing.
    """
    import torch

    question, picture = call.text("text"), stretch_to_fit(call.picture())
    load = make_loader(runtime, "VisionEncoderDecoderModel", "AutoProcessor")
    with runtime.load_model("document reader", load, call.token) as (processor, model), torch.inference_mode():
        tokenizer = processor.tokenizer
        longest = model.config.decoder.max_position_embeddings
        asked = tokenizer(question, add_special_tokens=False, truncation=True, max_length=longest // 2).input_ids
        start, end = (
            tokenizer(part, add_special_tokens=False).input_ids
            for part in ("<s_docvqa><s_question>", "</s_question><s_answer>")
        )
        prompt = torch.tensor([[*start, *asked, *end]], device=runtime.device.name)
        pixels = processor(images=picture, return_tensors="pt").to(runtime.device.name, runtime.dtype)
        ids = model.generate(
            **pixels,
            decoder_input_ids=prompt,
            max_new_tokens=longest - prompt.shape[1],
            bad_words_ids=[[tokenizer.unk_token_id]],
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            stopping_criteria=make_stopping_criteria([call]),
        )
        call.token.check()
        text = tokenizer.decode(ids[0, prompt.shape[1] :]).partition("</s_answer>")[0]
        for special in (tokenizer.eos_token, tokenizer.pad_token):
            text = text.replace(special, "")
    return build_text_result(write_answer_text(re.sub(r"</?s_\w+>", " ", text).strip(), call))


def _words(text: str, box: WordBox) -> Iterator[_Word]:
    """Yield the words of a line, each with its share of the line's box by its number of characters."""
    left, top, right, bottom = box
    step = (right - left) / max(1, len(text))
    for match in re.finditer(r"\S+", text):
        yield _Word(match.group(), (left + match.start() * step, top, left + match.end() * step, bottom))


def _place(box: WordBox, picture: Image.Image) -> list[int]:
    sizes = picture.size * 2
    return [round(_SCALE * min(max(side / size, 0.0), 1.0)) for side, size in zip(box, sizes, strict=True)]


@dataclass(frozen=True, slots=True)
class _Pieces:
    """A question with one piece of the page each: what the model takes, and which word each token belongs to."""

    inputs: dict[str, torch.Tensor]
    """Shape (pieces, tokens) each; bbox (pieces, tokens, 4)."""
    word: torch.Tensor
    """Shape (pieces, tokens): the number of the page's word, -1 for what is none."""


def _encoded(
    tokenizer: Any, config: Any, question: str, words: Sequence[str], places: Sequence[Sequence[int]], *, own_boxes: bool
) -> _Pieces:
    """Return the question with the page's words.

    Args:
        tokenizer: The model's.
        config: Says how long a piece may be.
        question: Cut off where it takes more than half of a piece.
        words: The page's.
        places: Where each stands, 0 to 1000.
        own_boxes: Whether the tokenizer takes the places, as LayoutLMv3's does, or they are put beside its tokens.
    """
    import torch

    # models that came from RoBERTa count positions from two
    longest = min(_MOST_TOKENS, tokenizer.model_max_length, config.max_position_embeddings - 2 * own_boxes)
    tokenizer.backend_tokenizer.no_truncation()  # it keeps the settings of the last page
    counted = tokenizer.backend_tokenizer.encode(question, add_special_tokens=False)
    if len(counted.ids) > longest // 2:
        question = question[: counted.offsets[longest // 2][0]]
    asked = question if own_boxes else question.split()
    options = {"boxes": [list(place) for place in places]} if own_boxes else {"is_split_into_words": True}
    encoding = tokenizer(
        asked, list(words), truncation="only_second", max_length=longest, stride=longest // 4, padding=True,
        return_overflowing_tokens=True, return_tensors="pt", **options,
    )  # fmt: skip
    count, length = encoding["input_ids"].shape
    numbers = torch.full((count, length), -1)
    boxes = torch.zeros((count, length, 4), dtype=torch.long)
    for i in range(count):
        for j, (part, word) in enumerate(zip(encoding.sequence_ids(i), encoding.word_ids(i), strict=True)):
            if part == 1:
                numbers[i, j] = word
                boxes[i, j] = torch.tensor(places[word])
            elif int(encoding["input_ids"][i, j]) == tokenizer.sep_token_id:
                boxes[i, j] = _SCALE
    inputs = {"bbox": boxes, **{name: encoding[name] for name in tokenizer.model_input_names if name in encoding}}
    return _Pieces(inputs, numbers)


def _spans(call: Call, model: Any, pieces: _Pieces, seen: torch.Tensor | None) -> Iterator[_PageSpan]:
    """Yield the likeliest words of each piece: start times end, the end not before the start and not far behind it."""
    import torch

    device, dtype = model.device, model.dtype
    for start in range(0, len(pieces.word), _AT_ONCE):
        call.token.check()
        inputs = {name: value[start : start + _AT_ONCE].to(device) for name, value in pieces.inputs.items()}
        word = pieces.word[start : start + _AT_ONCE]
        if seen is not None:
            inputs["pixel_values"] = seen.to(device, dtype).expand(len(word), *seen.shape[1:])
        outputs = model(**inputs)
        width = word.shape[1]  # LayoutLMv3 appends the picture's patches
        first, last = (
            logits.float().cpu()[:, :width].masked_fill(word < 0, -torch.inf).softmax(-1)
            for logits in (outputs.start_logits, outputs.end_logits)
        )
        likely = (first[:, :, None] * last[:, None, :]).triu().tril(_LONGEST_ANSWER - 1)
        for piece, numbers in zip(likely, word, strict=True):
            score, place = piece.flatten().max(0)
            i, j = divmod(int(place), width)
            if int(numbers[i]) >= 0 and int(numbers[j]) >= 0:
                yield _PageSpan(int(numbers[i]), int(numbers[j]), float(score))
