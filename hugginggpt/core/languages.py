"""Languages as people name them ("German", "de", "deu", "Deutsch"), as models code them, and as texts show them."""

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from hugginggpt.core.errors import InputError

_TABLE: Final = Path(__file__).with_name("languages.yaml")
_MAX_SAMPLE_CHARS: Final = 2_000  # longest part of a text that is examined, in characters
_MAX_NAME_CHARS, _MAX_NAME_WORDS = 200, 3
"""Longest part of a text that is searched for a language's name, and the most words of a name."""
_MIN_SHARE: Final = 0.8
"""Least share of the likeliest language, 0..1: none of 45 short English texts and of 154 in 26 languages is misnamed."""
_MAX_FOREIGN_SHARE, _MIN_WORDS = 0.05, 2
"""Greatest share of a language that a text is surely not in, and the fewest words by which that is told."""
_UNNAMED: Final = "another language"


@dataclass(frozen=True, slots=True)
class Language:
    """One row of the table."""

    code: str
    """ISO 639-1 where there is one: "de"."""
    name: str
    """In English: "German"."""
    spellings: tuple[str, ...]
    """The codes that a model may have for it, the preferred first, and its names here; in small letters."""

    def find_code(self, codes: Iterable[str]) -> str | None:
        """Return the one of a model's codes ("de", "deu_Latn", "de_DE") that means this language; None where none does."""
        known = {_fold(code): code for code in reversed(list(codes))}  # of two alike the first counts
        bases = {_drop_region(code): known[code] for code in reversed(known)}
        wanted = (*self.spellings, _drop_region(_fold(self.code)))  # Traditional Chinese is Chinese where a model has one
        return next((found for spelling in wanted if (found := known.get(spelling) or bases.get(spelling))), None)


def find_language(words: str) -> Language | None:
    """Find the language that a text names ("a French recording", "German"); None where it names none that is known."""
    try:
        return parse_language(words)
    except InputError:
        return None


def parse_language(words: str) -> Language:
    """Return the language that a person names: "German", "into German", "de", "de-DE", "deu_Latn", "Deutsch".

    Raises:
        InputError: None is found in it.
    """
    folded = _fold(words.strip(" .!“”\"'"))
    if found := _find_by_name(folded):
        return found
    parts = re.findall(r"[^\W_]+", folded[:_MAX_NAME_CHARS])
    for length in range(_MAX_NAME_WORDS, 0, -1):  # "Brazilian Portuguese" before "Portuguese"
        for start in range(len(parts) - length + 1):
            name = " ".join(parts[start : start + length])
            if len(name) > 3 and (found := _find_by_name(name)):  # codes are also words: "is", "it"
                return found
    raise InputError(f"“{words[:40]}” is no language that is known here: name one, such as German or Japanese.")


def get_language(code: str) -> Language | None:
    """Return the language of a code in any of its spellings; None where it isn't in the table."""
    folded = _fold(code)
    return _index_languages().get(folded) or _index_languages().get(_drop_region(folded))


def detect_language(text: str) -> Language | None:
    """Return the language of a text by its script and its letters' sequences; None where that isn't sure."""
    sample = text[:_MAX_SAMPLE_CHARS]
    script = _find_script(sample)
    if script != "LATIN":
        return _detect_by_script(sample, script)
    shares = _compute_shares(sample)
    best = max(shares, key=lambda code: shares[code])
    common = _load_table()["common"].split()  # few words fit many rare languages a little
    is_sure = max(shares[best], _compute_share(shares, best, common)) >= _MIN_SHARE
    return get_language(best) if is_sure else None


def name_foreign_language(text: str, codes: Collection[str]) -> str:
    """Return the name that a text's language seems to have, where it is surely none of `codes`; otherwise an empty text.

    Surer than `detect_language`: that two words aren't English shows before it shows which language they are.

    >>> name_foreign_language("Das Essen war kalt.", ["en"])
    'German'
    """
    sample = text[:_MAX_SAMPLE_CHARS]
    script = _find_script(sample)
    if not script or not codes:
        return ""
    detected = detect_language(sample)
    if script != "LATIN" or (detected and detected.code != "en"):  # models name no scripts: these here are for Latin letters
        return "" if detected and detected.find_code(codes) else detected.name if detected else _UNNAMED
    if len(re.findall(r"[^\W\d_]{2,}", sample)) < _MIN_WORDS:
        return ""
    shares = _compute_shares(sample)
    common = _load_table()["common"].split()
    if any(_compute_share(shares, code, common) > _MAX_FOREIGN_SHARE for code in codes):
        return ""
    best = max(common, key=lambda code: shares[code])
    language = get_language(best)
    return language.name if language and _compute_share(shares, best, common) > 0.5 else _UNNAMED


def _compute_share(shares: Mapping[str, float], code: str, others: Sequence[str]) -> float:
    """Return a language's share among itself and some others."""
    total = sum(shares.get(each, 0.0) for each in {*others, code})
    return shares.get(code, 0.0) / total if total else 0.0


def _compute_shares(text: str) -> Mapping[str, float]:
    """Return the share of each language that a text may be in, together 1, by the naive Bayes model of langid.py."""
    return dict(_load_identifier().rank(text))


def _find_script(text: str) -> str:
    """Return the script of most letters of a text, as Unicode names it; empty where it has none."""
    scripts = Counter(_get_script(char) for char in text if char.isalpha())
    if scripts["HIRAGANA"] + scripts["KATAKANA"] > scripts.total() / 20:  # Chinese characters may outnumber the kana
        return "HIRAGANA"
    return scripts.most_common(1)[0][0] if scripts else ""


def _detect_by_script(text: str, script: str) -> Language | None:
    table = _load_table()
    special = (code for code, own in table["letters"].items() if _contains_any(own, text) and script == _get_script(own[0]))
    if found := next(special, ""):  # letters of their own tell Ukrainian from Russian
        return get_language(found)
    codes = table["scripts"].get(script, "").split()
    shares = _compute_shares(text) if len(codes) > 1 else {}
    sure = (code for code in codes if _compute_share(shares, code, codes) >= _MIN_SHARE)
    return get_language(next(sure, codes[0])) if codes else None


def _contains_any(letters: str, text: str) -> bool:
    return any(letter in text.lower() for letter in letters)


def _get_script(char: str) -> str:
    return unicodedata.name(char, "").split("-")[0].split(" ")[0]  # the script begins the name: "CYRILLIC SMALL LETTER A"


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold().replace("-", "_")  # NFC: accents may be apart from letters


def _drop_region(code: str) -> str:
    """Return the language of a code with a country or a script: "pt" of "pt_br"; anything else as it is."""
    return re.sub(r"^([a-z]{2,3})_[a-z]{2,4}\Z", r"\1", code)


@functools.cache
def _load_identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # takes a second, and numpy

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


@functools.cache
def _load_table() -> Mapping[str, Any]:
    table: Mapping[str, Any] = yaml.safe_load(_TABLE.read_text(encoding="utf-8"))
    return table


@functools.cache
def _index_languages() -> Mapping[str, Language]:
    """Return the languages by the codes that models use, and by the names that langcodes doesn't know."""
    import langcodes  # its table of names takes a moment to read

    table = _load_table()
    found: dict[str, Language] = {}
    for code in table["codes"].split():
        language = langcodes.Language.get(code)
        name = table["names"].get(code) or language.display_name()
        codes = [*table["models"].get(code, ()), language.to_alpha3(), language.to_alpha3(variant="B"), code]  # B: ger, fre
        spellings = tuple(dict.fromkeys(map(_fold, [*codes, name, *table["also"].get(code, ())])))
        found |= dict.fromkeys(spellings, Language(code, name, spellings))
    return found


def _find_by_name(name: str) -> Language | None:
    """Return the language with exactly this name, whatever language the name is in."""
    import langcodes

    table = _index_languages()
    if found := table.get(name) or table.get(_drop_region(name)):
        return found
    if len(name) > _MAX_NAME_CHARS or (name.isascii() and len(name) < 4):  # it reads any three letters as a code
        return None
    try:
        tag = _fold(langcodes.find(name).to_tag())
    except (LookupError, ValueError):  # its error for what is no tag is a ValueError
        return None
    return table.get(tag) or table.get(_drop_region(tag))
