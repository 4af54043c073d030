"""Languages of a translation as each model is told them: by the model itself, a token, or a prefix.

Marian: Tiedemann and Thottingal, EAMT 2020. M2M-100: Fan et al., JMLR 2021. NLLB: NLLB Team, 2022. mBART-50: Tang et al.,
2020. T5: Raffel et al., JMLR 2020. MADLAD-400: Kudugunta et al., NeurIPS 2023.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hugginggpt.core.errors import ExpertError, InputError
from hugginggpt.core.languages import Language, get_language, parse_language
from hugginggpt.experts.local.text.decoding import Writer
from hugginggpt.hub.cache import Checkpoint

_PAIR: Final = re.compile(r"translation_(\w+?)_to_(\w+)")


@dataclass(frozen=True, slots=True)
class TranslationPrompt:
    """Inputs of a translation besides the text."""

    source: Language | None
    target: Language | None
    prefix: str = ""
    """Goes before each sentence."""
    source_code: str | None = None
    """The tokenizer's ``src_lang``."""
    first_token: int | None = None
    """With which the translation begins."""


def build_translation_prompt(
    writer: Writer, checkpoint: Checkpoint, source: Language | None, target: Language | None
) -> TranslationPrompt:
    """Return how a model translates a text.

    Args:
        writer: The model.
        checkpoint: Where it comes from.
        source: The text's language; None where it isn't known.
        target: The language that is wanted; None for what the model does, or else English.

    Raises:
        ExpertError: The model doesn't do this pair of languages.
        InputError: It does several languages, and none is wanted.
    """
    return _BY_TYPE[checkpoint.model_type](writer, checkpoint, source, target)


def _marian(writer: Writer, checkpoint: Checkpoint, source: Language | None, target: Language | None) -> TranslationPrompt:
    """Return one pair of languages, named by tokenizer or id, or a group, whose target is a token before the text."""
    tokenizer = writer.tokenizer
    words = checkpoint.id.rsplit("-", 2)
    first, last = (tokenizer.source_lang or words[-2], tokenizer.target_lang or words[-1]) if len(words) > 2 else ("", "")
    own, made = get_language(str(first)), get_language(str(last))  # None for a group: "ROMANCE", "mul"
    if own and source and source != own:
        raise ExpertError(f"{checkpoint.id} translates from {own.name}, and this text looks {source.name}.")
    codes = {token.strip("<>"): token for token in tokenizer.supported_language_codes}
    if made and not (target and target.among(codes)):
        if target and target != made:
            raise ExpertError(f"{checkpoint.id} translates into {made.name}, not into {target.name}.")
        return TranslationPrompt(own or source, made)
    target = target or _otherwise(source)
    if not (code := target.among(codes)):
        raise ExpertError(f"{checkpoint.id} doesn't translate into {target.name}.")
    return TranslationPrompt(own or source, target, f"{codes[code]} ")


def _coded(writer: Writer, checkpoint: Checkpoint, source: Language | None, target: Language | None) -> TranslationPrompt:
    """Many languages: the source's code goes to the tokenizer, the translation begins with the target's token."""
    target = target or _otherwise(source)
    source = source or parse_language("English")  # a text too short to tell
    for language in (source, target):
        if not language.among(writer.languages):
            raise ExpertError(f"{checkpoint.id} doesn't know {language.name}.")
    read, made = str(source.among(writer.languages)), writer.languages[str(target.among(writer.languages))]
    return TranslationPrompt(source, target, source_code=read, first_token=writer.tokenizer.convert_tokens_to_ids(made))


def _prefixed(writer: Writer, checkpoint: Checkpoint, source: Language | None, target: Language | None) -> TranslationPrompt:
    """Return the target stands before the text: as a token, or in words, for the pairs that the configuration names."""
    target = target or _otherwise(source)
    if writer.languages:
        if not (code := target.among(writer.languages)):
            raise ExpertError(f"{checkpoint.id} doesn't translate into {target.name}.")
        return TranslationPrompt(source, target, f"{writer.languages[code]} ")
    params: Mapping[str, Any] = checkpoint.config.get("task_specific_params") or {}
    pairs = {(get_language(m[1]), get_language(m[2])): key for key in params if (m := _PAIR.fullmatch(key))}
    if not pairs:
        return TranslationPrompt(source, target, f"translate {(source or parse_language('English')).name} to {target.name}: ")
    key = next((key for (read, made), key in pairs.items() if made == target and source in {read, None}), None)
    if key is None:
        known = ", ".join(f"{read.name} to {made.name}" for read, made in pairs if read and made)
        raise ExpertError(
            f"{checkpoint.id} doesn't translate {source.name if source else 'this'} to {target.name}: it does {known}."
        )
    return TranslationPrompt(source, target, str(params[key].get("prefix", "")))


def _otherwise(source: Language | None) -> Language:
    """English, where nobody said which language."""
    english = parse_language("English")
    if source == english:
        raise InputError("Name the language to translate into, such as German or Japanese.")
    return english


_BY_TYPE: Final[Mapping[str, Callable[[Writer, Checkpoint, Language | None, Language | None], TranslationPrompt]]] = {
    "marian": _marian,
    "m2m_100": _coded,
    "mbart": _coded,
    "t5": _prefixed,
    "mt5": _prefixed,
}
