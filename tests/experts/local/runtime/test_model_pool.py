"""Loaded models within a budget."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack

import pytest

from hugginggpt.core.errors import ExpertError, StoppedError
from hugginggpt.experts.cancel_token import CancelToken
from hugginggpt.experts.local.runtime.model_pool import ModelPool

MB = 2**20


def use(pool: ModelPool, name: str, size: int = MB, device: str = "cpu") -> object:
    """Load a model if it isn't there, and let go of it."""
    with pool.hold(name, object, name=name, device=device, size=size) as model:
        return model


def test_a_model_stays_warm() -> None:
    pool = ModelPool({"cpu": 3 * MB})
    assert use(pool, "a") is use(pool, "a")


def test_the_least_recently_used_goes_first_and_only_when_room_is_needed() -> None:
    pool = ModelPool({"cpu": 3 * MB})
    for name in ("a", "b", "c"):
        use(pool, name)
    use(pool, "a")
    assert pool.names == ("b", "c", "a")
    use(pool, "d")
    assert pool.names == ("c", "a", "d")
    assert pool.get_used_bytes("cpu") == 3 * MB


def test_a_large_model_takes_the_place_of_several() -> None:
    pool = ModelPool({"cpu": 3 * MB})
    for name in ("a", "b", "c"):
        use(pool, name)
    use(pool, "large", 2 * MB)
    assert pool.names == ("c", "large")


def test_devices_have_budgets_of_their_own() -> None:
    pool = ModelPool({"cpu": MB, "cuda:0": MB})
    use(pool, "a")
    use(pool, "b", device="cuda:0")
    assert pool.names == ("a", "b")


def test_a_model_that_can_never_fit_is_refused_before_it_is_loaded() -> None:
    pool = ModelPool({"cpu": 2 * 2**30})
    with pytest.raises(ExpertError, match=r"^huge needs 5\.0 GB on cpu, and models may take 2\.0 GB there: .*MEMORY_GB\.$"):
        use(pool, "huge", 5 * 2**30)
    assert pool.names == ()


def test_what_others_have_taken_of_the_machine_counts() -> None:
    pool = ModelPool({"cpu": 8 * MB}, get_available=lambda _: 2 * MB)
    use(pool, "a", MB)
    with pytest.raises(ExpertError, match=r"^b needs 4 MB, 2 MB more than cpu has left: close other programs\.$"):
        use(pool, "b", 4 * MB)


def test_a_model_that_is_held_does_not_go() -> None:
    pool = ModelPool({"cpu": 2 * MB}, wait=0.1)
    with pool.hold("a", object, name="a", device="cpu", size=2 * MB), pytest.raises(ExpertError, match="at work"):
        use(pool, "b")
    use(pool, "b")
    assert pool.names == ("b",)


def test_who_waits_for_room_gets_it_when_it_is_free() -> None:
    pool = ModelPool({"cpu": MB})
    with ExitStack() as stack:
        stack.enter_context(pool.hold("a", object, name="a", device="cpu", size=MB))
        waiting = threading.Thread(target=use, args=(pool, "b"))
        waiting.start()
        time.sleep(0.05)
        assert pool.names == ("a",)
    waiting.join(30)
    assert pool.names == ("b",)


def test_who_is_stopped_waits_no_longer() -> None:
    pool, token = ModelPool({"cpu": MB}), CancelToken()
    threading.Timer(0.1, token.cancel).start()
    with (
        pool.hold("a", object, name="a", device="cpu", size=MB),
        pytest.raises(StoppedError),
        pool.hold("b", object, name="b", device="cpu", size=MB, token=token),
    ):
        pass


def test_a_model_is_loaded_once_however_many_threads_ask() -> None:
    pool, loads = ModelPool({"cpu": MB}), []

    def load() -> object:
        time.sleep(0.02)
        loads.append(1)
        return object()

    def ask() -> None:
        with pool.hold("a", load, name="a", device="cpu", size=MB):
            pass

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loads == [1]


def test_a_model_that_could_not_be_loaded_takes_no_room_and_is_tried_again() -> None:
    pool = ModelPool({"cpu": MB})

    def broken() -> object:
        raise ExpertError("Broken.")

    with pytest.raises(ExpertError, match="Broken"), pool.hold("a", broken, name="a", device="cpu", size=MB):
        pass
    assert pool.get_used_bytes("cpu") == 0
    assert use(pool, "a")


def test_an_emptied_pool_keeps_only_what_is_held() -> None:
    pool = ModelPool({"cpu": 3 * MB})
    use(pool, "a")
    with pool.hold("b", object, name="b", device="cpu", size=MB):
        pool.clear()
        assert pool.names == ("b",)
