"""How many lines of a log have a level."""

import pytest

from hugginggpt.experts.bundled.log_lines import count_log_lines

LOG = """2025-02-01 08:00:01 INFO starting
2025-02-01 08:00:05 WARN cache is cold
2025-02-01 08:01:15 ERROR connection refused by db-2:5432
2025-02-01 08:01:16 INFO retrying after an error
2025-02-01 08:02:21 ERROR disk full"""


@pytest.mark.parametrize(
    ("question", "count"),
    [
        ("How many errors are there?", "2"),
        ("how many error lines does this log have", "2"),
        ("How many warnings?", "1"),
        ("How often was there a fatal error?", "0"),
        ("How many INFO messages are in it?", "2"),
    ],
)
def test_lines_of_a_level_are_counted(question: str, count: str) -> None:
    found = count_log_lines(LOG, question)
    assert found is not None
    assert found.span == count


@pytest.mark.parametrize(
    ("text", "question"),
    [
        (LOG, "Which error is in this log?"),
        (LOG, "How many lines are there?"),
        ("The report names 3 errors and an INFO desk.", "How many errors are there?"),
    ],
)
def test_what_is_no_log_or_no_such_question_is_left_to_others(text: str, question: str) -> None:
    assert count_log_lines(text, question) is None
