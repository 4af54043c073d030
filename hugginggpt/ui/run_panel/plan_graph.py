"""The plan as a picture: its tasks as boxes, in layers from top to bottom, over lines that say what passes along them.

The boxes are an ordered list, so that a screen reader tells the same plan task by task. Where things stand depends on
the plan alone: while it runs, only signs, colours and words change.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final
from urllib.parse import urlsplit

from hugginggpt.core.events import Step
from hugginggpt.core.plan import Argument, Reference, Task, split_references
from hugginggpt.core.resources import NAME_PATTERN
from hugginggpt.core.tasks import Kind, TaskInput, TaskTable, is_usable_as
from hugginggpt.core.trace import format_duration
from hugginggpt.ui.assets import load_style
from hugginggpt.ui.i18n import Words
from hugginggpt.ui.run_panel.graph_layout import EdgePath, Layout, NodePosition, NodeSize, lay_out
from hugginggpt.workspace.workspace import is_example

STYLE: Final = load_style("graph")
"""Style sheet that a page with a picture needs once."""

_ENGLISH: Final = Words()
_MAX_TASKS: Final = 40
_MAX_DRAWN_INPUTS: Final = 4  # files of one task that are drawn one by one
_WIDE, _NARROW, _NARROW_HIGH = (200, 48), (140, 48), (140, 62)
"""A task's width and height where it stands alone; where two stand side by side; and where their names take two lines."""
_MAX_ONE_LINE_CHARS: Final = 14
_MAX_NAME_CHARS: Final = 300
_INPUT_HEIGHT: Final = 24
_LABEL_WIDTH: Final = 46

_ICON_PATHS: Final[Mapping[str, str]] = {
    "pending": "M7 1.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 1 1 0-11",
    "running": "M7 1.5a5.5 5.5 0 1 1-5.5 5.5",
    "done": "M2 7.5l3.5 3.5l6.5-8",
    "failed": "M3 3l8 8M11 3l-8 8",
    "skipped": "M2.5 7h9",
}
"""Shapes of the states without their colours, in a square of 14."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A resource that passes from one box to another."""

    source: str
    target: str
    kind: Kind | None
    """None where a task only waits for another."""


@dataclass(frozen=True, slots=True)
class GraphInput:
    """A task's input from outside the plan: a file of the session, an example, an address; or what is left of many."""

    key: str
    label: str


def draw_plan(steps: Sequence[Step], table: TaskTable, words: Words = _ENGLISH) -> str:
    """Return the plan as HTML, for a column of 320 to 420 pixels; `STYLE` belongs to it.

    Args:
        steps: The tasks, as far as the plan is known, with what has become of them. The first 40 are drawn.
        table: Which kinds their arguments and results are.
        words: The visitor's language.
    """
    if not steps:
        return f'<p class="hgpt hgpt-plan empty">{escape(words("graph.empty"))}</p>'
    drawn = steps[:_MAX_TASKS]
    tasks = {step.task.id: step.task for step in drawn}
    graph_inputs, edges = _connect_tasks(tasks, table, words)
    pairs = tuple(dict.fromkeys((edge.source, edge.target) for edge in edges))
    layout = _lay_out_plan(tasks, graph_inputs, pairs)
    done = sum(step.status == "done" for step in steps)
    label = escape(words("graph.label", count=len(steps), done=done))
    named = {node.key: node.label for node in graph_inputs}
    files = "".join(_draw_input(node, layout) for node in graph_inputs)
    boxes = ""
    for step in drawn:
        inputs = [named[edge.source] for edge in edges if edge.target == _make_key(step.task.id) and edge.source in named]
        boxes += _draw_task(step, tasks, layout, inputs, words)
    hidden = len(steps) - len(drawn)
    more = f'<p class="more">{escape(words("graph.more", count=hidden))}</p>' if hidden else ""
    return (
        f'<div class="hgpt hgpt-plan" role="group" tabindex="0" aria-label="{label}">'
        f'<div class="canvas" style="width:{layout.width:.0f}px;height:{layout.height:.0f}px">'
        f"{_draw_lines(layout, edges, words)}"
        f'<div aria-hidden="true">{files}</div><ol role="list">{boxes}</ol></div>{more}</div>'
    )


def _lay_out_plan(tasks: Mapping[int, Task], graph_inputs: Sequence[GraphInput], pairs: tuple[tuple[str, str], ...]) -> Layout:
    """Return the layout of the plan; tasks are wider where no two stand side by side."""
    files = tuple(
        NodeSize(node.key, min(max(7 * len(node.label) + 20, 64), 140), _INPUT_HEIGHT, is_input=True) for node in graph_inputs
    )

    def with_size(size: tuple[int, int]) -> Layout:
        return lay_out((*files, *(NodeSize(_make_key(n), *size) for n in tasks)), pairs)

    wide = with_size(_WIDE)  # placed once, to see whether two tasks share a row
    if len({wide.positions[_make_key(n)].y for n in tasks}) == len(tasks):  # each in a row of its own
        return wide
    return with_size(_NARROW_HIGH if any(len(task.task) > _MAX_ONE_LINE_CHARS for task in tasks.values()) else _NARROW)


def _connect_tasks(
    tasks: Mapping[int, Task], table: TaskTable, words: Words
) -> tuple[tuple[GraphInput, ...], tuple[Edge, ...]]:
    """Return the boxes of the inputs from outside, and all edges, each once."""
    graph_inputs: dict[str, GraphInput] = {}
    edges: dict[Edge, None] = {}  # a set in order
    for task in tasks.values():
        row = table.get(task.task)
        inputs = {name: row.input(name) if row else None for name in task.args}
        target = _make_key(task.id)
        files = dict.fromkeys((name, wanted) for key, wanted in inputs.items() for name in _list_names(task.args[key], wanted))
        for name, wanted in list(files)[: _MAX_DRAWN_INPUTS if len(files) > _MAX_DRAWN_INPUTS + 1 else None]:
            node = graph_inputs.setdefault(name, GraphInput(f"file {name}", _shorten(name)))
            edges[Edge(node.key, target, wanted.kind if wanted else None)] = None
        if len(files) > _MAX_DRAWN_INPUTS + 1:  # a box for one more would save nothing
            rest = GraphInput(f"rest {task.id}", words("graph.more_given", count=len(files) - _MAX_DRAWN_INPUTS))
            graph_inputs[rest.key] = rest
            edges[Edge(rest.key, target, None)] = None
        passed = {reference.task_id for reference in task.references}  # a reference is a wait, too: no second line for it
        for key, wanted in inputs.items():
            for part in _split_parts(task.args[key]):
                if isinstance(part, Reference) and part.task_id in tasks:
                    edges[Edge(_make_key(part.task_id), target, _choose_kind(tasks[part.task_id], wanted, table))] = None
        edges |= {Edge(_make_key(n), target, None): None for n in task.dep if n in tasks and n not in passed}
    return tuple(graph_inputs.values()), tuple(edges)


def _split_parts(value: Argument) -> Iterator[str | Reference]:
    for text in (value,) if isinstance(value, str) else value:
        yield from split_references(text)


def _list_names(value: Argument, wanted: TaskInput | None) -> list[str]:
    """Return the resources that an argument names: all that is no reference, and of a text only what is no text itself."""
    if wanted is not None and wanted.kind is not Kind.TEXT:
        return [part.strip() for part in _split_parts(value) if isinstance(part, str) and part.strip(" ,")]
    parts = value.split(",") if isinstance(value, str) else value
    return [part.strip() for part in parts if _is_name(part.strip())]


def _is_name(text: str) -> bool:
    if len(text) > _MAX_NAME_CHARS or any(map(str.isspace, text)):  # words, not a name
        return False
    return bool(NAME_PATTERN.fullmatch(text)) or text.startswith(("http://", "https://")) or is_example(text)


def _choose_kind(source: Task, wanted: TaskInput | None, table: TaskTable) -> Kind | None:
    """Return the kind of a task's results that goes on to an argument."""
    row = table.get(source.task)
    if row is None or wanted is None:
        return None
    if wanted.kind in {*row.outputs, *row.optional_outputs}:
        return wanted.kind
    return next((kind for kind in row.outputs if is_usable_as(kind, wanted.kind)), None)


def _shorten(name: str) -> str:
    """Return a name, or of an address its last part, for a small box."""
    name = name[:_MAX_NAME_CHARS]  # a trace's may have any length
    if "://" not in name:
        return name
    try:
        parts = urlsplit(name)
    except ValueError:  # “http://[” and the like
        return name
    return parts.path.rstrip("/").rpartition("/")[2] or parts.netloc


def _make_key(task_id: int) -> str:
    return f"task {task_id}"


def _draw_lines(layout: Layout, edges: Sequence[Edge], words: Words) -> str:
    """Return the lines, labelled with the kinds that pass along them."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for edge in edges:
        if edge.kind is not None:
            kinds.setdefault((edge.source, edge.target), []).append(words(f"graph.kind_{edge.kind.value}"))
    labels: list[tuple[float, float, str]] = []
    for pair, named in kinds.items():
        x, y = layout.labels.get(pair, (0.0, -1.0))  # none: it closes a circle, and isn't drawn
        text = words("graph.comma").join(named)
        if y >= 0 and not any(text == t and y == b and abs(x - a) < _LABEL_WIDTH for a, b, t in labels):
            labels.append((x, y, text))
    lines = "".join(f'<path class="line" d="{_format_path(line)}"/>' for line in layout.lines)
    texts = "".join(f'<text class="kind" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>' for x, y, text in labels)
    size = f'width="{layout.width:.0f}" height="{layout.height:.0f}"'
    return f'<svg class="lines" aria-hidden="true" focusable="false" {size}>{lines}{texts}</svg>'


def _format_path(line: EdgePath) -> str:
    (x, y), (a, b) = line.start, line.end
    middle = (y + b) / 2  # so that the curve leaves and arrives straight down
    end = f"M{a - 3.5:.1f} {b - 5:.1f}L{a:.1f} {b:.1f}L{a + 3.5:.1f} {b - 5:.1f}" if line.arrives else f"V{line.through:.1f}"
    return f"M{x:.1f} {y:.1f}C{x:.1f} {middle:.1f} {a:.1f} {middle:.1f} {a:.1f} {b:.1f}{end}"


def _format_style(place: NodePosition) -> str:
    return f"left:{place.x:.1f}px;top:{place.y:.1f}px;width:{place.width:.0f}px;height:{place.height:.0f}px"


def _draw_input(node: GraphInput, layout: Layout) -> str:
    name = escape(node.label)
    return f'<div class="given" style="{_format_style(layout.positions[node.key])}" title="{name}"><span>{name}</span></div>'


def _draw_task(step: Step, tasks: Mapping[int, Task], layout: Layout, inputs: Sequence[str], words: Words) -> str:
    """Return one task; a screen reader gets a sentence of its own instead of the visible parts."""
    state = words(f"graph.state_{step.status}")
    model = step.model.id[:_MAX_NAME_CHARS] if step.model and step.status not in {"failed", "skipped"} else ""
    seconds = format_duration(step.seconds) if step.seconds and step.status in {"done", "failed"} else ""
    title = " · ".join(filter(None, (step.task.task, state, model)))
    style = _format_style(layout.positions[_make_key(step.task.id)])
    return (
        f'<li class="task {step.status}" style="{style}" title="{escape(title)}">'
        '<svg class="sign" viewBox="0 0 14 14" aria-hidden="true" focusable="false">'
        f'<path d="{_ICON_PATHS[step.status]}"/></svg>'
        f'<span class="name" aria-hidden="true">{escape(step.task.task)}</span>'
        f'<span class="about" aria-hidden="true"><span class="model">{escape(model.rpartition("/")[2] or state)}</span>'
        f'<span class="time">{seconds}</span></span>'
        f'<span class="hgpt-unseen">{escape(_describe(step, tasks, inputs, words))}</span></li>'
    )


def _describe(step: Step, tasks: Mapping[int, Task], files: Sequence[str], words: Words) -> str:
    """Return a sentence: state, model, time, and what the task is given and waits for."""
    comma = words("graph.comma")
    state = words(f"graph.state_{step.status}")
    parts = [words("graph.task", number=step.task.id, task=step.task.task, state=state)]
    if step.model and step.status != "skipped":
        parts.append(words("graph.model", model=step.model.id[:_MAX_NAME_CHARS]))
    if step.seconds:
        parts.append(format_duration(step.seconds))
    if files:
        parts.append(words("graph.takes", names=comma.join(files)))
    before = dict.fromkeys((*step.task.dep, *(reference.task_id for reference in step.task.references)))
    waits = [words("graph.waits_task", number=n, task=tasks[n].task) for n in before if n in tasks]
    if waits:
        parts.append(words("graph.waits", tasks=comma.join(waits)))
    return comma.join(parts) + words("graph.stop")
