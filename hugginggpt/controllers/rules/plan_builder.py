"""Plan building from intents: implied steps are added, each file gets its task, and each task its inputs.

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
from hugginggpt.controllers.rules.page_quotes import strip_pages
from hugginggpt.controllers.rules.plan_draft import DraftResult, PlanDraft
from hugginggpt.controllers.rules.prompt_extraction import extract_prompt, names_own_content
from hugginggpt.controllers.rules.request_parser import ParsedRequest, find_sentences
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind, TaskTable, TaskType, is_usable_as

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
    """Builder of the plan of one request."""

    def __init__(self, parsed: ParsedRequest, resources: Sequence[Resource], table: TaskTable) -> None:
        self._parsed = parsed
        self._resources = resources
        self._table = table
        self._draft = PlanDraft()
        self._intents: Sequence[Intent] = ()
        self._mentions = Mentions(parsed, resources, ())
        self._clause = ""
        """Words from the current step's cue to the next one's."""

    def plan(self, intents: Sequence[Intent]) -> list[dict[str, Any]]:
        """Return task objects in the paper's form for the intents, in their order; implied steps are inserted."""
        self._intents = intents
        self._mentions = Mentions(self._parsed, self._resources, intents)
        for position, intent in enumerate(intents):
            following = intents[position + 1].start if position + 1 < len(intents) else None
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
        names_page = any("section" in resource.data for resource in self._resources)
        question = strip_pages(intent.question) if names_page else intent.question
        values: dict[str, Any] = {"question": question, "labels": ", ".join(intent.labels)}
        values["instruction"] = intent.instruction
        args = {name: value for name, value in values.items() if value and row.input(name)}
        if intent.spoken and (asked := self._read_attached(intent, (Kind.AUDIO,))):
            args["question" if row.input("question") else "text"] = asked[0]
        elif row.family == "image" and intent.question and row.input("text"):
            args["text"] = intent.question
        elif intent.prompt and row.input("text"):
            args["text"] = intent.prompt
        if row.input("mask"):
            args |= self._assign_picture_and_mask()  # by hand: "one task for each picture" would paint on the mask
        return args

    def _assign_picture_and_mask(self) -> dict[str, Any]:
        """Assign the attached pictures to image and mask: the mask is named so, or is the second."""
        pictures = self._list_attached(Kind.IMAGE)
        masks = [r for r in pictures if _IS_MASK.search(r.origin.label.lower())] or pictures[1:2]
        pictures_left = [r for r in pictures if r not in masks]
        return {name: found[0].name for name, found in (("image", pictures_left), ("mask", masks)) if found}

    def _get_files(self, kind: Kind, intent: Intent) -> list[str]:
        """Get the files a step works on: those the step before changed, else the attached ones; one task for each."""
        if intent.follows and self._draft.last_step:
            return list(self._draft.last_step.references)  # a picture from a control picture: the step right before made that
        result = self._draft.last_media.get(kind)
        attached = self._mentions.select_files(intent, kind)
        if result and self._works_on_result(result, intent, attached):
            return list(result.references)
        if attached:
            return [resource.name for resource in attached]
        if kind is Kind.TABLE and (pictures := self._list_attached(Kind.IMAGE)):
            return list(self._add_reader(_READERS[Kind.IMAGE], [picture.name for picture in pictures], intent).references)
        unknown = [
            name for name in self._parsed.files if (promised := guess_kind(name)) is None or is_usable_as(promised, kind)
        ]
        return (list(self._parsed.urls) or unknown)[:1]  # one alone: nothing says which of several belongs to this step

    def _works_on_result(self, result: DraftResult, intent: Intent, attached: Sequence[Resource]) -> bool:
        """Tell whether a step works on another step's result of its kind, rather than on an attached file."""
        if not attached or intent.later or _REFERS_BACK.search(self._clause[: _CLAUSE_CHARS + intent.end - intent.start]):
            return True
        return result.task in load_rules().changes and not result.task.endswith("-text-to-image")

    def _list_attached(self, kind: Kind) -> list[Resource]:
        return [resource for resource in self._resources if resource.kind is kind]

    def _get_texts(self, intent: Intent, following: int | None) -> Texts:
        """Get the texts of a step: named results, the last content made, given or attached ones, or what a file says."""
        if self._mentions.names_page(intent):
            return self._get_attached_texts(intent)
        if found := self._get_result_texts(intent, following):
            return found
        if self._is_prompted(intent, following):
            own = extract_prompt(intent, self._parsed, following) or self._get_shared_prompt(intent)
            return [own] if own else []
        if found := self._get_literal(intent) or self._read_attached(intent):  # reading adds a step, so it comes last
            return found
        own = extract_prompt(intent, self._parsed, following)
        return [own] if own else []

    def _get_shared_prompt(self, intent: Intent) -> str | None:
        """Get what two things are to show, which stands behind the second ("a video and a picture of a fox")."""
        later = [other for other in self._intents if other.start > intent.start and other.task in load_rules().prompted]
        _, end = self._parsed.get_sentence(intent.start)
        return extract_prompt(later[0], self._parsed, None) if later and later[0].start < end else None

    def _is_prompted(self, intent: Intent, following: int | None) -> bool:
        """Tell whether the words of a step are its text, files or not: "a jingle for it" is, "turn it into a song" is not."""
        if intent.task not in load_rules().prompted or intent.task == "conversational":
            return False
        needs_file = intent.task == "text-to-image" and self._resources
        speaks_of_text = self._list_attached(Kind.TEXT) and not names_own_content(intent, self._parsed, following)
        return not (needs_file or speaks_of_text)

    def _get_result_texts(self, intent: Intent, following: int | None) -> Texts:
        """Get the texts among other steps' results that this one works on."""
        draft = self._draft
        attached = self._list_attached(Kind.TEXT)
        start, end = self._parsed.get_clause(intent.start)
        spoken = intent.task == "text-to-speech"
        clause = self._parsed.instruction[start:end] if spoken else self._clause[: _CLAUSE_CHARS + intent.end - intent.start]
        if result := draft.find_result(
            find_named_results(clause), Kind.TEXT, intent.start
        ):  # what is named beats what is nearest
            return self._join(intent, result)
        if spoken and draft.text_steps:
            return self._join(intent, draft.find_text_to_speak(intent.start, start, end))
        if _ORIGINAL.search(self._clause):
            base = self._get_literal(intent) or (list(draft.content_steps[0].references) if draft.content_steps else [])
            if base:
                return base
        if attached and _TEXT_NOUN.search(self._clause):
            return self._get_attached_texts(intent)
        if intent.task in load_rules().prompted and names_own_content(intent, self._parsed, following):
            return []
        content = draft.find_content(intent.task)
        return self._join(intent, content) if content else []

    def _join(self, intent: Intent, result: DraftResult) -> Texts:
        """Join several results into one argument, where the task takes several; else one task gets each."""
        references: list[str | list[str]] = list(result.references)
        if len(references) > 1 and intent.task in load_rules().joining and not _EACH.search(self._clause):
            return [" ".join(result.references)]  # one argument that holds several references
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
        chosen = self._mentions.select_files(intent, Kind.TEXT) or self._mentions.select_files(intent, Kind.TABLE)
        names = [resource.name for resource in chosen]
        each = _EACH.search(self._clause) or intent.task not in load_rules().joining
        return list(names) if each or len(names) == 1 else [names]

    def _read_attached(self, intent: Intent, kinds: Sequence[Kind] = tuple(_READERS)) -> Texts:
        """Read the text in a picture or a recording, by an implied task."""
        for kind in kinds:
            result = self._draft.last_media.get(kind)
            attached = [r for r in self._mentions.select_files(intent, kind) if r.kind is kind]
            if result and result.task in load_rules().changes and result.task != "text-to-speech":
                return self._join(intent, self._add_reader(_READERS[kind], result.references, intent))
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
        if contents := [result for result in self._draft.content_steps if result.task not in load_rules().shortened]:
            last = contents[-1]
            earlier = [reference for result in contents[:-1] for reference in result.references]
            yield from (*earlier, *last.references) if len(last.references) < 2 else last.references
        elif not names and len(self._get_literal_pair()) < 2:
            found = (r for kind in _READERS if len(r := self._mentions.select_files(intent, kind)) > 1)
            if several := next(found, None):
                yield from self._add_reader(_READERS[several[0].kind], [r.name for r in several[:2]], intent).references
            else:
                yield from self._read_attached(intent)
        yield from names


def _is_question(text: str) -> bool:
    return text.rstrip().endswith("?") and len(find_sentences(text)) == 1
