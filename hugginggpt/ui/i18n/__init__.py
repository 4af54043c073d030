"""Phrases of the page, in each of its languages: one YAML file a part of the page, one entry a phrase.

Labels that stand in the page from its start are translated in the browser (`get_label`, gr.I18n); what the server writes later
is written in the visitor's language at once (`Words`). Sentences of the agent itself (errors, reasons) stay as they are.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    import gradio as gr

LANGUAGES: Final[tuple[str, ...]] = ("en", "zh")
"""Languages that the page speaks; the first is used where a browser asks for any other."""

_LOADER: Final[type[Any]] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C loader is far faster; not every build has it


@dataclass(frozen=True, slots=True)
class Words:
    """The phrases of one language."""

    language: str = LANGUAGES[0]

    def __call__(self, key: str, /, **values: object) -> str:
        """Return a phrase with its values filled in.

        Args:
            key: The file's name and the entry's, "chat.stopped".
            values: What stands in braces in the phrase. With a `count`, an entry ``<key>_one`` is taken where it is 1.

        Raises:
            KeyError: There is no such phrase.
        """
        phrases = _phrases(self.language)
        singular = values.get("count") == 1
        return phrases[f"{key}_one" if singular and f"{key}_one" in phrases else key].format(**values)


def choose_words(accepted: str | None) -> Words:
    """Return the words for a browser's languages.

    Args:
        accepted: What it sends as Accept-Language, "zh-CN,zh;q=0.9,en;q=0.8"; the first language that is here counts.
    """
    preferred = (re.split("[-;_]", each.strip().lower())[0] for each in (accepted or "").split(","))  # “zh-CN” counts as zh
    return Words(next((language for language in preferred if language in LANGUAGES), LANGUAGES[0]))


def get_label(key: str) -> Any:
    """Return a phrase without values as Gradio's browser side translates it.

    Raises:
        KeyError: There is no such phrase.
    """
    import gradio as gr

    if key not in _phrases(LANGUAGES[0]):  # Gradio would show an unknown key as it is
        raise KeyError(key)
    return gr.I18n()(key)  # a marker that the browser replaces


def load_i18n() -> gr.I18n:
    """Return all phrases, for ``launch(i18n=…)``."""
    import gradio as gr

    return gr.I18n(**{language: dict(_phrases(language)) for language in LANGUAGES})


@functools.cache
def _phrases(language: str) -> Mapping[str, str]:
    return {
        f"{file.stem}.{key}": phrase[language]
        for file in sorted(Path(__file__).parent.glob("*.yaml"))
        for key, phrase in yaml.load(file.read_text(encoding="utf-8"), _LOADER).items()  # noqa: S506 - a safe one
    }


Translate = Callable[..., str]
"""Type of `Words` for functions that take one as an argument."""
