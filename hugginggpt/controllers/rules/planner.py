"""Planning by rules: from a request to tasks, or to a direct answer."""

import difflib
import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from hugginggpt.controllers.base import PlanRequest
from hugginggpt.controllers.file_mentions import blank_out, guess_kind
from hugginggpt.controllers.rules.conditionals import strip_conditions
from hugginggpt.controllers.rules.coreference import resolve_ellipsis, resolve_referents, resolve_repetition
from hugginggpt.controllers.rules.cue_table import Intent, load, load_cue_table, load_pattern
from hugginggpt.controllers.rules.document_parts import drop_pasted, select_parts, use_tables
from hugginggpt.controllers.rules.file_facts import FactsAnswer, find_facts
from hugginggpt.controllers.rules.follow_ups import complete_follow_up
from hugginggpt.controllers.rules.intent_detection import detect_intents, guess_intents
from hugginggpt.controllers.rules.left_out import find_left_out
from hugginggpt.controllers.rules.page_quotes import check_pages, quote_pages
from hugginggpt.controllers.rules.plan_builder import PlanBuilder
from hugginggpt.controllers.rules.question_routing import is_polite
from hugginggpt.controllers.rules.refusals import (
    answer_about_app,
    answer_small_talk,
    find_refusals,
    find_unavailable_styles,
    refuse_general_question,
)
from hugginggpt.controllers.rules.request_parser import BLANK, ParsedRequest, parse_request
from hugginggpt.core.errors import RequestError
from hugginggpt.core.markdown import escape
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind, TaskTable
from hugginggpt.workspace.workspace import is_example

_MIN_FOREIGN_SHARE: Final = 0.3
_MIN_SENTENCE_WORDS: Final = 4
_MAX_SHORT_WORDS: Final = 10
"""In a longer request "this" may be anything."""
_NOUNS: Final = {
    "image": r"(?:photo(?:graph)?|picture|pic|image|scan|screenshot|sign|invoice|receipt)",
    "audio": r"(?:recording|audio|voice ?(?:mail|note|message|memo)|podcast|interview|tape)",
    "video": r"(?:video|clip|film|movie)",
}
_BEFORE_OUTPUT: Final = load_pattern("files", "before_output")
_MAX_BEFORE_OUTPUT_CHARS: Final = 40
_MAX_NAMED_FILES: Final = 20
"""Each is compared with the names of all that is attached."""
_SPEAKS_OF_TABLE: Final = load_pattern("questions", "table")
_FILLERS: Final = load_pattern("facts", "fillers")
_POINTS_AT_FILE: Final = load_pattern("planner", "points")
_NO_ENGLISH: Final = (
    "The built-in planner reads English only: write the request in English, or enter a key, and a language model plans in "
    "any language. （内置规划器只懂英文：请用英文提问，或填入密钥。）"
)
_DISPLAY_NAMES: Final = {"image": "picture", "audio": "recording", "mask": "mask, a picture that is white where to paint,"}
_MISSING_MESSAGES: Final = {
    "labels": "Into which labels should it be sorted? Name at least two, such as “billing or support”.",
    "other_text": "Comparing needs two texts: put each in quotes, or attach two text files.",
}


@dataclass(frozen=True, slots=True)
class RulesPlan:
    """Result of planning by rules: tasks, a direct answer, notices."""

    tasks: tuple[Mapping[str, Any], ...] = ()
    """In the paper's form."""
    direct_answer: str = ""
    """The answer to a request that needs no task."""
    notices: tuple[str, ...] = ()
    """Sentences on what is left out, and why."""


def plan_request(request: PlanRequest, table: TaskTable, *, tell_facts: bool = True) -> RulesPlan:
    """Plan a request; pure, and quick but for long texts: not for the event loop.

    Raises:
        RequestError: It isn't in English, needs something that isn't there, or asks for what no task does.
    """
    if (about_table := use_tables(request)) and (plan := _plan_about_table(about_table, table)):
        return plan
    request = drop_pasted(request)
    request = replace(request, attached=select_parts(request.text, request.attached))
    unconditional = strip_conditions(request.text, request.attached or request.earlier_resources)
    regrets = (unconditional.regret,) if unconditional.regret else ()
    request = replace(request, text=unconditional.text) if regrets else request
    parsed = parse_request(request.text, request.attached)
    check_pages(parsed, request.attached)
    if _is_foreign(parsed):  # no cue matches other scripts
        raise RequestError(_NO_ENGLISH)
    if not request.attached and (answer := answer_small_talk(parsed) or answer_about_app(parsed)):
        return RulesPlan(direct_answer=answer, notices=regrets)
    if tell_facts and (facts := find_facts(parsed, resolve_referents(request, parsed).resources)):
        if not (rest := _find_rest(parsed, facts)):
            return RulesPlan(direct_answer="\n\n".join(map(escape, facts.sentences)), notices=regrets)
        plan = plan_request(replace(request, text=rest), table, tell_facts=False)  # once: each pass takes time
        return replace(plan, notices=(*facts.sentences, *regrets, *plan.notices))
    if answer := quote_pages(parsed, request.attached):
        return RulesPlan(direct_answer=answer, notices=regrets)
    if again := resolve_repetition(request, parsed):
        return replace(plan_request(again, table), notices=regrets)  # its own notices were given the first time
    if completed := complete_follow_up(request, parsed):
        request, parsed = completed, parse_request(completed.text)
    tasks, answer_text, notices = _plan_tasks(request, parsed, table)
    return RulesPlan(tuple(tasks), answer_text, (*regrets, *notices))


def _plan_about_table(request: PlanRequest, table: TaskTable) -> RulesPlan | None:
    """Plan a request about the tables that texts are; None where it asks nothing of a table."""
    try:
        plan = plan_request(request, table)
    except RequestError:
        return None
    return plan if any(Kind.TABLE in {each.kind for each in table[task["task"]].inputs} for task in plan.tasks) else None


def _find_rest(parsed: ParsedRequest, facts: FactsAnswer) -> str:
    """Return what a request asks for besides facts; empty where that is nothing."""
    pieces, position = [], 0
    for start, end in sorted(facts.spans):
        pieces.append(parsed.text[position:start])
        position = end
    rest = " ".join(piece.strip(" ,;:?.!") for piece in (*pieces, parsed.text[position:])).strip()
    words = blank_out(parsed.instruction, facts.spans, BLANK).replace(BLANK, " ")
    return rest if _FILLERS.sub(" ", words).split() else ""


def _plan_tasks(request: PlanRequest, parsed: ParsedRequest, table: TaskTable) -> tuple[list[dict[str, Any]], str, list[str]]:
    referents = resolve_referents(request, parsed)
    context = referents.resources
    parsed = parse_request(request.text, context) if context else parsed  # again: now earlier files' names are blanked
    parsed = replace(parsed.blank_spans(referents.named), given=parsed.given or referents.text)
    missing = _find_missing_files(parsed, context) if context else []
    kinds = _find_kinds(parsed, context) or _find_missing_kind(parsed) or frozenset({"none"})
    refusals = find_refusals(parsed, kinds)
    names = [resource.origin.label for resource in context]
    pictures = [resource.origin.label for resource in context if resource.kind is Kind.IMAGE]
    pictures = pictures or [name for name in parsed.files if guess_kind(name) is Kind.IMAGE]
    intents = detect_intents(parsed, kinds, names, pictures=pictures, refused=refusals)
    if not intents and _is_foreign_latin(parsed):  # only where nothing was understood: the guess by words is rough
        raise RequestError(_NO_ENGLISH)
    if not intents and refusals:  # else what can be done is done, and notices name the rest
        raise RequestError(f"{refusals[0].reason}.")
    if not intents and (another := resolve_ellipsis(request, parsed)):
        intents = [Intent(another[0], 0, len(parsed.text), prompt=another[1])]
    if not intents and kinds == {"none"}:
        _ask_for_a_file(parsed, table)
        if not is_polite(parsed.instruction) and (answer := refuse_general_question(parsed)):
            return [], answer, []
    tasks = PlanBuilder(parsed, context, table).plan(intents or guess_intents(parsed, kinds))
    for task in tasks:
        _check_inputs(task, table)
    styles = find_unavailable_styles(parsed) if any(task["task"] == "text-to-speech" for task in tasks) else []
    left_out = [f"“{name}” is not attached, so it was left out." for name in missing]
    if intents and not refusals:  # what was refused is said already
        made = {kind.value for task in tasks for kind in table[task["task"]].outputs}
        parts = find_left_out(parsed, kinds | made, tasks)
        left_out += [f"“{part}” was left out: the built-in planner knows no task for it." for part in parts]
    return tasks, "", [*(f"{refusal.reason}, so that was left out." for refusal in refusals), *styles, *left_out]


def _find_missing_files(parsed: ParsedRequest, context: Sequence[Resource]) -> list[str]:
    """Find the files that a request names beside those that are there.

    Raises:
        RequestError: None of the files that it names is there: another one must not take their place.
    """
    labels = {resource.origin.label.lower() for resource in context}
    places = parsed.places[:_MAX_NAMED_FILES]
    named = [
        name
        for position, name in places
        if not _BEFORE_OUTPUT.search(parsed.instruction[:position][-_MAX_BEFORE_OUTPUT_CHARS:])
    ]
    missing = [
        n for n in named if n.lower() not in labels and not is_example(n) and not difflib.get_close_matches(n.lower(), labels)
    ]
    if missing and len(missing) == len(named):
        listed = " and ".join(f"“{name}”" for name in dict.fromkeys(missing))
        raise RequestError(f"{listed} is not attached: attach it, or name one of the files that are there.")
    return list(dict.fromkeys(missing))


def _check_inputs(task: Mapping[str, Any], table: TaskTable) -> None:
    """Ask in words for what is missing, before anything runs."""
    row = table[task["task"]]
    for task_input in row.required:
        if task_input.name not in task["args"]:
            noun = _DISPLAY_NAMES.get(task_input.name) or _DISPLAY_NAMES.get(task_input.kind.value, task_input.kind.value)
            message = f"For {row.noun} a {noun} is needed: attach one, or paste it into the request."
            raise RequestError(_MISSING_MESSAGES.get(task_input.name, message))


def _ask_for_a_file(parsed: ParsedRequest, table: TaskTable) -> None:
    """Ask for the file that a short request without one needs: "transcribe this" needs a recording."""
    if not _POINTS_AT_FILE.search(parsed.instruction) or parsed.given or parsed.quotes:
        return
    if len(parsed.instruction.split()) > _MAX_SHORT_WORDS:
        return
    kinds = ("audio", "image", "video")  # not text, which the request may hold itself
    for kind in (*kinds, "table") if _SPEAKS_OF_TABLE.search(parsed.instruction) else kinds:
        cues = load_cue_table().match(parsed.instruction, frozenset({kind}))
        if fitting := [cue for cue in cues if kind in cue.given and cue.task in table]:
            _check_inputs({"task": fitting[0].task, "args": {}}, table)  # without arguments it raises


@functools.cache
def _load_function_words() -> tuple[frozenset[str], frozenset[str]]:
    """Return the function words of English, and those of languages near it."""
    raw = load("rules.yaml")
    return frozenset(raw["english"].split()), frozenset(raw["foreign"].split())


def _is_foreign(parsed: ParsedRequest) -> bool:
    """Tell whether the instruction, without what is quoted in it, is in a script other than Latin."""
    letters = [character for character in parsed.instruction if character.isalpha()]
    return bool(letters) and sum(ord(character) > 0x24F for character in letters) > _MIN_FOREIGN_SHARE * len(letters)


def _is_foreign_latin(parsed: ParsedRequest) -> bool:
    """Tell whether as many function words are foreign as English, or none of several words is an English one."""
    english, foreign = _load_function_words()
    words = re.findall(r"[^\W\d_]+", parsed.instruction)
    if any(word in foreign - english for word in words):
        return sum(word in foreign for word in words) >= sum(word in english for word in words)
    return len(words) >= _MIN_SENTENCE_WORDS and not english & set(words)


def _find_kinds(parsed: ParsedRequest, context: Sequence[Resource]) -> frozenset[str]:
    named = {kind.value for name in (*parsed.files, *parsed.urls) if (kind := guess_kind(name))}
    attached = {resource.kind.value for resource in context}
    return frozenset(attached | named | (_guess_page_kind(parsed) if parsed.urls and not named else frozenset()))


def _guess_page_kind(parsed: ParsedRequest) -> frozenset[str]:
    """Guess the kind of a page by what the request calls it; a text by default."""
    called = (kind for kind, nouns in _NOUNS.items() if re.search(rf"\b{nouns}\b", parsed.instruction))
    return frozenset([next(called, "text")])


def _find_missing_kind(parsed: ParsedRequest) -> frozenset[str]:
    """Find the kind that "this photo" means where nothing is attached; planning then asks for the file."""
    if parsed.given or parsed.quotes:
        return frozenset()
    kinds = (kind for kind, nouns in _NOUNS.items() if re.search(rf"\b(?:this|my|attached) {nouns}\b", parsed.instruction))
    return frozenset(list(kinds)[:1])
