"""The page's Blocks: calls that can't be served are refused in a sentence; Gradio itself says nothing of them."""

from __future__ import annotations

import logging
from typing import Any, Final

import gradio as gr
from gradio.exceptions import InvalidPathError

log = logging.getLogger(__name__)

_NOT_UPLOADED: Final = "A file in this call was not uploaded: upload it first, or give its URL as text."
_DELETED: Final = "The files of this conversation were deleted meanwhile: send the request again."
_MALFORMED: Final = "The values of this call are not what its endpoint takes: see /gradio_api/info for their number and kind."


class CheckedBlocks(gr.Blocks):
    """Blocks that answer malformed calls, and those whose files are gone, with a sentence."""

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], *args: Any, **kwargs: Any) -> Any:
        """Turn a call's values into a handler's arguments.

        Raises:
            gr.Error: They are not what the handler takes; what they are is not quoted.
        """
        try:
            return await super().preprocess_data(block_fn, inputs, *args, **kwargs)
        except gr.Error as error:
            error.print_exception = False  # the caller's fault: no traceback
            raise
        except Exception as error:  # the seam: whatever Gradio's components raise, it is about what a client has sent
            log.info("a malformed call was refused: %s", type(error).__name__)
            sentence = _NOT_UPLOADED if isinstance(error, InvalidPathError) else _MALFORMED
            raise gr.Error(sentence, print_exception=False) from None

    async def postprocess_data(self, *args: Any, **kwargs: Any) -> Any:
        """Turn what a handler returns into what is sent.

        Raises:
            gr.Error: A file in it was deleted after it was drawn: others needed the room, or the program ends.
        """
        try:
            return await super().postprocess_data(*args, **kwargs)
        except Exception as error:  # Gradio wraps what its components raise
            if not isinstance(error.__cause__ or error, InvalidPathError | FileNotFoundError):
                raise
            log.info("files were gone: %s", type(error).__name__)
            raise gr.Error(_DELETED, print_exception=False) from None
