"""From which language into which: how hosted translation models are told, and which ones can't be.

Models of one pair have it in their name (opus-mt-en-de); families for many languages want codes
(https://huggingface.co/docs/transformers/model_doc/m2m_100), or words before the text (T5, MADLAD).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from hugginggpt.core.errors import ExpertError
from hugginggpt.core.languages import Language, get_language
from hugginggpt.core.model_card import ModelCard

_PAIR: Final = re.compile(r"opus-mt(?:-tc-big)?-([a-z]{2,3})-([a-z]{2,3})$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TranslationParameters:
    """Arguments by which a model is told to translate."""

    source: str | None = None
    """The code of the text's language, for a model that is told it."""
    target: str | None = None
    prefix: str = ""
    """Goes before each text."""
    sure: bool = True
    """True if that leaves no doubt about the language that comes out."""
    into: Language | None = None
    """That language."""


def choose_parameters(card: ModelCard, spoken: Language | None, wanted: Language | None) -> TranslationParameters:
    """Return how to tell a model to translate.

    Args:
        card: The model's.
        spoken: The text's language; None where that isn't sure.
        wanted: The language to put it into; None: the model's own, or English.

    Raises:
        ExpertError: It doesn't do that pair, or would have to know the text's language.
    """
    name = card.id.rpartition("/")[2].lower()
    if pair := _PAIR.search(name):
        source, target = (get_language(code) for code in pair.groups())
        wrong = (wanted and target and target != wanted) or (spoken and source and source != spoken)
        if wrong:
            raise _not_for(card, wanted or spoken)
        return TranslationParameters(into=target or wanted)
    target = wanted or get_language("en")
    assert target is not None  # English is in the table
    if any(family in name for family in _PREFIXES):
        prefix = next(make for family, make in _PREFIXES.items() if family in name)
        return TranslationParameters(prefix=prefix(spoken, target), into=target)
    if any(family in name for family in _OWN_CODES):
        raise ExpertError(f"{card.id} can't be told from here which languages are meant: choose another model.")
    if any(family in name for family in _CODED):
        if spoken is None:
            raise ExpertError(f"{card.id} must be told the text's language, which isn't sure: choose another model.")
        return TranslationParameters(spoken.code, target.code, into=target)
    known = card.languages
    if known and "multilingual" not in known and any(each and not each.among(known) for each in (spoken, wanted)):
        raise _not_for(card, wanted or spoken)
    return TranslationParameters(sure=False, into=wanted)


def _not_for(card: ModelCard, language: Language | None) -> ExpertError:
    return ExpertError(f"{card.id} is not for {language.name if language else 'this text'}: choose another model.")


_CODED: Final = ("m2m100", "small100")
"""Families that are told languages by their ISO 639-1 codes."""

_OWN_CODES: Final = ("nllb", "mbart")
"""Families that have codes of their own for languages, which aren't known without their tokenizers."""

_PREFIXES: Final[Mapping[str, Callable[[Language | None, Language], str]]] = {
    "madlad": lambda _, target: f"<2{target.code}> ",
    "t5-": lambda spoken, target: f"translate {spoken.name if spoken else 'English'} to {target.name}: ",
}
"""By a part of a model's name: what goes before the text."""
