"""Reading of YAML files that people edit: each mistake is named with file, line and remedy."""

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from hugginggpt.core.settings import SettingsError

Shape = TypeVar("Shape")

_MAX_SHOWN_CHARS: Final = 60
_LOADER: Final[type[Any]] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where PyYAML has it: these files are read before the page is up."""


class ConfigFileError(SettingsError):
    """A file of ``models_config/`` can't be used; the message names file, line and remedy."""


def read_yaml(path: Path, shape: type[Shape]) -> Shape:
    """Read a file, and validate its content against `shape`: a pydantic model, or a list or mapping of such.

    Raises:
        ConfigFileError: It can't be read, is no YAML, or has something that `shape` doesn't allow.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigFileError(f"{path.name} can't be read: restore it, or correct its encoding to UTF-8.") from error
    root: yaml.Node | None = None
    try:
        root = yaml.compose(text, Loader=_LOADER)  # nodes know their lines, values don't
        repeat = _find_duplicate_key(root)
        content = _construct(root)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # nested too deep, or a date that no calendar has
        message = "here the file stops being YAML: look at the indentation, colons and quotes of this line and the one above."
        raise ConfigFileError(f"{path.name}, line {_find_fault_line(error, text, root)}: {message}") from error
    if repeat:
        raise ConfigFileError(f"{path.name}, line {repeat[1]}: “{repeat[0]}” stands here for the second time: join the two.")
    try:
        return TypeAdapter(shape).validate_python(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigFileError(f"{path.name}, line {_find_line(root, first['loc'])}: {_explain(first, shape)}") from error


def _construct(root: yaml.Node | None) -> Any:
    """Build the values of nodes that are parsed already, so that the file isn't parsed twice."""
    loader = _LOADER("")
    try:
        return None if root is None else loader.construct_document(root)
    finally:
        loader.dispose()


def _find_fault_line(error: Exception, text: str, root: yaml.Node | None) -> int:
    """Return the line at which parsing failed, as far as the error tells."""
    if mark := getattr(error, "problem_mark", None):
        return int(mark.line) + 1
    if isinstance(place := getattr(error, "position", None), int):  # of a sign that may not stand in YAML
        return text.count("\n", 0, place) + 1
    if isinstance(error, ValueError) and root is not None:  # a day that no month has, a number that is too long
        return next((node.start_mark.line + 1 for node in _iterate_scalars(root) if not _is_constructible(node)), 1)
    return 1


def _iterate_scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.SequenceNode):
        yield from (found for inner in node.value for found in _iterate_scalars(inner))
    elif isinstance(node, yaml.MappingNode):
        yield from (found for pair in node.value for inner in pair for found in _iterate_scalars(inner))


def _is_constructible(node: yaml.ScalarNode) -> bool:
    try:
        yaml.SafeLoader("").construct_object(node)
    except ValueError:
        return False
    return True


def find_line(path: Path, loc: Sequence[int | str]) -> int:
    """Return the line where a value stands in a file that has been read: by keys of mappings and places in lists."""
    return _find_line(yaml.compose(path.read_text(encoding="utf-8"), Loader=_LOADER), loc)


def _find_line(node: yaml.Node | None, loc: Sequence[int | str]) -> int:
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


def _find_duplicate_key(node: yaml.Node | None) -> tuple[str, int] | None:
    """Return a key that a mapping has twice, of which YAML would silently drop the first, and its line."""
    if isinstance(node, yaml.SequenceNode):
        return next(filter(None, map(_find_duplicate_key, node.value)), None)
    if not isinstance(node, yaml.MappingNode):
        return None
    seen: set[str] = set()
    for key, value in node.value:
        if key.value in seen:
            return str(key.value), key.start_mark.line + 1
        seen.add(key.value)
        if found := _find_duplicate_key(value):
            return found
    return None


def _explain(error: Any, shape: Any) -> str:
    """Explain a validation error in one sentence, with the remedy."""
    loc = [str(step) for step in error["loc"] if not isinstance(step, int) and step != "[key]"]
    if not loc:
        return "this is no list of tasks with their models: compare it with the file as it was."
    name, value = loc[-1], str(error["input"])[:_MAX_SHOWN_CHARS]
    fields = _list_fields(shape)
    match error["type"]:
        case "extra_forbidden":
            near = difflib.get_close_matches(name, fields, n=1)
            return f"“{name}” is no field here: " + (f"write “{near[0]}”." if near else f"these are {', '.join(fields)}.")
        case "missing":
            return f"“{name}” is missing: add it."
        case "literal_error":
            return f"“{value}” can't be {name}: write {error['ctx']['expected']}."
        case "value_error":
            return f"{name}: {error['ctx']['error']}."
        case _:
            message = error["msg"][:1].lower() + error["msg"][1:]
            return f"“{value}” can't be {name}: {message}."


def _list_fields(shape: Any) -> list[str]:
    """Return the fields of the model inside lists and mappings."""
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        return list(shape.model_fields)
    return next((found for inner in reversed(getattr(shape, "__args__", ())) if (found := _list_fields(inner))), [])
