"""Stop inside a forward pass, for models that have no ``generate`` to be stopped from."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from hugginggpt.experts.base import Call

if TYPE_CHECKING:
    import torch


def _nothing() -> None:
    return None


@contextmanager
def interruptible(model: torch.nn.Module, call: Call, *, at: Callable[[], None] = _nothing) -> Iterator[None]:
    """While this lasts, every pass through `model` and through each layer of its stacks looks at the call's token.

    Args:
        model: May be shared with other threads: only passes in this thread are looked at.
        call: Whose token is looked at; `StoppedError` comes out of the pass.
        at: Called whenever `model` itself is passed, to count steps.
    """
    import torch

    thread = threading.get_ident()

    def look(*_: Any) -> None:
        if threading.get_ident() == thread:
            call.token.check()

    def enter(*_: Any) -> None:
        if threading.get_ident() == thread:
            call.token.check()
            at()

    stacks = [module for module in model.modules() if isinstance(module, torch.nn.ModuleList)]
    with ExitStack() as hooks:
        hooks.callback(model.register_forward_pre_hook(enter).remove)
        for layer in {layer for stack in stacks for layer in stack}:
            hooks.callback(layer.register_forward_pre_hook(look).remove)
        yield
