"""Choice among several files by a step's words: by name, by order ("the second picture"), or by a word of its name."""

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from hugginggpt.controllers.rules.cue_table import Intent, load, load_pattern
from hugginggpt.controllers.rules.request_parser import ParsedRequest
from hugginggpt.core.page_references import find_page_references
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind, is_usable_as

_GENERIC_WORDS: Final = frozenset(
    {"image", "picture", "photo", "img", "scan", "file", "recording", "audio", "the", "final", "new", "mask", "text", "video"}
)
_ORDINALS: Final = {
    "first": 0, "1st": 0, "1": 0, "second": 1, "2nd": 1, "2": 1, "third": 2, "3rd": 2, "3": 2, "fourth": 3, "4th": 3, "4": 3,
    "fifth": 4, "5th": 4, "5": 4, "last": -1, "latter": -1, "former": 0,
}  # fmt: skip
_NUMBERS: Final = {"two": 2, "three": 3, "four": 4}
_NOUNS: Final = {
    Kind.IMAGE: r"photo(?:graph)?|picture|pic|image|drawing|painting|scan|screenshot|shot",
    Kind.AUDIO: r"recording|audio|voice ?(?:note|mail|message|memo)|interview|call|memo|sound|track|podcast|message",
    Kind.VIDEO: r"video|clip|film|movie",
    Kind.TEXT: r"text|article|report|letter|email|document|note|story|review|essay|file",
    Kind.TABLE: r"table|spreadsheet|csv",
}
_ANY_NOUN: Final = "|".join(_NOUNS.values())
_ORDINAL: Final = re.compile(
    rf"\b(?:the\s+)?(first|second|third|fourth|fifth|last|1st|2nd|3rd|4th|5th)(?:\s+(two|three|four))?\s+({_ANY_NOUN}|one|file)s?\b"
    rf"|\bthe\s+(first|second|third|fourth|fifth|last|latter|former)(?=\s*(?:[,.;?!:)]|$|(?:and|is|in|into|with|to|say|says|show|shows|aloud"
    rf"|but|which|has)\b))"
    rf"|\b({_ANY_NOUN}|file)\s*(?:#|no\.?|number)?\s*([1-5])\b(?!\s*(?:seconds?|minutes?|sentences?|words?))"
)
_EXCLUDED: Final = load_pattern("files", "excluded")
_MAX_EXCLUDING_CHARS: Final = 40  # so far before a file's mention the words stand that exclude it
_ALL: Final = re.compile(
    r"\b(?:both|all|each|every|these|those|them|two|three|four|five|pictures|photos|images|files|recordings)\b"
)


def resolve_ordinals(instruction: str, resources: Sequence[Resource]) -> Iterator[tuple[re.Match[str], Resource]]:
    """Resolve "the second picture", "the last one" and "photo 2"; the noun tells the kind, "one" means any."""
    for match in _ORDINAL.finditer(instruction):
        word = match[1] or match[4] or match[6]
        noun = match[3] or match[5] or ""
        index, count = _ORDINALS[word], _NUMBERS.get(match[2] or "", 1)
        kind = next((kind for kind, nouns in _NOUNS.items() if re.fullmatch(nouns, noun)), None)
        if noun == "file":  # a text's noun, too, but people say it of anything
            kind = None
        candidates = [r for r in resources if kind is None or is_usable_as(r.kind, kind)]
        chosen = candidates[-count:] if index < 0 else candidates[index : index + count]
        for resource in chosen:
            yield match, resource


@dataclass(frozen=True, slots=True)
class Mention:
    """Position at which a request mentions a file."""

    position: int
    resource: Resource


class Mentions:
    """Mentions of files in one request, each with the step that it belongs to."""

    def __init__(self, parsed: ParsedRequest, resources: Sequence[Resource], intents: Sequence[Intent]) -> None:
        self._parsed = parsed
        self._resources = resources
        self._intents = sorted(intents, key=lambda intent: intent.start)
        found = sorted(self._find_all(), key=lambda mention: mention.position)
        self._all = [mention for mention in found if not self._is_excluded(mention)]
        left_out = {mention.resource for mention in found} - {mention.resource for mention in self._all}
        self._resources = [resource for resource in resources if resource not in left_out] or resources
        # once, as `select_files` is called for every argument
        self._owners = [self._find_owner(mention.position) for mention in self._all]

    def select_files(self, intent: Intent, kind: Kind) -> list[Resource]:
        """Select the files of a kind that a step works on, as far as its words say; all of that kind where they don't."""
        attached = [r for r in self._resources if is_usable_as(r.kind, kind)]
        attached = [r for r in attached if r.kind is kind] or attached  # a video serves as audio only where there is no audio
        if owned := self._find_owned(intent, [r for r in attached if "section" in r.data]):
            return owned
        attached = [r for r in attached if "section" not in r.data] or attached  # a page is meant only where it is named
        if len(attached) < 2:  # nothing to choose from, whatever the words are
            return attached
        if owned := self._find_owned(intent, attached):
            return owned
        clause = self._parsed.instruction[slice(*self._parsed.get_clause(intent.start))]
        if not _ALL.search(clause):
            before = [other for other in self._intents if other.start < intent.start]
            for other in (*reversed(before), None):  # None: files that are named before any step
                if inherited := self._find_owned(other, attached):
                    return inherited
        return attached

    def names_page(self, intent: Intent) -> bool:
        """Tell whether the words of a step name a page of a document."""
        return bool(self._find_owned(intent, [resource for resource in self._resources if "section" in resource.data]))

    def _is_excluded(self, mention: Mention) -> bool:
        before = self._parsed.instruction[max(0, mention.position - _MAX_EXCLUDING_CHARS) : mention.position]
        return bool(_EXCLUDED.search(before))

    def _find_owned(self, intent: Intent | None, attached: Sequence[Resource]) -> list[Resource]:
        found = (
            m.resource for m, owner in zip(self._all, self._owners, strict=True) if owner == intent and m.resource in attached
        )
        return list(dict.fromkeys(found))

    def _find_owner(self, position: int) -> Intent | None:
        """Find the step whose part of the sentence holds a position, else the one before it; None for all that follow."""
        start, end = self._parsed.get_clause(position)
        same = [intent for intent in self._intents if start <= intent.start < end]
        before = [intent for intent in (same or self._intents) if intent.start <= position]
        return before[-1] if before else same[0] if same else None

    def _find_all(self) -> Iterator[Mention]:
        labels = {resource.origin.label.lower(): resource for resource in self._resources}
        for position, name in self._parsed.places:
            if resource := labels.get(name.lower()):
                yield Mention(position, resource)
        for match, resource in resolve_ordinals(self._parsed.instruction, self._resources):
            yield Mention(match.start(), resource)
        for resource in self._resources:
            for position in find_mentions(resource, self._parsed.instruction):
                yield Mention(position, resource)
        yield from self._find_pages()

    def _find_pages(self) -> Iterator[Mention]:
        """Yield a mention of a page for each reference to it."""
        pages = [resource for resource in self._resources if "section" in resource.data]
        for reference in find_page_references(self._parsed.instruction) if pages else ():
            for resource in pages:
                unit, _, number = resource.data["section"].partition(" ")
                # in a range, which is not gone through: a request may name pages 1 to 9999 again and again
                if unit == reference.unit and int(number) in reference.list_numbers(_count_pages(resource, self._resources)):
                    yield Mention(reference.start, resource)


def _count_pages(page: Resource, resources: Sequence[Resource]) -> int:
    """Return how many pages the document of a page has."""
    documents = (each for each in resources if each.name == page.data["document"])
    return next((each.file.pages for each in documents if each.file), 0)


def find_mentions(resource: Resource, text: str) -> list[int]:
    """Find the positions at which words of a file's name occur in a text; a page's are those of its document."""
    if "section" in resource.data:
        return []
    stem = resource.origin.label.rpartition(".")[0].lower() if resource.origin.source != "task" else ""
    words = [word for word in re.findall(r"[a-z]{3,}", stem) if word not in _load_common_words()]
    return [match.start() for word in words for match in re.finditer(rf"\b{word}s?\b", text)]


@functools.cache
def _load_common_words() -> frozenset[str]:
    """Return the words that name no file: "not_english.mp3" isn't meant where a request says "not"."""
    return _GENERIC_WORDS | frozenset(load("rules.yaml")["english"].split())


def is_mentioned(resource: Resource, text: str) -> bool:
    """Tell whether words of a file's name occur in a text: "the cat" means cat.jpg."""
    return bool(find_mentions(resource, text))
