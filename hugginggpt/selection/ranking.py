"""Stage 2 without a language model: rank the candidates for a task, with reasons.

The paper filters the Hub's models by task, ranks them by downloads and shows the controller the first K (arXiv
2303.17580, section 3.2). Here what can't or mustn't be taken goes out first: what a visitor has banned, what wants
another place, what doesn't fit into memory, what the request's licence needs rule out. What is left is ranked: models
that run here before hosted ones, and within a place by the back end's own order or by downloads.
"""

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import yaml

from hugginggpt.core.languages import Language, detect_language, find_language
from hugginggpt.core.model_card import ModelCard, Preferences, get_traits
from hugginggpt.core.plan import Task
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import Kind

_CUES_FILE: Final = Path(__file__).with_name("needs.yaml")
_TEXT_LANGUAGE_TASKS: Final = frozenset(
    "text-classification token-classification summarization question-answering text-to-speech fill-mask sentence-similarity "
    "zero-shot-classification text2text-generation".split()
)
"""Tasks whose text's language the model must know."""
_SPEECH_TASKS: Final = frozenset({"automatic-speech-recognition"})
"""Tasks whose recording's language the request may name."""
_MAX_SHORT_CHARS: Final = 20_000  # a text of more characters is long: a small model will do it sooner


@dataclass(frozen=True, slots=True)
class Needs:
    """Requirements of a request on the model for one task."""

    language: Language | None = None
    """Of what is read, spoken or heard; the target of a translation."""
    commercial: bool = False
    """True if the licence must allow commercial use."""
    pace: Literal["", "quick", "best"] = ""
    """Speed against quality."""
    long: bool = False
    """True if there is a lot of material."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Ranked models for a task."""

    cards: tuple[ModelCard, ...]
    """The best first; one model may stand there several times, once for each place where it runs."""
    left_out: tuple[str, ...] = ()
    """Reasons why models that are known are not among them, each once."""
    reason: str = ""
    """Reason why the first is the first."""
    settled: bool = False
    """True if there is nothing to choose: there is one model, or the visitor has pinned one."""

    def list_best(self, count: int) -> tuple[ModelCard, ...]:
        """Return the first `count` models, each once, as a controller chooses among them."""
        firsts = {card.id: card for card in reversed(self.cards)}  # reversed: the best card of an id is written last
        return tuple(dict.fromkeys(firsts[card.id] for card in self.cards))[:count]


def read_needs(request: str, task: Task, resources: Iterable[Resource] = ()) -> Needs:
    """Read the requirements on a model from the words of a request and the arguments of a task.

    Args:
        request: What the person wrote.
        task: Whose model is looked for.
        resources: What the task's arguments may name.
    """
    lower = request.lower()
    cues = _load_cues()
    pace: Literal["", "quick", "best"] = "best" if cues["best"](lower) else "quick" if cues["quick"](lower) else ""
    texts = [value for value in task.args.values() if isinstance(value, str)]
    named = [resource.text or "" for resource in resources if resource.kind is Kind.TEXT and resource.name in texts]
    inline_text = task.args.get("text")
    material = named or ([inline_text] if isinstance(inline_text, str) else [])
    long = any(len(text) > _MAX_SHORT_CHARS for text in material)
    beginnings = [text[:_MAX_SHORT_CHARS] for text in material]  # which tell the language
    return Needs(_find_needed_language(lower, task, beginnings), cues["commercial"](lower), pace, long)


def _find_needed_language(request: str, task: Task, material: Sequence[str]) -> Language | None:
    language_name = task.args.get("language")
    if isinstance(language_name, str):
        return find_language(language_name)
    if task.task in _SPEECH_TASKS:
        return _find_spoken_language(request)
    if task.task in _TEXT_LANGUAGE_TASKS and material and not any("<resource" in text.lower() for text in material):
        return detect_language("\n".join(material))
    return None


def _find_spoken_language(request: str) -> Language | None:
    """Find the language of a recording, where a request names it; not the one that something is translated into."""
    for found in re.finditer(_load_patterns()["heard"], request):
        word = next(filter(None, found.groups()))
        if len(word) > 3 and (language := find_language(word)):  # codes are also words: "is", "it"
            return language
    return None


def rank_cards(cards: Iterable[ModelCard], needs: Needs, preferences: Preferences | None = None) -> Ranking:
    """Filter and order the models for one task; cards of one place come in their back end's order."""
    preferences = preferences or Preferences()
    known = list(cards)
    allowed = [card for card in known if not _is_misplaced(card, preferences)]  # no pin overrules where models may run
    pinned = [card for card in allowed if preferences.pinned.get(card.task) == card.id]
    if pinned:
        rest = rank_cards([card for card in known if card not in pinned], needs, _remove_pins(preferences))  # to fall back on
        reason = "You have pinned it for this task."
        return Ranking((*_sort(pinned, needs), *rest.cards), rest.left_out, reason, settled=True)
    left_out: list[str] = []
    for refuses, grounds in _list_exclusions(preferences, needs):  # each model is counted under the first reason only
        if excluded := [card for card in known if refuses(card)]:
            known = [card for card in known if card not in excluded]
            names = list(dict.fromkeys(card.id for card in excluded))
            left_out.append(f"{names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''} {grounds}")
    ordered = _sort(known, needs)
    settled = len({card.id for card in ordered}) == 1  # by id: one model in two places is no choice
    reason = _explain_first(ordered, needs)
    if ordered and (missing := preferences.pinned.get(ordered[0].task)):
        reason = f"{missing}, which you have pinned, can't be run now, or not where you want models to run. {reason}"
    return Ranking(tuple(ordered), tuple(left_out), reason, settled)


def _remove_pins(preferences: Preferences) -> Preferences:
    return Preferences(preferences.placement, {}, preferences.banned)


def _list_exclusions(preferences: Preferences, needs: Needs) -> Iterable[tuple[Callable[[ModelCard], bool], str]]:
    """Yield the tests that exclude a model, each with its reason in words."""
    yield (lambda card: card.id in preferences.banned), "banned by you"
    place = (
        "hosted, and models are to run here"
        if preferences.placement == "here"
        else "not hosted, and models are to run elsewhere"
    )
    yield (lambda card: _is_misplaced(card, preferences)), place
    yield (lambda card: not card.fits), "too large for this machine's memory"
    if needs.commercial:
        yield (lambda card: _load_cues()["non_commercial"](card.license.lower())), "not for commercial use by its licence"


def _is_misplaced(card: ModelCard, preferences: Preferences) -> bool:
    """Tell whether a model would run where the visitor has ruled that out."""
    return preferences.placement != "anywhere" and _runs_elsewhere(card) != (preferences.placement == "hosted")


def _runs_elsewhere(card: ModelCard) -> bool:
    return get_traits(card.backend).place == "elsewhere"


def _sort(cards: Iterable[ModelCard], needs: Needs) -> list[ModelCard]:
    return sorted(cards, key=lambda card: _compute_key(card, needs))  # stable: ties stay in their back end's order


def _compute_key(card: ModelCard, needs: Needs) -> tuple[float, ...]:
    """Compute the sort key, lower first: models that run elsewhere by downloads, those here in their back end's order."""
    elsewhere, fetched = _runs_elsewhere(card), get_traits(card.backend).fetched
    pace_need = needs.pace or ("quick" if needs.long else "")
    pace = {"quick": card.size_mb or float("inf"), "best": -(card.size_mb or 0.0)}.get(pace_need, 0.0)  # unknown: last
    return (
        not _supports(card, needs.language),  # False sorts first
        needs.commercial and not _load_cues()["commercial_licences"](card.license.lower()),
        card.gated and elsewhere,  # a gated one fails for every visitor who has not agreed to its terms
        2 if fetched else elsewhere,  # here, then elsewhere, then what takes minutes to fetch
        "calculation" not in card.tags,  # what is computed is right or refused, what a model guesses isn't
        pace,
        -(card.downloads or 0) if elsewhere and card.source != "you" else 0,  # "you": in the order as added
    )


def _supports(card: ModelCard, language: Language | None) -> bool:
    """Tell whether a model's card claims a language; True where it claims none."""
    if language is None or not card.languages or "multilingual" in card.languages:
        return True  # what is not known rules nothing out
    return language.find_code(card.languages) is not None


def _explain_first(ordered: Sequence[ModelCard], needs: Needs) -> str:
    if not ordered:
        return ""
    first, *rest = ordered
    if all(card.id == first.id for card in rest):
        return f"The only model {'' if _runs_elsewhere(first) else 'here '}for this task."
    reasons = [
        f"It is for {needs.language.name}." if needs.language and first.languages and _supports(first, needs.language) else "",
        _explain_licence(first) if needs.commercial else "",
        _explain_size(first, ordered, needs.pace),
    ]
    if _runs_elsewhere(first):
        popularity = f"{first.downloads:,} downloads a month" if first.downloads else "first in the list"
        place = f"Hosted; {popularity}."
    else:
        place = "First of those that run here." if first.backend != "download" else "It is fetched, then runs here."
    return " ".join(filter(None, [*reasons, place]))


def _explain_licence(card: ModelCard) -> str:
    if _load_cues()["commercial_licences"](card.license.lower()):
        return f"Its licence ({card.license}) allows commercial use."
    return f"Read its licence ({card.license or 'not known here'}) before commercial use."


def _explain_size(first: ModelCard, ordered: Sequence[ModelCard], pace: str) -> str:
    sizes = [card.size_mb for card in ordered if card.size_mb]
    if not pace or not first.size_mb or len(set(sizes)) < 2:
        return ""
    if pace == "quick" and first.size_mb == min(sizes):
        return "It is the smallest, so it is quick."
    return "It is the largest, which quality asks for." if pace == "best" and first.size_mb == max(sizes) else ""


@functools.cache
def _load_patterns() -> Mapping[str, str]:
    patterns: dict[str, str] = yaml.safe_load(_CUES_FILE.read_text(encoding="utf-8"))
    return patterns


@functools.cache
def _load_cues() -> Mapping[str, Callable[[str], bool]]:
    """Compile the cues, each into a function that tells whether a text has it, by the cue's name."""
    return {name: _compile_search(pattern) for name, pattern in _load_patterns().items()}


def _compile_search(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda text: compiled.search(text) is not None
