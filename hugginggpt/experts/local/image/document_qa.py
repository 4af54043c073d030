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

_PAGE_SCALE: Final = 1000  # greatest coordinate on a page, whatever its size, for LayoutLM
_MAX_TOKENS: Final = 512
_MAX_ANSWER_TOKENS: Final = 30
_BATCH_SIZE: Final = 4  # pieces of a long page that go through the model together
_VISUAL_TYPES: Final = frozenset({"layoutlmv3"})
"""Model types that look at the page besides its words."""

WordBox = tuple[float, float, float, float]
"""left, top, right, bottom in pixels."""


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    box: WordBox


@dataclass(frozen=True, slots=True)
class _PageSpan:
    """Words that may be the answer: the indices of the first and the last, and a score, 0..1."""

    first: int
    last: int
    score: float


def point_at_answer(call: Call, runtime: Runtime) -> Result:
    """Find the words of the page that answer the question, with LayoutLM or LayoutLMv3.

    A page with more words than the model takes is read in pieces that overlap.

    Raises:
        InputError: There is no question, or no text in the picture.
        ExpertError: The words can't be read: rapidocr is missing.
    """
    import torch

    from hugginggpt.experts.bundled import ocr

    question, picture = call.text("text"), call.picture()
    call.progress("reading the words", None)  # by another model, which can't tell how far it is
    words = [word for row in ocr.read_text_rows(picture) for line in row for word in _split_words(line.text, line.box)]
    call.token.check()
    if not words:
        raise InputError("There is no text to read in this picture, so nothing in it answers the question.")
    is_visual = runtime.checkpoint.model_type in _VISUAL_TYPES
    load = make_loader(runtime, "AutoModelForDocumentQuestionAnswering", _load_processor_and_tokenizer)
    with runtime.load_model("document reader", load, call.token) as ((processor, tokenizer), model), torch.inference_mode():
        boxes = [_scale_box(word.box, picture) for word in words]
        pieces = _encode_pieces(tokenizer, model.config, question, [word.text for word in words], boxes, own_boxes=is_visual)
        pixels = processor(images=stretch_to_fit(picture), return_tensors="pt")["pixel_values"] if is_visual else None
        spans = list(_find_spans(call, model, pieces, pixels))
    best = max(spans, key=lambda span: span.score)
    found = words[best.first : best.last + 1]
    answer = " ".join(word.text for word in found)
    lefts, tops, rights, bottoms = zip(*(word.box for word in found), strict=True)
    box = [round(side, 1) for side in (min(lefts), min(tops), max(rights), max(bottoms))]
    data = {"answer": answer, "score": round(best.score, 4), "box": box}
    return Result((Output(Kind.TEXT, text=answer, data=data),), models=(ocr.MODEL, call.card.id))


def _load_processor_and_tokenizer(checkpoint: Checkpoint) -> tuple[Any, Any]:
    """Load a tokenizer, and an image processor where the model looks at the page."""
    from transformers import AutoImageProcessor, AutoTokenizer

    # apply_ocr: the words are known, and Tesseract, which would read them, need not be there
    is_visual = checkpoint.model_type in _VISUAL_TYPES
    processor = AutoImageProcessor.from_pretrained(checkpoint.folder, apply_ocr=False, **SAFE) if is_visual else None
    return processor, AutoTokenizer.from_pretrained(checkpoint.folder, **SAFE)


def write_answer(call: Call, runtime: Runtime) -> Result:
    """Look at the page and write the answer, with Donut (https://huggingface.co/docs/transformers/model_doc/donut).

    Raises:
        InputError: There is no question.
        ExpertError: It wrote nothing.
    """
    import torch

    question, picture = call.text("text"), stretch_to_fit(call.picture())
    load = make_loader(runtime, "VisionEncoderDecoderModel", "AutoProcessor")
    with runtime.load_model("document reader", load, call.token) as (processor, model), torch.inference_mode():
        tokenizer = processor.tokenizer
        max_length = model.config.decoder.max_position_embeddings
        question_ids = tokenizer(question, add_special_tokens=False, truncation=True, max_length=max_length // 2).input_ids
        start, end = (
            tokenizer(part, add_special_tokens=False).input_ids
            for part in ("<s_docvqa><s_question>", "</s_question><s_answer>")
        )
        prompt = torch.tensor([[*start, *question_ids, *end]], device=runtime.device.name)
        pixels = processor(images=picture, return_tensors="pt").to(runtime.device.name, runtime.dtype)
        ids = model.generate(
            **pixels,
            decoder_input_ids=prompt,
            max_new_tokens=max_length - prompt.shape[1],
            bad_words_ids=[[tokenizer.unk_token_id]],  # as in Donut's documentation
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            stopping_criteria=make_stopping_criteria([call]),
        )
        call.token.check()
        text = tokenizer.decode(ids[0, prompt.shape[1] :]).partition("</s_answer>")[0]  # special tokens stay: one ends it
        for special in (tokenizer.eos_token, tokenizer.pad_token):
            text = text.replace(special, "")
    return build_text_result(write_answer_text(re.sub(r"</?s_\w+>", " ", text).strip(), call))


def _split_words(text: str, box: WordBox) -> Iterator[_Word]:
    """Yield the words of a line, each with its share of the line's box by its number of characters."""
    left, top, right, bottom = box
    step = (right - left) / max(1, len(text))
    for match in re.finditer(r"\S+", text):
        yield _Word(match.group(), (left + match.start() * step, top, left + match.end() * step, bottom))


def _scale_box(box: WordBox, picture: Image.Image) -> list[int]:
    sizes = picture.size * 2  # for left and top, and again for right and bottom
    return [round(_PAGE_SCALE * min(max(side / size, 0.0), 1.0)) for side, size in zip(box, sizes, strict=True)]


@dataclass(frozen=True, slots=True)
class _Pieces:
    """A question with each piece of the page: the model's inputs, and the word of each token."""

    inputs: dict[str, torch.Tensor]
    """Shape (pieces, tokens) each; bbox (pieces, tokens, 4)."""
    word: torch.Tensor
    """Shape (pieces, tokens): the number of the page's word, -1 for what is none."""


def _encode_pieces(
    tokenizer: Any, config: Any, question: str, words: Sequence[str], scaled: Sequence[Sequence[int]], *, own_boxes: bool
) -> _Pieces:
    """Encode the question with each piece of the page.

    Args:
        tokenizer: The model's tokenizer.
        config: The model's configuration, which bounds a piece's length.
        question: Cut off where it takes more than half of a piece.
        words: The page's words.
        scaled: The box of each, in 0..1000.
        own_boxes: Whether the tokenizer takes the boxes, as LayoutLMv3's does, or they are put beside its tokens.
    """
    import torch

    # models that came from RoBERTa count positions from two
    max_tokens = min(_MAX_TOKENS, tokenizer.model_max_length, config.max_position_embeddings - 2 * own_boxes)
    tokenizer.backend_tokenizer.no_truncation()  # it keeps the settings of the last page
    encoded = tokenizer.backend_tokenizer.encode(question, add_special_tokens=False)
    if len(encoded.ids) > max_tokens // 2:
        question = question[: encoded.offsets[max_tokens // 2][0]]
    first_part = question if own_boxes else question.split()
    options = {"boxes": [list(place) for place in scaled]} if own_boxes else {"is_split_into_words": True}
    encoding = tokenizer(
        first_part, list(words), truncation="only_second", max_length=max_tokens, stride=max_tokens // 4, padding=True,
        return_overflowing_tokens=True, return_tensors="pt", **options,
    )  # fmt: skip
    count, length = encoding["input_ids"].shape
    numbers = torch.full((count, length), -1)
    boxes = torch.zeros((count, length, 4), dtype=torch.long)
    for i in range(count):
        for j, (part, word) in enumerate(zip(encoding.sequence_ids(i), encoding.word_ids(i), strict=True)):
            if part == 1:
                numbers[i, j] = word
                boxes[i, j] = torch.tensor(scaled[word])
            elif int(encoding["input_ids"][i, j]) == tokenizer.sep_token_id:
                boxes[i, j] = _PAGE_SCALE  # as LayoutLM's documentation has it
    inputs = {"bbox": boxes, **{name: encoding[name] for name in tokenizer.model_input_names if name in encoding}}
    return _Pieces(inputs, numbers)


def _find_spans(call: Call, model: Any, pieces: _Pieces, pixels: torch.Tensor | None) -> Iterator[_PageSpan]:
    """Yield the likeliest words of each piece: start times end, the end not before the start and not far behind it."""
    import torch

    device, dtype = model.device, model.dtype
    for start in range(0, len(pieces.word), _BATCH_SIZE):
        call.token.check()
        inputs = {name: value[start : start + _BATCH_SIZE].to(device) for name, value in pieces.inputs.items()}
        word = pieces.word[start : start + _BATCH_SIZE]
        if pixels is not None:
            inputs["pixel_values"] = pixels.to(device, dtype).expand(len(word), *pixels.shape[1:])
        outputs = model(**inputs)
        width = word.shape[1]  # LayoutLMv3 appends the picture's patches
        first, last = (
            logits.float().cpu()[:, :width].masked_fill(word < 0, -torch.inf).softmax(-1)  # only words answer
            for logits in (outputs.start_logits, outputs.end_logits)
        )
        scores = (first[:, :, None] * last[:, None, :]).triu().tril(_MAX_ANSWER_TOKENS - 1)  # quadratic in the window
        for piece, numbers in zip(scores, word, strict=True):
            score, position = piece.flatten().max(0)
            i, j = divmod(int(position), width)
            if int(numbers[i]) >= 0 and int(numbers[j]) >= 0:
                yield _PageSpan(int(numbers[i]), int(numbers[j]), float(score))
