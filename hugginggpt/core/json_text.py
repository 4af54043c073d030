"""Parsing of untrusted JSON: its values are counted before any of them is built.

A few bytes of JSON become a hundred bytes of objects, so a limit in bytes alone lets 72 MB of ``[]`` take gigabytes.
"""

import json
import re
from collections.abc import Callable
from itertools import islice
from typing import Any, Final

MAX_VALUES: Final = 200_000
"""Default limit of values in a text of JSON: lists, objects and their items."""
_VALUE: Final = re.compile(
    r"""(?: [^",\[{]++                            # what separates nothing
          | "[^"\\]*+ (?:\\.[^"\\]*+)*+ "?       # a string; one without an end reaches to the text's, once
        )*+
        (?:[,\[{] | \Z)""",
    re.DOTALL | re.VERBOSE,
)
"""Everything up to the next comma or opening bracket outside of a string: a value may follow it."""
_SEPARATORS: Final = ",[{"


class JsonError(ValueError):
    """A text is no JSON, is nested too deep, or holds too many values; the message is the end of a sentence."""


class TooManyValuesError(JsonError):
    """A text of JSON holds more values than allowed."""


def parse_json(text: str | bytes, *, max_values: int = MAX_VALUES, parse_constant: Callable[[str], Any] | None = None) -> Any:
    """Parse a text of JSON.

    Args:
        text: Its length is bounded already; bytes are UTF-8.
        max_values: Texts of more values are refused before they are parsed.
        parse_constant: Called with NaN and the infinities, which Python's decoder takes although JSON lacks them.

    Raises:
        JsonError: It is no such text.
    """
    try:
        text = text.decode("utf-8-sig") if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        raise JsonError("is not UTF-8") from error
    if _has_more_values(text, max_values):
        raise TooManyValuesError(f"holds more than {max_values:,} values")
    try:
        return json.loads(text, parse_constant=parse_constant)
    except RecursionError as error:  # the decoder's own limit: about a thousand levels
        raise JsonError("is nested too deep") from error
    except ValueError as error:
        raise JsonError("is no JSON") from error


def _has_more_values(text: str, limit: int) -> bool:
    """Return whether there are more values than `limit`: one for each comma and opening bracket outside of strings."""
    if sum(map(text.count, _SEPARATORS)) <= limit:  # at a gigabyte a second; those inside strings count here, too
        return False
    return sum(1 for _ in islice(_VALUE.finditer(text), limit + 3)) > limit + 2  # the text's end counts up to twice
