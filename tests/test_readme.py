"""What the README tells people to type exists."""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from hugginggpt.agent.model_preferences import read_pair
from hugginggpt.cli import commands
from hugginggpt.cli import main as terminal
from hugginggpt.core.settings import Settings
from hugginggpt.core.tasks import task_table
from hugginggpt.hub.catalog import find_catalog_entry
from tests import settings_table

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
TYPED = [line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]


def test_there_is_something_to_type() -> None:
    assert {"make run", "make test"} < set(TYPED)


@pytest.mark.parametrize("line", TYPED)
def test_a_command_is_known(line: str) -> None:
    program, *arguments = shlex.split(line)
    if program == "make":
        assert re.search(rf"^{arguments[0]}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        return
    assert (program, arguments[:2]) == (".venv/bin/python", ["-m", "hugginggpt"])
    if arguments[2] in commands.COMMANDS:
        args = commands._parser().parse_args(arguments[2:])
        assert getattr(args, "what", "object-detection") in task_table()
        assert getattr(args, "task", None) in {None, *task_table()}
    else:
        args = terminal._parser().parse_args(arguments[2:])
        assert all((ROOT / file).is_file() for file in args.files)
        assert all(find_catalog_entry(model, task) for task, model in map(read_pair, args.pin))


def test_variables_are_settings() -> None:
    named = set(re.findall(r"HUGGINGGPT_([A-Z_]*[A-Z])", README))
    assert {name.lower() for name in named} <= set(Settings.model_fields)


def test_the_table_of_settings_is_made_from_them() -> None:
    """`python -m tests.settings_table` writes it anew."""
    assert settings_table.BEGIN + settings_table.table() + settings_table.END in README


def test_every_variable_that_is_read_stands_there() -> None:
    asked = r"""environ(?:ment)?(?:\.get)?[(\[]["']([A-Z_]+)["']|["']([A-Z_]+)["'] (?:not )?in os\.environ"""
    files = [ROOT / "app.py", *(ROOT / "hugginggpt").rglob("*.py")]
    read = {name for file in files for pair in re.findall(asked, file.read_text(encoding="utf-8")) for name in pair if name}
    assert {"HF_TOKEN", "SPACE_ID", "OPENAI_MODEL"} <= read
    assert read - {"XDG_CACHE_HOME"} <= set(settings_table.OTHERS)


def test_links_and_benchmarks_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", README):
        assert (ROOT / target).exists(), target
    for name in re.findall(r"python -m (benchmarks\.\w+)", README):
        assert importlib.util.find_spec(name), name


def test_options_of_the_terminal_exist() -> None:
    known = terminal._parser().format_help() + commands._parser().format_help()
    for option in {*re.findall(r"`(--[a-z-]+)", README)} - {"--data", "--controller"}:
        assert option in known, option
