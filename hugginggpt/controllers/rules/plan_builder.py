"""From intents to a plan: the steps nobody mentioned, one task for each file, and what each one works on.

"Tell me the mood of this recording" names one task and needs two: sentiment needs text, a recording is no text, so
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

_READERS: Final = {
    Kind.IMAGE: "image-to-text",
    Kind.AUDIO: "automatic-speech-recognition",
    Kind.VIDEO: "automatic-speech-recognition",
}
_CLAUSE_CHARS: Final = 40  # shortest reach of a step's clause behind its cue, in characters
_TEXT_NOUN: Final = load_pattern("chaining", "text_noun")
_EACH: Final = load_pattern("chaining", "each")
_ORIGINAL: Final = load_pattern("chaining", "original")
_IS_MASK: Final = re.compile(r"(?:^|[\W_])masks?(?:[\W_\d]|$)")  # not \b: "_" and digits are letters to it ("mask_2.png")
_REFERS_BACK: Final = load_pattern("chaining", "refers_back")
_HALVES: Final = load_pattern("chaining", "halves")


class PlanBuilder:
    """Builds the plan of one request."""

    def __init__(self, wording: ParsedRequest, resources: Sequence[Resource], table: TaskTable) -> None:
        self._parsed = wording
        self._resources = resources
        self._table = table
        self._draft = PlanDraft()
        self._intents: Sequence[Intent] = ()
        self._mentions = Mentions(wording, resources, ())
        self._clause = ""
        """The words from the cue of the step at hand to that of the next."""

    def plan(self, wants: Sequence[Intent]) -> list[dict[str, Any]]:
        """Return task objects in the paper's form for the wanted tasks, in their order; needed steps are put in between."""
        self._intents = wants
        self._mentions = Mentions(self._parsed, self._resources, wants)
        for position, intent in enumerate(wants):
            following = wants[position + 1].start if position + 1 < len(wants) else None
            self._clause = self._parsed.instruction[intent.start : max(following or 0, intent.end + _CLAUSE_CHARS)]
            self._add_step(intent, following)
        return self._draft.tasks

    def _add_step(self, intent: Intent, following: int | None) -> None:
        """Add a step: one task, or one for each file, text and language that is meant."""
        row = self._table[intent.task]
        shared = self._get_shared_arguments(intent, row)
        if row.input("other_text"):  # a comparison is one task, whatever number of texts there are
            shared["text"], shared["other_text"] = self._get_pair(intent)
            self._add(intent, row, [shared])
            return
        variants: list[dict[str, Any]] = [shared]
        for task_input in row.inputs:
            if task_input.name in shared or not task_input.required:
                continue
            if task_input.kind is Kind.TEXT:
                values: Sequence[Any] = self._get_texts(intent, following) or [None]
            else:
                values = self._get_files(task_input.kind, intent) or [None]
            variants = [{**variant, task_input.name: value} for variant in variants for value in values]  # all combinations
        if intent.languages:
            variants = [{**variant, "language": language} for variant in variants for language in intent.languages]
        self._add(intent, row, variants)

    def _add(self, intent: Intent, row: TaskType, variants: Sequence[Mapping[str, Any]]) -> None:
        self._draft.add(row, [{k: v for k, v in args.items() if v} for args in variants], intent.start)

    def _get_shared_arguments(self, intent: Intent, row: TaskType) -> dict[str, Any]:
        """Get the arguments that come from the words of the step itself, the same for all of its tasks."""
        values: dict[str, Any] = {"question": intent.question, "labels": ", ".join(intent.labels)}
        values["instruction"] = intent.instruction
        args = {name: value for name, value in values.items() if value and row.input(name)}
        if intent.spoken and (question := self._read_attached(intent, (Kind.AUDIO,))):
            args["question" if row.input("question") else "text"] = question[0]
        elif row.family == "image" and intent.question and row.input("text"):
            args["text"] = intent.question
        elif intent.prompt and row.input("text"):
            args["text"] = intent.prompt
        if row.input("mask"):
            args |= self._get_masked()  # by hand: "one task for each picture" would paint on the mask
        return args

    def _get_masked(self) -> dict[str, Any]:
        """Tell the picture from the mask: the mask is called so, or is the second."""
        pictures = self._list_attached(Kind.IMAGE)
        masks = [r for r in pictures if _IS_MASK.search(r.origin.label.lower())] or pictures[1:2]
        pictures_left = [r for r in pictures if r not in masks]
        return {name: found[0].name for name, found in (("image", pictures_left), ("mask", masks)) if found}

    def _get_files(self, kind: Kind, intent: Intent) -> list[str]:
        """Get the files a step works on: what the step before changed, else what is attached; one task for each."""
        if intent.follows and self._draft.last:
            return list(self._draft.last.references)  # a picture from a control picture: the step right before made that
        made = self._draft.made.get(kind)
        attached = self._mentions.of(intent, kind)
        if made and self._takes_made(made, intent, attached):
            return list(made.references)
        if attached:
            return [resource.name for resource in attached]
        unknown = [name for name in self._parsed.files if (promised := guess_kind(name)) is None or serves(promised, kind)]
        return (list(self._parsed.urls) or unknown)[:1]  # one alone: nothing says which of several belongs to this step

    def _takes_made(self, made: DraftResult, intent: Intent, attached: Sequence[Resource]) -> bool:
        """Tell whether a step works on a file of its kind that another step made, not on an attached one."""
        if not attached or intent.later or _REFERS_BACK.search(self._clause[: _CLAUSE_CHARS + intent.end - intent.start]):
            return True
        return made.task in load_rules().changes and not made.task.endswith("-text-to-image")

    def _list_attached(self, kind: Kind) -> list[Resource]:
        return [resource for resource in self._resources if resource.kind is kind]

    def _get_texts(self, intent: Intent, following: int | None) -> Texts:
        """Get the texts of a step: named results, the last content made, given or attached ones, or what a file says."""
        if found := self._get_made_texts(intent, following):
            return found
        if self._is_prompted(intent, following):
            own = extract_prompt(intent, self._parsed, following)
            return [own] if own else []
        if found := self._get_literal(intent) or self._read_attached(intent):  # reading adds a step, so it comes last
            return found
        own = extract_prompt(intent, self._parsed, following)
        return [own] if own else []

    def _is_prompted(self, intent: Intent, following: int | None) -> bool:
        """Tell whether the words of a step are its text, files or not: "a jingle for it" is, "turn it into a song" is not."""
        if intent.task not in load_rules().prompted or intent.task == "conversational":
            return False
        needs_file = intent.task == "text-to-image" and self._resources
        speaks_of_text = self._list_attached(Kind.TEXT) and not has_own(intent, self._parsed, following)
        return not (needs_file or speaks_of_text)

    def _get_made_texts(self, intent: Intent, following: int | None) -> Texts:
        """Get the texts made by other steps that this one works on."""
        draft = self._draft
        attached = self._list_attached(Kind.TEXT)
        start, end = self._parsed.clause(intent.start)
        spoken = intent.task == "text-to-speech"
        clause = self._parsed.instruction[start:end] if spoken else self._clause[: _CLAUSE_CHARS + intent.end - intent.start]
        if made := draft.result(find_named_results(clause), Kind.TEXT, intent.start):  # what is named beats what is nearest
            return self._join(intent, made)
        if spoken and draft.spoken:
            return self._join(intent, draft.spoken_near(intent.start, start, end))
        if _ORIGINAL.search(self._clause):
            base = self._get_literal(intent) or (list(draft.contents[0].references) if draft.contents else [])
            if base:
                return base
        if attached and _TEXT_NOUN.search(self._clause):
            return self._get_attached_texts(intent)
        if intent.task in load_rules().prompted and has_own(intent, self._parsed, following):
            return []
        content = draft.content_for(intent.task)
        return self._join(intent, content) if content else []

    def _join(self, intent: Intent, made: DraftResult) -> Texts:
        """Join several results into one argument, where the task takes several; else one task gets each."""
        references: list[str | list[str]] = list(made.references)
        if len(references) > 1 and intent.task in load_rules().joining and not _EACH.search(self._clause):
            return [" ".join(made.references)]  # one argument that holds several references
        return references

    def _get_literal(self, intent: Intent) -> Texts:
        given = self._parsed.given
        if given and not _is_question(given):
            return [given]
        texts = self._list_attached(Kind.TEXT) + self._list_attached(Kind.TABLE)
        if self._parsed.quotes and not texts:
            return [max(self._parsed.quotes, key=len)]
        if texts:
            return self._get_attached_texts(intent)
        return [given] if given else []

    def _get_attached_texts(self, intent: Intent) -> Texts:
        chosen = self._mentions.of(intent, Kind.TEXT) or self._mentions.of(intent, Kind.TABLE)
        names = [resource.name for resource in chosen]
        each = _EACH.search(self._clause) or intent.task not in load_rules().joining
        return list(names) if each or len(names) == 1 else [names]

    def _read_attached(self, intent: Intent, kinds: Sequence[Kind] = tuple(_READERS)) -> Texts:
        """Read the text in a picture or a recording, by a task that nobody mentioned."""
        for kind in kinds:
            made = self._draft.made.get(kind)
            attached = [r for r in self._mentions.of(intent, kind) if r.kind is kind]
            if made and made.task in load_rules().changes and made.task != "text-to-speech":
                return self._join(intent, self._add_reader(_READERS[kind], made.references, intent))
            if attached:
                return self._join(intent, self._add_reader(_READERS[kind], [r.name for r in attached], intent))
        for url in self._parsed.urls:
            kind_of_url = guess_kind(url)
            if kind_of_url in _READERS:
                return self._join(intent, self._add_reader(_READERS[kind_of_url], [url], intent))
            return [url]  # a page without a telling suffix is a text
        return []

    def _add_reader(self, reader: str, sources: Sequence[str], intent: Intent) -> DraftResult:
        row = self._table[reader]
        return self._draft.add(row, [{row.inputs[0].name: source} for source in sources], intent.start)

    def _get_pair(self, intent: Intent) -> tuple[Any, Any]:
        """Get the two texts of a comparison; None for one that is missing."""
        texts = [*self._list_compared(intent), *self._get_literal_pair()]
        return (texts[0] if texts else None), (texts[1] if len(texts) > 1 else None)

    def _get_literal_pair(self) -> list[str]:
        quotes = list(self._parsed.quotes)
        if self._parsed.given and not _is_question(self._parsed.given):
            halves = [half for h in _HALVES.split(self._parsed.given) if (half := h.strip(" .\"'"))]
            quotes += halves if len(halves) == 2 else [self._parsed.given]
        return quotes

    def _list_compared(self, intent: Intent) -> Iterator[Any]:
        names = [resource.name for resource in self._list_attached(Kind.TEXT)]
        if contents := [made for made in self._draft.contents if made.task not in load_rules().shortened]:
            last = contents[-1]
            earlier = [reference for made in contents[:-1] for reference in made.references]
            yield from (*earlier, *last.references) if len(last.references) < 2 else last.references
        elif not names and len(self._get_literal_pair()) < 2:
            found = (r for kind in _READERS if len(r := self._mentions.of(intent, kind)) > 1)
            if several := next(found, None):
                yield from self._add_reader(_READERS[several[0].kind], [r.name for r in several[:2]], intent).references
            else:
                yield from self._read_attached(intent)
        yield from names


def _is_question(text: str) -> bool:
    return text.rstrip().endswith("?") and len(sentences(text)) == 1
