"""One word, one meaning: no public name of the package stands for two things, and docstrings are no riddles."""

from __future__ import annotations

import ast
import doctest
import importlib
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "hugginggpt"
FILES = sorted(PACKAGE.rglob("*.py"))

SAME_ON_PURPOSE = {
    "main": "the entry of a program",
    **dict.fromkeys(
        "animate_image answer_about_document answer_about_picture answer_from_table answer_from_text classify classify_rows "
        "classify_zero_shot compare converse describe detect edit_image fill_mask find_entities generate_image generate_video "
        "rewrite segment summarize synthesize_speech transcribe translate".split(),
        "one task, by several back ends or of several kinds of input, named in their tables",
    ),
    "list_providers": "the inference providers, as the agent hands them on",
    "Function": "what does a task, in two back ends",
    "ModelId": "the Hub's id, checked in two files of YAML",
}
"""Names that several modules have, and why."""


METAPHORS = frozenset(
    "adopt among aside back_to banish brain brains carry_out cut_where_quiet disarm enlarge entrust entrusted errand film "
    "find_another find_same_again forget_mappings glances go_on guards has_own heard hung_up is_known_to is_spoken_of "
    "just_begun keep_fitting lacks least let_go looks made most move_to_name nearness of offers on_behalf only outline "
    "own_router paint patience_seconds quiet rearm repaint said savings settle shelf shut signs spend spoken_near tame "
    "tell teller telling tighten together told trusts unsettled_endpoints until usual_model visit visit_of visits wake want "
    "wants wishes without wording".split()
)
"""Words that no function, parameter, attribute or constant is called: each stood for a term of the field."""


def public_names(kinds: tuple[type[ast.stmt], ...]) -> dict[str, list[str]]:
    """Each public name that modules define at their top, and where."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for file in FILES:
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, kinds):
                name = node.name if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) else alias(node)
                if name and not name.startswith("__"):
                    found[name].append(file.relative_to(PACKAGE).as_posix())
    return found


def alias(node: ast.stmt) -> str:
    """The name of a type alias at a module's top, which looks like a class; empty for anything else."""
    target = node.targets[0] if isinstance(node, ast.Assign) else None
    return target.id if isinstance(target, ast.Name) and re.fullmatch(r"[A-Z][a-z]\w*", target.id) else ""


def test_a_class_name_stands_for_one_thing() -> None:
    classes = public_names((ast.ClassDef, ast.Assign))
    assert {name: files for name, files in classes.items() if len(files) > 1 and name not in SAME_ON_PURPOSE} == {}


def test_a_public_function_stands_for_one_thing() -> None:
    functions = {name: files for name, files in public_names((ast.FunctionDef, ast.AsyncFunctionDef)).items() if name[0] != "_"}
    assert {name: files for name, files in functions.items() if len(files) > 1 and name not in SAME_ON_PURPOSE} == {}


def names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Each function, parameter, attribute and constant; variables inside of functions are their own affair."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name
            yield from ((arg.lineno, arg.arg) for arg in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs))
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr
        elif isinstance(node, ast.Module | ast.ClassDef):
            targets = [each for stmt in node.body for each in getattr(stmt, "targets", [getattr(stmt, "target", None)])]
            yield from ((each.lineno, each.id) for each in targets if isinstance(each, ast.Name))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_nothing_is_called_by_a_metaphor(file: Path) -> None:
    """“preferences”, not “wishes”; “run_in_daemon_thread”, not “aside”; a limit says what it bounds, not “most”."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert [(line, name) for line, name in names(tree) if name.strip("_").lower() in METAPHORS] == []


def docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        for inner in getattr(node, "body", []) if isinstance(getattr(node, "body", None), list) else []:
            if isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant) and isinstance(inner.value.value, str):
                yield inner.lineno, inner.value.value


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_docstrings_are_sentences_and_no_riddles(file: Path) -> None:
    """“Return whether …”, not “Whether …”; “Settings of a deployment”, not “What a deployment can set”."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    riddles = r"(What|Whether|Who|Whom|Whose|Where|How|Which|Why|When)\b"
    assert [(line, text[:60]) for line, text in docstrings(tree) if re.match(riddles, text)] == []


@pytest.mark.parametrize("package", [file for file in FILES if file.name == "__init__.py"], ids=lambda file: file.parent.name)
def test_a_package_says_what_lives_there_who_may_import_it_and_where_to_add_things(package: Path) -> None:
    text = ast.get_docstring(ast.parse(package.read_text(encoding="utf-8"))) or ""
    assert len(text.splitlines()) >= (1 if "previous_names" in package.as_posix() else 3)


EXAMPLES = [file for file in FILES if ">>> " in file.read_text(encoding="utf-8")]


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_the_examples_of_docstrings_give_what_they_say(file: Path) -> None:
    module = importlib.import_module(".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts))
    result = doctest.testmod(module)
    assert (result.failed, result.attempted > 0) == (0, True)
