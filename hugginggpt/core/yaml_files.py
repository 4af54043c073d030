"""Reading what people edit: YAML files whose mistakes are named with file, line and remedy."""

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from hugginggpt.core.settings import SettingsError

Shape = TypeVar("Shape")

_SHOWN: Final = 60
_LOADER: Final[type[Any]] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where PyYAML has it: these files are read before the page is up."""


class ConfigFileError(SettingsError):
    """A file of ``models_config/`` can't be used; the message names file, line and remedy."""


def read_yaml(path: Path, shape: type[Shape]) -> Shape:
    """Return a file's content as `shape` says it is: a pydantic model, or a list or mapping of such.

    Raises:
        ConfigFileError: It can't be read, is no YAML, or has something that `shape` doesn't allow.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigFileError(f"{path.name} can't be read: restore it, or correct its encoding to UTF-8.") from error
    root: yaml.Node | None = None
    try:
        root = yaml.compose(text, Loader=_LOADER)
        twice = _twice(root)
        content = _made(root)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        said = "here the file stops being YAML: look at the indentation, colons and quotes of this line and the one above."
        raise ConfigFileError(f"{path.name}, line {_line_of_fault(error, text, root)}: {said}") from error
    if twice:
        raise ConfigFileError(f"{path.name}, line {twice[1]}: “{twice[0]}” stands here for the second time: join the two.")
    try:
        return TypeAdapter(shape).validate_python(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigFileError(f"{path.name}, line {_line(root, first['loc'])}: {_remedy(first, shape)}") from error


def _made(root: yaml.Node | None) -> Any:
    """Return what the nodes of a file stand for: it isn't parsed a second time for that."""
    loader = _LOADER("")
    try:
        return None if root is None else loader.construct_document(root)
    finally:
        loader.dispose()


def _line_of_fault(error: Exception, text: str, root: yaml.Node | None) -> int:
    """Return where YAML stumbled, as far as it says so."""
    if mark := getattr(error, "problem_mark", None):
        return int(mark.line) + 1
    if isinstance(place := getattr(error, "position", None), int):  # of a sign that may not stand in YAML
        return text.count("\n", 0, place) + 1
    if isinstance(error, ValueError) and root is not None:  # a day that no month has, a number that is too long
        return next((node.start_mark.line + 1 for node in _scalars(root) if not _can_be_made(node)), 1)
    return 1


def _scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.SequenceNode):
        yield from (found for inner in node.value for found in _scalars(inner))
    elif isinstance(node, yaml.MappingNode):
        yield from (found for pair in node.value for inner in pair for found in _scalars(inner))


def _can_be_made(node: yaml.ScalarNode) -> bool:
    try:
        yaml.SafeLoader("").construct_object(node)
    except ValueError:
        return False
    return True


def find_line(path: Path, loc: Sequence[int | str]) -> int:
    """Return the line where a value stands in a file that has been read: by keys of mappings and places in lists."""
    return _line(yaml.compose(path.read_text(encoding="utf-8"), Loader=_LOADER), loc)


def _line(node: yaml.Node | None, loc: Sequence[int | str]) -> int:
    """Return the line where a value stands; that of the nearest thing around it where it is missing."""
    line = node.start_mark.line + 1 if node else 1
    for step in loc:
        inner = None
        if isinstance(node, yaml.MappingNode):
            inner = next((pair for pair in node.value if pair[0].value == str(step)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            inner = (node.value[step], node.value[step])
        if inner is None:
            break
        line, node = inner[0].start_mark.line + 1, inner[1]
    return line


def _twice(node: yaml.Node | None) -> tuple[str, int] | None:
    """Return a key that a mapping has twice, of which YAML would drop the first without a word; and its line."""
    if isinstance(node, yaml.SequenceNode):
        return next(filter(None, map(_twice, node.value)), None)
    if not isinstance(node, yaml.MappingNode):
        return None
    seen: set[str] = set()
    for key, value in node.value:
        if key.value in seen:
            return str(key.value), key.start_mark.line + 1
        seen.add(key.value)
        if found := _twice(value):
            return found
    return None


def _remedy(error: Any, shape: Any) -> str:
    """Return what is wrong and what would be right, as one sentence."""
    loc = [str(step) for step in error["loc"] if not isinstance(step, int) and step != "[key]"]
    if not loc:
        return "this is no list of tasks with their models: compare it with the file as it was."
    name, given = loc[-1], str(error["input"])[:_SHOWN]
    fields = _fields(shape)
    match error["type"]:
        case "extra_forbidden":
            near = difflib.get_close_matches(name, fields, n=1)
            return f"“{name}” is no field here: " + (f"write “{near[0]}”." if near else f"these are {', '.join(fields)}.")
        case "missing":
            return f"“{name}” is missing: add it."
        case "literal_error":
            return f"“{given}” can't be {name}: write {error['ctx']['expected']}."
        case "value_error":
            return f"{name}: {error['ctx']['error']}."
        case _:
            said = error["msg"][:1].lower() + error["msg"][1:]
            return f"“{given}” can't be {name}: {said}."


def _fields(shape: Any) -> list[str]:
    """Return the fields of the model inside lists and mappings."""
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        return list(shape.model_fields)
    return next((found for inner in reversed(getattr(shape, "__args__", ())) if (found := _fields(inner))), [])
