"""Which models could do a task, in which order, and why."""

from __future__ import annotations

from typing import Any

import pytest

from hugginggpt.core.model_card import ModelCard, Preferences
from hugginggpt.core.plan import Task
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.selection.ranking import Needs, Ranking, rank_cards, read_needs

TASK = "text-classification"


def card(name: str, backend: str = "hosted", **about: Any) -> ModelCard:
    return ModelCard(name, TASK, backend, "A model.", **about)


def ids(ranking: Ranking) -> list[str]:
    return [card.id for card in ranking.cards]


def test_models_here_come_before_hosted_ones_which_come_by_downloads() -> None:
    cards = [card("few", downloads=5), card("many", downloads=5_000), card("here", "local"), card("bundle", "bundled")]
    ranking = rank_cards(cards, Needs())
    assert ids(ranking) == ["here", "bundle", "many", "few"]
    assert ranking.reason == "First of those that run here."
    assert rank_cards(cards[:2], Needs()).reason == "Hosted; 5,000 downloads a month."
    assert not ranking.settled


def test_what_is_calculated_comes_before_what_is_guessed() -> None:
    cards = [card("table model", "local"), card("calculated", "bundled", tags=("calculation",)), card("hosted")]
    assert ids(rank_cards(cards, Needs())) == ["calculated", "table model", "hosted"]


def test_what_is_fetched_first_comes_last() -> None:
    assert ids(rank_cards([card("fetched", "download"), card("hosted")], Needs())) == ["hosted", "fetched"]


def test_gated_hosted_models_come_after_the_others() -> None:
    assert ids(rank_cards([card("gated", gated=True, downloads=9), card("open", downloads=1)], Needs())) == ["open", "gated"]


def test_one_model_needs_no_question() -> None:
    ranking = rank_cards([card("one", provider="a"), card("one", provider="b")], Needs())
    assert ranking.settled
    assert len(ranking.cards) == 2
    assert ranking.list_best(5) == (ranking.cards[0],)
    assert rank_cards([card("one", "local")], Needs()).reason == "The only model here for this task."


def test_the_best_few_are_counted_by_model_and_not_by_place() -> None:
    cards = [card(name, provider=place) for name in "abc" for place in ("x", "y")]
    assert [card.id for card in rank_cards(cards, Needs()).list_best(2)] == ["a", "b"]


def test_a_pinned_model_comes_first_without_a_question() -> None:
    preferences = Preferences(pinned={TASK: "few"})
    ranking = rank_cards([card("here", "local"), card("few", downloads=1), card("many", downloads=9)], Needs(), preferences)
    assert ids(ranking) == ["few", "here", "many"]
    assert (ranking.settled, ranking.reason) == (True, "You have pinned it for this task.")


def test_a_pinned_model_that_is_not_there_is_told() -> None:
    ranking = rank_cards([card("here", "local")], Needs(), Preferences(pinned={TASK: "gone"}))
    assert ranking.reason == (
        "gone, which you have pinned, can't be run now, or not where you want models to run. The only model here for this task."
    )


@pytest.mark.parametrize(
    ("preferences", "left", "why"),
    [
        (Preferences(banned=frozenset({"here"})), ["big", "nc"], "here banned by you"),
        (Preferences(placement="here"), ["here"], "big and 1 more hosted, and models are to run here"),
        (Preferences(placement="hosted"), ["big", "nc"], "here not hosted, and models are to run elsewhere"),
    ],
)
def test_what_a_visitor_rules_out_is_left_out_and_said(preferences: Preferences, left: list[str], why: str) -> None:
    ranking = rank_cards([card("here", "local"), card("big"), card("nc")], Needs(), preferences)
    assert ids(ranking) == left
    assert ranking.left_out == (why,)


def test_what_does_not_fit_into_memory_is_left_out() -> None:
    ranking = rank_cards([card("huge", "local", fits=False), card("small", "local")], Needs())
    assert ids(ranking) == ["small"]
    assert ranking.left_out == ("huge too large for this machine's memory",)


def test_a_licence_that_forbids_the_use_rules_a_model_out_and_an_unclear_one_comes_last() -> None:
    cards = [
        card("nc", license="cc-by-nc-4.0", downloads=9),
        card("who-knows", downloads=8),
        card("free", license="apache-2.0", downloads=1),
    ]
    ranking = rank_cards(cards, Needs(commercial=True))
    assert ids(ranking) == ["free", "who-knows"]
    assert ranking.left_out == ("nc not for commercial use by its licence",)
    assert ranking.reason == "Its licence (apache-2.0) allows commercial use. Hosted; 1 downloads a month."
    assert ids(rank_cards(cards, Needs())) == ["nc", "who-knows", "free"]


@pytest.mark.parametrize("license_", ["other", "apple-amlr", "coqui-public-model-license", ""])
def test_of_a_licence_that_is_not_known_nothing_is_claimed(license_: str) -> None:
    ranking = rank_cards([card("a", license=license_), card("b", license=license_)], Needs(commercial=True))
    assert "allows" not in ranking.reason


def test_a_pin_does_not_move_a_model_elsewhere() -> None:
    preferences = Preferences(placement="here", pinned={TASK: "far"})
    ranking = rank_cards([card("far"), card("near", "local")], Needs(), preferences)
    assert ids(ranking) == ["near"]
    assert ranking.reason.startswith("far, which you have pinned, can't be run now, or not where you want models to run.")


def test_a_back_end_that_nobody_has_described_counts_as_somebody_elses_machine() -> None:
    cards = [card("far", "cluster"), card("near", "local"), card("writer", "controller")]
    assert ids(rank_cards(cards, Needs(), Preferences(placement="here"))) == ["near", "writer"]
    assert ids(rank_cards([card("far", "cluster"), card("near", "local")], Needs())) == ["near", "far"]


def test_a_model_for_the_language_comes_first_wherever_it_runs() -> None:
    cards = [card("english", "bundled", languages=("en",)), card("many", languages=("multilingual",)), card("any", "local")]
    french = read_needs("Is this good?", task(text="Le chat est sur la table et il ne veut pas la quitter."))
    ranking = rank_cards(cards, french)
    assert ids(ranking) == ["any", "many", "english"]
    assert rank_cards([card("fr", languages=("fr", "de")), card("en", "local", languages=("en",))], french).reason.startswith(
        "It is for French."
    )


def test_speed_asks_for_the_small_one_and_quality_for_the_large_one() -> None:
    cards = [card("middle", "local", size_mb=50), card("small", "local", size_mb=5), card("large", "local", size_mb=500)]
    assert ids(rank_cards(cards, Needs(pace="quick"))) == ["small", "middle", "large"]
    assert ids(rank_cards(cards, Needs(pace="best"))) == ["large", "middle", "small"]
    assert ids(rank_cards(cards, Needs())) == ["middle", "small", "large"]
    assert rank_cards(cards, Needs(pace="quick")).reason.startswith("It is the smallest, so it is quick.")


def test_a_lot_of_material_goes_to_the_small_one() -> None:
    cards = [card("large", "local", size_mb=500), card("small", "local", size_mb=5)]
    long = read_needs("Sum this up.", task(text="A word. " * 5_000))
    assert long.long
    assert ids(rank_cards(cards, long)) == ["small", "large"]


def task(name: str = TASK, **args: str) -> Task:
    return Task(name, 0, (), args)


@pytest.mark.parametrize(
    ("request_", "commercial", "pace"),
    [
        ("Paint a logo for my company, for commercial use.", True, ""),
        ("Make a picture that I can use commercially.", True, ""),
        ("Just a quick draft, please.", False, "quick"),
        ("Give me the most accurate transcript, in high quality.", False, "best"),
        ("Describe this photo.", False, ""),
        ("A flyer to sell my bike, please.", False, ""),
        ("Write an announcement for my company picnic.", False, ""),
        ("She ran quickly to the store: correct this.", False, ""),
        ("Transcribe this TV commercial.", False, ""),
        ("A banner for our shop.", True, ""),
        ("What is the best-known dog breed in this picture?", False, ""),
        ("The quick brown fox jumps over the lazy dog: read it aloud.", False, ""),
    ],
)
def test_the_words_of_a_request_say_what_it_needs(request_: str, commercial: bool, pace: str) -> None:
    needs = read_needs(request_, task(text="Hello."))
    assert (needs.commercial, needs.pace) == (commercial, pace)


@pytest.mark.parametrize(
    ("request_", "task_", "language"),
    [
        ("Translate this.", task("translation", text="Good day.", language="German"), "German"),
        ("Say it.", task("text-to-speech", text="Guten Tag, wie geht es dir und der Familie?"), "German"),
        ("Say it.", task("text-to-speech", text="<resource>-0"), None),
        ("Write down this French recording.", task("automatic-speech-recognition", audio="audio-1"), "French"),
        ("Write down this recording.", task("automatic-speech-recognition", audio="audio-1"), None),
        ("Transcribe it, it is spoken in German.", task("automatic-speech-recognition", audio="audio-1"), "German"),
        ("Transcribe example.wav and translate it into French.", task("automatic-speech-recognition", audio="audio-1"), None),
        ("Transcribe this video in a foreign language.", task("automatic-speech-recognition", audio="video-1"), None),
        ("Paint a French baker.", task("text-to-image", text="a French baker"), None),
    ],
)
def test_the_language_is_that_of_what_is_read_spoken_or_heard(request_: str, task_: Task, language: str | None) -> None:
    found = read_needs(request_, task_).language
    assert (found.name if found else None) == language


def test_a_text_that_is_named_is_looked_into() -> None:
    named = Resource("text-1", Kind.TEXT, Origin("upload", "brief.txt"), text="Sehr geehrte Damen und Herren, es ist so weit.")
    found = read_needs("How is the mood?", task(text="text-1"), [named]).language
    assert found is not None
    assert found.code == "de"
