"""The files and addresses that a request names: where they stand in it, and what they promise to be."""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind

_SUFFIXES: Final = {
    Kind.IMAGE: "png jpg jpeg webp gif bmp tif tiff heic",
    Kind.AUDIO: "wav mp3 flac ogg opus m4a aac aiff",
    Kind.VIDEO: "mp4 mov webm avi mkv",
    Kind.TEXT: "txt md",
    Kind.TABLE: "csv tsv",
}
_OTHERS: Final = "pdf doc docx"
"""Files, too, that no task takes."""
_KINDS: Final = {suffix: kind for kind, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
_ANY_SUFFIX: Final = "|".join(sorted((*_KINDS, *_OTHERS.split()), key=len, reverse=True))
_UNSPACED: Final = r"\u3040-\u9fff"
"""Chinese and Japanese letters, between which no blanks stand."""

_NEVER: Final = r"\s<>\"'“”„‘’«»`|\u3000-\u303f\uff00-\uffef"
"""Characters that end an address: quotation marks and punctuation, that of Chinese and Japanese too."""
_INSIDE: Final = rf"[^{_NEVER}()\[\]{{}}]"
_URL: Final = re.compile(
    r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,9}://(?:\[[0-9a-f:.]{2,45}\])?"
    rf"(?:{_INSIDE}|\({_INSIDE}*\)|\[{_INSIDE}*\]|{{{_INSIDE}*}})+",  # a bracket that is opened in an address belongs to it
    re.IGNORECASE,
)
_SENTENCE_END: Final = ".,;:!?*_…"
_SUFFIX: Final = re.compile(rf"\.(?:{_ANY_SUFFIX})(?![a-z0-9_])", re.IGNORECASE)
_RUN_ON: Final = re.compile(rf"\.(?:{_ANY_SUFFIX})(?=[{_UNSPACED}])", re.IGNORECASE)
_BACKWARDS: Final = re.compile(rf"(?:[^\W{_UNSPACED}]|[()./-])+|[\w()./-]+")
"""A file's name without its suffix, from its end; Chinese or Japanese letters are taken for a name where there is no other."""
_LONGEST_NAME: Final = 200


def find_urls(text: str) -> Iterator[tuple[int, int]]:
    """From where to where each URL stands in a text, without the punctuation of the sentence around it."""
    for match in _URL.finditer(text):
        found = match[0].rstrip(_SENTENCE_END)
        if run_on := _RUN_ON.search(found):
            found = found[: run_on.end()]
        yield match.start(), match.start() + len(found)


def find_file_names(text: str) -> Iterator[tuple[int, int]]:
    """From where to where file names stand: from each known suffix back, so that a long text costs no more than its length."""
    for suffix in _SUFFIX.finditer(text):
        before = _BACKWARDS.match(text[max(0, suffix.start() - _LONGEST_NAME) : suffix.start()][::-1])
        name = before[0][::-1] if before else ""
        if name.count("(") != name.count(")"):
            name = re.split(r"[()]", name)[-1]
        if re.search(r"\w|\)", name[-1:]):
            yield suffix.start() - len(name), suffix.end()


def guess_kind(name: str) -> Kind | None:
    """Return the kind that a file name or a URL promises."""
    suffix = re.search(r"\.(\w+)$", re.split(r"[?#]", name)[0])
    return _KINDS.get(suffix[1].lower()) if suffix else None


def list_addresses(text: str, known: Iterable[Resource] = ()) -> list[str]:
    """Return the URLs and files that a request names and that are no resources yet: shipped examples, or files to be asked for.

    >>> list_addresses("read the image example.jpg, or https://example.org/a.png.")
    ['example.jpg', 'https://example.org/a.png']

    Args:
        text: The request.
        known: Resources, which have names of their own; people call them by their files' names.
    """
    labels = {resource.origin.label for resource in known}
    at = list(find_urls(text))
    files = (span for span in find_file_names(blank_out(text, at, " ")) if guess_kind(text[slice(*span)]))
    return [name for name in dict.fromkeys(text[slice(*span)] for span in sorted([*at, *files])) if name not in labels]


def blank_out(text: str, spans: Collection[tuple[int, int]], sign: str) -> str:
    """Return the text, as long as before, with a sign instead of each character of some parts."""
    for start, end in spans:
        text = text[:start] + sign * (end - start) + text[end:]
    return text
