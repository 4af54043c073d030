"""From cues to wants: which tasks a request asks for, each once, in the order in which they are to be done."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import yaml

from hugginggpt.controller.offline.cues import CUES_FILE, Intent, cue_table
from hugginggpt.controller.offline.wording import BLANK, Wording, sentences

_TEXT_TASKS: Final = frozenset(
    {"text-classification", "token-classification", "zero-shot-classification", "sentence-similarity", "summarization",
     "translation", "text2text-generation", "question-answering", "fill-mask"}
)  # fmt: skip
_BY_KIND: Final = {
    "image": "image-to-text", "audio": "automatic-speech-recognition", "video": "video-classification", "text": "summarization",
    "table": "table-question-answering",
}  # fmt: skip
"""What is most likely wanted when nothing in the words tells."""


_COMPLEMENTS: Final = (
    {"translation", "automatic-speech-recognition"},
    {"translation", "image-to-text"},
    {"summarization", "text-to-speech"},
)
_EMBEDDED: Final = re.compile(
    r"\b(?:answer(?: \w+){0,3}:?|find out|tell me|check|figure out|let me know|see|say|know|work out|look up)\b,?(?: aloud,?)? "
    r"(?:what|who|when|where|which|how|whether|if|why)\b"
)


@dataclass(frozen=True, slots=True)
class Want:
    """One task that is asked for."""

    task: str
    start: int
    end: int
    question: str = ""
    labels: tuple[str, ...] = ()
    language: str = ""
    instruction: str = ""
    """How long a summary should be, in the person's own words."""
    prompt: str = ""
    files: tuple[str, ...] = ()
    refers_back: bool = False
    """Whether the words mean the result of the step before ("turn it into ...")."""


@dataclass(frozen=True, slots=True)
class _Rules:
    source_language: re.Pattern[str]
    feelings: re.Pattern[str]
    ranks: Mapping[str, int]
    other_rank: int
    outranks: tuple[tuple[str, str], ...]


@functools.cache
def _rules() -> _Rules:
    raw: dict[str, Any] = yaml.safe_load(CUES_FILE.read_text(encoding="utf-8"))
    return _Rules(
        source_language=re.compile(raw["source_language"]),
        feelings=re.compile(raw["feelings"]),
        ranks=raw["ranks"],
        other_rank=raw["other_rank"],
        outranks=tuple((a, b) for a, b in raw["outranks"]),
    )


def wants(wording: Wording, kinds: frozenset[str], names: Sequence[str] = ()) -> list[Want]:
    """The tasks that a request asks for, in the order in which to do them; none when no words of it tell.

    Args:
        wording: The request, taken apart.
        kinds: Kinds of what it came with; {"none"} when nothing did.
        names: The names of the files it came with: an "invoice.png" is a document.
    """
    wording = replace(wording, files=(*wording.files, *names))
    has_text = bool(wording.given or wording.quotes)
    intents = _all_intents(wording, kinds | ({"text"} if has_text else frozenset()))
    intents = [i for i in intents if not _is_source_language(i, wording) and not _is_refused(i, wording)]
    intents = _longest(intents, wording)
    if any(i.task == "audio-classification" for i in intents):  # "what makes this noise?" asks for no cleaning
        intents = [i for i in intents if i.task != "NOISE"]
    found = [Want(_verb(i.task, kinds, has_text), i.start, i.end) for i in intents if not _is_unwilling(i, wording, kinds)]
    found = [w for w in found if w.task]
    found = _without_weak_speech(found, wording)
    found = _with_questions(found, wording, kinds)
    found = [_detailed(w, wording) for w in _once(found)]
    found = _sentiment_or_labels(found)
    found = _outranked(_once(found))
    return _ordered(_fitting(found, wording, kinds), wording)


def guess(wording: Wording, kinds: frozenset[str]) -> list[Want]:
    """What is most likely wanted when no words tell: what one does with such a file."""
    end = len(wording.instruction)
    if (wording.quotes or wording.given) and (labels := _labels(wording)):
        return [Want("zero-shot-classification", 0, end, labels=labels)]
    for kind, task in _BY_KIND.items():
        if kind in kinds:
            return [Want(task, 0, end, question=wording.text)]
    return [Want("conversational", 0, end)]


def _all_intents(wording: Wording, kinds: frozenset[str]) -> list[Intent]:
    """The cues that fit what is there, and, when a picture is to be made, what can be done with it afterwards."""
    table = cue_table()
    found = table.intents(wording.instruction, kinds)
    if "image" not in kinds and any(i.task == "text-to-image" for i in found):
        ranks = _rules().ranks
        later = table.intents(wording.instruction, frozenset({"image"}))
        found += [i for i in later if 5 <= ranks.get(i.task, 0) < ranks["text-to-speech"]]
    return found


def _verb(task: str, kinds: frozenset[str], has_text: bool) -> str:
    """What a verb in capitals means for what it is applied to; a task name stays as it is."""
    if not task.isupper():
        return task
    meanings = cue_table().verbs[task]
    order = ("image", "audio", "video", "text", "none")
    return next((meanings[k] for k in order if k in kinds and k in meanings), meanings.get("none", "") if has_text else "")


_REFUSAL: Final = re.compile(
    r"(?:\b(?:do not|don't|dont|never|without|no need (?:to|for)|rather than|instead of|needn't|need not)\s+"
    r"(?!know|understand|see|get|have|remember|speak (?!it|this|that|them)|recogni[sz]e|hear|mind|want to miss)(?:\w+\s+){0,3}"
    r"|\b(?:no|not|not to|nor)\s+)$"
)


def _is_refused(intent: Intent, wording: Wording) -> bool:
    """ "... but do not read it aloud", "no summary": what is named to be left out."""
    before = wording.instruction[max(0, intent.start - 40) : intent.start]
    return bool(_REFUSAL.search(re.split(r"[.,;:!?]", before)[-1]))


def _is_unwilling(intent: Intent, wording: Wording, kinds: frozenset[str]) -> bool:
    """ "I don't want to read all of it" asks for no voice; of a picture, "I can't read this" asks to read it."""
    if intent.task != "READ" or "image" in kinds:
        return False
    said = wording.instruction[max(0, intent.end - 80) : intent.end]
    return bool(re.search(r"(?:n't|not|never|without|no time to)\s+(?:\w+\s+){0,3}read(?:ing)?$", said))


def _is_source_language(intent: Intent, wording: Wording) -> bool:
    """ "a letter in French" tells what language it is in, "put it in French" what is wanted."""
    if intent.task != "translation" or not wording.instruction[intent.start :].startswith("in "):
        return False
    return bool(_rules().source_language.search(wording.instruction[max(0, intent.start - 60) : intent.start].rstrip()))


def _longest(intents: Sequence[Intent], wording: Wording) -> list[Intent]:
    """Of two overlapping cues of different tasks the longer one counts.

    Both stay when one is a verb in capitals, or reads ("as English text": transcribe and translate).
    """

    def words(intent: Intent) -> int:
        return len(wording.instruction[intent.start : intent.end].replace(BLANK, ""))

    def together(a: Intent, b: Intent) -> bool:
        return a.task.isupper() or b.task.isupper() or {a.task, b.task} in _COMPLEMENTS

    kept: list[Intent] = []
    for intent in sorted(intents, key=lambda i: (-words(i), i.start)):
        clash = [k for k in kept if intent.start < k.end and k.start < intent.end and k.task != intent.task]
        if all(together(intent, k) for k in clash):
            kept.append(intent)
    return sorted(kept, key=lambda i: i.start)


def _without_weak_speech(found: list[Want], wording: Wording) -> list[Want]:
    """ "read it for me" asks for a voice only when nothing else is to be done with what was read."""
    others = {w.task for w in found} & _TEXT_TASKS

    def weak(w: Want) -> bool:
        said = wording.instruction[w.start : w.end]
        return bool(w.task == "text-to-speech" and re.search(r"^read.*\bfor (?:me|us)$", said) and others)

    return [w for w in found if not weak(w)]


def _with_questions(found: list[Want], wording: Wording, kinds: frozenset[str]) -> list[Want]:
    """Add a question-answering task for each question that no cue explains."""
    table = cue_table()
    added = []
    for start, end in sentences(wording.text):
        clause = wording.instruction[start:end].strip(" -" + BLANK)
        inside = [w for w in found if start <= w.start < end and w.task != "text-to-speech"]
        goals = [w for w in inside if w.task != "translation" or w.start < start + 5]
        if clause and not goals and table.question.search(clause) and not _is_polite(clause):
            added.append(_question(wording.text[start:end].strip(), start, end, wording, kinds, found))
        elif (
            inside
            and (m := _EMBEDDED.search(wording.instruction, start, end))
            and not any(m.start() <= w.start < end or w.start < m.end() <= w.end for w in inside)
        ):
            added.append(_question(wording.text[m.start() : end].strip(), m.start(), end, wording, kinds, found))
    goals = [w for w in found if w.task not in {"text-to-speech", "audio-to-audio"}]
    if not goals and not added and kinds != {"none"}:
        match = re.search(r"\b(?:what|who|when|where|which|how|whether|if)\b", wording.instruction)
        if match:
            added.append(_question(wording.text[match.start() :], match.start(), len(wording.text), wording, kinds, found))
    return sorted(found + [w for w in added if w.task], key=lambda w: w.start)


def _is_polite(clause: str) -> bool:
    """ "could you put that right?" is no question, nor is "how do I say this in French?" about a text."""
    return bool(
        re.match(r"(?:please |so |and |but )*(?:can|could|would|will) (?:you|anyone|somebody|i|we|it|this)\b", clause)
        or re.match(r"what (?:does|do) (?:it|this|that|they|¤+) mean\b", clause)
        or re.match(r"(?:please |and |but )*(?:do not|don't|dont)\b", clause)
        or re.match(r"how (?:do|would|can|should) (?:i|you|we|one) (?:say|put|write|pronounce|translate)\b", clause)
    )


def _question(text: str, start: int, end: int, wording: Wording, kinds: frozenset[str], found: Sequence[Want]) -> Want:
    """A question, as the task that answers it from what is there."""
    readers = {"image-to-text", "automatic-speech-recognition"} & {w.task for w in found}
    if "image" in kinds and not readers:
        words = wording.instruction + " " + " ".join(wording.files).lower()
        task = "document-question-answering" if cue_table().document.search(words) else "visual-question-answering"
    elif "table" in kinds:
        task = "table-question-answering"
    elif kinds & {"audio", "video", "text", "image"} or wording.given or wording.quotes or _later_text(wording, end):
        task = "question-answering"
    else:
        task = ""
    return Want(task, start, end, question=text.strip(" " + BLANK))


def _later_text(wording: Wording, end: int) -> bool:
    return len(wording.text[end:].split()) > 8


def _detailed(want: Want, wording: Wording) -> Want:
    """Fill in what the task needs to know: the question, labels, language, prompt, file."""
    text = wording.text
    bounds = next(((s, e) for s, e in sentences(text) if s <= want.start < e), (0, len(text)))
    sentence = text[bounds[0] : bounds[1]]
    clause = wording.instruction[max(0, want.start - 25) : want.end + 40]
    files = tuple(name for name in wording.files if name.lower() in sentence.lower())
    want = replace(want, files=files, refers_back=bool(re.search(r"\b(?:it|the result|the new|this new|the output)\b", clause)))
    if want.task in {"visual-question-answering", "document-question-answering", "question-answering",
                     "table-question-answering"} and not want.question:  # fmt: skip
        want = replace(want, question=sentence.strip())
    if want.task == "zero-shot-classification":
        want = replace(want, labels=_labels(wording))
    if want.task == "summarization":
        want = replace(want, instruction=_length(wording))
    if want.task == "translation":
        want = replace(want, language=_language(wording))
    if want.task in {"image-to-image", "image-to-video"}:
        want = replace(want, prompt=sentence.strip())
    return want


_LENGTH: Final = re.compile(
    r"\b(?:one|a single|a|two|three|four|five|six|seven|eight|nine|ten|\d{1,2}|a few|a couple of) (?:short |brief |bullet )*"
    r"(?:sentences?|lines?|bullets?|points?|words)\b"
)


def _length(wording: Wording) -> str:
    found = _LENGTH.search(wording.instruction)
    return found[0] if found else ""


_LABEL = r"(?:(?:an? |about |the )?[\w/-]+(?: [\w/-]+)?)"
_LABEL_LIST = re.compile(
    rf"({_LABEL}(?:, {_LABEL})*,? or {_LABEL}|{_LABEL}(?:, {_LABEL})+(?:,? and {_LABEL})?|{_LABEL}(?: / {_LABEL})+)"
)


def _labels(wording: Wording) -> tuple[str, ...]:
    """The labels of a request that sorts: the longest list of short phrases with commas, or with "or"."""
    if len(wording.quotes) > 2:
        return wording.quotes[1:]
    lists = [m[1] for m in _LABEL_LIST.finditer(wording.instruction)]
    if not lists:
        return ()
    best = max(lists, key=lambda text: text.count(",") * 2 + text.count(" / ") * 2 + text.count(" or "))
    parts = re.split(r",? or |, and |, | / ", best)
    first = re.sub(r"^.*\b(?:to|into|under|as|is|about|it|this|either|of|between)\b ", "", " " + parts[0])
    cleaned = [re.sub(r"^(?:an?|the|about|something) ", "", part.strip()) for part in (first, *parts[1:])]
    return tuple(dict.fromkeys(c.strip() for c in cleaned if c.strip()))


def _language(wording: Wording) -> str:
    """The language to translate into: the one that something is to be put into, else the one the person speaks."""
    table = cue_table()
    targets, spoken = [], []
    for match in table.language.finditer(wording.instruction):
        before = wording.instruction[max(0, match.start() - 60) : match.start()]
        if re.search(r"\b(?:into|to|in|as)\s+$", before):
            opening = re.sub(r"\b(?:into|to|in|as)\s+$", "", before).rstrip()
            if not (re.search(r"\bin\s+$", before) and _rules().source_language.search(opening)):
                targets.append(match[0])
        elif re.search(r"\b(?:speak|understand|know)\s+$", before) and not re.search(r"n't\s+\w+\s+$|not\s+\w+\s+$", before):
            spoken.append(match[0])
        elif re.match(r"\s+(?:version|translation)", wording.instruction[match.end() :]):
            targets.append(match[0])
    found = (*targets, *spoken)
    return found[0].capitalize() if found else "English"


def _sentiment_or_labels(found: list[Want]) -> list[Want]:
    """Labels that are feelings mean sentiment; no labels mean no sorting; labels of another sort mean no sentiment."""
    feelings = _rules().feelings
    result = []
    for want in found:
        if want.task == "zero-shot-classification":
            if not want.labels:
                continue
            if all(feelings.match(label) for label in want.labels):
                want = replace(want, task="text-classification")
        result.append(want)
    return result


def _once(found: Sequence[Want]) -> list[Want]:
    """Each task once, at its first mention; a later mention may add the question."""
    seen: dict[str, Want] = {}
    for want in found:
        known = seen.get(want.task)
        seen[want.task] = want if known is None else replace(known, question=known.question or want.question)
    return list(seen.values())


def _outranked(found: Sequence[Want]) -> list[Want]:
    tasks = {w.task for w in found}
    lost = {b for a, b in _rules().outranks if a in tasks}
    return [w for w in found if w.task not in lost]


def _fitting(found: Sequence[Want], wording: Wording, kinds: frozenset[str]) -> list[Want]:
    """Drop what makes no sense for what is there."""
    tasks = {w.task for w in found}
    result = []
    for want in found:
        task = want.task
        if task == "conversational" and len(tasks) > 1:
            continue
        if task in {"question-answering", "document-question-answering", "visual-question-answering"} and tasks & (
            _TEXT_TASKS - {"question-answering", "translation"}
        ):
            continue
        if task == "text-to-image" and "image" in kinds and not tasks & {"image-to-text", "automatic-speech-recognition"}:
            task = "image-to-image"
        if task == "text-generation" and (kinds & {"audio", "image", "video"}):
            continue
        if task == "summarization" and "image-to-text" in tasks and _LENGTH.search(wording.instruction[want.start : want.end]):
            continue  # "describe it in one sentence" wishes for a short description, not for a summary of it
        if task == "document-question-answering" and "image-to-text" in tasks:
            task = "question-answering"
        result.append(replace(want, task=task))
    return result


def _ordered(found: Sequence[Want], wording: Wording) -> list[Want]:
    """By what each step needs, then as the words say; "before you ..." and "first" move a step."""
    rules = _rules()

    def position(want: Want) -> int:
        start = next((s for s, e in sentences(wording.text) if s <= want.start < e), 0)
        clause = wording.instruction[start : want.start]
        if re.search(r"\b(?:before|after having)\b[^,]{0,30}$", clause):
            return want.start + 10_000
        return want.start

    return sorted(found, key=lambda w: (rules.ranks.get(w.task, rules.other_rank), position(w)))
