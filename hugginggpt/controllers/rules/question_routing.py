"""Routing of questions without a cue to the task that answers them: about a picture, a document, a table or a text."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from hugginggpt.controllers.file_mentions import guess_kind
from hugginggpt.controllers.rules.cue_table import Intent, load_cue_table, load_pattern, load_rules
from hugginggpt.controllers.rules.request_parser import BLANK, ParsedRequest, find_sentences
from hugginggpt.core.tasks import Kind

_EMBEDDED: Final = load_pattern("questions", "embedded")
_ASKS_FACT: Final = load_pattern("questions", "asks_fact")
_ASKS: Final = load_pattern("questions", "asks")
_POLITE: Final = load_pattern("questions", "polite")
"""Polite beginnings that are no questions: "could you put that right?", "how do I say this in French?"."""

_SPOKEN: Final = load_pattern("questions", "spoken")
_COUNTS_WRITTEN: Final = load_pattern("questions", "counts_written")
_PLACE_WRITTEN: Final = load_pattern("questions", "place_written")
_VISUAL_WORDS: Final = load_pattern("questions", "visual")
_LOOKING: Final = frozenset({"object-detection", "zero-shot-object-detection"})
_READERS: Final = frozenset({"image-to-text", "automatic-speech-recognition"})
_KIND_WORDS: Final = {kind.value: load_pattern("questions", kind.value) for kind in Kind}
_MAX_REST_WORDS: Final = 8  # so many words behind a question are a text that it is about


def add_questions(found: list[Intent], parsed: ParsedRequest, kinds: frozenset[str]) -> list[Intent]:
    """Add a question-answering task for each question that no cue explains."""
    table = load_cue_table()
    found = [intent for intent in found if not _is_asked_about(intent, parsed, kinds)]
    added = []
    for start, end in _split_parts(parsed):  # by sentences: one may ask, another command
        clause = parsed.instruction[start:end].strip(" -" + BLANK)
        intents_inside = [w for w in found if start <= w.start < end and w.task != "text-to-speech"]
        goals = [w for w in intents_inside if w.task != "translation" or w.start < start + 5]
        if parsed.instruction[start:end].lstrip().startswith(BLANK) and "?" not in clause and parsed.places:
            continue  # "pose.png shows a pose." tells what a file is, and asks nothing
        if clause and goals and "image" in kinds and _is_written(clause, goals, parsed):
            question = _build_question(start, end, parsed, kinds, ())
            added.append(replace(question, task="document-question-answering"))  # which outranks looking
        elif clause and not goals and table.question.search(clause) and not is_polite(clause):
            added.append(_build_question(start, end, parsed, kinds, found))
        elif (
            intents_inside
            and (m := _EMBEDDED.search(parsed.instruction, start, end))
            and not any(m.start() <= w.start < end or w.start < m.end() <= w.end for w in intents_inside)
        ):
            added.append(_build_question(m.start(), end, parsed, kinds, found))
    if spoken := _find_spoken_question(parsed, kinds):  # its own words are no question
        return [w for w in found if w.task not in load_rules().answers | _READERS] + [spoken]  # the builder adds the reader
    goals = [w for w in found if w.task not in {"text-to-speech", "audio-to-audio"}]
    if not goals and not added and kinds != {"none"} and (match := _ASKS.search(parsed.instruction)):
        added.append(_build_question(match.start(), len(parsed.text), parsed, kinds, found))
    return sorted(found + [w for w in added if w.task], key=lambda w: w.start)  # "": there is nothing to answer it from


def _is_asked_about(intent: Intent, parsed: ParsedRequest, kinds: frozenset[str]) -> bool:
    """Tell whether what seems to be asked for is a thing in a file: "when does the music stop?" wants no music."""
    if intent.task not in load_rules().prompted or kinds == {"none"}:
        return False
    start, end = parsed.get_sentence(intent.start)
    return bool(_ASKS_FACT.match(parsed.instruction[start:end].strip()))


def _is_written(clause: str, goals: Sequence[Intent], parsed: ParsedRequest) -> bool:
    """Tell whether what a question seems to look for in a picture is told by its words: "how many students does it have?"."""
    if not {goal.task for goal in goals} <= _LOOKING or not load_cue_table().question.search(clause):
        return False
    is_document = load_cue_table().document.search(" ".join((clause, *parsed.files)).lower())
    return bool(
        _COUNTS_WRITTEN.search(clause) or _PLACE_WRITTEN.search(clause) or (is_document and clause.startswith("how many"))
    )


def _split_parts(parsed: ParsedRequest) -> Iterator[tuple[int, int]]:
    """Yield the spans of sentences; a question behind a colon is a span of its own."""
    for start, end in find_sentences(parsed.text):
        colons = [m.end() for m in re.finditer(r":\s+", parsed.instruction[start:end])]
        questions = [start + c for c in colons if load_cue_table().question.search(parsed.instruction[start + c : end])]
        yield from ((start, questions[0]), (questions[0], end)) if questions else ((start, end),)


def _find_spoken_question(parsed: ParsedRequest, kinds: frozenset[str]) -> Intent | None:
    """Find a question that is asked in a recording, about something that came with it."""
    question = _SPOKEN.search(parsed.instruction)
    if not question or "audio" not in kinds or not (about := kinds & {"image", "table", "text"}):
        return None
    intent = _build_question(question.start(), question.end(), parsed, about, ())  # of the rest: the recording only asks
    return replace(intent, question="", spoken=True)


def is_polite(clause: str) -> bool:
    """Tell whether what looks like a question asks for something to be done."""
    return bool(_POLITE.match(clause))


def _build_question(start: int, end: int, parsed: ParsedRequest, kinds: frozenset[str], found: Sequence[Intent]) -> Intent:
    """Build the intent for a question: the task that answers it from what is there."""
    text = re.sub(r"^[\s\-–—" + BLANK + r"]+", "", _strip_quotes(parsed, start, end)).strip()
    about = (_find_kinds(parsed, start, end) & kinds) or kinds  # words for a file that isn't there tell nothing
    readers = [w for w in found if w.task in _READERS]
    words = parsed.instruction + " " + " ".join(parsed.files).lower()
    is_document = bool(load_cue_table().document.search(words))
    if "image" in about and (not readers or (not is_document and all(_is_description(w, parsed) for w in readers))):
        is_looked_at = not is_document and (_is_seen(parsed) or any(w.task in _LOOKING for w in found))
        task = "visual-question-answering" if is_looked_at else "document-question-answering"  # else it is read first
    elif "table" in about:
        task = "table-question-answering"
    elif about & {"audio", "video", "text", "image"} or parsed.given or parsed.quotes or _has_long_rest(parsed, end):
        task = "question-answering"
    else:
        task = ""
    return Intent(task, start, end, question=text)


def _is_seen(parsed: ParsedRequest) -> bool:
    """Tell whether a question is about what is seen in a picture: by its words, or as the file is called a photo."""
    return bool(_VISUAL_WORDS.search(parsed.instruction) or _KIND_WORDS["image"].search(" ".join(parsed.files).lower()))


def _is_description(reader: Intent, parsed: ParsedRequest) -> bool:
    """Tell whether a picture is described, which answers no further questions, rather than read."""
    phrase = parsed.instruction[reader.start : reader.end]
    tags = load_cue_table().tags
    return reader.task == "image-to-text" and bool(tags["captioning"].search(phrase)) and not tags["reading"].search(phrase)


def _find_kinds(parsed: ParsedRequest, start: int, end: int) -> frozenset[str]:
    """Find the kinds of files that the words of a question speak of."""
    phrase = parsed.instruction[start:end]
    named = {kind.value for position, name in parsed.places if start <= position < end if (kind := guess_kind(name))}
    return frozenset(named | {kind for kind, words in _KIND_WORDS.items() if words.search(phrase)})


def _strip_quotes(parsed: ParsedRequest, start: int, end: int) -> str:
    """Return the words of a question, without a long text in quotes before it."""
    blanks = re.match(BLANK + r"{20,}\W*", parsed.instruction[start:end])
    return parsed.text[start + (blanks.end() if blanks else 0) : end]


def _has_long_rest(parsed: ParsedRequest, end: int) -> bool:
    return len(parsed.text[end:].split()) > _MAX_REST_WORDS


def narrow_questions(found: Sequence[Intent], parsed: ParsedRequest) -> list[Intent]:
    """Cut questions down to their own clause where their sentence asks for something else, too."""
    result = []
    for intent in found:
        start, end = parsed.get_sentence(intent.start)
        first, last = parsed.get_clause(intent.start)
        shared = any(start <= w.start < end and not first <= w.start < last for w in found if w is not intent)
        if (
            shared
            and intent.question == parsed.text[start:end].strip(" -" + BLANK)
            and _ASKS.search(parsed.instruction, first, last)
        ):
            intent = replace(intent, question=parsed.text[first:last].strip(" ,;" + BLANK))
        result.append(intent)
    return result


def is_answerable(found: Sequence[Intent]) -> bool:
    """Tell whether something other than a question works on a text anyway."""
    return bool({w.task for w in found} & (load_rules().text_tasks - {"question-answering", "translation"}))
