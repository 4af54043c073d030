"""The library's client for inference, with what it lacks: answers in the shapes of pipelines, and tasks without a method.

Imported at the first call: the library's import takes long.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from huggingface_hub import AsyncInferenceClient
from huggingface_hub.inference._common import RequestParameters
from huggingface_hub.inference._providers.hf_inference import HFInferenceTask

from hugginggpt.experts.hosted.shapes.table import READERS, convert_body

_CHAT: Final = "conversational"
"""The library's name for chat completions, which all servers answer in one form."""


class PipelineClient(AsyncInferenceClient):
    """Client of one model at a provider, or at a dedicated endpoint, whose address is the model then."""

    async def _inner_post(self, request_parameters: RequestParameters, *, stream: bool = False) -> Any:
        """Return the body of an answer, in the form that the client's methods read."""
        body: Any = await super()._inner_post(request_parameters, stream=stream)
        if not self._may_be_pipeline or request_parameters.task == _CHAT or request_parameters.task not in READERS:
            return body
        sent = request_parameters.json
        return convert_body(request_parameters.task, sent.get("inputs") if isinstance(sent, dict) else None, body)

    @property
    def _may_be_pipeline(self) -> bool:
        at_endpoint = (self.model or "").startswith(("http://", "https://"))
        return self.provider == "hf-inference" or at_endpoint  # other providers have forms of their own

    async def run_pipeline(self, task: str, inputs: Any, parameters: Mapping[str, Any] | None = None) -> Any:
        """Ask an endpoint for a task as its default container takes it.

        Args:
            task: The Hub's name of it.
            inputs: A text, a picture in base64, or an object of both.
            parameters: Arguments of the pipeline's call.

        Returns:
            A JSON value in the form of the inference API, or the bytes of a file.
        """
        request = HFInferenceTask(task).prepare_request(
            inputs=inputs, parameters=dict(parameters or {}), headers=self.headers, model=self.model, api_key=self.token
        )
        sent = await super()._inner_post(request)
        body = convert_body(task, inputs, sent)
        return body if body[:1] not in b"[{" else json.loads(body)
