"""Readers of input from the browser: what was typed, what was clicked, which message is meant."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import gradio as gr

from hugginggpt.core.resources import NAME_PATTERN, Resource
from hugginggpt.ui.chat import examples
from hugginggpt.ui.chat.retry_options import FETCH
from hugginggpt.ui.chat.view import EMPTY
from hugginggpt.ui.session.tab_session import TabSession

_MAX_DIGITS: Final = 6  # of a task's id


def read_box(value: dict[str, Any] | None) -> tuple[str, list[Path]]:
    """Return the words and the files of the box."""
    value = value or EMPTY
    return clean_text(value.get("text") or ""), [Path(str(file)) for file in value.get("files") or ()]


def clean_text(text: str) -> str:
    """Return a text without blanks around it, and without half surrogate pairs, which no server and no page takes."""
    return text.encode("utf-8", "replace").decode("utf-8").strip()


def take_file(tab: TabSession, path: Path) -> Resource:
    """Return a file as a resource; a file of the workspace is the resource that it belongs to."""
    workspace = tab.session.workspace
    known = next((resource for resource in workspace.resources if resource.path == path), None)  # undo put it back
    return known or workspace.add_file(path)


def find_named_resources(tab: TabSession, text: str, attached: Sequence[Resource]) -> list[Resource]:
    """Return the resources that a request names and that no earlier turn has: they are attached to the request."""
    known = {resource.name for turn in tab.session.turns for resource in turn.resources} | {r.name for r in attached}
    names = set(NAME_PATTERN.findall(text)) - known
    return [resource for resource in tab.session.workspace.resources if resource.name in names]


def read_example(chosen: gr.EventData) -> examples.Example | None:
    """Return the example that was clicked; None where the browser sends anything else."""
    index = chosen._data.get("index") if isinstance(chosen._data, dict) else None
    known = examples.load_examples()
    return known[index] if isinstance(index, int) and 0 <= index < len(known) else None  # negative ones count from the end


def read_model(option: Any) -> dict[int, str]:
    """Return the model of an option ("again 3 owner/name"), by its task."""
    _, _, rest = str(option).partition(" ")  # a client may send anything
    number, _, model = rest.partition(" ")
    return {int(number): model} if model and number.isascii() and number.isdigit() else {}  # int() refuses “²”


def read_fetched_task(option: Any) -> int | None:
    """Return the id of the task that an option wants a model fetched for ("fetch 3"); None for any other option."""
    name, _, number = str(option).partition(" ")
    return int(number) if name == FETCH and number.isascii() and number.isdigit() and len(number) < _MAX_DIGITS else None


def read_message_number(index: int | tuple[int, ...] | list[int]) -> int:
    """Return the message's number, whatever part of it was meant."""
    return index if isinstance(index, int) else int(index[0])
