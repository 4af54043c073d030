"""Texts compared by meaning."""

import numpy as np
import pytest

from hugginggpt.core.errors import InputError, StoppedError
from hugginggpt.experts.bundled import embeddings
from hugginggpt.experts.bundled.embeddings import embed_texts
from tests.experts.bundled.conftest import Bench, StoppedAfter


async def similarity(bench: Bench, one: str, other: str) -> float:
    done = await bench.run("sentence-similarity", text=one, other_text=other)
    assert done.text.startswith(f"Similarity {done.data['score']:.2f} of 1: ")
    return float(done.data["score"])


@pytest.mark.parametrize(
    ("sentence", "paraphrase", "unrelated"),
    [
        ("A man is playing a guitar.", "Someone plays the guitar.", "The stock market fell today."),
        ("My parcel has not arrived.", "The package was never delivered.", "Cats like to sleep in the sun."),
        ("Where can I eat cheaply?", "Which restaurants have low prices?", "The engine needs new oil."),
    ],
)
async def test_a_paraphrase_is_nearer_than_something_else(bench: Bench, sentence: str, paraphrase: str, unrelated: str) -> None:
    assert await similarity(bench, sentence, paraphrase) > await similarity(bench, sentence, unrelated) + 0.3


@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [
        ("The meeting was moved to Friday.", "The meeting was not moved to Friday.", "one of them is negated"),
        ("I can open the door.", "I can't open the door.", "one of them is negated"),
        ("The room costs 80 euros.", "The room costs 95 euros.", "their numbers differ"),
        ("The room costs 80 euros.", "The price of the room is 80 euros.", ""),
    ],
)
async def test_a_negation_or_another_number_is_told(bench: Bench, one: str, other: str, difference: str) -> None:
    done = await bench.run("sentence-similarity", text=one, other_text=other)
    assert (f"they are worded alike, but {difference}, so" in done.text) == bool(difference)


async def test_a_text_is_like_itself_and_like_nothing_less_than_nothing(bench: Bench) -> None:
    assert await similarity(bench, "It rains.", "It rains.") == pytest.approx(1, abs=0.001)
    assert await similarity(bench, "It rains.", "x = lambda: 0") >= 0


@pytest.mark.parametrize(
    ("text", "labels", "best"),
    [
        ("I was charged twice for my order.", "billing, shipping or support", "billing"),
        ("The parcel has been at the depot for a week.", "billing; shipping; support", "shipping"),
        ("The team scored twice in the last ten minutes.", "politics\nsports\ncooking", "sports"),
        ("Fry the onions until they are golden.", "politics, sports, cooking", "cooking"),
    ],
)
async def test_a_text_goes_to_the_label_it_is_about(bench: Bench, text: str, labels: str, best: str) -> None:
    classes = (await bench.run("zero-shot-classification", text=text, labels=labels)).data["classes"]
    scores = [entry["score"] for entry in classes]
    assert classes[0]["label"] == best
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) == pytest.approx(1, abs=0.001)


@pytest.mark.parametrize("labels", ["billing", "billing, billing", ", ;"])
async def test_sorting_needs_two_labels(bench: Bench, labels: str) -> None:
    with pytest.raises(InputError, match=r"at least two labels|no labels to choose from"):
        await bench.run("zero-shot-classification", text="I was charged twice.", labels=labels)


def test_vectors_have_length_one_and_do_not_depend_on_their_company() -> None:
    alone = embed_texts(["It rains."])
    embeddings.clear_vector_cache()
    together = embed_texts(["It rains.", "A much longer sentence about something else entirely."])
    assert alone.shape == (1, 384)
    assert np.linalg.norm(together, axis=1) == pytest.approx([1, 1], abs=1e-5)
    assert together[0] == pytest.approx(alone[0], abs=1e-4)
    assert embed_texts([]).shape == (0, 384)


async def test_many_texts_can_be_stopped_between_batches(bench: Bench) -> None:
    call = bench.call("sentence-similarity", StoppedAfter(2), text="a", other_text="b")
    with pytest.raises(StoppedError):
        embed_texts([f"word {n}" for n in range(200)], call)


async def test_what_was_encoded_lately_costs_nothing_and_stays_in_its_order(bench: Bench) -> None:
    texts = [f"Room {n} is {'very ' * (n % 7)}cold." for n in range(100)]
    first = embed_texts(texts)
    never = bench.call("sentence-similarity", StoppedAfter(0), text="a", other_text="b")
    assert np.array_equal(embed_texts(texts[::-1], never), first[::-1])
    with pytest.raises(StoppedError):
        embed_texts([*texts, "This one is new."], never)


def test_no_vector_goes_while_there_is_room_and_the_oldest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    embeddings.clear_vector_cache()
    monkeypatch.setattr(embeddings, "_MAX_CACHED_VECTORS", 10)
    embed_texts([f"Room {n} is cold." for n in range(7)])
    assert len(embeddings._vector_cache) == 7
    embed_texts([f"Room {n} is warm." for n in range(6)])
    assert len(embeddings._vector_cache) == 10
