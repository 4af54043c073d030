"""Extraction of prompts: the words of a request that are the input of a task, as in "draw a cat on a mat"."""

import re
from typing import Final

from hugginggpt.controllers.rules.cue_table import Intent, load_pattern, load_rules
from hugginggpt.controllers.rules.request_parser import BLANK, ParsedRequest, find_sentences

_LEAD: Final = load_pattern("prompts", "lead")
_TAIL: Final = load_pattern("prompts", "tail")
_TAIL_CHARS: Final = 80
_NEVER_OWN_TEXT: Final = frozenset(
    {"summarization", "question-answering", "token-classification", "zero-shot-classification", "sentence-similarity"}
)
"""Tasks whose input is never in the words of the instruction."""
_INTO: Final = load_pattern("prompts", "into")
_POINTS_BACK: Final = load_pattern("prompts", "pointing")
_OWN_SUBJECT: Final = load_pattern("prompts", "own")
_CONTENT: Final = load_pattern("prompts", "content")
_CONJUNCTION: Final = load_pattern("prompts", "joint")
_MAX_JOINT_WORDS: Final = 4
_AND_IT: Final = load_pattern("prompts", "and_it")
_SPOKEN_LEAD: Final = load_pattern("prompts", "spoken_lead")
_SPOKEN_TAIL: Final = load_pattern("prompts", "spoken_tail")


def extract_prompt(intent: Intent, parsed: ParsedRequest, following: int | None) -> str | None:
    """Extract the words after a cue that are the task's input; None where they only point at something.

    Args:
        intent: The step.
        parsed: The request.
        following: Where the words of the next step stand.
    """
    text = parsed.text
    if parsed.given:
        return parsed.given
    if parsed.quotes and not (intent.task in load_rules().prompted and _names_prompt(intent, parsed, following)):
        return max(parsed.quotes, key=len)  # short ones are names or titles, as a rule
    if intent.task == "conversational":
        return text  # a conversation is about all that was said
    bounds = parsed.get_sentence(intent.start)
    end = following if following is not None and intent.start < following else bounds[1]
    if intent.task == "text-generation":
        return strip_tail(_AND_IT.sub("", strip_tail(text[intent.start : end]))).strip()
    later_sentences = [text[s:e] for s, e in find_sentences(text) if s > intent.start]
    if intent.task not in load_rules().prompted and later_sentences:
        return " ".join(later_sentences)  # "Translate this into French. The cat sat on the mat."
    if intent.task in _NEVER_OWN_TEXT:
        return None
    phrase = _find_phrase(intent, parsed, following)
    if intent.task == "translation":
        phrase = _INTO.sub("", phrase)
    if intent.task == "text-to-speech":  # how it is to be spoken is not spoken
        before = parsed.text[bounds[0] : intent.start]
        phrase = _strip_style(f" {phrase}") or _strip_style(_LEAD.sub("", before, count=1))
    return None if _POINTS_BACK.fullmatch(phrase.lower()) else phrase or None


def names_own_content(intent: Intent, parsed: ParsedRequest, following: int | None) -> bool:
    """Tell whether a step names new content ("a dragon"), rather than another step's result ("it", "the tale")."""
    if parsed.given or parsed.quotes:
        return False
    phrase = _find_phrase(intent, parsed, following, behind=True)
    return bool(_OWN_SUBJECT.match(phrase)) and not _CONTENT.search(phrase.lower())


def _names_prompt(intent: Intent, parsed: ParsedRequest, following: int | None) -> bool:
    """Tell whether a step names what to make while a quote belongs to another ("a film of a dragon, and narrate “...”")."""
    end = following if following is not None and intent.start < following else len(parsed.text)
    return BLANK not in parsed.instruction[intent.start : end] and bool(
        _OWN_SUBJECT.match(_find_phrase(intent, parsed, following, behind=True))
    )


def _find_phrase(intent: Intent, parsed: ParsedRequest, following: int | None, *, behind: bool = False) -> str:
    """Find the words behind a cue, or those before it where there are none behind; with `behind` never those before."""
    text, bounds = parsed.text, parsed.get_sentence(intent.start)
    end = _find_end(following, intent, parsed) if following is not None and intent.start < following else bounds[1]
    segment = re.split(r",? (?:and )?then\b", text[intent.start : max(end, intent.start)])[0]
    phrase = strip_tail(_AND_IT.sub("", _LEAD.sub("", segment, count=1))).strip(" .,;:!?")
    before = _LEAD.sub("", text[bounds[0] : intent.start].strip(" ,.;:"), count=1)
    return (phrase if behind or len(phrase) > 2 else before).replace(BLANK, "")  # up to two characters are left-overs


def _find_end(following: int, intent: Intent, parsed: ParsedRequest) -> int:
    """Find the end of a step's words where another follows: the "and" or the comma before that, if it is near."""
    ends = [m.start() for m in _CONJUNCTION.finditer(parsed.instruction, intent.end, following)]
    return ends[-1] if ends and len(parsed.instruction[ends[-1] : following].split()) <= _MAX_JOINT_WORDS else following


def _strip_style(phrase: str) -> str:
    """Strip the wishes for a voice or a pace from the words to be spoken; at the end only the last characters are searched."""
    words = _SPOKEN_LEAD.sub("", phrase.lstrip(), count=1) if ":" in phrase else phrase
    return (words[:-_TAIL_CHARS] + _SPOKEN_TAIL.sub("", words[-_TAIL_CHARS:])).strip(" .,;:")


def strip_tail(text: str) -> str:
    """Strip a phrase of order words and thanks at its end; only its last characters are searched."""
    return text[:-_TAIL_CHARS] + _TAIL.sub("", text[-_TAIL_CHARS:])  # on a long text the pattern would backtrack for seconds
