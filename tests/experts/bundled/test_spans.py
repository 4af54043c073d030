"""What a question asks for, and the pieces of a sentence that can be the answer."""

import pytest

from hugginggpt.experts.bundled.spans import answer_spans, asked_kind, content_words, counts


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How old is Ines?", "age"),
        ("How much does it cost?", "money"),
        ("What is the total?", "money"),
        ("How much does the parcel weigh?", "measure"),
        ("How long is the bridge?", "measure"),
        ("How many visits were there?", "number"),
        ("What is the invoice number?", "code"),
        ("What is the number of members?", "number"),
        ("When is it due?", "date"),
        ("By what date must I pay?", "date"),
        ("Who is the librarian?", "person"),
        ("Where does it stand?", "place"),
        ("Why did it close?", None),
        ("", None),
    ],
)
def test_a_question_asks_for_a_kind_of_thing(question: str, kind: str | None) -> None:
    assert asked_kind(question) == kind


@pytest.mark.parametrize(
    ("kind", "sentence", "question", "found"),
    [
        ("date", "Payment due 13 April 2025.", "When is it due?", ["13 April 2025"]),
        ("date", "It opened on May 3rd, 1931, at 10:30.", "When?", ["May 3rd, 1931", "10:30"]),
        ("money", "Total due $1,284.50", "What is the total?", ["$1,284.50"]),
        ("money", "The town paid 48 thousand euros.", "How much?", ["48 thousand euros"]),
        ("number", "Only 14 volumes were lost.", "How many volumes?", ["14"]),
        ("number", "In 2024 it received 86,412 visits.", "How many visits?", ["86,412"]),
        ("code", "Invoice No. 20417", "What is the invoice number?", ["20417"]),
        ("age", "Ines, aged 61, is 26 years in office.", "How old is she?", ["26 years", "61"]),
        ("measure", "The bridge is 1.2 km long.", "How long is it?", ["1.2 km"]),
        ("person", "Amara Osei leads the group.", "Who leads the group?", ["Amara Osei"]),
        ("place", "It stands on Lantern Street.", "Where is it?", ["Lantern Street"]),
        ("person", "It stands on Lantern Street.", "Who?", []),
        ("person", "BILL TO", "Who is it billed to?", []),
        ("money", "", "What is the total?", []),
    ],
)
def test_pieces_of_that_kind_are_found(kind: str, sentence: str, question: str, found: list[str]) -> None:
    assert sorted(span.text for span in answer_spans(kind, sentence, question)) == sorted(found)


def test_a_piece_stands_where_it_says() -> None:
    sentence = "In 2024 it received 86,412 visits."
    (span,) = answer_spans("number", sentence, "How many visits?")
    assert sentence[span.start : span.end] == "86,412"


def test_what_the_question_says_itself_is_no_answer() -> None:
    assert not answer_spans("date", "In 2024 it opened.", "What happened in 2024, and when?")


def test_a_number_of_something_else_is_told_apart() -> None:
    question = "How many visits were there?"
    for sentence, does in (("It had 12 visitors.", True), ("It has 75 objects.", False)):
        (span,) = answer_spans("number", sentence, question)
        assert counts(span, sentence, question) is does


def test_words_are_compared_by_their_stems_and_little_words_not_at_all() -> None:
    assert content_words("When were the visits counted?") == content_words("visit counting") == {"visit", "count"}
