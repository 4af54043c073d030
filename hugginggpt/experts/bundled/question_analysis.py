"""Analysis of questions: their parts, the kind of answer that each asks for, the words that carry their meaning."""

import re
from pathlib import Path
from typing import Final

from hugginggpt.core.yaml_files import read_yaml

_STOP_WORDS: Final = frozenset(
    "the a an of in on at to is was are were did do does what who whom whose when where which why how many much long old "
    "far tall big and or for with by from it its this that be been has have had there their they he she you his her i my "
    "me tell please".split()
)
DOCUMENT_WORDS: Final = frozenset("invoice bill page receipt document letter form picture image scan statement".split())
"""Words that name the page itself, and so don't tell which part of it is meant."""
_DOCUMENT_PATTERN: Final = "|".join(sorted(DOCUMENT_WORDS))  # sorted: a set's order changes from process to process
_MONEY_NOUNS: Final = r"(?:money|cash|change|vat|tax|tip|rent|interest|fee|deposit|refund|salary|pay|debt|postage|service)"
_AUXILIARIES: Final = r"(?:is|are|was|were|does|do|did|will|has|have|had|to|i)"
_KIND_PATTERNS: Final[tuple[tuple[str, str], ...]] = (
    ("date", r"^\W*(?:(?:and|so|but) )?(?:by |since |until |from )?when\b"
             r"|\b(?:what|which) (?:date|day|time|year|month|hour)\b"),
    ("frequency", r"\bhow (?:often|frequently)\b"),
    ("warning", r"\bwarnings?\b"),
    ("file", r"\b(?:which|what) (?:file|script)\b|\bfile ?name\b"),
    ("failure", r"^(?!.*\bhow\b).*\b(?:errors?|exceptions?|wrong|fail(?:ed|ure|s)?|crash(?:ed)?|faults?)\b"),
    ("reason", r"^\W*why\b|\bhow come\b|\b(?:the|what) reason\b"),
    ("person", r"^\W*who(?:m|se)?\b|\b(?:what|which) (?:company|firm|person|customer|business|shop)\b"),
    ("place", r"^\W*where\b"),
    ("email", r"\be-?mail(?:[ -]address)?\W*$|\be-?mail address\b"),
    ("url", r"\b(?:web ?site|home ?page|url|web address)\b"),
    ("phone", r"\b(?:phone|telephone|mobile|fax)\b"),
    ("address", r"\b(?<!ip )address\b|\b(?:which|what) (?:street|road)\b"),
    ("colour", r"\b(?:what|which) colou?rs?\b|\bcolou?r of\b"),
    ("material", r"\bmade (?:out )?(?:of|from)\b|\bmaterial\b"),
    ("fraction", r"\b(?:fraction|share|proportion) of\b"),
    ("name", r"\bname of\b|\b(?:called|named)\W*$|['’]s name\b|\byour name\b"),
    ("age", r"\bhow old\b"),
    ("percent", r"\bper ?cent(?:age)?\b|\b(?:tax|vat|interest) rate\b|\brate of\b|\bhow much of\b"),
    ("code", rf"\bnumber of (?:this|the|my) (?:{_DOCUMENT_PATTERN})\b"
             r"|^(?!.*\bhow (?:many|much)\b).*\b(?:number|no\.|no$|code|reference|iban|id)(?! of)\b(?! of)"),
    ("measure", r"\bhow much\b.*\bweigh"
                r"|\bhow (?:long|tall|far|big|deep|high|fast|heavy|hot|cold|warm|wide|thick|large)\b"),
    ("amount", r"\bhow much (?:does|do|did|can|will|would)\b.*\b(?:hold|contain)\b"),
    ("amount", rf"\bhow much (?:more |less )?(?!(?:{_MONEY_NOUNS}|{_AUXILIARIES})\b)\w+"),
    ("money", r"\bhow much\b|\bowe\b|\btotal\b|\bwhat\b.{0,20}\bpay\b"
              r"|\b(?:what|which|the)\b.*\b(?:cost|price|total|sum|amount|vat|tax|subtotal|fee|balance|rent|change)\b"),
    ("number", r"\bhow many\b|\bnumber of\b"),
    ("date", r"\bwhen\b|\b(?:what|which|by what|the)\b.{0,20}\b(?:year|date|day|time|month|deadline)\b|\bdue\b"),
    ("person", r"\bwho(?:m|se)?\b"),
    ("place", r"\bwhere\b|\b(?:what|which) (?:city|country|town|place)\b"),
)  # fmt: skip
"""Kinds of answer and the questions that ask for them; the first match counts, so narrow patterns come first."""
_QUESTION_WORD: Final = r"(?:by |until |since )?(?:when|who|whom|whose|where|how|what|which|why)\b"
_PART_SEPARATOR: Final = re.compile(
    rf"\s*[,;?]?\s*\band\s+(?={_QUESTION_WORD})|\?\s+(?:and\s+)?(?=\w)|[,;]\s+(?={_QUESTION_WORD})", re.IGNORECASE
)
_SYNONYMS: Final = read_yaml(Path(__file__).with_name("synonyms.yaml"), dict[str, list[str]])
_PHRASES: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), meaning)
    for pattern, meaning in (
        (r"\b(?:gets?|got|getting) (?:to|in|there|here)\b|\bbe (?:there|here)\b", "arrive"),
        (r"\b(?:catch|catches|caught)(?: \w+){1,3}? (?:train|bus|tram|ferry|boat|plane|flight)\b", r"leave \g<0>"),
        (r"\b(?:sets?|setting|goes|go|went) (?:off|out)\b", "leave"),
        (r"\b(?:is|are|was|were) over\b|\bover\W*$", "end"),
        (r"\b(?:tak(?:es?|en|ing)|took) off\b", "leave discount"),
        (r"\b(?:not|\w+n['’]t|cannot)\b(?: \w+){1,4} (?:before|until)\b", r"late \g<0>"),
        (r"\bleft\b(?: over)?(?=:| in\b)|\b(?:is|are|was|were|have|has)\b(?: \w+){0,3}? left\b", "remain"),
    )
)
"""Phrases, and the word that means the same."""
_ASKED_NOUN: Final = re.compile(r"^\W*(?:(?:and|from|in|on|at|to|for|of|with|by)\s+)*(?:which|what)\s+(\w+)")
_NO_NOUNS: Final = frozenset(
    "else one ones happens happened went goes should would can could will must about kind sort".split()
)
_CAPITALISED: Final = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september "
    "october november december mr mrs ms dr vat iban pdf url id am pm".split()
)
"""Words that are written with a capital and name nobody."""
_THINGS: Final = re.compile(
    r"\b(?:is|are|was|were|do|does|did|has|have|will|can|must)\s(?:(?:the|an?|my|our)\s)?(\w+)(?=\s\w)"
    r"|\b(?:on|in|of|for|at|from)\s(?:(?:the|an?|my|our)\s)?(\w+)\W*$",
    re.IGNORECASE,
)
"""Subject of a question, and what its last preposition stands before."""
_OPENING: Final = re.compile(rf"\W*(?:how \w+|{_QUESTION_WORD})\s*", re.IGNORECASE)
_MAX_PARTS: Final = 5
_MIN_STEM_CHARS: Final = 3  # "bus" and "red" stay whole


def split_question(question: str) -> list[str]:
    """Split a question into its parts; a bare question word such as "when" is completed from another part.

    >>> split_question("How much is due, and when?")
    ['How much is due', 'when is due']
    """
    parts = [part.strip(" ?.!") for part in _PART_SEPARATOR.split(question, maxsplit=_MAX_PARTS - 1)]
    parts = [part for part in parts if part]
    complete = [part for part in parts if not _is_bare(part)]
    if len(parts) < 2 or not complete:
        return [question.strip()]
    rest = _OPENING.sub("", complete[0], count=1)
    return [f"{part} {rest}" if _is_bare(part) else part for part in parts]


def _is_bare(part: str) -> bool:
    """Return whether a part is a question word alone: "when", "how long", "by when"."""
    return len(part.split()) <= 2 and not extract_content_words(part)


def detect_answer_kind(question: str) -> str | None:
    """Return the kind of answer, a key of `_KIND_PATTERNS`, or "noun" for "which platform"; None if none shows."""
    lower = question.lower()
    found = next((kind for kind, pattern in _KIND_PATTERNS if re.search(pattern, lower)), None)
    return found or ("noun" if find_asked_noun(question) else None)


def find_asked_noun(question: str) -> str:
    """Return the noun that "which" or "what" asks for, in lower case; empty where there is none.

    >>> find_asked_noun("Which platform does it leave from?")
    'platform'
    """
    found = _ASKED_NOUN.search(question.lower())
    return found[1] if found and found[1] not in _STOP_WORDS | _NO_NOUNS else ""


def find_names(question: str) -> list[str]:
    """Return the proper names in a question: capitalised words that don't begin it."""
    words = re.findall(r"[^\W\d_][\w-]*", question)
    return [word for word in words[1:] if word[0].isupper() and word.lower() not in _STOP_WORDS | _CAPITALISED]


def find_things(question: str) -> frozenset[str]:
    """Return the stems, one for all synonyms, of what a question is about: its subject and its last noun.

    >>> sorted(find_things("When does the train leave from Hull?"))
    ['hull', 'train']
    """
    words = " ".join(first or second for first, second in _THINGS.findall(question))
    return unify_synonyms(extract_content_words(words) - frozenset(map(stem, DOCUMENT_WORDS)))


def extract_content_words(text: str) -> frozenset[str]:
    """Return the stems of the words that carry meaning."""
    return frozenset(stem(word) for word in re.findall(r"[^\W_]+", text) if word.lower() not in _STOP_WORDS)


def extract_meanings(text: str) -> frozenset[str]:
    """Return the stems of the words that carry meaning, one for all synonyms: "gets to" and "reaches" are "arrive"."""
    return unify_synonyms(extract_content_words(replace_phrases(text)))


def replace_phrases(text: str) -> str:
    """Return a text with one word for each phrase that means the same: "gets to" is "arrive"."""
    for pattern, meaning in _PHRASES:
        text = pattern.sub(meaning, text)
    return text


def unify_synonyms(words: frozenset[str]) -> frozenset[str]:
    """Return the stems with the first of their group instead of its others: "weigh" is "heavy"."""
    return frozenset(_FIRST_SYNONYMS.get(word, word) for word in words)


def stem(word: str) -> str:
    """Return a word without its ending, in lower case: "leaves", "leaving" and "leave" are the same."""
    word = word.lower()
    for ending in ("ing", "ies", "ed", "es", "s"):  # longer ones first: "es" before "s"
        if word.endswith(ending) and len(word) - len(ending) >= _MIN_STEM_CHARS:
            word = word[: -len(ending)]
            break
    return word[:-1] if word[-1:] in "ey" and len(word) > _MIN_STEM_CHARS else word


def _list_firsts(group: str) -> frozenset[str]:
    return frozenset(stem(words.split()[0]) for words in _SYNONYMS[group])


_FIRST_SYNONYMS: Final = {
    stem(word): stem(group.split()[0]) for groups in _SYNONYMS.values() for group in groups for word in group.split()
}
EVENT_STEMS: Final = _list_firsts("events")
"""Stems of verbs of what happens, one for all synonyms."""
PREDICATE_STEMS: Final = EVENT_STEMS | _list_firsts("predicates")
"""Stems of what can be said of a value, one for all synonyms."""
