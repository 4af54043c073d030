"""Classes, names, gaps, labels and likeness of texts."""

import pytest

from hugginggpt.core.errors import InputError, StoppedError
from tests.checkpoints.texts import SENTIMENTS
from tests.conftest import MEDIA
from tests.experts.bundled.conftest import StoppedAfter
from tests.experts.local.conftest import LocalBench

REPORT = (MEDIA / "report.txt").read_text(encoding="utf-8")
SENTENCE = "Ines Varga and eleven volunteers carried 620 volumes up two flights of stairs."


@pytest.mark.parametrize("model", ["tiny/bert-sentiment", "tiny/roberta-sentiment"])
@pytest.mark.parametrize("text", [SENTENCE, REPORT, "?"], ids=["sentence", "long", "one sign"])
async def test_a_text_gets_all_labels_of_the_model_with_scores_that_add_up(local: LocalBench, model: str, text: str) -> None:
    done = await local.run("text-classification", model, text=text)
    classes = done.data["classes"]
    assert {entry["label"] for entry in classes} == set(SENTIMENTS.values())
    assert sum(entry["score"] for entry in classes) == pytest.approx(1, abs=1e-3)
    assert classes[0]["score"] == max(entry["score"] for entry in classes)
    assert done.text.startswith(f"{classes[0]['label']} (")


async def test_several_texts_go_through_the_model_together_and_mean_what_each_means_alone(local: LocalBench) -> None:
    texts = (SENTENCE, REPORT, "Not everything went well.")
    calls = [local.call("text-classification", "tiny/bert-sentiment", text=text) for text in texts]
    together = await local.run_all(calls)
    for text, found in zip(texts, together, strict=True):
        alone = await local.run("text-classification", "tiny/bert-sentiment", text=text)
        assert [entry["label"] for entry in found.data["classes"]] == [entry["label"] for entry in alone.data["classes"]]
        assert found.data["classes"][0]["score"] == pytest.approx(alone.data["classes"][0]["score"], abs=1e-3)


async def test_labels_that_can_hold_together_are_scored_each_for_itself(local: LocalBench) -> None:
    done = await local.run("text-classification", "tiny/bert-emotions", text=SENTENCE)
    assert len(done.data["classes"]) == 3
    assert all(0 <= entry["score"] <= 1 for entry in done.data["classes"])


@pytest.mark.parametrize("model", ["tiny/bert-ner", "tiny/roberta-ner"])
async def test_names_lie_where_the_spans_say_also_in_a_text_of_many_windows(local: LocalBench, model: str) -> None:
    done = await local.run("token-classification", model, text=REPORT)
    entities, text = done.data["entities"], REPORT.strip()
    assert entities
    for entity in entities:
        assert text[entity["start"] : entity["end"]] == entity["text"] == entity["text"].strip(" \n.,")
        assert entity["label"] in {"PER", "LOC"}
        assert 0 <= entity["score"] <= 1
    assert entities[-1]["end"] > len(text) / 2
    assert [entity["start"] for entity in entities] == sorted(entity["start"] for entity in entities)
    assert all(": person" in line or ": place" in line for line in done.text.splitlines())


async def test_a_text_of_punctuation_has_no_names(local: LocalBench) -> None:
    done = await local.run("token-classification", "tiny/roberta-ner", text="...!")
    assert done.data["entities"] == []
    assert done.text == "There are no names in the text."


@pytest.mark.parametrize("model", ["tiny/bert-mask", "tiny/roberta-mask"])
@pytest.mark.parametrize("gap", ["[MASK]", "<mask>", "___", "…"])
async def test_a_gap_is_filled_with_the_likeliest_of_several_words(local: LocalBench, model: str, gap: str) -> None:
    done = await local.run("fill-mask", model, text=f"The library stands on Lantern {gap} in the town.")
    (candidates,) = done.data["gaps"]
    assert 2 <= len(candidates) <= 5
    assert done.data["filled"] == f"The library stands on Lantern {candidates[0]['word']} in the town."
    assert done.text.splitlines()[0] == done.data["filled"]


async def test_two_gaps_far_apart_in_a_long_text_are_both_filled(local: LocalBench) -> None:
    done = await local.run("fill-mask", "tiny/bert-mask", text=f"The ___ is old. {REPORT} Her ___ has not been chosen.")
    assert len(done.data["gaps"]) == 2
    assert "___" not in done.data["filled"]
    assert REPORT.strip()[:200] in done.data["filled"]


async def test_a_text_without_a_gap_says_how_to_write_one(local: LocalBench) -> None:
    with pytest.raises(InputError, match="___"):
        await local.run("fill-mask", "tiny/bert-mask", text=SENTENCE)


@pytest.mark.parametrize("text", [SENTENCE, REPORT], ids=["sentence", "long"])
async def test_a_text_is_sorted_into_the_labels_that_the_person_gives(local: LocalBench, text: str) -> None:
    done = await local.run("zero-shot-classification", "tiny/roberta-nli", text=text, labels="books, money or weather")
    classes = done.data["classes"]
    assert {entry["label"] for entry in classes} == {"books", "money", "weather"}
    assert sum(entry["score"] for entry in classes) == pytest.approx(1, abs=1e-3)
    assert done.text.startswith(f"{classes[0]['label']} (")


async def test_one_label_is_not_enough_to_sort(local: LocalBench) -> None:
    with pytest.raises(InputError, match="two labels"):
        await local.run("zero-shot-classification", "tiny/roberta-nli", text=SENTENCE, labels="books")


@pytest.mark.parametrize("model", ["tiny/minilm", "tiny/bge"])
async def test_likeness_is_a_cosine_and_a_text_is_like_itself(local: LocalBench, model: str) -> None:
    other = await local.run("sentence-similarity", model, text=SENTENCE, other_text=REPORT)
    same = await local.run("sentence-similarity", model, text=SENTENCE, other_text=SENTENCE)
    assert -1 <= other.data["similarity"] <= 1
    assert same.data["similarity"] == pytest.approx(1, abs=1e-3)
    assert same.text.startswith("Similarity 1.00")


@pytest.mark.parametrize(
    ("task", "model", "inputs"),
    [
        ("text-classification", "tiny/bert-sentiment", {"text": REPORT * 3}),
        ("token-classification", "tiny/bert-ner", {"text": REPORT * 3}),
        ("sentence-similarity", "tiny/minilm", {"text": REPORT, "other_text": SENTENCE}),
    ],
)
async def test_a_long_text_can_be_stopped_half_way(local: LocalBench, task: str, model: str, inputs: dict[str, str]) -> None:
    with pytest.raises(StoppedError):
        await local.run(task, model, StoppedAfter(looks=2), **inputs)


@pytest.mark.parametrize("task", ["text-classification", "token-classification"])
async def test_an_empty_text_is_refused(local: LocalBench, task: str) -> None:
    model = {"text-classification": "tiny/bert-sentiment", "token-classification": "tiny/bert-ner"}[task]
    with pytest.raises(InputError, match="empty"):
        await local.run(task, model, text=" \n")
