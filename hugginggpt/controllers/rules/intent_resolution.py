"""Resolution of several intents: drop repeated and inapplicable ones, and order the rest."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from hugginggpt.controllers.rules.coreference import find_named_results
from hugginggpt.controllers.rules.cue_table import SAME_CLAUSE, Intent, load_cue_table, load_pattern, load_rules
from hugginggpt.controllers.rules.question_routing import is_answerable
from hugginggpt.controllers.rules.request_parser import ParsedRequest
from hugginggpt.controllers.rules.slot_filling import LENGTH_PATTERN

_READERS: Final = frozenset({"image-to-text", "automatic-speech-recognition"})
_QUESTIONS: Final = frozenset({"question-answering", "document-question-answering", "visual-question-answering"})
_SET_APART: Final = load_pattern("fitting", "apart")
_COMES_FIRST: Final = load_pattern("fitting", "before")
_CONVERSATION_TASKS: Final = _READERS | {"conversational", "text-to-speech", "audio-to-audio"}
"""Tasks that may be planned beside a conversation: hearing what was said, and saying the reply."""
_LATE_OFFSET: Final = 10_000  # behind every position of a request
_MEDIA_KINDS: Final = frozenset({"audio", "image", "video"})
_MIN_LABELS: Final = 3
"""Fewest labels that sort a picture; "red or green" is a question about it."""


def choose_sentiment_or_labels(found: Sequence[Intent], parsed: ParsedRequest, kinds: frozenset[str]) -> list[Intent]:
    """Choose what labels mean: feelings sentiment, labels of a photo its look; without labels nothing is sorted."""
    result = []
    for intent in found:
        if intent.task in {"zero-shot-classification", "zero-shot-image-classification"}:
            if not intent.labels:
                continue
            feelings = [label for label in intent.labels if load_rules().feelings.match(label)]
            all_feelings = len(feelings) == len(intent.labels)
            task = "text-classification" if all_feelings else _choose_sorting_task(intent, parsed, kinds, found)
            if feelings and task == "zero-shot-image-classification":
                continue  # "how does the writer feel about it, happy or not?"
            intent = replace(intent, task=task)
        elif intent.task == "zero-shot-object-detection" and not intent.labels:
            intent = replace(intent, task="object-detection")
        if intent.task:
            result.append(intent)
    return result


def _choose_sorting_task(intent: Intent, parsed: ParsedRequest, kinds: frozenset[str], found: Sequence[Intent]) -> str:
    """Choose between a picture's look and the text in it as what labels sort; empty where they are a mere question."""
    words = parsed.instruction + " " + " ".join(parsed.files).lower()
    for label in intent.labels:  # "a ticket or a receipt?" makes nothing a document
        words = words.replace(label, "")
    readers = _READERS & {w.task for w in found}
    is_document = load_cue_table().document.search(words) or load_rules().text_words.search(words)
    is_text = readers or parsed.given or parsed.quotes or is_document
    if "image" not in kinds or is_text:
        return "zero-shot-classification" if intent.task == "zero-shot-classification" or is_text else ""
    is_sorting = len(intent.labels) >= _MIN_LABELS or intent.task == "zero-shot-classification"
    return "zero-shot-image-classification" if is_sorting else ""


def drop_repeated(found: Sequence[Intent]) -> list[Intent]:
    """Keep each task once, at its first mention; a later mention may add its question."""
    seen: dict[str, Intent] = {}
    for intent in found:
        known = seen.get(intent.task)
        seen[intent.task] = intent if known is None else replace(known, question=_join_questions(known, intent))
    return list(seen.values())


def _join_questions(first: Intent, second: Intent) -> str:
    """Join the questions of two mentions of a task, unless one holds the other."""
    if second.question in first.question or first.question in second.question or first.task not in load_rules().answers:
        return first.question or second.question
    return f"{first.question} {second.question}"


def drop_outranked(found: Sequence[Intent], parsed: ParsedRequest, kinds: frozenset[str]) -> list[Intent]:
    """Drop intents that are only a part of what another one means; two looks at a picture in two clauses are two intents."""
    rest = list(found)
    for stronger, weaker, kind in load_rules().outranks:  # in the file's order: what an earlier rule drops outranks nothing
        if (kind not in {"", SAME_CLAUSE} and kind not in kinds) or not (strong := [w for w in rest if w.task == stronger]):
            continue
        apart = kind == SAME_CLAUSE or {stronger, weaker} <= load_rules().visual_tasks
        rest = [w for w in rest if w.task != weaker or (apart and not any(_are_adjacent(w, s, parsed) for s in strong))]
    return rest


def _are_adjacent(weak: Intent, strong: Intent, parsed: ParsedRequest) -> bool:
    """Tell whether nothing that sets two intents apart stands between their words."""
    first, second = sorted((weak, strong), key=lambda w: w.start)
    between = parsed.instruction[first.end : second.start]
    return not _SET_APART.search(between)


def filter_applicable(found: Sequence[Intent], parsed: ParsedRequest, kinds: frozenset[str]) -> list[Intent]:
    """Drop or replace the tasks that make no sense for what is there."""
    tasks = {w.task for w in found}
    result = []
    for intent in found:
        task = intent.task
        if task in _QUESTIONS and is_answerable(found):
            continue
        if task == "conversational" and tasks - _CONVERSATION_TASKS:
            continue
        if task == "text-to-image" and "image" in kinds and not tasks & (_READERS | {"text-generation"}):
            task = "image-to-image"  # "a painting of it": of the picture that is there
        if task == "text-generation" and kinds & _MEDIA_KINDS and not tasks & _READERS:
            continue
        words = parsed.instruction[intent.start : intent.end]
        if task == "summarization" and "image-to-text" in tasks and LENGTH_PATTERN.search(words):
            continue  # "describe it in one sentence" wishes for a short description, not for a summary of it
        if task == "document-question-answering" and "image-to-text" in tasks:
            task = "question-answering"  # of the text that is read anyway
        result.append(replace(intent, task=task))
    return result


def order_intents(found: Sequence[Intent], parsed: ParsedRequest) -> list[Intent]:
    """Order by what each step needs, then by the words; "before you ..." and "first" move a step."""

    def compute_position(intent: Intent) -> int:
        start, _ = parsed.get_sentence(intent.start)
        moved = _COMES_FIRST.search(parsed.instruction[start : intent.start])
        return intent.start + (_LATE_OFFSET if moved else 0)

    def compute_rank(intent: Intent) -> int:
        later = intent.later and any(w.task in load_rules().changes and w.start < intent.start for w in found)
        return max(load_rules().later_rank, load_rules().get_rank(intent.task)) if later else load_rules().get_rank(intent.task)

    ranked = sorted(found, key=lambda intent: (compute_rank(intent), compute_position(intent)))
    return _place_after_control(_move_after_named(ranked, parsed))


def _move_after_named(ranked: Sequence[Intent], parsed: ParsedRequest) -> list[Intent]:
    """Move a step that names the result of another ("translate the answer") behind it."""
    result = list(ranked)
    for intent in ranked:
        _, end = parsed.get_clause(intent.start)
        named = find_named_results(parsed.instruction[intent.start : end]) - {intent.task}
        if named_intents := [other for other in result if other.task in named]:
            last = max(map(result.index, named_intents))
            if last > result.index(intent):
                result.insert(last, result.pop(result.index(intent)))
    return result


def _place_after_control(ranked: Sequence[Intent]) -> list[Intent]:
    """Place a picture that is made from a control picture right behind that."""
    result: list[Intent] = []
    followers = {w.task.removesuffix("-text-to-image"): w for w in ranked if w.follows}
    for intent in ranked:
        if intent.follows:
            continue
        result.append(intent)
        if follower := followers.pop(intent.task.removesuffix("-control"), None):
            result.append(follower)
    return result + list(followers.values())  # of control pictures that were attached
