"""Languages as people name them ("German", "de", "deu", "Deutsch"), as models code them, and as texts show them."""

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from hugginggpt.core.errors import InputError

_TABLE: Final = Path(__file__).with_name("languages.yaml")
_LETTERS: Final = 2_000
"""Part of a text that is looked at, in characters."""
_MAX_NAME_CHARS, _MAX_NAME_WORDS = 200, 3
"""In how much of a text a language's name is looked for, and how many words it may have."""
_LEAST_WORDS, _MARGIN = 2, 1.3
"""Fewest frequent words of a language that a text must hold, and their least lead over the next language, as a factor."""


@dataclass(frozen=True, slots=True)
class Language:
    """One row of the table."""

    code: str
    """ISO 639-1 where there is one: "de"."""
    name: str
    """In English: "German"."""
    spellings: tuple[str, ...]
    """The codes that a model may have for it, the preferred first, and its names here; in small letters."""

    def among(self, codes: Iterable[str]) -> str | None:
        """Return which of a model's codes ("de", "deu_Latn", "de_DE") means this language; None where none does."""
        known = {_folded(code): code for code in reversed(list(codes))}  # of two alike the first counts
        bases = {_base(code): known[code] for code in reversed(known)}
        wanted = (*self.spellings, _base(_folded(self.code)))  # Traditional Chinese is Chinese where a model has one
        return next((found for spelling in wanted if (found := known.get(spelling) or bases.get(spelling))), None)


def find_language(words: str) -> Language | None:
    """Return the language that a text names ("a French recording", "German"); None where it names none that is known."""
    try:
        return parse_language(words)
    except InputError:
        return None


def parse_language(words: str) -> Language:
    """Return the language that a person names: "German", "into German", "de", "de-DE", "deu_Latn", "Deutsch".

    Raises:
        InputError: None is found in it.
    """
    folded = _folded(words.strip(" .!“”\"'"))
    if found := _find(folded):
        return found
    spoken = re.findall(r"[^\W_]+", folded[:_MAX_NAME_CHARS])
    for length in range(_MAX_NAME_WORDS, 0, -1):  # "Brazilian Portuguese" before "Portuguese"
        for start in range(len(spoken) - length + 1):
            name = " ".join(spoken[start : start + length])
            if len(name) > 3 and (found := _find(name)):  # codes are also words: "is", "it"
                return found
    raise InputError(f"“{words[:40]}” is no language that is known here: name one, such as German or Japanese.")


def get_language(code: str) -> Language | None:
    """Return the language of a code in any of its spellings; None where it isn't in the table."""
    folded = _folded(code)
    return _languages().get(folded) or _languages().get(_base(folded))


def detect_language(text: str) -> Language | None:
    """Return the language of a text by its script and its frequent words; None where that isn't sure."""
    table = _read()
    letters = Counter(_script(sign) for sign in text[:_LETTERS] if sign.isalpha())
    if not letters:
        return None
    if letters["HIRAGANA"] + letters["KATAKANA"] > letters.total() / 20:
        return get_language("ja")
    if (script := letters.most_common(1)[0][0]) != "LATIN":
        special = (code for code, own in table["letters"].items() if _used(own, text) and script == _script(own[0]))
        return get_language(next(special, table["scripts"].get(script, "")))
    counted = Counter(re.findall(r"[^\W\d_]+", text[:_LETTERS].lower()))
    scores = {code: sum(counted[word] for word in words.split()) for code, words in table["words"].items()}
    (best, most), (_, second) = sorted(scores.items(), key=lambda pair: -pair[1])[:2]
    return get_language(best) if most >= max(_LEAST_WORDS, _MARGIN * second) else None


def _used(letters: str, text: str) -> bool:
    return any(letter in text[:_LETTERS].lower() for letter in letters)


def _script(sign: str) -> str:
    return unicodedata.name(sign, "").split("-")[0].split(" ")[0]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold().replace("-", "_")


def _base(code: str) -> str:
    """Return the language of a code with a country or a script: "pt" of "pt_br"; anything else as it is."""
    return re.sub(r"^([a-z]{2,3})_[a-z]{2,4}\Z", r"\1", code)


@functools.cache
def _read() -> Mapping[str, Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = yaml.safe_load(_TABLE.read_text(encoding="utf-8"))
    return found


@functools.cache
def _languages() -> Mapping[str, Language]:
    """Return the languages by the codes that models use, and by the names that langcodes doesn't know."""
    import langcodes  # its table of names takes a moment to read

    table: Mapping[str, Any] = _read()
    found: dict[str, Language] = {}
    for code in table["codes"].split():
        known = langcodes.Language.get(code)
        name = table["names"].get(code) or known.display_name()
        codes = [*table["models"].get(code, ()), known.to_alpha3(), known.to_alpha3(variant="B"), code]  # B: ger, fre
        spellings = tuple(dict.fromkeys(map(_folded, [*codes, name, *table["also"].get(code, ())])))
        found |= dict.fromkeys(spellings, Language(code, name, spellings))
    return found


def _find(name: str) -> Language | None:
    """Return the language of that very name, in whatever language it is called so."""
    import langcodes

    table = _languages()
    if found := table.get(name) or table.get(_base(name)):
        return found
    if len(name) > _MAX_NAME_CHARS or (name.isascii() and len(name) < 4):  # it reads any three letters as a code
        return None
    try:
        tag = _folded(langcodes.find(name).to_tag())
    except (LookupError, ValueError):  # its error for what is no tag is a ValueError
        return None
    return table.get(tag) or table.get(_base(tag))
