"""From wants to a plan: the steps nobody mentioned, one task for each file, and what each one works on.

"Tell me the mood of this recording" names one task and needs two: sentiment wants text, a recording is no text, so
a transcription is put before it. "Describe both pictures" names one task and means two.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from hugginggpt.controllers.file_mentions import guess_kind
from hugginggpt.controllers.rules.coreference import find_named_results
from hugginggpt.controllers.rules.cue_table import Intent, load_pattern, load_rules
from hugginggpt.controllers.rules.file_references import Mentions
from hugginggpt.controllers.rules.plan_draft import DraftResult, PlanDraft
from hugginggpt.controllers.rules.prompt_extraction import extract_prompt, has_own
from hugginggpt.controllers.rules.request_parser import ParsedRequest, sentences
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind, TaskTable, TaskType, serves

Texts = list[str | list[str]]
"""Texts of a step, one entry for each task that it becomes."""

_READER: Final = {
    Kind.IMAGE: "image-to-text",
    Kind.AUDIO: "automatic-speech-recognition",
    Kind.VIDEO: "automatic-speech-recognition",
}
_CLAUSE_CHARS: Final = 40
"""Shortest reach of a step's clause behind its cue, in characters."""
_TEXT_NOUN: Final = load_pattern("chaining", "text_noun")
_EACH: Final = load_pattern("chaining", "each")
_ORIGINAL: Final = load_pattern("chaining", "original")
_IS_MASK: Final = re.compile(r"(?:^|[\W_])masks?(?:[\W_\d]|$)")
_REFERS_BACK: Final = load_pattern("chaining", "refers_back")
_HALVES: Final = load_pattern("chaining", "halves")


class PlanBuilder:
    """Builds the plan of one request."""

    def __init__(self, wording: ParsedRequest, resources: Sequence[Resource], table: TaskTable) -> None:
        self._wording = wording
        self._resources = resources
        self._table = table
        self._chain = PlanDraft()
        self._wants: Sequence[Intent] = ()
        self._mentions = Mentions(wording, resources, ())
        self._clause = ""
        """The words from the cue of the step at hand to that of the next."""

    def plan(self, wants: Sequence[Intent]) -> list[dict[str, Any]]:
        """Return task objects in the paper's form for the wanted tasks, in their order; needed steps are put in between."""
        self._wants = wants
        self._mentions = Mentions(self._wording, self._resources, wants)
        for position, want in enumerate(wants):
            following = wants[position + 1].start if position + 1 < len(wants) else None
            self._clause = self._wording.instruction[want.start : max(following or 0, want.end + _CLAUSE_CHARS)]
            self._step(want, following)
        return self._chain.tasks

    def _step(self, want: Intent, following: int | None) -> None:
        """One task, or one for each file, text and language that is meant."""
        row = self._table[want.task]
        shared = self._shared(want, row)
        if row.input("other_text"):
            shared["text"], shared["other_text"] = self._pair(want)
            self._add(want, row, [shared])
            return
        variants: list[dict[str, Any]] = [shared]
        for wanted in row.inputs:
            if wanted.name in shared or not wanted.required:
                continue
            if wanted.kind is Kind.TEXT:
                values: Sequence[Any] = self._texts(want, following) or [None]
            else:
                values = self._files(wanted.kind, want) or [None]
            variants = [{**variant, wanted.name: value} for variant in variants for value in values]
        if want.languages:
            variants = [{**variant, "language": language} for variant in variants for language in want.languages]
        self._add(want, row, variants)

    def _add(self, want: Intent, row: TaskType, variants: Sequence[Mapping[str, Any]]) -> None:
        self._chain.add(row, [{k: v for k, v in args.items() if v} for args in variants], want.start)

    def _shared(self, want: Intent, row: TaskType) -> dict[str, Any]:
        """Return the arguments that come from the words of the step itself."""
        said: dict[str, Any] = {"question": want.question, "labels": ", ".join(want.labels), "instruction": want.instruction}
        args = {name: value for name, value in said.items() if value and row.input(name)}
        if want.spoken and (asked := self._read_attached(want, (Kind.AUDIO,))):
            args["question" if row.input("question") else "text"] = asked[0]
        elif row.family == "image" and want.question and row.input("text"):
            args["text"] = want.question
        elif want.prompt and row.input("text"):
            args["text"] = want.prompt
        if row.input("mask"):
            args |= self._masked()
        return args

    def _masked(self) -> dict[str, Any]:
        """Return the picture and the mask: the mask is called so, or is the second."""
        pictures = self._attached(Kind.IMAGE)
        masks = [r for r in pictures if _IS_MASK.search(r.origin.label.lower())] or pictures[1:2]
        others = [r for r in pictures if r not in masks]
        return {name: found[0].name for name, found in (("image", others), ("mask", masks)) if found}

    def _files(self, kind: Kind, want: Intent) -> list[str]:
        """Return what a step works on: what the step before changed, else what is attached; one task for each."""
        if want.follows and self._chain.last:
            return list(self._chain.last.references)
        made = self._chain.made.get(kind)
        attached = self._mentions.of(want, kind)
        if made and self._takes_made(made, want, attached):
            return list(made.references)
        if attached:
            return [resource.name for resource in attached]
        unknown = [name for name in self._wording.files if (promised := guess_kind(name)) is None or serves(promised, kind)]
        return (list(self._wording.urls) or unknown)[:1]

    def _takes_made(self, made: DraftResult, want: Intent, attached: Sequence[Resource]) -> bool:
        """Return whether a step works on what another made of its kind, and not on what is attached."""
        if not attached or want.later or _REFERS_BACK.search(self._clause[: _CLAUSE_CHARS + want.end - want.start]):
            return True
        return made.task in load_rules().changes and not made.task.endswith("-text-to-image")

    def _attached(self, kind: Kind) -> list[Resource]:
        return [resource for resource in self._resources if resource.kind is kind]

    def _texts(self, want: Intent, following: int | None) -> Texts:
        """Return the texts of a step: named results, the last content made, given or attached ones, or what a file says."""
        if found := self._made_texts(want, following):
            return found
        if self._is_prompted(want, following):
            own = extract_prompt(want, self._wording, following)
            return [own] if own else []
        if found := self._literal(want) or self._read_attached(want):
            return found
        own = extract_prompt(want, self._wording, following)
        return [own] if own else []

    def _is_prompted(self, want: Intent, following: int | None) -> bool:
        """Return whether the words of a step are its text, files or not: "a jingle for it" is, "turn it into a song" is not."""
        if want.task not in load_rules().prompted or want.task == "conversational":
            return False
        needs_file = want.task == "text-to-image" and self._resources
        speaks_of_text = self._attached(Kind.TEXT) and not has_own(want, self._wording, following)
        return not (needs_file or speaks_of_text)

    def _made_texts(self, want: Intent, following: int | None) -> Texts:
        """Return what other steps made that this one works on."""
        chain = self._chain
        attached = self._attached(Kind.TEXT)
        start, end = self._wording.clause(want.start)
        spoken = want.task == "text-to-speech"
        clause = self._wording.instruction[start:end] if spoken else self._clause[: _CLAUSE_CHARS + want.end - want.start]
        if made := chain.result(find_named_results(clause), Kind.TEXT, want.start):
            return self._joined(want, made)
        if spoken and chain.spoken:
            return self._joined(want, chain.spoken_near(want.start, start, end))
        if _ORIGINAL.search(self._clause):
            base = self._literal(want) or (list(chain.contents[0].references) if chain.contents else [])
            if base:
                return base
        if attached and _TEXT_NOUN.search(self._clause):
            return self._literal_texts(want)
        if want.task in load_rules().prompted and has_own(want, self._wording, following):
            return []
        content = chain.content_for(want.task)
        return self._joined(want, content) if content else []

    def _joined(self, want: Intent, made: DraftResult) -> Texts:
        """Return several results go to one task, where it takes several, or to one task each."""
        references: list[str | list[str]] = list(made.references)
        if len(references) > 1 and want.task in load_rules().joining and not _EACH.search(self._clause):
            return [" ".join(made.references)]
        return references

    def _literal(self, want: Intent) -> Texts:
        given = self._wording.given
        if given and not _is_question(given):
            return [given]
        texts = self._attached(Kind.TEXT) + self._attached(Kind.TABLE)
        if self._wording.quotes and not texts:
            return [max(self._wording.quotes, key=len)]
        if texts:
            return self._literal_texts(want)
        return [given] if given else []

    def _literal_texts(self, want: Intent) -> Texts:
        chosen = self._mentions.of(want, Kind.TEXT) or self._mentions.of(want, Kind.TABLE)
        names = [resource.name for resource in chosen]
        each = _EACH.search(self._clause) or want.task not in load_rules().joining
        return list(names) if each or len(names) == 1 else [names]

    def _read_attached(self, want: Intent, kinds: Sequence[Kind] = tuple(_READER)) -> Texts:
        """Return what stands in a picture or is said in a recording, read by a task that nobody mentioned."""
        for kind in kinds:
            made = self._chain.made.get(kind)
            attached = [r for r in self._mentions.of(want, kind) if r.kind is kind]
            if made and made.task in load_rules().changes and made.task != "text-to-speech":
                return self._joined(want, self._add_reader(_READER[kind], made.references, want))
            if attached:
                return self._joined(want, self._add_reader(_READER[kind], [r.name for r in attached], want))
        for url in self._wording.urls:
            kind_of_url = guess_kind(url)
            if kind_of_url in _READER:
                return self._joined(want, self._add_reader(_READER[kind_of_url], [url], want))
            return [url]
        return []

    def _add_reader(self, reader: str, sources: Sequence[str], want: Intent) -> DraftResult:
        row = self._table[reader]
        return self._chain.add(row, [{row.inputs[0].name: source} for source in sources], want.start)

    def _pair(self, want: Intent) -> tuple[Any, Any]:
        """Return the two texts of a comparison."""
        both = [*self._compared(want), *self._said_twice()]
        return (both[0] if both else None), (both[1] if len(both) > 1 else None)

    def _said_twice(self) -> list[str]:
        quotes = list(self._wording.quotes)
        if self._wording.given and not _is_question(self._wording.given):
            halves = [half for h in _HALVES.split(self._wording.given) if (half := h.strip(" .\"'"))]
            quotes += halves if len(halves) == 2 else [self._wording.given]
        return quotes

    def _compared(self, want: Intent) -> Iterator[Any]:
        names = [resource.name for resource in self._attached(Kind.TEXT)]
        if contents := [made for made in self._chain.contents if made.task not in load_rules().shortened]:
            last = contents[-1]
            earlier = [reference for made in contents[:-1] for reference in made.references]
            yield from (*earlier, *last.references) if len(last.references) < 2 else last.references
        elif not names and len(self._said_twice()) < 2:
            found = (r for kind in _READER if len(r := self._mentions.of(want, kind)) > 1)
            if several := next(found, None):
                kind = several[0].kind
                yield from self._add_reader(_READER[kind], [r.name for r in several[:2]], want).references
            else:
                yield from self._read_attached(want)
        yield from names


def _is_question(text: str) -> bool:
    return text.rstrip().endswith("?") and len(sentences(text)) == 1
