"""Reading of scanned pages: a document's pages without text go through OCR before the request is planned.

The workspace, which takes documents apart, lies below the experts; so it keeps such pages as pictures, and the agent has
them read, page by page, by the model that reads pictures.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from hugginggpt.controllers.context import RequestContext
from hugginggpt.core.errors import HuggingGPTError
from hugginggpt.core.events import Notice, RequestProgress
from hugginggpt.core.model_card import ModelCard
from hugginggpt.core.page_marks import make_placeholder
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.execution.device_queue import DeviceSlots
from hugginggpt.experts.base import Call, Expert, Limits
from hugginggpt.experts.cancel_token import CancelToken
from hugginggpt.selection.ranking import Needs, rank_cards
from hugginggpt.workspace.document_files import SCANNED_PAGE

log = logging.getLogger(__name__)

_TASK: Final = "image-to-text"
_BACKENDS: Final = frozenset({"bundled", "local"})  # a document isn't sent elsewhere before anybody has asked for anything
_NO_TEXT: Final = "[Page {} is a picture without text.]"


async def read_scanned_pages(context: RequestContext, slots: DeviceSlots) -> tuple[Resource, ...]:
    """Return the request's files, of documents with the text of all pages that OCR could read.

    What is read stays read: it is written into the document's resource, also where the work is stopped in its midst.
    """
    attached = context.request.attached
    return tuple([await _read_document(context, slots, each) if each.kind is Kind.TEXT else each for each in attached])


async def _read_document(context: RequestContext, slots: DeviceSlots, document: Resource) -> Resource:
    workspace = context.session.workspace
    document = workspace.find(document.name) or document  # an earlier request may have had it read
    pages = _list_unread(workspace.list_parts(document), document.text or "")
    if not pages:
        return document
    label = document.origin.label
    found = await asyncio.to_thread(_find_reader, context)  # looks at the disk
    if found is None:
        context.emit(Notice(f"{_name_pages(label, pages)}, and no model that reads pictures is installed here."))
        return document
    expert, card = found
    context.emit(Notice(f"{_name_pages(label, pages)}; {card.id} reads {'it' if len(pages) == 1 else 'them'}."))
    text = document.text or ""
    unread: list[int] = []
    try:
        for position, (number, picture) in enumerate(pages):
            message = f"{card.id} reads page {number} of “{label}” ({position + 1} of {len(pages)})"
            context.emit(RequestProgress(message, position / len(pages)))
            try:
                content = await _read_page(context, slots, expert, card, picture)
            except HuggingGPTError as error:
                log.info("page %d was not read", number, exc_info=error)
                unread.append(number)
                continue
            text = text.replace(make_placeholder(number), content or _NO_TEXT.format(number), 1)
    finally:
        if text != document.text:
            document = await asyncio.shield(asyncio.to_thread(workspace.rewrite_text, document, text))
    if unread:
        context.emit(Notice(f"“{label}”: page {', '.join(map(str, unread))} could not be read."))
    return document


async def _read_page(context: RequestContext, slots: DeviceSlots, expert: Expert, card: ModelCard, picture: Resource) -> str:
    """Return the text of one page, read at the model's turn; empty where it has none."""
    settings, session = context.settings, context.session
    token = CancelToken()
    call = Call(
        card,
        {context.table[_TASK].inputs[0].name: picture},
        session.workspace.new_path,
        token=token,
        seconds=settings.task_seconds,
        limits=Limits(settings.max_pixels, settings.max_audio_seconds),
    )
    try:
        async with slots.hold(card.slot, session.visitor or session.workspace.folder.name):
            async with asyncio.timeout(settings.task_seconds):
                result = await expert.run(call)
    except TimeoutError as error:
        raise HuggingGPTError(f"{card.id} took longer than {settings.task_seconds:g} s.") from error
    except HuggingGPTError:
        raise
    except Exception as error:  # the seam: whatever a model raises is the failure of this page
        log.exception("%s failed on a page", card.id)
        raise HuggingGPTError(f"{card.id} failed unexpectedly.") from error
    finally:
        token.cancel()
    output = result.outputs[0]
    is_text = output.data.get("lines", True)  # where nothing is written the model says what it sees
    return (output.text or "").strip() if is_text else ""


def _find_reader(context: RequestContext) -> tuple[Expert, ModelCard] | None:
    """Find the model that reads pictures, as the person's choices of models allow."""
    experts = {expert.backend: expert for expert in context.experts if expert.backend in _BACKENDS}
    cards = [card for expert in experts.values() for card in expert.cards({_TASK}) if card.task == _TASK]
    ranked = rank_cards(cards, Needs(), context.preferences).cards
    reader = next((card for card in ranked if "reading" in card.tags), None)
    return (experts[reader.backend], reader) if reader else None


def _list_unread(parts: Sequence[Resource], text: str) -> list[tuple[int, Resource]]:
    scans = [(part.data[SCANNED_PAGE], part) for part in parts if SCANNED_PAGE in part.data]
    return [(number, part) for number, part in scans if make_placeholder(number) in text]


def _name_pages(label: str, pages: Sequence[tuple[int, Resource]]) -> str:
    numbers = [number for number, _ in pages]
    if len(numbers) == 1:
        return f"Page {numbers[0]} of “{label}” is a picture"
    is_run = numbers == list(range(numbers[0], numbers[-1] + 1)) and len(numbers) > 2
    named = f"{numbers[0]} to {numbers[-1]}" if is_run else f"{', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"
    return f"Pages {named} of “{label}” are pictures"
