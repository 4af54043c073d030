"""Pictures in words: captions, and answers to questions about photographs and documents.

Captioners and readers of one architecture each, and vision-language models for all three tasks. Sources:
https://huggingface.co/docs/transformers/tasks/image_captioning, .../visual_question_answering and
.../document_question_answering.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.local.image import document_qa
from hugginggpt.experts.local.image.processors import make_loader, stretch_to_fit
from hugginggpt.experts.local.image.vision_language import ask, write_answer_text
from hugginggpt.experts.local.runtime.cancellation import make_stopping_criteria
from hugginggpt.experts.local.runtime.runtime import SAFE, Runtime
from hugginggpt.experts.outputs.text import build_text_result
from hugginggpt.hub.cache import Checkpoint

_MAX_CAPTION_TOKENS: Final = 64
_MAX_LINE_TOKENS: Final = 128
_MAX_DESCRIPTION_TOKENS: Final = 384
_MAX_ANSWER_TOKENS: Final = 128
_DESCRIBE_PROMPT: Final = "Describe this picture in detail. If there is writing in it, quote it."
_DOCUMENT_PROMPT: Final = "{} Answer with the words or numbers that stand in the document, and nothing else."
_MAX_ANSWERS: Final = 5
_MIN_LINE_ASPECT: Final = 3  # width over height below which a picture hardly shows a single line


def describe(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run image-to-text: what a picture shows, or what is written in it, as the checkpoint was trained.

    Returns:
        One text: a sentence by a captioner, a line of writing by TrOCR, a description by a vision-language model. Of what
        was read, not described, ``data["lines"]`` holds the text.

    Raises:
        ExpertError: The model wrote nothing.
    """
    (call,) = calls
    return [_DESCRIBERS.get(runtime.checkpoint.model_type, _describe_in_chat)(call, runtime)]


def answer_about_picture(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run visual-question-answering: the answer to `text`.

    Returns:
        One text. With ViLT, which chooses among the answers that it was trained on, ``data["answers"]`` holds answer and
        score (0..1) of the five likeliest.

    Raises:
        InputError: There is no question.
        ExpertError: The model wrote nothing.
    """
    (call,) = calls
    return [_ANSWERERS.get(runtime.checkpoint.model_type, _answer_in_chat)(call, runtime)]


def answer_about_document(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run document-question-answering: the answer to `text`, from a page that is a picture.

    Returns:
        One text. With the LayoutLM family, which points at words that another model reads, ``data`` holds answer, score
        (0..1) and box ([left, top, right, bottom] in pixels), and the result names both models.

    Raises:
        InputError: There is no question, or nothing to read.
        ExpertError: The words can't be read because rapidocr is missing, or the model wrote nothing.
    """
    (call,) = calls
    return [_READERS.get(runtime.checkpoint.model_type, _answer_from_page_in_chat)(call, runtime)]


def _caption(call: Call, runtime: Runtime) -> Result:
    """Write a caption with BLIP, BLIP-2 or GIT, from nothing but the picture."""
    import torch

    picture = stretch_to_fit(call.picture())
    load = make_loader(runtime, "AutoModelForImageTextToText", "AutoProcessor")
    with runtime.load_model("captioner", load, call.token) as (processor, model), torch.inference_mode():
        pixels = processor.image_processor(images=picture, return_tensors="pt").to(runtime.device.name, runtime.dtype)
        ids = model.generate(**pixels, max_new_tokens=_MAX_CAPTION_TOKENS, stopping_criteria=make_stopping_criteria([call]))
        call.token.check()  # a stopped `generate` returns what it has so far
        return build_text_result(write_answer_text(processor.batch_decode(ids, skip_special_tokens=True)[0].strip(), call))


def _caption_or_read_line(call: Call, runtime: Runtime) -> Result:
    """Run a vision encoder with a text decoder: write a caption (ViT-GPT2), or read a line of writing (TrOCR)."""
    import torch

    picture = call.picture()
    # both have the type "vision-encoder-decoder": only the decoder tells a reader from a captioner
    reads_line = runtime.checkpoint.config.get("decoder", {}).get("model_type") == "trocr"
    load = make_loader(runtime, "AutoModelForImageTextToText", _load_processor_and_tokenizer)
    with runtime.load_model("encoder and decoder", load, call.token) as ((processor, tokenizer), model), torch.inference_mode():
        pixels = processor(images=stretch_to_fit(picture), return_tensors="pt").to(runtime.device.name, runtime.dtype)
        max_tokens = _MAX_LINE_TOKENS if reads_line else _MAX_CAPTION_TOKENS
        ids = model.generate(**pixels, max_new_tokens=max_tokens, stopping_criteria=make_stopping_criteria([call]))
        call.token.check()
        text = write_answer_text(tokenizer.batch_decode(ids, skip_special_tokens=True)[0].strip(), call)
    may_be_page = reads_line and picture.width < _MIN_LINE_ASPECT * picture.height
    return build_text_result(
        text,
        {"lines": [{"text": text}]} if reads_line else {},
        note="This model reads one line of writing: for a whole page choose another one." if may_be_page else "",
    )


def _load_processor_and_tokenizer(checkpoint: Checkpoint) -> tuple[Any, Any]:
    """Load an image processor and a tokenizer that no common processor joins."""
    from transformers import AutoImageProcessor, AutoTokenizer

    return (
        AutoImageProcessor.from_pretrained(checkpoint.folder, **SAFE),
        AutoTokenizer.from_pretrained(checkpoint.folder, **SAFE),
    )


def _describe_in_chat(call: Call, runtime: Runtime) -> Result:
    return build_text_result(ask(call, runtime, call.picture(), _DESCRIBE_PROMPT, tokens=_MAX_DESCRIPTION_TOKENS))


def _choose_answer(call: Call, runtime: Runtime) -> Result:
    """Choose among the few thousand answers that ViLT was trained on."""
    import torch

    question, picture = call.text("text"), stretch_to_fit(call.picture())
    load = make_loader(runtime, "AutoModelForVisualQuestionAnswering", "AutoProcessor")
    with runtime.load_model("answer chooser", load, call.token) as (processor, model), torch.inference_mode():
        max_length = model.config.max_position_embeddings
        inputs = processor(images=picture, text=question, truncation=True, max_length=max_length, return_tensors="pt")
        scores = model(**inputs.to(runtime.device.name, runtime.dtype)).logits.float()[0].sigmoid().cpu()  # not exclusive
        values, indices = scores.topk(min(_MAX_ANSWERS, len(scores)))
        labels = [model.config.id2label[i] for i in indices.tolist()]
    call.token.check()
    answers = [{"answer": label, "score": round(value, 4)} for label, value in zip(labels, values.tolist(), strict=True)]
    return Result((Output(Kind.TEXT, text=labels[0], data={"answers": answers}),))


def _write_answer(call: Call, runtime: Runtime) -> Result:
    """Write a short answer with BLIP."""
    import torch

    question, picture = call.text("text"), stretch_to_fit(call.picture())
    load = make_loader(runtime, "AutoModelForVisualQuestionAnswering", "AutoProcessor")
    with runtime.load_model("answer writer", load, call.token) as (processor, model), torch.inference_mode():
        max_length = model.config.text_config.max_position_embeddings  # the question's limit: the picture has its own encoder
        inputs = processor(images=picture, text=question, truncation=True, max_length=max_length, return_tensors="pt")
        inputs = inputs.to(runtime.device.name, runtime.dtype)
        ids = model.generate(**inputs, max_new_tokens=_MAX_CAPTION_TOKENS, stopping_criteria=make_stopping_criteria([call]))
        call.token.check()
        return build_text_result(write_answer_text(processor.batch_decode(ids, skip_special_tokens=True)[0].strip(), call))


def _answer_in_chat(call: Call, runtime: Runtime) -> Result:
    return build_text_result(ask(call, runtime, call.picture(), call.text("text"), tokens=_MAX_ANSWER_TOKENS))


def _answer_from_page_in_chat(call: Call, runtime: Runtime) -> Result:
    return build_text_result(
        ask(call, runtime, call.picture(), _DOCUMENT_PROMPT.format(call.text("text")), tokens=_MAX_ANSWER_TOKENS)
    )


_Function = Callable[[Call, Runtime], Result]

_DESCRIBERS: Final[Mapping[str, _Function]] = {
    "blip": _caption,
    "blip-2": _caption,
    "git": _caption,
    "vision-encoder-decoder": _caption_or_read_line,
}
"""Captioning functions by model type; other types are asked in a chat."""
_ANSWERERS: Final[Mapping[str, _Function]] = {"vilt": _choose_answer, "blip": _write_answer}
"""The same for questions about pictures."""
_READERS: Final[Mapping[str, _Function]] = {
    "layoutlm": document_qa.point_at_answer,
    "layoutlmv3": document_qa.point_at_answer,
    "vision-encoder-decoder": document_qa.write_answer,
}
"""The same for questions about documents."""
