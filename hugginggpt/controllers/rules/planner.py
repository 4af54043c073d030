"""From a request to a plan, or to the words that are all it gets."""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from hugginggpt.controllers.base import PlanRequest
from hugginggpt.controllers.file_mentions import guess_kind
from hugginggpt.controllers.rules.conditionals import strip_conditions
from hugginggpt.controllers.rules.coreference import find_another, find_same_again, resolve_referents
from hugginggpt.controllers.rules.cue_table import Intent, load, load_cue_table, load_pattern
from hugginggpt.controllers.rules.intent_detection import detect_intents, guess
from hugginggpt.controllers.rules.plan_builder import PlanBuilder
from hugginggpt.controllers.rules.question_routing import is_polite
from hugginggpt.controllers.rules.refusals import answer_small_talk, find_refusals, refuse_general_question
from hugginggpt.controllers.rules.request_parser import ParsedRequest, parse_request
from hugginggpt.core.errors import RequestError
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind, TaskTable

_MOSTLY: Final = 0.3
_SENTENCE_WORDS: Final = 4
_SHORT_WORDS: Final = 10
"""In a longer request "this" may be anything."""
_NOUNS: Final = {
    "image": r"(?:photo(?:graph)?|picture|pic|image|scan|screenshot|sign|invoice|receipt)",
    "audio": r"(?:recording|audio|voice ?(?:mail|note|message|memo)|podcast|interview|tape)",
    "video": r"(?:video|clip|film|movie)",
}
_POINTS: Final = load_pattern("planner", "points")
_NO_ENGLISH: Final = (
    "The built-in planner reads English only: write the request in English, or enter a key, and a language model plans in "
    "any language. （内置规划器只懂英文：请用英文提问，或填入密钥。）"
)
_CALLED: Final = {"image": "picture", "audio": "recording", "mask": "mask, a picture that is white where to paint,"}
_ASKED_FOR: Final = {
    "labels": "Into which labels should it be sorted? Name at least two, such as “billing or support”.",
    "other_text": "Comparing needs two texts: put each in quotes, or attach two text files.",
}


@dataclass(frozen=True, slots=True)
class RulesPlan:
    """The outcome of planning by rules: tasks, an answer, notices."""

    tasks: tuple[Mapping[str, Any], ...] = ()
    """In the paper's form."""
    said: str = ""
    """The answer to a request that needs no task."""
    notices: tuple[str, ...] = ()
    """Sentences on what is left out, and why."""


def plan_request(request: PlanRequest, table: TaskTable) -> RulesPlan:
    """Plan a request; pure and quick (a few milliseconds).

    Raises:
        RequestError: It isn't in English, needs something that isn't there, or asks for what no task does.
    """
    sure = strip_conditions(request.text, request.attached or request.earlier)
    regrets = (sure.regret,) if sure.regret else ()
    request = replace(request, text=sure.text) if regrets else request
    wording = parse_request(request.text, request.attached)
    if _is_foreign(wording):
        raise RequestError(_NO_ENGLISH)
    if not request.attached and (answer := answer_small_talk(wording)):
        return RulesPlan(said=answer, notices=regrets)
    if again := find_same_again(request, wording):
        return replace(plan_request(again, table), notices=regrets)
    tasks, said, notices = _tasks(request, wording, table)
    return RulesPlan(tuple(tasks), said, (*regrets, *notices))


def _tasks(request: PlanRequest, wording: ParsedRequest, table: TaskTable) -> tuple[list[dict[str, Any]], str, list[str]]:
    about = resolve_referents(request, wording)
    context = about.resources
    wording = parse_request(request.text, context) if context else wording
    wording = replace(wording.without(about.named), given=wording.given or about.text)
    kinds = _kinds(wording, context) or _missing_kind(wording) or frozenset({"none"})
    refused = find_refusals(wording, kinds)
    names = [resource.origin.label for resource in context]
    pictures = [resource.origin.label for resource in context if resource.kind is Kind.IMAGE]
    pictures = pictures or [name for name in wording.files if guess_kind(name) is Kind.IMAGE]
    wanted = detect_intents(wording, kinds, names, pictures=pictures, refused=refused)
    if not wanted and _is_foreign_latin(wording):
        raise RequestError(_NO_ENGLISH)
    if not wanted and refused:
        raise RequestError(f"{refused[0].reason}.")
    if not wanted and (once_more := find_another(request, wording)):
        wanted = [Intent(once_more[0], 0, len(wording.text), prompt=once_more[1])]
    if not wanted and kinds == {"none"}:
        _ask_for_a_file(wording, table)
        if not is_polite(wording.instruction) and (answer := refuse_general_question(wording)):
            return [], answer, []
    made = PlanBuilder(wording, context, table).plan(wanted or guess(wording, kinds))
    for task in made:
        _check_inputs(task, table)
    return made, "", [f"{refusal.reason}, so that was left out." for refusal in refused]


def _check_inputs(task: Mapping[str, Any], table: TaskTable) -> None:
    """Ask in words for what is missing, before anything runs."""
    row = table[task["task"]]
    for wanted in row.required:
        if wanted.name not in task["args"]:
            what = _CALLED.get(wanted.name) or _CALLED.get(wanted.kind.value, wanted.kind.value)
            asked = f"For {row.noun} a {what} is needed: attach one, or paste it into the request."
            raise RequestError(_ASKED_FOR.get(wanted.name, asked))


def _ask_for_a_file(wording: ParsedRequest, table: TaskTable) -> None:
    """ "transcribe this" without a recording asks for something that only a recording has."""
    if not _POINTS.search(wording.instruction) or wording.given or wording.quotes:
        return
    if len(wording.instruction.split()) > _SHORT_WORDS:
        return
    for kind in ("audio", "image", "video", "table"):
        cues = load_cue_table().intents(wording.instruction, frozenset({kind}))
        if wanted := [cue for cue in cues if kind in cue.given and cue.task in table]:
            _check_inputs({"task": wanted[0].task, "args": {}}, table)


@functools.cache
def _function_words() -> tuple[frozenset[str], frozenset[str]]:
    """Return the little words of English, and those of its neighbours."""
    raw = load("rules.yaml")
    return frozenset(raw["english"].split()), frozenset(raw["foreign"].split())


def _is_foreign(wording: ParsedRequest) -> bool:
    """Return whether the instruction, without what is quoted in it, is in a script that isn't Latin."""
    letters = [character for character in wording.instruction if character.isalpha()]
    return bool(letters) and sum(ord(character) > 0x24F for character in letters) > _MOSTLY * len(letters)


def _is_foreign_latin(wording: ParsedRequest) -> bool:
    """Return whether more little words are of its neighbours than of English, or none of several words is English."""
    english, foreign = _function_words()
    words = re.findall(r"[^\W\d_]+", wording.instruction)
    if any(word in foreign - english for word in words):
        return sum(word in foreign for word in words) >= sum(word in english for word in words)
    return len(words) >= _SENTENCE_WORDS and not english & set(words)


def _kinds(wording: ParsedRequest, context: Sequence[Resource]) -> frozenset[str]:
    named = {kind.value for name in (*wording.files, *wording.urls) if (kind := guess_kind(name))}
    attached = {resource.kind.value for resource in context}
    return frozenset(attached | named | (_kind_of_page(wording) if wording.urls and not named else frozenset()))


def _kind_of_page(wording: ParsedRequest) -> frozenset[str]:
    """Return what an address without a telling suffix leads to: what the request calls it, else a text."""
    called = (kind for kind, nouns in _NOUNS.items() if re.search(rf"\b{nouns}\b", wording.instruction))
    return frozenset([next(called, "text")])


def _missing_kind(wording: ParsedRequest) -> frozenset[str]:
    """Return what "this photo" speaks of when nothing is attached: its task is planned, and then the file is asked for."""
    if wording.given or wording.quotes:
        return frozenset()
    spoken_of = (kind for kind, nouns in _NOUNS.items() if re.search(rf"\b(?:this|my|attached) {nouns}\b", wording.instruction))
    return frozenset(list(spoken_of)[:1])
