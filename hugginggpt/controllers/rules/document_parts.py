"""Choice between a document and its parts: a letter is read, unless the request speaks of the pictures or tables in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from hugginggpt.core.resources import Resource, select_main
from hugginggpt.core.tasks import Kind

_NOUNS: Final[Mapping[Kind, re.Pattern[str]]] = {
    Kind.IMAGE: re.compile(
        r"\b(?:pictures?|photos?|photographs?|images?|logos?|drawings?|illustrations?|diagrams?|figures?)\b"
    ),
    Kind.TABLE: re.compile(r"\b(?:tables?|spreadsheets?|columns?|rows?|csv)\b"),
}
"""Words that ask for a document's parts of a kind."""


def select_parts(text: str, attached: Sequence[Resource]) -> tuple[Resource, ...]:
    """Select what a request is about among its files and their parts.

    Args:
        text: The request.
        attached: Its files, with the parts of documents.
    """
    main = select_main(attached)
    kinds = {resource.kind for resource in main}
    lowered = text.lower()
    wanted = {kind for kind, nouns in _NOUNS.items() if kind not in kinds and nouns.search(lowered)}
    named = {each.name for each in attached if re.search(rf"\b{each.name}\b", lowered)}
    return tuple(each for each in attached if each in main or each.kind in wanted or each.name in named)
