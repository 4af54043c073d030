"""Intent detection from cues: the tasks that a request asks for, in the order in which to do them."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from hugginggpt.controllers.rules.control_images import add_new_images
from hugginggpt.controllers.rules.coreference import find_named_results
from hugginggpt.controllers.rules.cue_table import CueMatch, Intent, load_cue_table, load_pattern, load_rules
from hugginggpt.controllers.rules.intent_resolution import (
    choose_sentiment_or_labels,
    drop_outranked,
    drop_repeated,
    filter_applicable,
    order_intents,
)
from hugginggpt.controllers.rules.question_routing import add_questions, narrow_questions
from hugginggpt.controllers.rules.refusals import Refusal
from hugginggpt.controllers.rules.request_parser import BLANK, ParsedRequest
from hugginggpt.controllers.rules.slot_filling import fill_slots, find_labels
from hugginggpt.core.tasks import Kind, load_task_table

_DEFAULT_TASKS: Final = {
    "image": "image-to-text", "audio": "automatic-speech-recognition", "video": "video-classification", "text": "summarization",
    "table": "table-question-answering",
}  # fmt: skip
"""Likeliest task for a kind of file when nothing in the words tells."""

_MAX_OBJECT_CHARS: Final = 80  # so many characters behind a verb its object stands
_ASKING_VERBS: Final = frozenset({"FIELD", "DESCRIBE"})
"""Verbs in capitals whose every meaning makes a text."""
_MADE_PICTURE: Final = load_pattern("wants", "made_picture")


def detect_intents(
    parsed: ParsedRequest,
    kinds: frozenset[str],
    names: Sequence[str] = (),
    *,
    pictures: Sequence[str] = (),
    refused: Sequence[Refusal] = (),
) -> list[Intent]:
    """Detect the tasks that a request asks for, in the order in which to do them; none when no words of it tell.

    Args:
        parsed: The request.
        kinds: Kinds of what it came with; {"none"} when nothing did.
        names: The names of the files it came with: an "invoice.png" is a document.
        pictures: The names of the pictures among them.
        refused: What is asked for and can't be done: its verb asks for nothing else.
    """
    parsed = replace(parsed, files=(*parsed.files, *names))  # attached ones count as if the request named them
    has_text = bool(parsed.given or parsed.quotes)
    intents = _match_cues(parsed, kinds | ({"text"} if has_text else frozenset()))
    intents = [i for i in intents if not _is_source_language(i, parsed) and not _is_negated(i, parsed)]
    intents = [i for i in intents if not any(i.start <= r.verb < i.end for r in refused)]
    intents = _drop_overlapped(intents, parsed)  # after those that don't count: they would hide shorter ones that do
    intents = [i for i in intents if not _is_reading_aloud(i, intents, parsed)]
    if any(i.task == "audio-classification" for i in intents):  # "what makes this noise?" asks for no cleaning
        intents = [i for i in intents if i.task != "NOISE"]
    found = [
        Intent(_resolve(i.task, kinds, has_text), i.start, i.end) for i in intents if not _is_reading_declined(i, parsed, kinds)
    ]
    found = _drop_weak_speech([intent for intent in found if intent.task], parsed)
    found = add_new_images(found, parsed, pictures)
    if not refused:  # else what was refused might come back as a question
        found = add_questions(found, parsed, kinds)
    found = [_defer_to_new_picture(fill_slots(intent, parsed), found, kinds) for intent in drop_repeated(found)]
    found = choose_sentiment_or_labels(found, parsed, kinds)  # needs the labels, which the slots have now
    found = drop_outranked(drop_repeated(found), parsed, kinds)  # once more: choosing may have made two tasks one
    return order_intents(narrow_questions(filter_applicable(found, parsed, kinds), parsed), parsed)


def guess_intents(parsed: ParsedRequest, kinds: frozenset[str]) -> list[Intent]:
    """Guess the task where no words tell: the one that is most often done with such a file."""
    end = len(parsed.instruction)
    if (parsed.quotes or parsed.given) and (labels := find_labels(parsed)):
        return [Intent("zero-shot-classification", 0, end, labels=labels)]
    for kind, task in _DEFAULT_TASKS.items():  # in this order: of a picture with a text the picture counts
        if kind in kinds:
            return [Intent(task, 0, end, question=parsed.text)]
    return [Intent("conversational", 0, end)]


def _match_cues(parsed: ParsedRequest, kinds: frozenset[str]) -> list[CueMatch]:
    """Match the cues that fit what is there, and, when a picture is to be made, those of what is done with it afterwards."""
    table = load_cue_table()
    found = table.match(parsed.instruction, kinds)
    picture_starts = [i.start for i in found if i.task == "text-to-image"]
    if "image" in kinds or not picture_starts:  # with a picture there, its cues have been found above
        return found
    other_cues = [i for i in found if i.task != "text-to-image"]
    for intent in table.match(parsed.instruction, frozenset({"image"})):
        known = any(intent.start < i.end and i.start < intent.end for i in other_cues)
        if not known and _is_about_a_new_picture(intent, min(picture_starts), parsed):
            found.append(intent)
    return found


def _is_about_a_new_picture(intent: CueMatch, picture_start: int, parsed: ParsedRequest) -> bool:
    """Tell whether a cue is about a picture still to be made ("paint a lake, then count the boats in it")."""
    if load_rules().first_picture_rank <= load_rules().get_rank(intent.task) < load_rules().later_rank:
        return True
    start, end = parsed.get_clause(intent.start)
    if not ("image" in intent.given and start > picture_start):
        return False
    is_all = not (parsed.given or parsed.quotes or parsed.files) and intent.task == "object-detection"
    return is_all or bool(_MADE_PICTURE.search(parsed.instruction, start, end + 1))


def _defer_to_new_picture(intent: Intent, found: Sequence[Intent], kinds: frozenset[str]) -> Intent:
    """Put a step that needs a picture after the step that makes one, where none is attached."""
    row = load_task_table().get(intent.task)
    needs = row is not None and any(task_input.kind is Kind.IMAGE for task_input in row.required)
    later = needs and "image" not in kinds and any(w.task == "text-to-image" and w.start < intent.start for w in found)
    return replace(intent, later=intent.later or later)


def _resolve(task: str, kinds: frozenset[str], has_text: bool) -> str:
    """Resolve a verb in capitals to the task that it means for what is there; a task's name stays as it is."""
    if not task.isupper():
        return task
    meanings = load_cue_table().verbs[task]
    return next((task for kind, task in meanings.items() if kind in kinds), meanings.get("none", "") if has_text else "")


_NEGATION: Final = load_pattern("wants", "refusal")


def _is_negated(intent: CueMatch, parsed: ParsedRequest) -> bool:
    """Tell whether a cue is negated: "... but do not read it aloud", "no summary"."""
    before = parsed.instruction[max(0, intent.start - 40) : intent.start]
    return bool(_NEGATION.search(re.split(r"[.,;:!?]", before)[-1]))  # within its clause


def _is_reading_declined(intent: CueMatch, parsed: ParsedRequest, kinds: frozenset[str]) -> bool:
    """Tell whether reading is declined: "I don't want to read all of it"; of a picture, "I can't read this" asks for it."""
    if intent.task != "READ" or "image" in kinds:
        return False
    words = parsed.instruction[max(0, intent.end - 80) : intent.end]
    return bool(re.search(r"(?:n't|not|never|without|no time to)\s+(?:\w+\s+){0,3}read(?:ing)?$", words))


def _is_reading_aloud(intent: CueMatch, intents: Sequence[CueMatch], parsed: ParsedRequest) -> bool:
    """Tell whether "read" asks for a voice alone: "translate it and read the translation aloud" reads no picture."""
    if intent.task != "READ":
        return False
    start, end = parsed.get_clause(intent.start)
    aloud = any(i.task == "text-to-speech" and start <= i.start < end for i in intents)
    words = parsed.instruction[intent.start : min(end, intent.end + _MAX_OBJECT_CHARS)]
    return aloud and (bool(find_named_results(words)) or any(i.start < start and _makes_text(i.task) for i in intents))


def _makes_text(task: str) -> bool:
    row = load_task_table().get(task)
    return task in _ASKING_VERBS or (row is not None and Kind.TEXT in row.outputs)


def _is_source_language(intent: CueMatch, parsed: ParsedRequest) -> bool:
    """Tell whether a language is that of the source: in "a letter in French" it is, in "put it in French" it is not."""
    if intent.task != "translation" or not parsed.instruction[intent.start :].startswith("in "):
        return False
    return bool(load_rules().source_language.search(parsed.instruction[max(0, intent.start - 60) : intent.start].rstrip()))


def _drop_overlapped(intents: Sequence[CueMatch], parsed: ParsedRequest) -> list[CueMatch]:
    """Drop the shorter of two overlapping cues of different tasks.

    Both stay when one is a verb in capitals, or when they say two things at once ("as English text": transcribe and translate).
    """

    def count_chars(intent: CueMatch) -> int:
        return len(parsed.instruction[intent.start : intent.end].replace(BLANK, ""))

    def are_compatible(a: CueMatch, b: CueMatch) -> bool:
        return a.task.isupper() or b.task.isupper() or frozenset({a.task, b.task}) in load_rules().complements

    chosen: list[CueMatch] = []
    for intent in sorted(intents, key=lambda i: (-count_chars(i), i.start)):  # quadratic, in a few hundred cues at most
        overlapping = [k for k in chosen if intent.start < k.end and k.start < intent.end and k.task != intent.task]
        if all(are_compatible(intent, k) for k in overlapping):
            chosen.append(intent)
    return sorted(chosen, key=lambda i: i.start)


def _drop_weak_speech(found: list[Intent], parsed: ParsedRequest) -> list[Intent]:
    """Drop "read it for me": it asks for a voice only when nothing else is to be done with what was read."""
    text_tasks = {w.task for w in found} & load_rules().text_tasks

    def is_weak(w: Intent) -> bool:
        words = parsed.instruction[w.start : w.end]
        return bool(w.task == "text-to-speech" and re.search(r"^read.*\bfor (?:me|us)$", words) and text_tasks)

    return [w for w in found if not is_weak(w)]
