"""Slot filling: the question, labels, languages, length and prompt that a step needs besides its material."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from hugginggpt.controllers.rules.cue_table import Intent, load_cue_table, load_pattern, load_rules
from hugginggpt.controllers.rules.request_parser import BLANK, ParsedRequest

_LATER: Final = load_pattern("details", "later")

LENGTH_PATTERN: Final = load_pattern("details", "length")
_LABEL_LIST: Final = load_pattern("details", "label_list")
_BEFORE_LABELS: Final = load_pattern("details", "before_labels")
_ARTICLE: Final = load_pattern("details", "article")
_INTO: Final = load_pattern("details", "into")
_IN: Final = load_pattern("details", "in")
_AND: Final = load_pattern("details", "and")
_SPEAKS: Final = load_pattern("details", "speaks")
_SPEAKS_NOT: Final = load_pattern("details", "speaks_not")
_VERSION: Final = load_pattern("details", "version")
_MASK_PROMPTS: Final = (load_pattern("details", "filled_with"), load_pattern("details", "put_there"))
_MOTION: Final = load_pattern("details", "moves")
_FIND: Final = load_pattern("details", "find")
_THINGS_END: Final = load_pattern("details", "things_end")
_SUBTITLES: Final = load_pattern("details", "subtitles")


def fill_slots(intent: Intent, parsed: ParsedRequest) -> Intent:
    """Fill in what the task needs to know."""
    filler = _FILLERS.get(intent.task)
    start, end = parsed.get_clause(intent.start)
    later = bool(_LATER.search(parsed.instruction, start, end))
    return replace(filler(intent, parsed) if filler else intent, later=later)


def _fill_question(intent: Intent, parsed: ParsedRequest) -> Intent:
    start, end = parsed.get_sentence(intent.start)
    return intent if intent.question or intent.spoken else replace(intent, question=parsed.text[start:end].strip(" -" + BLANK))


def _fill_labels(intent: Intent, parsed: ParsedRequest) -> Intent:
    return replace(intent, labels=find_labels(parsed))


def _fill_objects(intent: Intent, parsed: ParsedRequest) -> Intent:
    """Fill in the objects to be found, each a label."""
    match = _FIND.search(parsed.instruction, max(0, intent.start - 1))
    if not match:
        return intent
    words = _THINGS_END.split(match["things"], maxsplit=1)[0]
    parts = (
        re.sub(r"^(?:an?|the|my|our|his|her|their|all|every|each|some|any) ", "", part.strip())
        for part in re.split(r",? and |, | or ", words)
    )
    return replace(intent, labels=tuple(part for part in parts if part))


def _fill_length(intent: Intent, parsed: ParsedRequest) -> Intent:
    found = LENGTH_PATTERN.search(parsed.instruction)
    return replace(intent, instruction=found[0] if found else "")


def _fill_subtitles(intent: Intent, parsed: ParsedRequest) -> Intent:
    """Fill in the words that ask for subtitles, and for which."""
    return replace(intent, instruction=" ".join(found[0] for found in _SUBTITLES.finditer(parsed.instruction)))


def _fill_instruction(intent: Intent, parsed: ParsedRequest) -> Intent:
    start, end = parsed.get_sentence(intent.start)
    blank = parsed.instruction.find(BLANK, start, end)
    words = parsed.text[start : blank if blank > intent.start else end].strip(" ,;:\"“'\n")
    return replace(intent, instruction=words if BLANK not in parsed.instruction[start : start + len(words)] else "")


def _fill_description(intent: Intent, parsed: ParsedRequest) -> Intent:
    """Fill in that a picture is to be described, where the words don't ask for what is written in it."""
    start, end = parsed.get_clause(intent.start)
    words, tags = parsed.instruction[start:end], load_cue_table().tags
    describes = tags["captioning"].search(words) and not tags["reading"].search(words)
    return replace(intent, instruction="describe" if describes else "")


def _fill_sentence(intent: Intent, parsed: ParsedRequest) -> Intent:
    """Fill in the whole sentence."""
    start, end = parsed.get_sentence(intent.start)
    return replace(intent, instruction=parsed.text[start:end].strip(" -" + BLANK))


def _fill_languages(intent: Intent, parsed: ParsedRequest) -> Intent:
    return replace(intent, languages=find_languages(parsed))


def _fill_change(intent: Intent, parsed: ParsedRequest) -> Intent:
    start, end = parsed.get_sentence(intent.start)
    return replace(intent, prompt=intent.prompt or parsed.text[start:end].strip())


def _fill_mask_prompt(intent: Intent, parsed: ParsedRequest) -> Intent:
    """Fill in what to paint where the mask is, as far as it is said."""
    match = next((match for pattern in _MASK_PROMPTS if (match := pattern.search(parsed.instruction))), None)
    return replace(intent, prompt=parsed.text[match.start("prompt") : match.end("prompt")].strip() if match else "")


def _fill_motion(intent: Intent, parsed: ParsedRequest) -> Intent:
    """Fill in how a picture is to move, as far as it is said."""
    _, end = parsed.get_sentence(intent.start)
    match = _MOTION.search(parsed.instruction, intent.end, end)
    return replace(intent, prompt=parsed.text[match.start("prompt") : match.end("prompt")].strip() if match else "")


_FILLERS: Final[Mapping[str, Callable[[Intent, ParsedRequest], Intent]]] = {
    "automatic-speech-recognition": _fill_subtitles,
    "visual-question-answering": _fill_question,
    "document-question-answering": _fill_question,
    "question-answering": _fill_question,
    "table-question-answering": _fill_question,
    "table-to-chart": _fill_sentence,
    "zero-shot-classification": _fill_labels,
    "zero-shot-image-classification": _fill_labels,
    "zero-shot-object-detection": _fill_objects,
    "image-to-text": _fill_description,
    "summarization": _fill_length,
    "text2text-generation": _fill_instruction,
    "translation": _fill_languages,
    "image-to-image": _fill_change,
    "image-to-video": _fill_motion,
    "inpainting": _fill_mask_prompt,
}


def find_labels(parsed: ParsedRequest) -> tuple[str, ...]:
    """Find the labels of a request that sorts: the longest list of short phrases with commas, or with "or"."""
    if len(parsed.quotes) > 2:  # the first is the text to sort
        return parsed.quotes[1:]
    lists = [m[1] for m in _LABEL_LIST.finditer(parsed.instruction)]
    if not lists:
        return ()
    best = max(lists, key=lambda text: text.count(",") * 2 + text.count(" / ") * 2 + text.count(" or "))
    parts = re.split(r",? or |, and |, | / ", best)
    first = _BEFORE_LABELS.sub("", " " + parts[0])
    cleaned = [_ARTICLE.sub("", part.strip()) for part in (first, *parts[1:])]
    return tuple(dict.fromkeys(c.strip() for c in cleaned if c.strip()))  # each once, in their order


def find_languages(parsed: ParsedRequest) -> tuple[str, ...]:
    """Find the languages to translate into: those that something is to be put into, else the one the person speaks."""
    groups: list[tuple[int, list[str]]] = []
    spoken: list[str] = []
    end = -1
    for match in load_cue_table().language.finditer(parsed.instruction):
        before = parsed.instruction[max(0, match.start() - 60) : match.start()]  # bounded: one search for each language named
        if end >= 0 and _AND.fullmatch(parsed.instruction[end : match.start()].strip() + " "):
            groups[-1][1].append(match[0])  # "into French and German": one group, two targets
        elif weight := _weigh_language(before, parsed.instruction[match.end() :]):
            groups.append((weight, [match[0]]))
        else:
            if _SPEAKS.search(before) and not _SPEAKS_NOT.search(_SPEAKS.sub("", before)):
                spoken.append(match[0])
            continue
        end = match.end()
    best = max(groups, key=lambda group: group[0], default=(0, spoken[:1] or ["english"]))
    return tuple(language.capitalize() for language in dict.fromkeys(best[1]))


def _weigh_language(before: str, behind: str) -> int:
    """Weigh how surely the words around a language name it as a target: 2, 1, or 0 where they don't."""
    if into := _INTO.search(before):
        opening = before[: into.start()].rstrip()
        is_in = _IN.search(before)
        return 0 if is_in and load_rules().source_language.search(opening) else 1 if is_in else 2
    return 1 if not _SPEAKS.search(before) and _VERSION.match(behind) else 0
