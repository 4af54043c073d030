"""Visitor identity: one reading of a connection's address, for requests, uploads and the API."""

from typing import Any, Final

from starlette.datastructures import Headers

from hugginggpt.ui.session.llm_choice import is_space

_FORWARDED_HEADER: Final = "x-forwarded-for"


def read_visitor(caller: Any) -> str:
    """Return what tells visitors apart: on a Space the address that its proxy has seen, else the one that the server sees.

    Args:
        caller: A connection of Starlette's, or a request of Gradio's, which stands for one.
    """
    seen = ""
    if is_space() and caller.headers:  # elsewhere anybody may write that header
        headers = caller.headers
        lines = headers.getlist(_FORWARDED_HEADER) if isinstance(headers, Headers) else [headers.get(_FORWARDED_HEADER, "")]
        seen = ",".join(lines).rpartition(",")[2].strip()  # the last entry is the proxy's own, in a line of its own or not
    return seen or (caller.client.host if caller.client else "")
