"""The builders of results import neither a back end nor a library that runs models."""

import ast
from pathlib import Path

import hugginggpt.experts.outputs

FILES = sorted(Path(hugginggpt.experts.outputs.__file__).parent.glob("*.py"))
FORBIDDEN = (
    "torch",
    "transformers",
    "diffusers",
    "hugginggpt.experts.local",
    "hugginggpt.experts.hosted",
    "hugginggpt.experts.bundled",
)


def imported(path: Path) -> set[str]:
    """Return the modules that a file imports, anywhere in it."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {f"{node.module}.{alias.name}" for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}


def test_results_know_no_back_end() -> None:
    assert len(FILES) > 5
    for path in FILES:
        assert not [name for name in imported(path) if f"{name}.".startswith(tuple(f"{room}." for room in FORBIDDEN))], path
