"""Languages of a translation: how hosted models are told source and target, and which models can't be.

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

_PAIR_NAME: Final = re.compile(r"opus-mt(?:-tc-big)?-([a-z]{2,3})-([a-z]{2,3})$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TranslationParameters:
    """Arguments that tell a model which languages to translate."""

    source: str | None = None
    """Code of the text's language, for models that need it."""
    target: str | None = None
    prefix: str = ""
    """Text to put before each input."""
    sure: bool = True
    """True if these arguments determine the language of the output."""
    into: Language | None = None
    """Language of the output."""


def choose_parameters(card: ModelCard, spoken: Language | None, wanted: Language | None) -> TranslationParameters:
    """Choose the arguments that tell a model what to translate into what.

    Args:
        card: The model's.
        spoken: The text's language; None where that isn't sure.
        wanted: Target language; None: the model's own, or English.

    Raises:
        ExpertError: It doesn't do that pair, or would have to know the text's language.
    """
    name = card.id.rpartition("/")[2].lower()
    if pair := _PAIR_NAME.search(name):
        source, target = (get_language(code) for code in pair.groups())  # None where the table lacks one
        mismatch = (wanted and target and target != wanted) or (spoken and source and source != spoken)
        if mismatch:
            raise _build_mismatch_error(card, wanted or spoken)
        return TranslationParameters(into=target or wanted)
    target = wanted or get_language("en")
    assert target is not None  # noqa: S101 - for the type checker: English is in the table
    if any(family in name for family in _PREFIXES):
        prefix = next(make for family, make in _PREFIXES.items() if family in name)
        return TranslationParameters(prefix=prefix(spoken, target), into=target)
    if any(family in name for family in _OWN_CODE_FAMILIES):
        raise ExpertError(f"{card.id} can't be told from here which languages are meant: choose another model.")
    if any(family in name for family in _ISO_CODE_FAMILIES):
        if spoken is None:  # unlike T5, it has no default
            raise ExpertError(f"{card.id} must be told the text's language, which isn't sure: choose another model.")
        return TranslationParameters(spoken.code, target.code, into=target)
    languages = card.languages  # empty: unknown, so nothing is ruled out
    if (
        languages
        and "multilingual" not in languages
        and any(each and not each.find_code(languages) for each in (spoken, wanted))
    ):
        raise _build_mismatch_error(card, wanted or spoken)
    return TranslationParameters(sure=False, into=wanted)  # nothing to tell it: the caller checks what comes out


def _build_mismatch_error(card: ModelCard, language: Language | None) -> ExpertError:
    return ExpertError(f"{card.id} is not for {language.name if language else 'this text'}: choose another model.")


_ISO_CODE_FAMILIES: Final = ("m2m100", "small100")
"""Families that are told languages by their ISO 639-1 codes."""

_OWN_CODE_FAMILIES: Final = ("nllb", "mbart")  # such as eng_Latn and en_XX
"""Families with language codes of their own, which can't be looked up without their tokenizers."""

_PREFIXES: Final[Mapping[str, Callable[[Language | None, Language], str]]] = {
    "madlad": lambda _, target: f"<2{target.code}> ",
    "t5-": lambda spoken, target: f"translate {spoken.name if spoken else 'English'} to {target.name}: ",
}
"""Text to put before the input, by a part of the model's name."""
