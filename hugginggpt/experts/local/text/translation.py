"""Choice of languages for translation models: by the model itself, a token, or a prefix.

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

_TASK_NAME: Final = re.compile(r"translation_(\w+?)_to_(\w+)")


@dataclass(frozen=True, slots=True)
class TranslationPrompt:
    """Input of a translation model besides the text."""

    source: Language | None
    target: Language | None
    prefix: str = ""
    """Text before each sentence."""
    source_code: str | None = None
    """``src_lang`` of the tokenizer."""
    first_token: int | None = None
    """Id of the token that the translation begins with."""


def build_translation_prompt(
    writer: Writer, checkpoint: Checkpoint, source: Language | None, target: Language | None
) -> TranslationPrompt:
    """Build the input with which a model translates between two languages.

    Args:
        writer: The model.
        checkpoint: Its checkpoint.
        source: The text's language; None where it is unknown.
        target: Language to translate into; None for the model's own, else English.

    Raises:
        ExpertError: The model doesn't do this pair of languages.
        InputError: No target is given, and the text is English already.
    """
    return _BUILDERS[checkpoint.model_type](writer, checkpoint, source, target)


def _use_pair(writer: Writer, checkpoint: Checkpoint, source: Language | None, target: Language | None) -> TranslationPrompt:
    """Build it for one pair of languages, named by tokenizer or id, or for a group, whose target is a token before the text."""
    tokenizer = writer.tokenizer
    parts = checkpoint.id.rsplit("-", 2)  # "Helsinki-NLP/opus-mt-en-de"
    first, last = (tokenizer.source_lang or parts[-2], tokenizer.target_lang or parts[-1]) if len(parts) > 2 else ("", "")
    own_source, own_target = get_language(str(first)), get_language(str(last))  # None for a group: "ROMANCE", "mul"
    if own_source and source and source != own_source:
        raise ExpertError(f"{checkpoint.id} translates from {own_source.name}, and this text looks {source.name}.")
    codes = {token.strip("<>"): token for token in tokenizer.supported_language_codes}  # ">>deu<<" names a group's target
    if own_target and not (target and target.find_code(codes)):
        if target and target != own_target:
            raise ExpertError(f"{checkpoint.id} translates into {own_target.name}, not into {target.name}.")
        return TranslationPrompt(own_source or source, own_target)
    target = target or get_default_target(source)
    if not (code := target.find_code(codes)):
        raise ExpertError(f"{checkpoint.id} doesn't translate into {target.name}.")
    return TranslationPrompt(own_source or source, target, f"{codes[code]} ")


def _use_tokens(writer: Writer, checkpoint: Checkpoint, source: Language | None, target: Language | None) -> TranslationPrompt:
    """Build it for many languages: the source's code goes to the tokenizer, the target's token begins the translation."""
    target = target or get_default_target(source)
    source = source or parse_language("English")  # unknown where the text is too short
    for language in (source, target):
        if not language.find_code(writer.languages):
            raise ExpertError(f"{checkpoint.id} doesn't know {language.name}.")
    src_code, token = str(source.find_code(writer.languages)), writer.languages[str(target.find_code(writer.languages))]
    return TranslationPrompt(source, target, source_code=src_code, first_token=writer.tokenizer.convert_tokens_to_ids(token))


def _use_prefix(writer: Writer, checkpoint: Checkpoint, source: Language | None, target: Language | None) -> TranslationPrompt:
    """Build it with the target before the text: as a token, or in words, for the pairs that the configuration names."""
    target = target or get_default_target(source)
    if writer.languages:  # MADLAD-400; T5 has its languages in words
        if not (code := target.find_code(writer.languages)):
            raise ExpertError(f"{checkpoint.id} doesn't translate into {target.name}.")
        return TranslationPrompt(source, target, f"{writer.languages[code]} ")
    params: Mapping[str, Any] = checkpoint.config.get("task_specific_params") or {}
    pairs = {(get_language(m[1]), get_language(m[2])): key for key in params if (m := _TASK_NAME.fullmatch(key))}
    if not pairs:
        return TranslationPrompt(source, target, f"translate {(source or parse_language('English')).name} to {target.name}: ")
    key = next((key for (src, tgt), key in pairs.items() if tgt == target and source in {src, None}), None)
    if key is None:
        known = ", ".join(f"{src.name} to {tgt.name}" for src, tgt in pairs if src and tgt)
        raise ExpertError(
            f"{checkpoint.id} doesn't translate {source.name if source else 'this'} to {target.name}: it does {known}."
        )
    return TranslationPrompt(source, target, str(params[key].get("prefix", "")))


def get_default_target(source: Language | None) -> Language:
    """Return English as the target where none is given; raise `InputError` where the text is English already."""
    english = parse_language("English")
    if source == english:
        raise InputError("Name the language to translate into, such as German or Japanese.")
    return english


_BUILDERS: Final[Mapping[str, Callable[[Writer, Checkpoint, Language | None, Language | None], TranslationPrompt]]] = {
    "marian": _use_pair,
    "m2m_100": _use_tokens,
    "mbart": _use_tokens,
    "t5": _use_prefix,
    "mt5": _use_prefix,
}
