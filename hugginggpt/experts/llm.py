"""The expert that runs text tasks on the session's own language model, as the original HuggingGPT does."""

import functools
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

import yaml

from hugginggpt.core.errors import ControllerError, ExpertError
from hugginggpt.core.model_card import ModelCard
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.llm.client import LanguageModel

_INSTRUCTIONS_PATH: Final = Path(__file__).with_name("llm.yaml")
_MAX_TABLE_CHARS: Final = 20_000


@functools.cache
def load_instructions() -> Mapping[str, str]:
    """Return the system prompt of each task, by task; placeholders such as {language} name arguments."""
    found: dict[str, str] = yaml.safe_load(_INSTRUCTIONS_PATH.read_text(encoding="utf-8"))
    return found


class TextWorkExpert:
    """Runs text tasks on a language model."""

    backend = "controller"

    def __init__(self, model: LanguageModel) -> None:
        """Wrap the session's language model."""
        self._model = model

    def cards(self, tasks: Collection[str] | None = None) -> Sequence[ModelCard]:
        """Return one card for each task in ``llm.yaml``."""
        description = "The language model that also plans: writes well, in any language, slower than a small model."
        return [ModelCard(self._model.model, task, self.backend, description) for task in load_instructions()]

    async def run(self, call: Call) -> Result:
        """Ask the model once.

        Raises:
            InputError: A text is empty.
            ExpertError: The server failed.
        """
        texts = {name: call.text(name) for name, value in call.inputs.items() if isinstance(value, str)}
        for name, value in call.inputs.items():
            if isinstance(value, Resource) and value.path is not None:
                table = value.path.read_text(encoding="utf-8-sig")  # spreadsheets write a byte-order mark
                texts[name] = table[:_MAX_TABLE_CHARS]
        instruction = load_instructions()[call.card.task].format_map({"language": "English", "instruction": ""} | texts)
        material = "\n\n".join(f"{name}:\n{text}" for name, text in texts.items() if name not in {"language", "instruction"})
        messages = [
            {"role": "system", "content": instruction + " Reply with the result alone, without comment."},
            {"role": "user", "content": material},
        ]
        try:
            reply, usage = await self._model.complete(messages, "work")
        except ControllerError as error:  # an ExpertError lets the scheduler try another model
            raise ExpertError(str(error)) from error
        return Result((Output(Kind.TEXT, text=reply.strip()),), usage=usage)
