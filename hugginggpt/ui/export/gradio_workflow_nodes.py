"""The Python functions behind a workflow's nodes: one for each task type, done by this program's own models.

``python -m hugginggpt.ui.export.gradio_workflow_nodes workflow.json`` opens a file that `gradio_workflow.workflow` has written.
"""

import asyncio
import inspect
import re
import secrets
import sys
import threading
import weakref
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote, unquote

from hugginggpt.agent.agent import HuggingGPT
from hugginggpt.agent.factory import make_agent
from hugginggpt.agent.run_plan import carry_out
from hugginggpt.core.errors import ExpertError, InputError, RequestError
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind, TaskType
from hugginggpt.ui.export.gradio_workflow import FILL_IN

T = TypeVar("T")
_SERVED: Final = "/gradio_api/file="


def make_functions(agent: HuggingGPT | None = None) -> dict[str, Callable[..., Any]]:
    """Return what is bound to a workflow: ``gr.Workflow("workflow.json", bind=functions())``.

    Each takes a task's arguments in the table's order, then a model's id or "", and gives what the task makes, in the
    table's order. Files come and go as the canvas has them.

    Args:
        agent: Does the tasks; by default one is made.
    """
    doer, loop = agent or make_agent(), _Loop()
    return {FILL_IN: _fill_in, **{name: _function(row, doer, loop) for name, row in doer.table.items()}}


class _Loop:
    """One event loop for all calls, in a thread of its own: device slots and warm models are shared by them."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        thread = threading.Thread(target=_serve, args=(self._loop,), name="workflow", daemon=True)
        thread.start()
        weakref.finalize(self, _end, self._loop, thread)

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Do some work there and wait for it; for any thread but its own."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


def _end(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    """Once no function is left that could ask for anything."""
    loop.call_soon_threadsafe(loop.stop)
    if threading.current_thread() is not thread:
        thread.join(timeout=5)


def _function(row: TaskType, agent: HuggingGPT, loop: _Loop) -> Callable[..., Any]:
    names = [wanted.name for wanted in row.inputs]

    def run(*values: Any) -> list[Any]:
        given = dict(zip([*names, "model"], values, strict=False))
        model = str(given.pop("model", None) or "")
        return loop.wait(_run(row, agent, given, model))

    run.__signature__ = _signature(*names, "model")  # type: ignore[attr-defined]
    run.__name__ = row.name.replace("-", "_")
    run.__doc__ = row.when
    return run


def _signature(*names: str) -> inspect.Signature:
    """Return what the canvas shows as a node's inputs."""
    return inspect.Signature([inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None) for n in names])


async def _run(row: TaskType, agent: HuggingGPT, given: Mapping[str, Any], model: str) -> list[Any]:
    """Do one task; what it makes is put where Gradio serves files."""
    from gradio.utils import get_upload_folder

    args: dict[str, str] = {}
    files: dict[str, str] = {}
    for number, wanted in enumerate(row.inputs, 1):
        if (value := given.get(wanted.name)) in (None, ""):
            continue
        if wanted.kind is Kind.TEXT:
            args[wanted.name] = str(value)
        else:
            address = _address(value, get_upload_folder())
            args[wanted.name] = address if "://" in address else f"{wanted.kind.value}-{number}"
            files |= {} if "://" in address else {args[wanted.name]: address}
    if missing := [wanted.name for wanted in row.required if wanted.name not in args]:
        raise InputError(f"{row.name} was given no {missing[0]}.")
    folder = Path(get_upload_folder()) / secrets.token_hex(16)
    task = {"task": row.name, "id": 0, "dep": [-1], "args": args}
    (step,) = await carry_out(agent, [task], row.when, files, {0: model} if model else {}, folder)
    if step.status != "done":
        raise ExpertError(step.error or f"{row.name} gave nothing.")
    return [_value(next((r for r in step.outputs if r.kind is kind), None)) for kind in row.outputs]


def _address(value: Any, uploads: str) -> str:
    """Return where a file is that the canvas gives: on the web, or among what was uploaded.

    Raises:
        RequestError: Anywhere else; whoever calls may write any path.
    """
    from gradio.utils import is_in_or_equal

    found = (value.get("path") or value.get("url") or "") if isinstance(value, Mapping) else str(value)
    if isinstance(found, str) and found.startswith(("http://", "https://")):
        return found
    path = unquote(found.removeprefix(_SERVED)) if str(found).startswith(_SERVED) else str(found)
    if not path or not is_in_or_equal(path, uploads):
        raise RequestError("This file is not one that was uploaded: add it again.")
    return path


def _value(resource: Resource | None) -> Any:
    """Return a result as the canvas takes it."""
    if resource is None:
        return None
    if resource.text is not None:
        return resource.text
    return {"path": str(resource.path), "url": f"{_SERVED}{quote(str(resource.path))}", "is_file": True}


def _fill_in(text: str, *results: object) -> str:
    """Put results into a text, in which {0} stands for the first, and {{ for a brace."""

    def meant(found: re.Match[str]) -> str:
        if found["number"] is None:
            return found[0][0]
        number = int(found["number"])
        return str(results[number]) if number < len(results) and results[number] is not None else ""

    return _GAP.sub(meant, text or "")


_GAP: Final = re.compile(r"\{\{|\}\}|\{(?P<number>\d)\}")


def main() -> None:
    """Open a workflow."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_file():
        sys.exit("Name one workflow file: python -m hugginggpt.ui.export.gradio_workflow_nodes workflow.json")
    import gradio as gr

    gr.Workflow(str(Path(sys.argv[1]).resolve()), bind=make_functions()).launch()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
