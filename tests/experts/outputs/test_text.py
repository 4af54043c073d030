"""Findings told as texts."""

from typing import Any

import pytest

from hugginggpt.core.errors import ExpertError, InputError
from hugginggpt.experts.base import Output, Result
from hugginggpt.experts.outputs import text as texts

TEXT = "“Ines Varga” came from Oslo. Dr. Lee met Ines\nVarga there."


def only(result: Result) -> Output:
    (output,) = result.outputs
    return output


def scored(*scores: float) -> list[dict[str, Any]]:
    return [{"label": label, "score": score} for label, score in zip("abcdefg", scores, strict=False)]


@pytest.mark.parametrize(
    ("found", "options", "expected"),
    [
        (scored(0.91234, 0.05, 0.03, 0.01), {}, "a (91%); less likely b (5%), c (3%)."),
        (scored(0.6, 0.1), {}, "a (60%); less likely b (10%)."),
        (scored(3.21987), {}, "a: 3.22."),
        (scored(0.98765), {"shares": True}, "a (99%)."),
        (scored(0.9, 0.8, 0.5, 0.49), {"several": True}, "a (90%), b (80%), c (50%)."),
        (scored(0.9, 0.8, 0.7, 0.7, 0.6, 0.6), {"several": True}, "a (90%), b (80%), c (70%), d (70%), e (60%)."),
        (scored(0.4, 0.3), {"several": True}, "None of the model's labels is likely: a (40%), b (30%)."),
    ],
)
def test_classes_are_told_the_likeliest_first(found: list[dict[str, Any]], options: dict[str, bool], expected: str) -> None:
    output = only(texts.build_classes_result([entry | {"index": 1} for entry in found], **options))
    assert output.text == expected
    assert output.data == {"classes": [entry | {"score": round(entry["score"], 4)} for entry in found]}


def entity(word: str, kind: str, score: float = 0.98765, after: int = 0) -> dict[str, Any]:
    start = TEXT.index(word, after)
    return {"entity_group": kind, "score": score, "word": "?", "start": start, "end": start + len(word)}


def test_names_are_told_once_without_what_stands_around_them() -> None:
    found = [entity("“Ines Varga” ", "PER"), entity("Oslo.", "LOC"), entity(". ", "LOC"), entity("Ines\nVarga", "PER")]
    output = only(texts.build_entities_result(TEXT, [*found, entity("there", "WHERE")]))
    assert output.text == "Ines Varga: person, 2 times\nOslo: place\nthere: WHERE"
    first, *rest = output.data["entities"]
    assert first == {"text": "Ines Varga", "label": "PER", "score": 0.9877, "start": 1, "end": 11}
    assert [TEXT[name["start"] : name["end"]] for name in rest] == ["Oslo", "Ines\nVarga", "there"]


def test_a_text_without_names_says_so() -> None:
    output = only(texts.build_entities_result("No one.", []))
    assert (output.text, output.data) == ("There are no names in the text.", {"entities": []})


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("a ___ b … c", "a <m> b … c"),
        ("a [mask] b ___ c", "a <m> b ___ c"),
        ("a <m> b <mask> c", "a <m> b <m> c"),
        ("a ... b", "a <m> b"),
        ("a <m> ___ b", "a <m> ___ b"),
    ],
)
def test_the_surest_gaps_of_a_text_are_masked(text: str, marked: str) -> None:
    assert texts.mask_gaps(text, "<m>") == marked


def test_a_text_without_a_gap_is_refused() -> None:
    with pytest.raises(InputError, match="___"):
        texts.mask_gaps("No gap. None..", "<m>")


def words(*tokens: str) -> list[dict[str, Any]]:
    return [{"token_str": token, "score": 0.87654 - number / 10} for number, token in enumerate(tokens)]


def test_gaps_are_filled_with_whole_words() -> None:
    output = only(texts.build_gaps_result("A <m> is <m>.", "<m>", [words("##s", " cat", ""), words(*"abcdef")]))
    assert output.data["filled"] == "A cat is a."
    assert output.data["gaps"][0] == [{"word": "cat", "score": 0.7765}]
    assert [entry["word"] for entry in output.data["gaps"][1]] == [*"abcde"]
    assert output.text == "A cat is a.\nGap 1: cat (78%).\nGap 2: a (88%), b (78%), c (68%), d (58%), e (48%)."


def test_one_gap_has_no_number_and_parts_of_words_stand_where_there_is_nothing_else() -> None:
    output = only(texts.build_gaps_result("Cat<m>.", "<m>", [words("##s")]))
    assert output.text == "Cat##s.\n##s (88%)."


@pytest.mark.parametrize(
    ("cosine", "value", "said"),
    [(1.00001, 1.0, "much the same"), (0.75, 0.75, "much the same"), (0.4, 0.4, "related"), (-1.2, -1.0, "different")],
)
def test_likeness_is_a_cosine_in_words(cosine: float, value: float, said: str) -> None:
    output = only(texts.build_similarity_result(cosine))
    assert output.data == {"similarity": value}
    assert (output.text or "").startswith(f"Similarity {value:.2f}: the two texts say {said}")


def test_an_answer_comes_with_its_sentence() -> None:
    start = TEXT.index("Lee")
    output = only(texts.build_answer_result(TEXT, start, start + 3, 0.123456))
    assert output.text == "Lee (“Dr. Lee met Ines”)"
    assert output.data == {"answer": "Lee", "score": 0.1235, "start": start, "end": start + 3, "sentence": "Dr. Lee met Ines"}


@pytest.mark.parametrize(("start", "end", "expected"), [(0, 6, "It is."), (7, 14, "It was."), (5, 6, ". (“It is.”)")])
def test_an_answer_that_is_a_sentence_stands_alone(start: int, end: int, expected: str) -> None:
    assert only(texts.build_answer_result("It is. It was.", start, end, 0.5)).text == expected


def test_no_answer_says_so() -> None:
    output = only(texts.build_no_answer_result(0.00456789))
    assert output.text == "I did not find it in the text."
    assert output.data == {"answer": "", "score": 0.0046, "start": None, "end": None, "sentence": ""}


def test_a_written_text_is_stripped_and_an_empty_one_is_an_error() -> None:
    result = texts.build_text_result(" Well.\n", {"parts": 1}, "A note.")
    assert (only(result).text, only(result).data, result.note) == ("Well.", {"parts": 1}, "A note.")
    assert only(texts.build_text_result("Well.")).data == {}
    with pytest.raises(ExpertError, match="wrote nothing"):
        texts.build_text_result(" \n")
