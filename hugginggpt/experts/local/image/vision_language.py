"""Vision-language models: asked about a picture in a chat (https://huggingface.co/docs/transformers/tasks/image_text_to_text)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.errors import ExpertError
from hugginggpt.experts.base import Call
from hugginggpt.experts.local.image.processors import make_loader, stretch_to_fit
from hugginggpt.experts.local.runtime.cancellation import make_stopping_criteria
from hugginggpt.experts.local.runtime.runtime import SAFE, Runtime
from hugginggpt.experts.local.text.chat import end_at_sentence
from hugginggpt.experts.local.text.decoding import has_ended
from hugginggpt.experts.local.text.thoughts import drop_thoughts
from hugginggpt.hub.cache import Checkpoint

if TYPE_CHECKING:
    from PIL import Image

_PROCESSOR_CLASSES: Final[Mapping[str, str]] = {"smolvlm": "Idefics3Processor"}
"""Processors instead of the model type's own: SmolVLM's treats pictures alike, and needs num2words for videos."""


def ask(call: Call, runtime: Runtime, picture: Image.Image, question: str, *, tokens: int) -> str:
    """Ask a model about a picture, and return its answer.

    Args:
        call: Call that waits for the answer.
        runtime: A checkpoint with a chat template.
        picture: RGB.
        question: Text of the chat message, beside the picture.
        tokens: Most tokens of the answer.

    Raises:
        ExpertError: The answer is empty.
        StoppedError: The call was cancelled.
    """
    import torch

    content = [{"type": "image", "image": stretch_to_fit(picture)}, {"type": "text", "text": question}]
    chat = [{"role": "user", "content": content}]
    load = make_loader(runtime, "AutoModelForImageTextToText", _load_processor)
    with runtime.load_model("vision-language model", load, call.token) as (processor, model), torch.inference_mode():
        inputs = processor.apply_chat_template(
            chat, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
        ).to(runtime.device.name, runtime.dtype)
        # not sampled: the same answer each time, whatever the checkpoint's own settings say
        ids = model.generate(
            **inputs,
            max_new_tokens=tokens,
            do_sample=False,
            stopping_criteria=make_stopping_criteria([call]),
            tokenizer=processor.tokenizer,
        )
        call.token.check()
        written = ids[0, inputs["input_ids"].shape[1] :].tolist()  # the output repeats the prompt
        answer = drop_thoughts(processor.decode(written, skip_special_tokens=True))
    return write_answer_text(answer if has_ended(model, written, tokens) else end_at_sentence(answer), call)


def write_answer_text(text: str, call: Call) -> str:
    """Return a text that a model wrote, if there is any.

    Raises:
        ExpertError: It is empty.
    """
    if not text:
        raise ExpertError(f"{call.card.id} had nothing to say about this picture.")
    return text


def _load_processor(checkpoint: Checkpoint) -> Any:
    """Load a checkpoint's processor; one that reads videos too, without that part, which needs torchvision."""
    import transformers
    from transformers.models.auto import processing_auto

    names: Mapping[str, str] = vars(processing_auto)["PROCESSOR_MAPPING_NAMES"]  # AutoProcessor tells it only by loading it
    parts: dict[str, Any] = {"image_processor": transformers.AutoImageProcessor, "tokenizer": transformers.AutoTokenizer}
    kind = checkpoint.model_type
    class_: Any = getattr(transformers, _PROCESSOR_CLASSES.get(kind) or names.get(kind, "AutoProcessor"))
    if not hasattr(class_, "get_attributes") or class_.get_attributes() == [*parts]:
        return class_.from_pretrained(checkpoint.folder, **SAFE)
    image_class: Any = type(class_.__name__, (class_,), {"get_attributes": classmethod(lambda _: [*parts])})
    loaded = [part.from_pretrained(checkpoint.folder, **SAFE) for part in parts.values()]
    settings, _ = class_.get_processor_dict(checkpoint.folder, **SAFE)
    return image_class.from_args_and_dict(loaded, settings)
