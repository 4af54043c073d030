"""The Python functions behind a workflow's nodes: one for each task type, done by this program's own models.

``python -m hugginggpt.ui.export.gradio_workflow_nodes workflow.json`` opens a file of `gradio_workflow.build_workflow`.
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
from hugginggpt.agent.run_plan import run_plan_with_agent
from hugginggpt.core.errors import ExpertError, InputError, RequestError
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind, TaskType
from hugginggpt.ui.export.gradio_workflow import FILL_IN

T = TypeVar("T")
_SERVED: Final = "/gradio_api/file="


def make_functions(agent: HuggingGPT | None = None) -> dict[str, Callable[..., Any]]:
    """Return the functions to bind to a workflow: ``gr.Workflow("workflow.json", bind=make_functions())``.

    Each takes a task's arguments in the table's order, then a model's id or "", and gives what the task makes, in the
    table's order. Files come and go as the canvas has them.

    Args:
        agent: Does the tasks; by default one is made.
    """
    agent, loop = agent or make_agent(), _BackgroundLoop()
    return {FILL_IN: _fill_in, **{name: _make_function(row, agent, loop) for name, row in agent.table.items()}}


class _BackgroundLoop:
    """One event loop for all calls, in a thread of its own: device slots and warm models are shared by them."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        thread = threading.Thread(target=_run_loop, args=(self._loop,), name="workflow", daemon=True)
        thread.start()
        weakref.finalize(self, _stop_loop, self._loop, thread)  # a bound method would keep self alive

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop and wait for its result; to be called from any thread but the loop's."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


def _stop_loop(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    """Stop the loop, once no function is left that could ask for anything."""
    loop.call_soon_threadsafe(loop.stop)
    if threading.current_thread() is not thread:  # the last reference may go in the loop itself
        thread.join(timeout=5)


def _make_function(row: TaskType, agent: HuggingGPT, loop: _BackgroundLoop) -> Callable[..., Any]:
    names = [task_input.name for task_input in row.inputs]

    def run(*values: Any) -> list[Any]:
        arguments = dict(zip([*names, "model"], values, strict=False))
        model = str(arguments.pop("model", None) or "")
        return loop.wait(_run(row, agent, arguments, model))

    run.__signature__ = _make_signature(*names, "model")  # type: ignore[attr-defined]
    run.__name__ = row.name.replace("-", "_")
    run.__doc__ = row.when
    return run


def _make_signature(*names: str) -> inspect.Signature:
    """Return the signature from which the canvas reads a node's inputs."""
    return inspect.Signature([inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None) for n in names])


async def _run(row: TaskType, agent: HuggingGPT, arguments: Mapping[str, Any], model: str) -> list[Any]:
    """Run one task; its outputs are written where Gradio serves files."""
    from gradio.utils import get_upload_folder

    args: dict[str, str] = {}
    files: dict[str, str] = {}
    for number, task_input in enumerate(row.inputs, 1):
        if (value := arguments.get(task_input.name)) in (None, ""):
            continue
        if task_input.kind is Kind.TEXT:
            args[task_input.name] = str(value)
        else:
            address = _locate_file(value, get_upload_folder())
            args[task_input.name] = address if "://" in address else f"{task_input.kind.value}-{number}"
            files |= {} if "://" in address else {args[task_input.name]: address}  # a URL is fetched where it is used
    if missing := [task_input.name for task_input in row.required if task_input.name not in args]:
        raise InputError(f"{row.name} was given no {missing[0]}.")
    folder = Path(get_upload_folder()) / secrets.token_hex(16)  # served to whoever knows its name
    task = {"task": row.name, "id": 0, "dep": [-1], "args": args}
    (step,) = await run_plan_with_agent(agent, [task], row.when, files, {0: model} if model else {}, folder)
    if step.status != "done":
        raise ExpertError(step.error or f"{row.name} gave nothing.")
    return [_to_canvas(next((r for r in step.outputs if r.kind is kind), None)) for kind in row.outputs]


def _locate_file(value: Any, uploads: str) -> str:
    """Return the URL or the upload's path of a file that the canvas hands over.

    Raises:
        RequestError: It is neither; a caller may write any path.
    """
    from gradio.utils import is_in_or_equal

    found = (value.get("path") or value.get("url") or "") if isinstance(value, Mapping) else str(value)
    if isinstance(found, str) and found.startswith(("http://", "https://")):
        return found
    path = unquote(found.removeprefix(_SERVED)) if str(found).startswith(_SERVED) else str(found)
    if not path or not is_in_or_equal(path, uploads):
        raise RequestError("This file is not one that was uploaded: add it again.")
    return path


def _to_canvas(resource: Resource | None) -> Any:
    """Return a result as the canvas takes it."""
    if resource is None:
        return None
    if resource.text is not None:
        return resource.text
    return {"path": str(resource.path), "url": f"{_SERVED}{quote(str(resource.path))}", "is_file": True}


def _fill_in(text: str, *results: object) -> str:
    """Put results into a text, in which {0} stands for the first, and {{ for a brace."""

    def replace_gap(found: re.Match[str]) -> str:
        if found["number"] is None:
            return found[0][0]
        number = int(found["number"])
        return str(results[number]) if number < len(results) and results[number] is not None else ""

    return _GAP.sub(replace_gap, text or "")  # one pass: braces of results stay


_GAP: Final = re.compile(r"\{\{|\}\}|\{(?P<number>\d)\}")


def main() -> None:
    """Open the workflow file that the command line names."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_file():
        sys.exit("Name one workflow file: python -m hugginggpt.ui.export.gradio_workflow_nodes workflow.json")
    import gradio as gr  # takes seconds, so after the check

    gr.Workflow(str(Path(sys.argv[1]).resolve()), bind=make_functions()).launch()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
