"""Style sheets and scripts of the parts that are drawn as HTML.

The sheets apply in Gradio's page and in an exported file, in light and dark mode. Imported by all modules that draw HTML;
a new part adds its sheet and script here.
"""

from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent


def load_style(*names: str) -> str:
    """Return the sheets of these names, after the one with the colours that all of them use."""
    return "\n".join((_FOLDER / f"{name}.css").read_text(encoding="utf-8") for name in ("colours", *names))


def load_script(name: str) -> str:
    """Return a script for ``gr.HTML(js_on_load=…)``."""
    return (_FOLDER / f"{name}.js").read_text(encoding="utf-8")
