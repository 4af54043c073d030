"""What is remembered of servers."""

from hugginggpt.llm.capabilities import Capabilities, CapabilityCache
from hugginggpt.llm.structured_output import OutputMode


def test_the_last_servers_are_remembered_and_no_address_is_kept() -> None:
    known, plain = CapabilityCache(), Capabilities(mode=OutputMode.PLAIN)
    for number in range(510):
        known.store(f"https://host/{number}?key=secret", "m", plain)
    assert known.get("https://host/0?key=secret", "m") == Capabilities()
    assert known.get("https://host/509?key=secret", "m") == plain
    assert "secret" not in str(vars(known))


def test_each_model_has_its_own_and_all_are_forgotten_at_once() -> None:
    known = CapabilityCache()
    known.store("https://host/v1", "m", Capabilities(window=4_096))
    known.store("https://host/v1", "m", Capabilities(window=4_096, accepts_images=False))
    assert known.get("https://host/v1", "m") == Capabilities(window=4_096, accepts_images=False)
    assert known.get("https://host/v1", "n") == known.get("https://host/v2", "m") == Capabilities()
    known.clear()
    assert known.get("https://host/v1", "m") == Capabilities()
