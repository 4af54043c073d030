"""Highlighting of code: Pygments tells its parts, and each gets a class of `assets/code.css`, as the page's policy wants it."""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pygments.token import _TokenType

MAX_HIGHLIGHTED_CHARS: Final = 2_000
"""Longer code is drawn plain: some patterns of Pygments' take time that grows with the square of the length."""
_CACHED_BLOCKS: Final = 64  # an answer is drawn anew with each piece that comes
_LANGUAGES: Final = frozenset(
    "bash c c++ cpp css diff dockerfile go html ini java javascript js json jsx kotlin lua php py python python3 r rs rust sh "
    "shell sql swift toml ts tsx typescript xml yaml yml zsh".split()
)
"""Languages that are highlighted: Pygments knows hundreds, some by patterns whose time grows without bound."""
_CLASS_BY_TOKEN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Token.Comment": "hl-comment",
        "Token.Keyword": "hl-keyword",
        "Token.Literal.String": "hl-string",
        "Token.Literal.Number": "hl-number",
        "Token.Name.Attribute": "hl-name",
        "Token.Name.Builtin": "hl-name",
        "Token.Name.Class": "hl-name",
        "Token.Name.Decorator": "hl-name",
        "Token.Name.Function": "hl-name",
        "Token.Name.Tag": "hl-keyword",
        "Token.Operator.Word": "hl-keyword",
        "Token.Generic.Deleted": "hl-number",
        "Token.Generic.Inserted": "hl-string",
        "Token.Generic.Heading": "hl-keyword",
    }
)


def highlight_code(code: str, language: str, escape: Callable[[str], str]) -> str:
    """Return code as HTML, its parts marked where the language is known.

    >>> highlight_code("x = 1", "python", str)
    'x = <span class="hl-number">1</span>'

    Args:
        code: Whatever somebody wrote.
        language: What stands behind a fence's marks; its first word counts.
        escape: Makes a text harmless.
    """
    name = language.split(maxsplit=1)[0].lower() if language.strip() else ""
    if name not in _LANGUAGES or len(code) > MAX_HIGHLIGHTED_CHARS:
        return escape(code)
    return "".join(f'<span class="{kind}">{escape(part)}</span>' if kind else escape(part) for kind, part in _split(code, name))


@lru_cache(maxsize=_CACHED_BLOCKS)
def _split(code: str, name: str) -> tuple[tuple[str, str], ...]:
    """Return the parts of code with their classes; "" of what is drawn plain."""
    from pygments.lexers import get_lexer_by_name  # with the first code that is shown

    left = len(code)
    parts: list[tuple[str, str]] = []
    for _, kind, part in get_lexer_by_name(name).get_tokens_unprocessed(f"{code}\n"):  # some want each line to end
        parts.append((_find_class(kind), part[:left]))
        left -= len(part[:left])
    grouped = ((kind, "".join(part for _, part in group)) for kind, group in groupby(parts, key=itemgetter(0)))
    return tuple((kind, part) for kind, part in grouped if part)


def _find_class(kind: "_TokenType") -> str:
    """Return the class of a token, which is that of the nearest kind above it."""
    return next((_CLASS_BY_TOKEN[str(each)] for each in _list_ancestors(kind) if str(each) in _CLASS_BY_TOKEN), "")


def _list_ancestors(kind: "_TokenType") -> Iterator["_TokenType"]:
    while kind is not None:
        yield kind
        kind = kind.parent
