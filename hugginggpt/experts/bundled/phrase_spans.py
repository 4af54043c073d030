"""Finding spans by grammar: the name or number beside a noun, and the whole subject of a verb."""

import re
from collections.abc import Iterator
from typing import Final

from hugginggpt.experts.bundled.question_analysis import stem
from hugginggpt.experts.bundled.span_patterns import NUMBER, ORDINAL

_NAME: Final = r"[A-Z][\w'’-]*(?:\s(?:(?:of|de|da|du|van|von|the|and)\s){0,2}[A-Z][\w'’-]*){0,5}"
_QUOTED: Final = r"[“\"‘](?P<x>[^“”\"‘’\n]{1,80})[”\"’]"
_CODE: Final = r"[A-Z]{0,3}-?\d[\w-]*"
_ENDING: Final = r"(?:e|y|s|es|ies|ings?|ed)?"
"""Endings that `stem` takes off a noun."""
_LIMITS: Final = r"(?:under|over|above|below|of|with|without|from|aged|between|in|on|who|whose|younger|older|up|living)"
"""Words that begin what limits a subject: "children under six"."""
_AUXILIARIES: Final = (
    r"(?:(?:is|are|was|were|has|have|had|do|does|did|can|may|must|might|will|would|should|shall|be|been|also|not|never|always|only)"
    r"\s)"
)
_ASKED_VERB: Final = re.compile(rf"^\W*(?:and |so )?who\s{_AUXILIARIES}*(\w+)", re.IGNORECASE)
_ASKS_PASSIVE: Final = re.compile(r"^\W*(?:and |so )?who\s(?:\w+\s)?(?:is|are|was|were|be|been)\b", re.IGNORECASE)
_NO_PASSIVE: Final = r"(?!(?:is|are|was|were|be|been)\s)"
"""Not before "was": the statue that was unveiled unveiled nothing."""
_AFTER_NAME: Final = (
    r"(?=\s?(?:[.,;:!?)\]”\"]|$)|\s(?:on|in|at|to|from|by|and|or|with|for|of|is|was|are|were|has|had|will|which|who|that|as|when|where|"
    r"after|before|until|because|since)\b)"
)
"""Text after a name that belongs to a noun; "the book Ann gave him" has none."""
_MAX_SUBJECT_CHARS: Final = 120


def find_beside_noun(noun: str, sentence: str) -> Iterator[re.Match[str]]:
    """Yield what tells which one a noun means, as group x: "platform four", "Oakfield Clinic", "the island of Sarn".

    Args:
        noun: In small letters, as the question has it.
        sentence: Any.
    """
    own = rf"(?i:{re.escape(stem(noun))}{_ENDING})"
    patterns = (
        rf"\b{own}(?:,\s(?:an?|the)(?:\s\w+){{1,2}})?\s(?:called|named|known as)\s[“\"‘]?(?P<x>{_NAME})",
        rf"\b{own}(?:,|\s(?:called|named|titled|entitled))?\s{_QUOTED}",
        rf"\b{own}\s?(?:(?:number|no\.?|nr\.?)\s)?(?P<x>(?i:{NUMBER})(?!\w)|(?i:{_CODE})|[A-HJ-Z]\d?)(?![\w'’])",
        rf"\b(?P<x>(?i:{ORDINAL}))\s{own}\b",
        rf"\b(?P<x>(?:[A-Z][\w'’-]*\s){{1,4}}{own})\b",
        rf"\b(?P<x>(?:(?i:the)\s)?{own}\sof\s{_NAME})",
        rf"\b{own}\s(?P<x>{_NAME}){_AFTER_NAME}",
    )
    return (match for pattern in patterns if (match := re.search(pattern, sentence)))


def find_asked_verb(question: str) -> str:
    """Return the verb of "who repaired it?"; empty for any other question."""
    found = _ASKED_VERB.search(question)
    return found[1] if found else ""


def find_limited_subject(question: str, sentence: str) -> re.Match[str] | None:
    """Return the subject of the verb that "who" asks for, as group x, where something limits it: "children under six"."""
    asked = find_asked_verb(question)
    if not asked or not sentence[:1].isupper():
        return None
    verb = rf"{re.escape(stem(asked))}\w{{0,3}}"
    active = "" if _ASKS_PASSIVE.search(question) else _NO_PASSIVE
    word = rf"{active}[\w'’-]+"
    limited = rf"(?P<x>(?:{word}\s){{1,4}}?{_LIMITS}(?:\s{word}){{1,5}}?)\s(?:{active}{_AUXILIARIES})*{verb}\b"
    return re.match(limited, sentence[:_MAX_SUBJECT_CHARS])
