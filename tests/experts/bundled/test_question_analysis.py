"""What a question asks for."""

from collections import Counter
from pathlib import Path

import pytest

from hugginggpt.core.yaml_files import read_yaml
from hugginggpt.experts.bundled import question_analysis
from hugginggpt.experts.bundled.question_analysis import (
    detect_answer_kind,
    extract_content_words,
    extract_meanings,
    find_things,
    split_question,
    stem,
)


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
        ("When is the total due?", "date"),
        ("Who has to pay the total?", "person"),
        ("What is the VAT?", "money"),
        ("What is the VAT rate?", "percent"),
        ("What is the VAT number?", "code"),
        ("What is the number of this invoice?", "code"),
        ("What do I have to pay?", "money"),
        ("Why did it close?", "reason"),
        ("How much change did I get?", "money"),
        ("How much sugar do I need?", "amount"),
        ("Which platform does it leave from?", "noun"),
        ("What is her e-mail address?", "email"),
        ("What is the address of the sender?", "address"),
        ("What went wrong?", "failure"),
        ("Which warning is in the log?", "warning"),
        ("What is the driver called?", "name"),
        ("What is the table made of?", "material"),
        ("How hot is it?", "measure"),
        ("Is it open?", None),
        ("", None),
    ],
)
def test_a_question_asks_for_a_kind_of_thing(question: str, kind: str | None) -> None:
    assert detect_answer_kind(question) == kind


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("When is it due?", ["When is it due?"]),
        ("How much is due on this invoice, and when?", ["How much is due on this invoice", "when is due on this invoice"]),
        ("Who issued this invoice and when is it due?", ["Who issued this invoice", "when is it due"]),
        ("Who retires in 2025 and when?", ["Who retires in 2025", "when retires in 2025"]),
        ("Where and when was the flood?", ["Where was the flood", "when was the flood"]),
        ("Who sent it? When is it due?", ["Who sent it", "When is it due"]),
        ("How wide is it and how long and where?", ["How wide is it", "how long is it", "where is it"]),
        ("When, and where?", ["When, and where?"]),
        ("What is the total, when is it due and who sent it?", ["What is the total", "when is it due", "who sent it"]),
        ("How many cats and dogs are there?", ["How many cats and dogs are there?"]),
        ("", [""]),
    ],
)
def test_a_question_is_split_into_its_parts_and_a_bare_part_completed(question: str, parts: list[str]) -> None:
    assert split_question(question) == parts


def test_words_are_compared_by_their_stems_and_little_words_not_at_all() -> None:
    assert (
        extract_content_words("When were the visits counted?") == extract_content_words("visit counting") == {"visit", "count"}
    )


@pytest.mark.parametrize(
    ("question", "sentence", "word"),
    [
        ("When do we get to Dover?", "It reaches Dover at nine.", "arrive"),
        ("When does it leave?", "We set off at ten.", "leave"),
        ("When does the plane take off?", "It departs at ten.", "leave"),
        ("How much money is left?", "Balance: 20 pounds", "remain"),
        ("Why is it late?", "It can't be sent before Friday.", "late"),
        ("When is it over?", "It ends at ten.", "close"),
        ("When did it sink?", "She sank in May.", "sink"),
        ("When does it close?", "It closes at six.", "close"),
    ],
)
def test_other_words_for_the_same_are_the_same(question: str, sentence: str, word: str) -> None:
    assert stem(word) in extract_meanings(question) & extract_meanings(sentence)


def test_each_synonym_stands_in_one_group() -> None:
    groups = read_yaml(Path(question_analysis.__file__).with_name("synonyms.yaml"), dict[str, list[str]])
    counts = Counter(word for group in groups.values() for words in group for word in words.split())
    assert [word for word, count in counts.items() if count > 1] == []


@pytest.mark.parametrize(
    ("question", "things"),
    [
        ("When does the train arrive?", ["train"]),
        ("How much discount is there on shoes?", ["shoes"]),
        ("Who is it?", []),
        ("Who sent this invoice?", []),
    ],
)
def test_a_question_is_about_something(question: str, things: list[str]) -> None:
    assert find_things(question) == {stem(thing) for thing in things}
