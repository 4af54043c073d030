"""Start page of the chat: what the program does, in a sentence, and examples that run on one click."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final

import yaml

from hugginggpt.ui.assets import load_script
from hugginggpt.ui.i18n import LANGUAGES, Words
from hugginggpt.workspace.workspace import EXAMPLE_MEDIA

ON_LOAD: Final = load_script("welcome")
"""For ``gr.HTML(js_on_load=…)``: its event ``select`` then carries the ``index`` of the example that was clicked."""

GROUPS: Final = ("read", "see", "listen", "make", "combine")
_ENGLISH: Final = Words()


@dataclass(frozen=True, slots=True)
class Example:
    """A request that the page offers."""

    text: str
    """In English, which is what the built-in planner reads."""
    gloss: str
    """The example's meaning, in Chinese."""
    group: str
    """One of `GROUPS`."""
    tasks: tuple[str, ...]
    """The tasks that it takes."""
    files: tuple[Path, ...]
    icon: Path

    def is_runnable(self, is_available: Callable[[str], bool]) -> bool:
        """Return whether there is a model for each of its tasks.

        Args:
            is_available: Whether there is a model for a task.
        """
        return all(map(is_available, self.tasks))


@functools.cache
def load_examples() -> tuple[Example, ...]:
    """Return the examples of demos/examples.yaml."""
    rows: list[dict[str, Any]] = yaml.safe_load((EXAMPLE_MEDIA.parent / "examples.yaml").read_text(encoding="utf-8"))
    return tuple(
        Example(
            row["text"],
            row["zh"],
            row["group"],
            tuple(row["tasks"]),
            tuple(EXAMPLE_MEDIA / name for name in row["files"]),
            EXAMPLE_MEDIA / row["icon"],
        )
        for row in rows
    )


def draw_welcome(is_available: Callable[[str], bool], get_url: Callable[[Path], str], words: Words = _ENGLISH) -> str:
    """Return the empty chat as HTML; `ON_LOAD` belongs to it.

    Args:
        is_available: Whether there is a model for a task; an example that lacks one says so.
        get_url: Where the browser finds a file of the examples.
        words: The visitor's language.
    """
    groups = ""
    for group in GROUPS:
        cards = "".join(
            _draw_card(index, example, is_available, get_url, words)
            for index, example in enumerate(load_examples())  # the index among all examples, which a click sends
            if example.group == group
        )
        groups += (
            f'<section class="group"><h3>{escape(words(f"welcome.group_{group}"))}</h3><ul role="list">{cards}</ul></section>'
        )
    return (
        f'<div class="hgpt hgpt-welcome"><h2>{escape(words("welcome.title"))}</h2>'
        f'<p class="promise">{escape(words("welcome.promise"))}</p><p class="try">{escape(words("welcome.try"))}</p>'
        f'<div class="groups">{groups}</div></div>'
    )


def _draw_card(
    index: int, example: Example, is_available: Callable[[str], bool], get_url: Callable[[Path], str], words: Words
) -> str:
    gloss = f'<span class="gloss">{escape(example.gloss)}</span>' if words.language != LANGUAGES[0] else ""
    runnable = example.is_runnable(is_available)  # one that can't run only fills the box
    need = "" if runnable else f'<span class="need">{escape(words("welcome.needs_token"))}</span>'
    return (
        f'<li><button type="button" data-index="{index}" class="{"runs" if runnable else "fills"}">'
        f'<img src="{escape(get_url(example.icon))}" alt="" loading="lazy" decoding="async">'  # decorative
        f'<span class="text"><span lang="en">{escape(example.text)}</span>{gloss}{need}</span></button></li>'
    )
