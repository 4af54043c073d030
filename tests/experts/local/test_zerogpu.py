"""Runs in a separate process, as on ZeroGPU: calls and results survive pickling."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from hugginggpt.core.errors import InputError
from hugginggpt.experts.base import Result
from hugginggpt.experts.local.zerogpu import RemoteFailure, RemoteJob, is_zero_gpu_space, run_job, run_remotely, send_calls
from tests.experts.local.conftest import LocalBench

Run = Callable[[RemoteJob], Sequence[Result] | RemoteFailure]


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Run]:
    """A new process that gets everything pickled."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield lambda job: pool.submit(run_job, job).result(60)


def test_results_come_back_whole(local: LocalBench, elsewhere: Run) -> None:
    calls = [local.call("object-detection", "tiny/detr", image=local.demo(name)) for name in ("cat.jpg", "coffee.jpg")]
    results = send_calls(calls, local.cache.folder, elsewhere)
    assert [len(result.outputs) for result in results] == [2, 2]
    path = results[0].outputs[0].path
    assert path is not None
    assert path.parent == local.workspace.folder
    assert path.read_bytes().startswith(b"\x89PNG")
    here = local.expert.run_here(calls)
    assert [result.outputs[-1].text for result in results] == [result.outputs[-1].text for result in here]


def test_an_error_comes_back_with_its_class_and_its_sentence(local: LocalBench, elsewhere: Run, tmp_path: Path) -> None:
    call = local.call("question-answering", "tiny/bert-squad", text=" ", question="Who?")
    with pytest.raises(InputError, match=r"^The text is empty, so there is nothing to work on\.$"):
        send_calls([call], local.cache.folder, elsewhere)


def test_outside_a_zero_gpu_space_the_wrapper_changes_nothing(local: LocalBench) -> None:
    assert not is_zero_gpu_space()
    call = local.call("image-classification", "tiny/vit", image=local.demo("cat.jpg"))
    (result,) = run_remotely([call], local.cache.folder)
    assert len(result.outputs[0].data["classes"]) == 5
