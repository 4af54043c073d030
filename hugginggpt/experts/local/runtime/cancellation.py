"""Cancellation of a running model: inside a forward pass, or between the tokens of ``generate``."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from hugginggpt.experts.base import Call

if TYPE_CHECKING:
    import torch


@contextmanager
def make_interruptible(model: torch.nn.Module, call: Call, *, on_pass: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Check the call's token before every pass through `model` and through each layer of its module lists.

    Args:
        model: May be shared with other threads: only passes in this thread are checked.
        call: Owner of the token; `StoppedError` comes out of the pass.
        on_pass: Called at every pass through `model` itself, to count steps.
    """
    import torch

    thread = threading.get_ident()

    def check(*_: Any) -> None:  # called by torch with module and inputs
        if threading.get_ident() == thread:
            call.token.check()

    def check_and_count(*_: Any) -> None:
        if threading.get_ident() == thread:
            call.token.check()
            on_pass()

    module_lists = [module for module in model.modules() if isinstance(module, torch.nn.ModuleList)]
    with ExitStack() as hooks:  # removes the hooks again, also after an error
        hooks.callback(model.register_forward_pre_hook(check_and_count).remove)
        for layer in {layer for layers in module_lists for layer in layers}:  # a set, because lists may share layers
            hooks.callback(layer.register_forward_pre_hook(check).remove)
        yield


def make_stopping_criteria(calls: Sequence[Call]) -> Any:
    """Build the ``stopping_criteria`` of ``generate`` that end it once all of the calls are cancelled.

    ``generate`` then returns what it has so far, so check the calls' tokens after it.
    """
    import torch
    from transformers import StoppingCriteria, StoppingCriteriaList

    class AllCancelled(StoppingCriteria):
        def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **kwargs: Any) -> torch.Tensor:
            stop = all(call.token.cancelled for call in calls)  # one that still waits keeps the batch going
            return torch.full((input_ids.shape[0],), stop, dtype=torch.bool, device=input_ids.device)  # a flag per sequence

    return StoppingCriteriaList([AllCancelled()])
