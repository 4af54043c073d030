"""Selection of pages: those of a document that a request names become texts of their own, which plans can name.

"Read page 3 aloud" is about one page; so the page stands beside its document, as “letter.pdf, page 3”, for every controller.
"""

from __future__ import annotations

from typing import Final

from hugginggpt.controllers.base import PlanRequest
from hugginggpt.core.page_marks import split_pages
from hugginggpt.core.page_references import find_page_references
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.workspace.workspace import Workspace

_MAX_PAGES: Final = 20
"""Most pages of one request that are selected."""
_MAX_READ_CHARS: Final = 20_000  # of a request: what follows is a text that came with it


def select_pages(request: PlanRequest, workspace: Workspace) -> tuple[Resource, ...]:
    """Return a text for each page that the request names of its documents, or of earlier ones where it has none.

    Raises:
        ResourceError: There is no room for it.
    """
    references = find_page_references(request.text[:_MAX_READ_CHARS])
    documents = [each for each in request.attached if _is_paged(each)]
    if not documents and not request.attached:
        documents = [each for each in request.earlier_resources if _is_paged(each)][-1:]
    wanted: dict[tuple[str, str], Resource] = {}
    for document in documents if references else ():
        pages = dict(split_pages(document.text or ""))
        for reference in references:
            for number in reference.list_numbers(len(pages))[:_MAX_PAGES]:
                name = f"{reference.unit} {number}"
                if name in pages and len(wanted) < _MAX_PAGES:
                    wanted.setdefault((document.name, name), _add_page(document, name, pages[name], workspace))
    return tuple(wanted.values())


def _is_paged(resource: Resource) -> bool:
    """Return whether a resource is a text with marks of its pages."""
    return resource.kind is Kind.TEXT and bool(resource.file and resource.file.pages > 1)


def _add_page(document: Resource, name: str, text: str, workspace: Workspace) -> Resource:
    label = f"{document.origin.label}, {name}"
    known = (each for each in workspace.resources if each.origin.label == label and each.data.get("document") == document.name)
    data = {"document": document.name, "section": name}
    return next(known, None) or workspace.add_output(Kind.TEXT, Origin("upload", label), text=text, data=data)
