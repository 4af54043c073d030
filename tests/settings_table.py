"""The table of an owner's settings, made from `hugginggpt/core/settings.py`.

``python -m tests.settings_table`` writes it into docs/settings.md; a test holds the two together.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from hugginggpt.core import settings
from hugginggpt.core.settings import Settings
from hugginggpt.llm.client import DEFAULT_MODEL

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "settings.md"
BEGIN: Final = "<!-- settings: made by python -m tests.settings_table -->\n"
END: Final = "<!-- end of settings -->\n"

_FOUND: Final[Mapping[str, str]] = {
    "sessions": "`hugginggpt-UID` in the temporary folder",
    "catalogue": "beside the Hub client's cache",
    "hub": "`HF_ENDPOINT`",
}
"""Defaults that are found out when it starts."""

OTHERS: Final[Mapping[str, tuple[str, str]]] = {
    "HF_TOKEN": ("", "On the page a secret that is used only with `HUGGINGGPT_SHARE_TOKEN`; in a terminal your own token."),
    "HF_HOME": ("`~/.cache/huggingface`", "Where the Hub's client keeps models; `HF_HUB_CACHE` names that folder itself."),
    "HF_ENDPOINT": ("`https://huggingface.co`", "Where models are fetched from."),
    "OPENAI_API_KEY": ("", "The key of the language model, in a terminal only; so are the next two."),
    "OPENAI_BASE_URL": ("OpenAI's", "The address of an OpenAI-compatible server."),
    "OPENAI_MODEL": (f"`{DEFAULT_MODEL}`", "What that server calls its model."),
    "GRADIO_SERVER_NAME": ("`127.0.0.1`", "Where the page listens; `0.0.0.0` for every address of the machine."),
    "GRADIO_SERVER_PORT": ("the first free one from 7860 on", "Its port; one that is named and taken ends the start."),
    "GRADIO_TEMP_DIR": (
        "`hugginggpt-UID-uploads` in the temporary folder",
        "Where uploads wait to be used, and Gradio keeps its own files; each process has a folder of its own there.",
    ),
    "NO_PROXY": ("", "Hosts that no proxy is asked for; this machine's own addresses are added."),
    "GRADIO_ROOT_PATH": ("", "The path under which a proxy shows it, such as `/agent`."),
    "GRADIO_SHARE": ("", "`True`: Gradio's tunnel gives the page a public address, and it is as careful as on a Space."),
    "SPACE_ID": ("", "Set by a Space: visitors may then name language models at public addresses only."),
    "SPACES_ZERO_GPU": ("", "Set by a ZeroGPU Space: local models run on a GPU that is asked for."),
    "OMP_NUM_THREADS": ("the machine's processors", "How many threads each model computes with."),
}
"""What else is read from the environment: default and meaning."""


def table() -> str:
    """The table, one row a variable."""
    meant = _docstrings()
    rows = [
        (f"HUGGINGGPT_{name.upper()}", _FOUND.get(name) or _written(field.default, field.annotation), meant[name])
        for name, field in Settings.model_fields.items()
    ]
    rows += [(name, default, meaning) for name, (default, meaning) in OTHERS.items()]
    lines = [f"| `{name}` | {default} | {meaning} |" for name, default, meaning in rows]
    return "\n".join(["| Variable | Default | What it sets |", "| --- | --- | --- |", *lines]) + "\n"


def _docstrings() -> Mapping[str, str]:
    """What stands below each field, on one line."""
    (model,) = (
        node
        for node in ast.parse(inspect.getsource(settings)).body
        if isinstance(node, ast.ClassDef) and node.name == "Settings"
    )
    found: dict[str, str] = {}
    for field, below in zip(model.body, model.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            assert isinstance(below, ast.Expr), f"{field.target.id} has no docstring"
            assert isinstance(below.value, ast.Constant), f"{field.target.id} has no docstring"
            found[field.target.id] = " ".join(str(below.value.value).split()).replace("``", "`").replace("|", "\\|")
    return found


def _written(default: Any, annotation: Any) -> str:
    """A default, as one would set it, and what else could be set where that is one of a few words."""
    if get_origin(annotation) is Literal:
        return f"`{default}`" + "".join(f", or `{other}`" for other in get_args(annotation) if other != default)
    match default:
        case None:
            return ""
        case bool():
            return str(default).lower()
        case int() | float():
            return f"{default:,g}" if default < 10**6 else f"{default:,}"
        case _:
            return f"`{default}`"


def main() -> None:
    """Write it into docs/settings.md."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    PAGE.write_text(before + BEGIN + table() + END + rest.split(END)[1], encoding="utf-8")


if __name__ == "__main__":
    main()
