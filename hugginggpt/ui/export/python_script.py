"""A run's plan as a short Python script that a person can read, change and run."""

import pprint
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from hugginggpt.core.errors import RequestError
from hugginggpt.core.events import RequestStarted
from hugginggpt.core.plan import Task
from hugginggpt.core.recording import Recording
from hugginggpt.core.resources import NAME_PATTERN
from hugginggpt.core.tasks import Kind
from hugginggpt.ui.export.file_names import USUAL_SUFFIX, name_files
from hugginggpt.ui.export.queries import find_first, list_models, list_tasks

_WIDTH: Final = 110
_SEPARATORS: Final = re.compile(r"\s*,\s*")

_TEMPLATE: Final = Path(__file__).with_name("script_template.txt")


def build_script(recording: Recording) -> str:
    """Return the plan as a Python file, to be written as UTF-8: everything that came from people or models is a literal in it.

    Raises:
        RequestError: There is no plan.
    """
    tasks = list_tasks(recording.events)
    if not tasks:
        raise RequestError("This run has no plan that a script could run.")
    started = find_first(recording.events, RequestStarted)
    models = {task_id: model.id for task_id, model in list_models(recording.events).items()}
    values = {
        "REQUEST": started.request if started else "",
        "FILES": name_script_files(recording),
        "PLAN": [task.as_json() for task in tasks],
        "MODELS": {task.id: models[task.id] for task in tasks if task.id in models},
    }
    literals = "\n".join(f"{name} = {_format_literal(value)}" for name, value in values.items())
    return _TEMPLATE.read_text(encoding="utf-8").replace("{literals}", literals)  # not format(): no brace is special


def name_script_files(recording: Recording) -> Mapping[str, str]:
    """Return the file beside the script for each name in the plan, those of earlier requests among them."""
    started = find_first(recording.events, RequestStarted)
    attached = name_files(started.resources) if started else {}
    earlier = dict.fromkeys(name for name in _find_names(list_tasks(recording.events)) if name not in attached)
    return {**attached, **{name: f"{name}{USUAL_SUFFIX[Kind(name.partition('-')[0])]}" for name in earlier}}


def _find_names(tasks: Iterable[Task]) -> Iterable[str]:
    """Yield the resources that arguments name."""
    for task in tasks:
        for value in task.args.values():
            for part in _SEPARATORS.split(value) if isinstance(value, str) else value:
                if NAME_PATTERN.fullmatch(part.strip()):
                    yield part.strip()


def _format_literal(value: object) -> str:
    """Return a value as Python writes it; letters that can't be seen are escapes."""
    return pprint.pformat(value, width=_WIDTH, sort_dicts=False)  # repr: no text can end its literal
