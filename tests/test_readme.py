"""What the README and the pages beside it tell people to type exists, and their programs run."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import hugginggpt
from hugginggpt.agent.model_preferences import parse_task_and_model
from hugginggpt.cli import commands
from hugginggpt.cli import main as terminal
from hugginggpt.core.settings import Settings
from hugginggpt.core.tasks import load_task_table
from hugginggpt.hub.catalog import find_catalog_entry
from tests import settings_table

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {
    path: path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
}
ALL = "\n".join(PAGES.values())
TYPED = [line for block in re.findall(r"```sh\n(.*?)```", ALL, re.DOTALL) for line in block.splitlines()]


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
        args = commands._build_parser().parse_args(arguments[2:])
        assert getattr(args, "what", "object-detection") in load_task_table()
        assert getattr(args, "task", None) in {None, *load_task_table()}
    else:
        args = terminal._build_parser().parse_args(arguments[2:])
        assert all((ROOT / file).is_file() for file in args.files)
        assert all(find_catalog_entry(model, task) for task, model in map(parse_task_and_model, args.pin))


def test_variables_are_settings() -> None:
    named = set(re.findall(r"HUGGINGGPT_([A-Z_]*[A-Z])", ALL))
    assert {name.lower() for name in named} <= set(Settings.model_fields)


def test_the_table_of_settings_is_made_from_them() -> None:
    """`python -m tests.settings_table` writes it anew."""
    assert settings_table.BEGIN + settings_table.table() + settings_table.END in PAGES[settings_table.PAGE]


def test_every_variable_that_is_read_stands_there() -> None:
    asked = r"""environ(?:ment)?(?:\.get)?[(\[]["']([A-Z_]+)["']|["']([A-Z_]+)["'] (?:not )?in os\.environ"""
    files = [ROOT / "app.py", *(ROOT / "hugginggpt").rglob("*.py")]
    read = {name for file in files for pair in re.findall(asked, file.read_text(encoding="utf-8")) for name in pair if name}
    assert {"HF_TOKEN", "SPACE_ID", "OPENAI_MODEL"} <= read
    assert read - {"XDG_CACHE_HOME", "MPLCONFIGDIR"} <= set(settings_table.OTHERS)


def test_links_and_benchmarks_lead_somewhere() -> None:
    for page, text in PAGES.items():
        for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
            assert (page.parent / target).exists(), (page.name, target)
    for name in re.findall(r"python -m (benchmarks\.\w+)", ALL):
        assert importlib.util.find_spec(name), name


def test_options_of_the_terminal_exist() -> None:
    known = terminal._build_parser().format_help() + commands._build_parser().format_help()
    texts = "".join(text for page, text in PAGES.items() if page.name != "benchmarks.md")  # those have options of their own
    for option in {*re.findall(r"`(--[a-z-]+)", texts)} - {"--data", "--controller"}:
        assert option in known, option


def test_the_readme_fits_three_screens() -> None:
    text = README.split("---\n", 2)[2]
    assert len(text.splitlines()) <= 3 * 40


PROGRAMS = re.findall(r"```python\n(.*?)```", README + PAGES[ROOT / "docs" / "python.md"], re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_a_program_runs_as_it_stands(program: str, tmp_path: Path) -> None:
    for folder in ("demos", "models_config"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    environment = {name: value for name, value in os.environ.items() if name not in {"HF_TOKEN", "OPENAI_API_KEY"}}
    environment |= {"PYTHONPATH": str(ROOT), "HUGGINGGPT_SESSIONS": str(tmp_path / "sessions")}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "BEACH CLOSED" in done.stdout or "qwen (127.0.0.1) ['controller']" in done.stdout


def test_the_public_names_are_there_and_importing_them_is_late() -> None:
    code = "import hugginggpt, sys; before = set(sys.modules); [getattr(hugginggpt, name) for name in hugginggpt.__all__]; "
    code += (
        "assert not {m for m in before if m.startswith('hugginggpt.')}; print({'torch', 'gradio', 'openai'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "set()\n"


def test_requirements_are_the_projects_dependencies() -> None:
    def lines(text: str) -> list[str]:
        return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert lines((ROOT / "requirements.txt").read_text("utf-8")) == project["dependencies"]
    assert {"pytest", "ruff", "mypy"} <= {re.split("[^a-z]", line)[0] for line in project["optional-dependencies"]["dev"]}
    assert project["version"] == hugginggpt.__version__
