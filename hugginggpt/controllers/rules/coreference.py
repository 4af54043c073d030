"""Coreference resolution: resources that a request without files means, by name, order, task, kind, or "it"."""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from hugginggpt.controllers.base import PlanRequest
from hugginggpt.controllers.rules.cue_table import compile_pattern, load, load_cue_table, load_pattern, load_rules
from hugginggpt.controllers.rules.document_parts import select_main_or_tables
from hugginggpt.controllers.rules.file_references import is_mentioned, resolve_ordinals
from hugginggpt.controllers.rules.request_parser import BLANK, ParsedRequest, parse_request
from hugginggpt.core.recording import Turn
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind

_MAX_SHORT_WORDS: Final = 8  # a longer request that points at nothing stands for itself
_RESULT_LEAD: Final = r"\b(?:the|that|this|those|these|your|its|last|previous|above|earlier)\s+(?:\w+\s+){0,2}?"
_NOUN_LEAD: Final = r"\b(?:the|that|this|these|those|my|your|last)\s+(?:\w+\s+)?"
_NOT_OF: Final = r"\b(?!\s+of\b)"  # "the summary of the report" asks for one, "the summary" means one that is there
_EARLIER: Final = load_pattern("referring", "earlier")
_ALL: Final = re.compile(r"\b(?:two|three|both|all)\b")
_SPEECH: Final = "text-to-speech"


@dataclass(frozen=True, slots=True)
class _CoreferenceRules:
    results: tuple[tuple[re.Pattern[str], frozenset[str]], ...]
    nouns: Mapping[Kind, re.Pattern[str]]
    refers_back: re.Pattern[str]
    goes_on: re.Pattern[str]
    another: re.Pattern[str]
    same_again: re.Pattern[str]


@functools.cache
def _load_rules() -> _CoreferenceRules:
    raw: dict[str, Any] = load("rules.yaml")
    return _CoreferenceRules(
        results=tuple(
            (compile_pattern(rf"{_RESULT_LEAD}(?:{row['say']}){_NOT_OF}"), frozenset(row["tasks"])) for row in raw["results"]
        ),
        nouns={Kind(kind): compile_pattern(rf"{_NOUN_LEAD}{noun}\b") for kind, noun in raw["nouns"].items()},
        refers_back=compile_pattern(raw["refers_back"]),
        goes_on=compile_pattern(raw["goes_on"]),
        another=compile_pattern(raw["another"]),
        same_again=compile_pattern(raw["same_again"]),
    )


@dataclass(frozen=True, slots=True)
class Referents:
    """The resources or the text that a request is about."""

    resources: tuple[Resource, ...] = ()
    text: str = ""
    """A text of an earlier request, where that is what it works on."""
    named: tuple[tuple[int, int], ...] = ()
    """Spans of words that name a result ("that description"): they ask for none."""


def resolve_referents(request: PlanRequest, parsed: ParsedRequest) -> Referents:
    """Resolve what a request is about: its own files, else the earlier resources that it points at."""
    named = tuple(r for r in request.earlier_resources if re.search(rf"\b{r.name}\b", parsed.text.lower()))
    if request.attached or named:
        before = _resolve_nouns(parsed.instruction, request.earlier_resources)[0] if _EARLIER.search(parsed.instruction) else ()
        return Referents(tuple(dict.fromkeys((*named, *before, *request.attached))))
    if not request.earlier_resources or parsed.urls:  # an address is what the request is about
        return Referents()
    pointed, spans = _resolve_nouns(parsed.instruction, request.earlier_resources)
    if pointed:
        return replace(_trace_translation(request, parsed, pointed), named=spans)
    is_question = load_cue_table().question.search(parsed.instruction) and not parsed.given
    if charted := _find_charted(request.turns, parsed):
        return Referents((charted,))
    has_material = parsed.given or parsed.quotes or parsed.files
    short = len(parsed.instruction.split()) <= _MAX_SHORT_WORDS and _load_rules().goes_on.search(parsed.instruction)
    if has_material or not (is_question or short or _load_rules().refers_back.search(parsed.instruction)):
        return Referents()
    latest = _select_latest(request.turns, parsed)
    if is_question and all(resource.origin.label in load_rules().answers for resource in latest):
        text = _find_asked_text(request.turns)  # an answer is no content to ask on about
        return Referents(text=text) if text else Referents(latest)
    return _trace_translation(request, parsed, latest)


def _find_charted(turns: Sequence[Turn], parsed: ParsedRequest) -> Resource | None:
    """Find the newest table of the conversation, for "draw a bar chart of price by city"."""
    cues = load_cue_table().match(parsed.instruction, frozenset({Kind.TABLE.value}))
    if not any(cue.task == "table-to-chart" and " " in parsed.instruction[cue.start : cue.end].strip() for cue in cues):
        return None
    found = (each for turn in reversed(turns) for each in reversed(select_main_or_tables(turn.resources)))
    return next((each for each in found if each.kind is Kind.TABLE), None)


def _find_asked_text(turns: Sequence[Turn]) -> str:
    """Find the text in a request that the last answers are about; empty where there is none."""
    for turn in reversed(turns):
        words = parse_request(turn.request)
        if text := max(words.quotes, key=len, default="") or words.given:
            return text
    return ""


def resolve_repetition(request: PlanRequest, parsed: ParsedRequest) -> PlanRequest | None:
    """Resolve "the same for these": return the previous request for the files of this one; None for any other request."""
    earlier_turn = next((turn for turn in reversed(request.turns) if turn.request), None)
    if not (earlier_turn and request.attached and _load_rules().same_again.search(parsed.instruction)):
        return None
    # with its files, so that their names are blanked out of the text
    words = parse_request(earlier_turn.request, earlier_turn.resources)
    text = "".join(char for char, blank in zip(words.text, words.instruction, strict=True) if blank != BLANK or words.quotes)
    return replace(request, text=text, turns=())  # without turns: it can't refer to itself without end


def resolve_ellipsis(request: PlanRequest, parsed: ParsedRequest) -> tuple[str, str] | None:
    """Resolve "and a windmill": return the task of the last result and its new prompt; None for any other request."""
    last_result = next((r for r in reversed(request.earlier_resources) if r.origin.source == "task"), None)
    match = _load_rules().another.search(parsed.instruction) if last_result and not request.attached else None
    if last_result is None or match is None or last_result.origin.label not in load_rules().prompted:
        return None
    return last_result.origin.label, parsed.text[match.start("prompt") : match.end("prompt")]


def find_named_results(clause: str) -> frozenset[str]:
    """Find the tasks whose result a clause names ("the translation")."""
    found = ((match.start(), tasks) for pattern, tasks in _load_rules().results if (match := pattern.search(clause)))
    return min(found, key=lambda pair: pair[0], default=(0, frozenset[str]()))[1]  # the first that is named


def _resolve_nouns(instruction: str, earlier: Sequence[Resource]) -> tuple[tuple[Resource, ...], tuple[tuple[int, int], ...]]:
    """Resolve the nouns of a request: "the second picture", "the canny image", "that description", "the table"."""
    found: dict[int, Resource] = {}
    named: list[tuple[int, int]] = []
    unmatched = instruction

    def record(match: re.Match[str], resource: Resource) -> None:
        nonlocal unmatched
        found[match.start()] = resource
        unmatched = unmatched[: match.start()] + BLANK * len(match[0]) + unmatched[match.end() :]

    for place, resource in resolve_ordinals(unmatched, earlier):  # the surest first; what is matched is blanked for the rest
        record(place, resource)
    for pattern, tasks in _load_rules().results:
        results = [r for r in earlier if r.origin.source == "task" and r.origin.label in tasks]
        if results and (match := pattern.search(unmatched)):
            named.append(match.span())
            several = list(results) if _ALL.search(match[0]) else [_select_main(results)]
            for offset, resource in enumerate(several):
                found[match.start() + offset] = resource  # offsets keep several results of one noun apart, in order
            record(match, several[0])
    named_by_file = [resource for resource in earlier if is_mentioned(resource, unmatched)]
    if named_by_file and not found:
        return tuple(named_by_file[-1:]), ()
    for kind, noun in _load_rules().nouns.items():
        of_kind = [r for r in earlier if r.kind is kind]
        if of_kind and (match := noun.search(unmatched)):
            record(match, of_kind[0] if "original" in match[0] else of_kind[-1])
    return tuple(dict.fromkeys(found[position] for position in sorted(found))), tuple(named)  # in the order of the words


def _select_main(results: Sequence[Resource]) -> Resource:
    """Select the newest of what a task made; a picture before the text about it."""
    newest = results[-1]
    media = [r for r in results[-2:] if r.kind is not Kind.TEXT and r.origin == newest.origin]
    return media[-1] if media and newest.kind is Kind.TEXT else newest


def _select_latest(turns: Sequence[Turn], parsed: ParsedRequest) -> tuple[Resource, ...]:
    """Resolve "it": the newest result, or the newest resource of the only kind that the words make sense for."""
    results = _list_newest(turns, parsed)
    # speech was made from a text that is there too, and the text serves for more
    useful = [r for r in results if not (r.origin.source == "task" and r.origin.label == _SPEECH)] or list(results)
    if not useful:
        return ()
    newest = useful[-1]
    fits = {kind: _fits_only(parsed.instruction, kind) for kind in {r.kind for r in useful}}
    if not fits[newest.kind] and any(fits.values()):
        newest = next(r for r in reversed(useful) if fits[r.kind])
    elif newest.origin.label in load_rules().findings | load_rules().answers and load_cue_table().question.search(
        parsed.instruction
    ):
        sources = [r for r in useful if r.origin.label not in load_rules().findings | load_rules().answers]
        newest = sources[-1] if sources else newest
    elif (
        newest.origin.label == "image-to-text"
        and newest.kind is Kind.TEXT
        and load_cue_table().question.search(parsed.instruction)
    ):
        # a description says less than the photo that it is of; of a document the text is what it says
        photos = [r for r in useful if r.kind is Kind.IMAGE and not load_cue_table().document.search(r.origin.label.lower())]
        newest = photos[-1] if photos else newest
    return (newest,)


def _list_newest(turns: Sequence[Turn], parsed: ParsedRequest) -> tuple[Resource, ...]:
    """Return the resources of the last turn that has some; of a question those behind the answers before it."""
    with_resources = [turn for turn in reversed(turns) if turn.resources]
    if load_cue_table().question.search(parsed.instruction) or _fits_only(parsed.instruction, Kind.TABLE):
        for turn in with_resources:
            if any(resource.origin.label not in load_rules().answers for resource in turn.resources):
                return select_main_or_tables(turn.resources)
            if _find_asked_text([turn]):
                break
    return select_main_or_tables(with_resources[0].resources) if with_resources else ()


def _fits_only(instruction: str, kind: Kind) -> bool:
    """Tell whether some words of a request make sense for that kind alone ("turn it into an oil painting": a picture)."""
    intents = load_cue_table().match(instruction, frozenset({kind.value}))
    return any(i.given and "none" not in i.given and "text" not in i.given for i in intents)


def _trace_translation(request: PlanRequest, parsed: ParsedRequest, pointed: tuple[Resource, ...]) -> Referents:
    """Replace a translation that is to be in another language by what it was made from ("no, into French")."""
    last = pointed[-1] if pointed else None
    is_translation = any(i.task == "translation" for i in load_cue_table().match(parsed.instruction, frozenset({"text"})))
    named = "translation" in find_named_results(parsed.instruction)
    if last is None or not is_translation or named or last.origin.source != "task" or last.origin.label != "translation":
        return Referents(pointed)
    originals = [r for r in request.earlier_resources if r.kind is Kind.TEXT and r.origin.label not in {"translation", _SPEECH}]
    if originals:
        return Referents((*pointed[:-1], originals[-1]))
    source_request = next(
        (words for turn in reversed(request.turns) if last in turn.resources if (words := parse_request(turn.request))), None
    )
    text = (max(source_request.quotes, key=len) if source_request.quotes else source_request.given) if source_request else ""
    return Referents(pointed[:-1], text) if text else Referents(pointed)
