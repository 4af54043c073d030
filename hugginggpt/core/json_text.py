"""JSON that somebody else wrote: its values are counted before the first of them is made.

A few bytes of JSON become a hundred bytes of objects, so a limit in bytes alone lets 72 MB of ``[]`` take gigabytes.
"""

import json
import re
from collections.abc import Callable
from itertools import islice
from typing import Any, Final

MAX_VALUES: Final = 200_000
"""Most values in a text of JSON where nothing else is said: lists, objects, and what stands in them."""
_VALUE: Final = re.compile(
    r"""(?: [^",\[{]++                            # what separates nothing
          | "[^"\\]*+ (?:\\.[^"\\]*+)*+ "?       # a string; one without an end reaches to the text's, once
        )*+
        (?:[,\[{] | \Z)""",
    re.DOTALL | re.VERBOSE,
)
"""The way to the next separator outside of a string: a comma or an opening bracket, behind which a value may stand."""
_SEPARATORS: Final = ",[{"


class JsonError(ValueError):
    """A text is no JSON, nested too deep, or of too many values; the message is the end of a sentence."""


class TooManyValuesError(JsonError):
    """It holds more values than are read."""


def parse_json(text: str | bytes, *, max_values: int = MAX_VALUES, parse_constant: Callable[[str], Any] | None = None) -> Any:
    """Return the value that a text means.

    Args:
        text: Its length is bounded already; bytes are UTF-8.
        max_values: Texts of more values are refused before they are parsed.
        parse_constant: Is given NaN and the infinities, which JSON doesn't have, but Python's decoder takes.

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
