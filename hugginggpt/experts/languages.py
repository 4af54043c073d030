"""Languages that a model reads, compared with the text that it is given."""

from typing import Final

from hugginggpt.core.errors import ExpertError
from hugginggpt.core.languages import get_language, name_foreign_language
from hugginggpt.core.model_card import ModelCard
from hugginggpt.experts.base import Call

_ANY: Final = "multilingual"  # what the Hub tags a model of many languages with


def check_language(call: Call, *names: str) -> None:
    """Refuse texts in a language that the call's model doesn't read, so that another model is tried.

    Args:
        call: Its card lists the model's languages; an empty list or "multilingual" allows any.
        names: The inputs to look at; by default ``text``.

    Raises:
        ExpertError: One of the texts is in another language.
    """
    for name in names or ("text",):
        if found := _find_foreign_language(call, name):
            model = f"a model for {found}" if found[0].isupper() else "a model for its language"
            raise ExpertError(
                f"{call.card.id} reads {_list_languages(call.card)} only, and this text looks like {found}: download {model} "
                "on the Models page, or let hosted models run."
            )


def describe_foreign_text(call: Call, name: str = "text") -> str:
    """Return a note for results that are of use all the same; empty where the model reads the text's language."""
    found = _find_foreign_language(call, name)
    return f"{call.card.id} is made for {_list_languages(call.card)}, and this text looks like {found}." if found else ""


def _find_foreign_language(call: Call, name: str) -> str:
    codes = call.card.languages
    return name_foreign_language(call.text(name), codes) if codes and _ANY not in codes else ""


def _list_languages(card: ModelCard) -> str:
    names = [language.name if (language := get_language(code)) else code for code in card.languages]
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
