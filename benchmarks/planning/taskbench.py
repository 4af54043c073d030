"""Reads TaskBench's files (microsoft/JARVIS, folder taskbench; arXiv 2311.18760), and knows the figures published there.

JSON lines ``{"id", "user_request", "task_nodes": [{"task", "arguments": [...]}], "task_links": [{"source", "target"}],
"type"}``; in the Hub's dataset the fields are called ``instruction``, ``tool_nodes`` and ``tool_links``, and the lists
are JSON texts. Requests alone, without nodes, are read too.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from benchmarks.planning.items import BenchmarkError, Data, Edge, Graph, Item, Naming, Shape, normal
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind, load_task_table


@dataclass(frozen=True, slots=True)
class Published:
    """A model's figures on TaskBench's leaderboard, in percent."""

    model: str
    node_f1: float
    edge_f1: float


PUBLISHED: Final[Mapping[str, Sequence[Published]]] = {
    "huggingface": (
        Published("gpt-4", 81.5, 54.7),
        Published("gpt-3.5-turbo", 69.5, 33.4),
        Published("codellama-13b", 53.2, 14.6),
        Published("vicuna-7b", 42.9, 2.8),
    ),
    "multimedia": (
        Published("gpt-4", 90.9, 69.3),
        Published("gpt-3.5-turbo", 72.8, 44.0),
        Published("codellama-13b", 62.8, 24.6),
        Published("vicuna-7b", 46.1, 4.3),
    ),
}
"""By TaskBench's domain, from the tables of its README."""
BESIDE: Final = (
    "The models below “all” are TaskBench's own figures: its prompt, its tools by their names, and each task counted once a "
    "plan however often it occurs."
)

_SHAPES: Final = {"single": Shape.SINGLE, "node": Shape.SINGLE, "chain": Shape.CHAIN, "dag": Shape.GRAPH, "graph": Shape.GRAPH}
_SUFFIXES: Final = {
    Kind.IMAGE: "jpg jpeg png gif bmp tiff tif webp",
    Kind.AUDIO: "wav mp3 flac ogg m4a aac wma aiff",
    Kind.VIDEO: "mp4 avi mov mkv webm flv wmv m4v mpg mpeg",
    Kind.TABLE: "csv tsv xlsx xls",
    Kind.TEXT: "txt md pdf doc docx html",
}
_KINDS: Final = {suffix: kind for kind, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
_URL: Final = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_FILE: Final = re.compile(rf"(?<![\w./-])[\w-]+(?:\.[\w-]+)*\.(?P<suffix>{'|'.join(_KINDS)})(?![\w-])", re.IGNORECASE)
_NODE: Final = re.compile(r"<node-(\d{1,4})>")


def read_taskbench(path: Path) -> Data:
    """All requests of a file.

    Raises:
        BenchmarkError: It is not in that form.
    """
    unknown: Counter[str] = Counter()
    items: list[Item] = []
    ids: Counter[str] = Counter()
    for number, row in _rows(path):
        try:
            item = _item(row, unknown, str(number))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BenchmarkError(f"{path.name}, line {number}: that is no request of TaskBench's.") from error
        ids[item.id] += 1
        items.append(item if ids[item.id] == 1 else replace(item, id=f"{item.id}#{ids[item.id]}"))
    return Data(path.name, "taskbench", tuple(items), unknown)


def _rows(path: Path) -> Iterator[tuple[int, Any]]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    yield number, json.loads(line)
                except ValueError:
                    raise BenchmarkError(f"{path.name}, line {number}: that is not JSON.") from None


def _item(row: Mapping[str, Any], unknown: Counter[str], number: str) -> Item:
    row = {**row, **_decoded(row.get("result"), {})}  # what TaskBench keeps of a model's own plans lies one level deeper
    request = str(row["user_request"] if "user_request" in row else row["instruction"])
    item = Item(str(row.get("id", number)), request, tuple(mentioned(request)))
    nodes = _decoded(row.get("task_nodes", row.get("tool_nodes")), None)
    if nodes is None:
        return item
    graph = _graph(nodes, _decoded(row.get("task_links", row.get("tool_links")), []), item.attached, unknown)
    return replace(item, right=(graph,), shape=_SHAPES.get(str(row.get("type")), graph.shape))


def _decoded(value: Any, missing: Any) -> Any:
    return missing if value is None else json.loads(value) if isinstance(value, str) else value


def mentioned(request: str) -> Iterator[Resource]:
    """A resource for each file that a request names, an address's file apart: TaskBench's requests come with none.

    >>> [resource.description for resource in mentioned("Put example.wav on 'example.mp4' as on http://a.b/c.mp4")]
    ['audio-1: audio “example.wav”', 'video-1: video “example.mp4”']
    """
    naming, seen = Naming(), set()
    for match in _FILE.finditer(_URL.sub(" ", request)):
        if match[0].lower() not in seen:
            seen.add(match[0].lower())
            yield naming.resource(_KINDS[match["suffix"].lower()], Origin("upload", match[0]))


def _graph(nodes: Sequence[Mapping[str, Any]], links: Sequence[Any], files: Sequence[Resource], unknown: Counter[str]) -> Graph:
    tools = [str(node["task"]) for node in nodes]
    tasks = [_task(tool) for tool in tools]
    unknown.update(tool for tool in tools if load_task_table().recognise(tool) is None)
    # links without two names are left out, as by TaskBench's own script
    pairs = [(link.get("source"), link.get("target")) for link in links if isinstance(link, Mapping)]
    edges: list[Edge] = [(_task(a), _task(b)) for a, b in pairs if isinstance(a, str) and isinstance(b, str)]
    values = [(number, value) for number, node in enumerate(nodes) for value in _values(node.get("arguments"))]
    if not edges:
        edges = [
            (tasks[source], tasks[number])
            for number, value in values
            for source in map(int, _NODE.findall(value))
            if source < len(tasks) and source != number
        ]
    arguments = tuple((tasks[number], "", normal(_with_tasks(value, tasks), files)) for number, value in values)
    return Graph(tuple(tasks), tuple(edges), arguments)


def _task(tool: str) -> str:
    """Our task that does what a tool does; where none does, the tool keeps its name, and no plan can meet it."""
    return load_task_table().recognise(tool) or tool


def _values(arguments: Any) -> Iterator[str]:
    """The values of a node's arguments, however they are wrapped: a list, one by itself, {"name", "value"}."""
    if isinstance(arguments, Mapping):
        yield from _values(arguments["value"] if "value" in arguments else list(arguments.values())[:1])
    elif isinstance(arguments, list):
        for argument in arguments:
            yield from _values(argument)
    elif arguments not in (None, ""):
        yield str(arguments)


def _with_tasks(value: str, tasks: Sequence[str]) -> str:
    """A value whose references name tasks: TaskBench writes <node-0> for the result of the first."""
    return _NODE.sub(lambda match: f"<{tasks[int(match[1])]}>" if int(match[1]) < len(tasks) else match[0], value)
