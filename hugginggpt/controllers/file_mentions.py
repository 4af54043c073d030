"""The files and addresses that a request names: their positions in it, and the kinds that their suffixes suggest."""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind

_SUFFIXES: Final = {
    Kind.IMAGE: "png jpg jpeg webp gif bmp tif tiff heic heif avif",
    Kind.AUDIO: "wav mp3 flac ogg opus m4a aac aiff",
    Kind.VIDEO: "mp4 mov webm avi mkv",
    Kind.TEXT: "txt md pdf docx pptx epub odt odp rtf",
    Kind.TABLE: "csv tsv xlsx xlsm xlsb xls ods",
}
_UNSUPPORTED_SUFFIXES: Final = "doc ppt"
"""Suffixes of files that can't be read, but that are file names all the same."""
_KIND_BY_SUFFIX: Final = {suffix: kind for kind, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
_ANY_SUFFIX: Final = "|".join(sorted((*_KIND_BY_SUFFIX, *_UNSUPPORTED_SUFFIXES.split()), key=len, reverse=True))
_UNSPACED: Final = r"\u3040-\u9fff"
"""Chinese and Japanese letters, between which no blanks stand."""

_URL_END: Final = r"\s<>\"'“”„‘’«»`|\u3000-\u303f\uff00-\uffef"
"""Characters that end an address: quotation marks and punctuation, that of Chinese and Japanese too."""
_URL_CHAR: Final = rf"[^{_URL_END}()\[\]{{}}]"
_URL: Final = re.compile(
    r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,9}://(?:\[[0-9a-f:.]{2,45}\])?"  # the brackets are those of an IPv6 address
    rf"(?:{_URL_CHAR}|\({_URL_CHAR}*\)|\[{_URL_CHAR}*\]|{{{_URL_CHAR}*}})+",  # only brackets that close: "(see http://a)"
    re.IGNORECASE,
)
_SENTENCE_END: Final = ".,;:!?*_…"
_SUFFIX: Final = re.compile(rf"\.(?:{_ANY_SUFFIX})(?![a-z0-9_])", re.IGNORECASE)
_RUN_ON: Final = re.compile(rf"\.(?:{_ANY_SUFFIX})(?=[{_UNSPACED}])", re.IGNORECASE)
_REVERSED_STEM: Final = re.compile(rf"(?:[^\W{_UNSPACED}]|[()./-])+|[\w()./-]+")
"""A file's name without its suffix, from its end; Chinese or Japanese letters are taken for a name where there is no other."""
_MAX_NAME_CHARS: Final = 200


def find_urls(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each URL in a text, without the punctuation of the sentence around it."""
    for match in _URL.finditer(text):
        url = match[0].rstrip(_SENTENCE_END)
        if run_on := _RUN_ON.search(url):
            url = url[: run_on.end()]  # Chinese and Japanese go on without a blank behind a file's suffix
        yield match.start(), match.start() + len(url)


def find_file_names(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each file name: from each known suffix back, so that the time stays linear."""
    for suffix in _SUFFIX.finditer(text):  # not one pattern for name and suffix: that backtracks at each word
        before = _REVERSED_STEM.match(text[max(0, suffix.start() - _MAX_NAME_CHARS) : suffix.start()][::-1])
        name = before[0][::-1] if before else ""
        if name.count("(") != name.count(")"):  # "(see cat.jpg)": the bracket is the sentence's
            name = re.split(r"[()]", name)[-1]
        if re.search(r"\w|\)", name[-1:]):  # ".jpg" by itself is a format, not a file
            yield suffix.start() - len(name), suffix.end()


def guess_kind(name: str) -> Kind | None:
    """Return the kind of file that the suffix of a name or a URL suggests; None for an unknown suffix."""
    suffix = re.search(r"\.(\w+)$", re.split(r"[?#]", name)[0])  # a URL's query may end in a suffix of its own
    return _KIND_BY_SUFFIX.get(suffix[1].lower()) if suffix else None


def list_addresses(text: str, known: Iterable[Resource] = ()) -> list[str]:
    """Return the URLs and files that a request names and that are no resources yet: shipped examples, or files to be asked for.

    >>> list_addresses("read the image example.jpg, or https://example.org/a.png.")
    ['example.jpg', 'https://example.org/a.png']

    Args:
        text: The request.
        known: Resources, which have names of their own; people call them by their files' names.
    """
    labels = {resource.origin.label for resource in known}
    url_spans = list(find_urls(text))
    files = (span for span in find_file_names(blank_out(text, url_spans, " ")) if guess_kind(text[slice(*span)]))
    return [name for name in dict.fromkeys(text[slice(*span)] for span in sorted([*url_spans, *files])) if name not in labels]


def blank_out(text: str, spans: Collection[tuple[int, int]], sign: str) -> str:
    """Replace each character of some spans by a sign, so that the positions of all others stay the same."""
    for start, end in spans:
        text = text[:start] + sign * (end - start) + text[end:]
    return text
