"""From intents to a plan: the order of the steps, the steps nobody mentioned, and what each one works on.

"Tell me the mood of this recording" names one task and needs two: sentiment wants text, a recording is no text, so
a transcription is put before it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hugginggpt.controller.offline.wants import Want
from hugginggpt.controller.offline.wording import BLANK, Wording, sentences
from hugginggpt.plan import Reference
from hugginggpt.resources import Resource
from hugginggpt.tasks import Kind, TaskTable

_READER: Final = {
    Kind.IMAGE: "image-to-text",
    Kind.AUDIO: "automatic-speech-recognition",
    Kind.VIDEO: "automatic-speech-recognition",
}
_FINDINGS: Final = frozenset(
    {"text-classification", "token-classification", "zero-shot-classification", "sentence-similarity",
     "image-classification", "object-detection", "image-segmentation", "audio-classification", "video-classification",
     "zero-shot-image-classification", "zero-shot-object-detection"}
)  # fmt: skip
"""Tasks whose text says something about their input; it is read aloud, but no task works on it instead of the input."""

_CHANGES: Final = frozenset(
    {"audio-to-audio", "image-to-image", "text-to-image", "text-to-audio", "text-to-video", "image-to-video",
     "text-to-speech", "inpainting"}
)  # fmt: skip
"""Tasks whose picture or sound takes the place of what was attached for the steps that follow."""

_PROMPTED: Final = frozenset({"text-to-image", "text-to-audio", "text-to-video", "text-generation", "conversational"})
_LEAD = re.compile(
    r"^(?:please |can you |could you |i want |i need |i'd like |kindly )*(?:(?:to )?(?:make|create|generate|draw|paint|"
    r"produce|sketch|illustrate|imagine|design|give|show|render|compose|write|do|invent|think up|come up with|need|want|say|"
    r"speak|read|pronounce|voice)\b)?(?: me\b| us\b)?(?: (?:a|an|the) (?:\w+ )?(?:picture|image|photo|drawing|painting|video|"
    r"clip|sound|music|voice-?over) (?:of|showing|about|with|for))?\s*",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"[\s,;:]*(?:\b(?:and|then|after that|please|thanks|thank you|aloud|out loud|to me|for me)\b[\s,.;]*)*$", re.I
)

_TAIL_CHARS: Final = 80
_CLAUSE_CHARS: Final = 40
"""How far behind its cue a step's clause reaches at least."""
_NEED_A_TEXT: Final = frozenset(
    {"summarization", "question-answering", "token-classification", "zero-shot-classification", "sentence-similarity"}
)
"""Tasks whose own words are never what they work on."""
_INTO: Final = re.compile(r"^translate\s+|\s*\b(?:into|in|to)\s+\w+$", re.IGNORECASE)
_POINTING: Final = re.compile(r"(?:it|this|that|these|those|them|\W|aloud|out loud|please|and|to me|for me)*")
_TEXT_NOUN: Final = re.compile(
    r"\b(?:the|this|my|our|that|attached|these|both|two)\s+(?:\w+\s+)?(?:reports?|texts?|files?|articles?|letters?|documents?|notes?|"
    r"essays?|stor(?:y|ies)|emails?|minutes|newsletters?|chapters?)\b"
)
_NO_NAMES: Final = frozenset({"image", "picture", "photo", "img", "scan", "file", "recording", "audio", "the", "final", "new"})


@dataclass
class _Chain:
    """The plan so far."""

    tasks: list[dict[str, Any]] = field(default_factory=list)
    content: int | None = None
    """The last task whose text is a content to work on."""
    spoken: int | None = None
    """The last task that made any text."""
    made: dict[Kind, int] = field(default_factory=dict)
    """The last task that made a picture, sound or video that later steps work on."""

    def add(self, task: str, args: Mapping[str, Any], outputs: Sequence[Kind]) -> int:
        number = len(self.tasks)
        self.tasks.append({"task": task, "id": number, "args": dict(args)})
        if Kind.TEXT in outputs:
            self.spoken = number
            if task not in _FINDINGS:
                self.content = number
        for kind in outputs:
            if kind is not Kind.TEXT and (task in _CHANGES or kind not in self.made):
                self.made[kind] = number
        return number


class Chainer:
    """Builds the plan of one request."""

    def __init__(self, wording: Wording, resources: Sequence[Resource], table: TaskTable) -> None:
        self._wording = wording
        self._resources = resources
        self._table = table
        self._chain = _Chain()
        self._clause = ""
        """The words from the cue of the step at hand to that of the next."""

    def plan(self, wants: Sequence[Want]) -> list[dict[str, Any]]:
        """Task objects in the paper's form for the wanted tasks, in their order; needed steps are put in between."""
        for position, want in enumerate(wants):
            following = wants[position + 1].start if position + 1 < len(wants) else None
            self._step(want, following)
        return self._chain.tasks

    def _step(self, want: Want, following: int | None) -> None:
        row = self._table[want.task]
        self._clause = self._wording.instruction[want.start : max(following or 0, want.end + _CLAUSE_CHARS)]
        args: dict[str, Any] = {}
        for wanted in row.inputs:
            if wanted.kind is not Kind.TEXT:
                args[wanted.name] = self._file(wanted.kind, want)
        texts = [wanted for wanted in row.inputs if wanted.kind is Kind.TEXT and wanted.required]
        specials: dict[str, Any] = {
            "question": want.question,
            "labels": ", ".join(want.labels),
            "language": want.language,
        }
        for wanted in texts:
            if row.input("other_text"):
                args["text"], args["other_text"] = self._pair()
                break
            if specials.get(wanted.name):
                args[wanted.name] = specials[wanted.name]
            elif wanted.name == "text" and row.family == "image" and want.question:
                args["text"] = want.question
            elif wanted.name not in args:
                args[wanted.name] = self._text(want, following)
        for name in ("language", "instruction"):
            if row.input(name) and (value := getattr(want, name)):
                args[name] = value
        if row.input("text") and not row.input("text").required and want.prompt:  # type: ignore[union-attr]
            args["text"] = want.prompt
        self._chain.add(want.task, {k: v for k, v in args.items() if v}, row.outputs)

    def _file(self, kind: Kind, want: Want) -> Any:
        """What a step works on: what the step before changed, else what is attached."""
        made = self._chain.made.get(kind)
        attached = self._attached(kind) or (self._attached(Kind.VIDEO) if kind is Kind.AUDIO else [])
        if made is not None and (not attached or self._chain.tasks[made]["task"] in _CHANGES or want.refers_back):
            return str(Reference(made))
        named = [r for r in attached if r.origin.label.lower() in {name.lower() for name in want.files}]
        named = named or [r for r in attached if is_spoken_of(r, self._clause)]
        names = [resource.name for resource in named or attached]
        if not names:
            wanted_urls = list(self._wording.urls)
            unknown = [name for name in self._wording.files if kind_of(name) in {kind, None}]
            names = (wanted_urls or unknown)[:1]
        return names[0] if len(names) == 1 else names or None

    def _attached(self, kind: Kind) -> list[Resource]:
        return [resource for resource in self._resources if resource.kind is kind]

    def _text(self, want: Want, following: int | None) -> str | list[str] | None:
        """The text a step works on: the last content made, a given one, an attached one, or one read from a file."""
        chain = self._chain
        if want.task == "text-to-speech" and chain.spoken is not None:
            return str(Reference(chain.spoken))
        if (texts := self._attached(Kind.TEXT)) and _TEXT_NOUN.search(self._clause):
            return [resource.name for resource in texts] if len(texts) > 1 else texts[0].name
        if chain.content is not None:
            return str(Reference(chain.content))
        if want.task in _PROMPTED and not (want.task == "text-to-image" and self._resources):
            return self._prompt(want, following)
        if literal := self._literal():
            return literal
        if bridged := self._read_attached():
            return bridged
        return self._prompt(want, following)

    def _literal(self) -> str | list[str] | None:
        given = self._wording.given
        if given and not _is_question(given):
            return given
        texts = self._attached(Kind.TEXT) + self._attached(Kind.TABLE)
        if self._wording.quotes and not texts:
            return max(self._wording.quotes, key=len)
        if texts:
            chosen = [resource for resource in texts if is_spoken_of(resource, self._clause)] or texts
            return chosen[0].name if len(chosen) == 1 else [resource.name for resource in chosen]
        return given or None

    def _read_attached(self) -> str | None:
        for kind, reader in _READER.items():
            source = self._chain.made.get(kind)
            attached = [resource.name for resource in self._attached(kind)]
            if source is not None and (self._chain.tasks[source]["task"] in _CHANGES):
                return self._add_reader(reader, str(Reference(source)))
            if attached:
                return self._add_reader(reader, attached[0] if len(attached) == 1 else attached)
        for url in self._wording.urls:
            kind_of_url = kind_of(url)
            if kind_of_url in _READER:
                return self._add_reader(_READER[kind_of_url], url)
            return url
        return None

    def _add_reader(self, reader: str, source: Any) -> str:
        row = self._table[reader]
        return str(Reference(self._chain.add(reader, {row.inputs[0].name: source}, row.outputs)))

    def _pair(self) -> tuple[str | None, str | None]:
        """The two texts of a comparison."""
        quotes = [*self._wording.quotes]
        if self._wording.given and not _is_question(self._wording.given):
            halves = [h.strip(" .\"'") for h in re.split(r"\s+(?:and|vs\.?|versus|/)\s+|\n+|;\s", self._wording.given)]
            quotes += halves if len(halves) == 2 else [self._wording.given]
        names = [resource.name for resource in self._attached(Kind.TEXT)]
        if self._chain.content is not None:
            names.insert(0, str(Reference(self._chain.content)))
        elif not names and len(quotes) < 2:
            names += self._read_each() or [read for read in [self._read_attached()] if read]
        both = [*names, *quotes]
        return (both[0] if both else None), (both[1] if len(both) > 1 else None)

    def _read_each(self) -> list[str]:
        """Two pictures or recordings that are compared are read one by one."""
        for kind, reader in _READER.items():
            attached = self._attached(kind)
            if len(attached) > 1:
                return [self._add_reader(reader, resource.name) for resource in attached[:2]]
        return []

    def _prompt(self, want: Want, following: int | None) -> str | None:
        """The words after a cue, when they themselves are what to work on ("draw a cat on a mat")."""
        text, wording = self._wording.text, self._wording
        if want.task == "conversational":
            return text
        if wording.given:
            return wording.given
        if wording.quotes:
            return max(wording.quotes, key=len)
        bounds = next(((s, e) for s, e in sentences(text) if s <= want.start < e), (0, len(text)))
        rest = [text[s:e] for s, e in sentences(text) if s > want.start]
        end = following if following is not None and want.start < following else bounds[1]
        said = re.split(r",? (?:and )?then\b", text[want.start : max(end, want.start)])[0]
        phrase = _without_tail(_LEAD.sub("", said, count=1)).strip(" .,;:!?")
        if want.task == "text-generation":
            return _without_tail(text[want.start : end]).strip()
        if want.task not in _PROMPTED and rest:
            return " ".join(rest)
        if want.task in _NEED_A_TEXT:
            return None
        before = _LEAD.sub("", text[bounds[0] : want.start].strip(" ,.;:"), count=1)
        found = (phrase if len(phrase) > 2 else before).replace(BLANK, "")
        if want.task == "translation":
            found = _INTO.sub("", found)
        return None if _POINTING.fullmatch(found.lower()) else found or None


def is_spoken_of(resource: Resource, clause: str) -> bool:
    """Whether words of a file's name stand in a clause: "the cat" means cat.jpg."""
    stem = resource.origin.label.rpartition(".")[0].lower()
    words = [word for word in re.findall(r"[a-z]{3,}", stem) if word not in _NO_NAMES]
    return any(re.search(rf"\b{word}s?\b", clause) for word in words)


def _without_tail(text: str) -> str:
    """A phrase without the order words and thanks at its end, of which only the end is looked at."""
    return text[:-_TAIL_CHARS] + _TAIL.sub("", text[-_TAIL_CHARS:])


def _is_question(text: str) -> bool:
    return text.rstrip().endswith("?") and len(sentences(text)) == 1


_SUFFIX_KINDS: Final = {
    Kind.IMAGE: r"png|jpe?g|webp|gif|bmp|tiff?|heic", Kind.AUDIO: r"wav|mp3|flac|ogg|opus|m4a|aac|aiff",
    Kind.VIDEO: r"mp4|mov|webm|avi|mkv", Kind.TEXT: r"txt|md", Kind.TABLE: r"csv|tsv",
}  # fmt: skip


def kind_of(name: str) -> Kind | None:
    """The kind that a file name or a URL promises."""
    path = name.partition("?")[0].lower()
    return next((kind for kind, suffixes in _SUFFIX_KINDS.items() if re.search(rf"\.(?:{suffixes})$", path)), None)
