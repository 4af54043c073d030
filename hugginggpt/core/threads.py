"""Blocking functions: in daemon threads, which hold up neither the event loop nor the exit, or within a limit of time."""

import asyncio
import contextvars
import gc
import inspect
import itertools
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType
from typing import Final, TypeVar, cast

T = TypeVar("T")

_CALLS_BETWEEN_LOOKS: Final = 16  # at the clock, which takes longer than most calls


def count_processors(limit: int) -> int:
    """Return the number of threads for a model: OMP_NUM_THREADS where it is set, else the number of processors.

    Args:
        limit: Number above which more threads would not make the model faster.
    """
    configured = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(limit, int(configured) if configured.isdigit() else os.cpu_count() or 1))  # OpenMP takes "4,2", too


def run_concurrently(functions: Sequence[Callable[[], T]]) -> list[T]:
    """Run blocking functions at the same time, in daemon threads; return their results in order, or raise the first failure."""
    results: dict[int, T] = {}
    errors: list[BaseException] = []

    def work(number: int, function: Callable[[], T]) -> None:
        try:
            results[number] = function()
        except BaseException as error:  # handed to the caller below
            errors.append(error)

    threads = [threading.Thread(target=work, args=each, daemon=True) for each in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [results[number] for number in range(len(functions))]


class _OutOfTime(BaseException):
    """Raised amid a function; no Exception, so that no library swallows it."""


def run_in_time(function: Callable[[], T], seconds: float) -> T:
    """Run a function of pure Python for some processor time at most, then break it off.

    For libraries whose time may grow without bound on hostile input, and which know no deadline. A thread can't be ended from
    outside, so the interpreter asks at the calls that the function makes; that takes two to four times its time.

    Args:
        function: Anything that can be left in the middle.
        seconds: Processor time of this thread.

    Raises:
        TimeoutError: It took longer.
    """
    end, calls = time.thread_time() + seconds, itertools.count()
    late = over = False

    def check(frame: FrameType, event: str, argument: object) -> None:
        nonlocal late
        if over:
            return
        if not late and next(calls) % _CALLS_BETWEEN_LOOKS == 0:
            late = time.thread_time() > end
        if late and event.endswith("call") and not frame.f_code.co_flags & inspect.CO_GENERATOR:  # one may swallow it
            raise _OutOfTime

    if sys.getprofile():  # somebody profiles this program: there can be one only
        return function()
    collects = gc.isenabled()
    gc.disable()  # what is raised while garbage is collected is lost, and the profile function with it
    sys.setprofile(check)
    try:
        return function()
    except _OutOfTime:
        raise TimeoutError(f"It took longer than {seconds:g} s") from None
    finally:
        over = True  # the next call is one that is checked
        sys.setprofile(None)
        if collects:
            gc.enable()


async def run_in_daemon_thread(function: Callable[[], T], name: str = "background") -> T:
    """Run a blocking function in a daemon thread of its own; on cancellation the function runs on and its result is dropped."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def finish(result: T | None, error: BaseException | None) -> None:
        if done.cancelled():  # a result would be an InvalidStateError
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(cast("T", result))

    def work() -> None:
        result, failure = None, None
        try:
            result = function()
        except BaseException as error:  # handed to whoever awaits
            failure = error
        with suppress(RuntimeError):  # the loop is gone
            loop.call_soon_threadsafe(finish, result, failure)

    # in the caller's context: a Space's GPU is lent on account of the visitor whose request this is
    context = contextvars.copy_context()  # not asyncio.to_thread: its threads hold up the process's end
    threading.Thread(target=context.run, args=(work,), name=name, daemon=True).start()
    return await done


def extend_timeout(loop: asyncio.AbstractEventLoop, timeout: asyncio.Timeout, seconds: float) -> None:
    """Move the end of a timeout by some seconds, from any thread; one that is over stays so."""

    def extend() -> None:
        with suppress(RuntimeError):  # it has just passed, or what it was for has ended
            timeout.reschedule((timeout.when() or loop.time()) + seconds)

    with suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(extend)
