"""The pieces of a sentence that can be the answer."""

import pytest

from hugginggpt.experts.bundled.answer_spans import find_answer_spans, find_spans_in_texts, matches_counted_noun


@pytest.mark.parametrize(
    ("kind", "sentence", "question", "found"),
    [
        ("date", "Payment due 13 April 2025.", "When is it due?", ["13 April 2025"]),
        ("date", "It opened on May 3rd, 1931, at 10:30.", "When?", ["May 3rd, 1931, at 10:30"]),
        ("money", "Total due $1,284.50", "What is the total?", ["$1,284.50"]),
        ("money", "The town paid 48 thousand euros.", "How much?", ["48 thousand euros"]),
        ("number", "Only 14 volumes were lost.", "How many volumes?", ["14"]),
        ("number", "In 2024 it received 86,412 visits.", "How many visits?", ["86,412"]),
        ("percent", "VAT 20%, paid by 64 per cent.", "What is the rate?", ["20%", "64 per cent"]),
        ("money", "VAT 20%", "What is the VAT?", []),
        ("code", "Account 0072 5518 30", "What is the account number?", ["0072 5518 30"]),
        ("code", "Invoice No. 20417", "What is the invoice number?", ["20417"]),
        ("age", "Ines, aged 61, is 26 years in office.", "How old is she?", ["26 years", "61"]),
        ("measure", "The bridge is 1.2 km long.", "How long is it?", ["1.2 km"]),
        ("person", "Amara Osei leads the group.", "Who leads the group?", ["Amara Osei"]),
        ("place", "It stands on Lantern Street.", "Where is it?", ["Lantern Street"]),
        ("person", "It stands on Lantern Street.", "Who?", []),
        ("person", "BILL TO", "Who is it billed to?", []),
        ("money", "", "What is the total?", []),
        ("date", "It leaves at ten past nine from here.", "When?", ["ten past nine"]),
        ("date", "The last one goes at five to midnight.", "When?", ["five to midnight"]),
        ("date", "It shuts at seven.", "When?", ["seven"]),
        ("date", "Not before the twenty-first of April, we fear.", "When?", ["twenty-first of April"]),
        ("date", "9 am - 6:30 pm", "When?", ["9 am - 6:30 pm"]),
        ("date", "2025-02-11T03:15:30Z ERROR", "When?", ["2025-02-11T03:15:30Z"]),
        ("frequency", "It goes every twenty minutes.", "How often?", ["every twenty minutes"]),
        ("money", "A cabin costs eighty-five euros.", "How much?", ["eighty-five euros"]),
        ("amount", "Stir in two and a half cups of sugar.", "How much sugar?", ["two and a half cups"]),
        ("measure", "Add three quarters of a litre.", "How much?", ["three quarters of a litre"]),
        ("measure", "Bake it an hour at 180 degrees.", "How hot must it be?", ["180 degrees"]),
        ("fraction", "About a third of the flour.", "What fraction?", ["a third"]),
        ("number", "Add a dozen eggs.", "How many?", ["a dozen"]),
        ("age", "She was ninety-one when she wrote.", "How old?", ["ninety-one"]),
        ("phone", "Call +44 1632 960 999 at night.", "Which number?", ["+44 1632 960 999"]),
        ("email", "Write to hello@harbour.example.", "Which address?", ["hello@harbour.example"]),
        ("url", "See https://harbour.example/book.", "Which page?", ["https://harbour.example/book"]),
        ("address", "It is 7 Fern Close, Redhill.", "Which address?", ["7 Fern Close, Redhill"]),
        ("place", "She sleeps in a hollow chestnut tree, always.", "Where?", ["in a hollow chestnut tree"]),
        ("reason", "It is sprayed to keep it cool.", "Why?", ["to keep it cool"]),
        ("noun", "It leaves from platform four.", "Which platform?", ["four"]),
        ("person", "Send the tax form.", "Who?", []),
        ("measure", "It carries nine vehicles a day and is 312 metres long.", "How long is it?", ["312 metres"]),
        ("measure", "It is 312 metres long.", "How high is it?", []),
        ("measure", "The drying takes a day.", "How long does it take?", ["a day"]),
        ("date", "It is on the first Tuesday in June, half past seven.", "When?", ["first Tuesday in June, half past seven"]),
        ("code", "The code is 7741-B.", "What is the code?", ["7741-B"]),
    ],
)
def test_pieces_of_that_kind_are_found(kind: str, sentence: str, question: str, found: list[str]) -> None:
    assert sorted(span.text for span in find_answer_spans(kind, sentence, question)) == sorted(found)


def test_a_piece_stands_where_it_says() -> None:
    sentence = "In 2024 it received 86,412 visits."
    (span,) = find_answer_spans("number", sentence, "How many visits?")
    assert sentence[span.start : span.end] == "86,412"


def test_what_the_question_says_itself_is_no_answer() -> None:
    assert not find_answer_spans("date", "In 2024 it opened.", "What happened in 2024, and when?")


def test_a_number_of_something_else_is_told_apart() -> None:
    question = "How many visits were there?"
    for sentence, does in (("It had 12 visitors.", True), ("It has 75 objects.", False)):
        (span,) = find_answer_spans("number", sentence, question)
        assert matches_counted_noun(span, sentence, question) is does


@pytest.mark.parametrize(
    ("texts", "sums"),
    [
        (["Total 578.00", "Invoice No. 20417"], [["578.00"], []]),
        (["Total $578.00", "Lamp 64.50"], [["$578.00"], []]),  # a currency on the page: a bare number is no sum
        (["Rent 1,200", "Account 0072 5518 30", "Ref. 4471", "Paid on 3 June 2024"], [["1,200"], [], [], []]),
        (["VAT 20%", "Page 2"], [[], []]),
    ],
)
def test_a_plain_number_is_a_sum_only_where_no_currency_is_written_and_never_if_it_is_a_code(
    texts: list[str], sums: list[list[str]]
) -> None:
    found = find_spans_in_texts("money", texts, "How much is it?")
    assert [[span.text for span in spans] for spans in found] == sums


def test_a_share_or_a_sum_of_money_counts_nothing() -> None:
    assert not find_answer_spans("number", "64 per cent of the people paid $14.", "How many people work there?")
