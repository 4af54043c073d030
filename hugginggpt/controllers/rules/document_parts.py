"""Choice between a document and its parts: a letter is read, unless the request speaks of the pictures or tables in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from hugginggpt.controllers.base import PlanRequest
from hugginggpt.core.resources import Resource, select_main
from hugginggpt.core.tasks import Kind
from hugginggpt.workspace.text_tables import HOLDS_TEXT, PASTED, cut_pasted_table

_READER: Final = "image-to-text"
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


def select_main_or_tables(resources: Sequence[Resource]) -> tuple[Resource, ...]:
    """Select what stands for a file or a picture: no parts of it but a table that is nearly all of it."""
    main = select_main(resources)
    read = {each.name for each in resources if each.kind is Kind.TABLE and each.origin.label == _READER}
    return tuple(each for each in resources if HOLDS_TEXT in each.data or (each in main and each.name not in read))


def drop_pasted(request: PlanRequest) -> PlanRequest:
    """Return a request without the table that is pasted into it as a resource; its text has it still."""
    return replace(request, attached=tuple(each for each in request.attached if PASTED not in each.data))


def use_tables(request: PlanRequest) -> PlanRequest | None:
    """Return a request with tables in the place of texts that hold little else, its own text among them; None where none do."""
    owners = {each.name: each for each in request.attached}
    used: dict[str, Resource] = {}
    for each in request.attached:
        if HOLDS_TEXT in each.data and each.part_of in owners:
            used[each.name] = replace(each, origin=owners[each.part_of].origin, data={})  # called by the file's name
        elif PASTED in each.data:
            used[each.name] = replace(each, data={})
    texts = {each.part_of for each in used.values()}
    attached = tuple(used.get(each.name, each) for each in request.attached if each.name not in texts)
    is_pasted = any(PASTED in each.data for each in request.attached)
    text = cut_pasted_table(request.text) if is_pasted else request.text
    return replace(request, text=text, attached=attached) if used else None
