"""What is remembered of servers."""

from hugginggpt.llm.capabilities import Habits, Known
from hugginggpt.llm.structured_output import Rung


def test_the_last_servers_are_remembered_and_no_address_is_kept() -> None:
    known, plain = Known(), Habits(rung=Rung.PLAIN)
    for number in range(510):
        known.learn(f"https://host/{number}?key=secret", "m", plain)
    assert known.of("https://host/0?key=secret", "m") == Habits()
    assert known.of("https://host/509?key=secret", "m") == plain
    assert "secret" not in str(vars(known))


def test_each_model_has_its_own_and_all_are_forgotten_at_once() -> None:
    known = Known()
    known.learn("https://host/v1", "m", Habits(window=4_096))
    known.learn("https://host/v1", "m", Habits(window=4_096, sees=False))
    assert known.of("https://host/v1", "m") == Habits(window=4_096, sees=False)
    assert known.of("https://host/v1", "n") == known.of("https://host/v2", "m") == Habits()
    known.forget()
    assert known.of("https://host/v1", "m") == Habits()
