"""Replies with status 200 that say that there will be no result."""

from typing import Any

import pytest

from hugginggpt.core.refusals import find_failed_job


@pytest.mark.parametrize(
    ("reply", "said", "is_job"),
    [
        ({"error": "CUDA out of memory"}, "CUDA out of memory", False),
        ([{"error": "Model is overloaded"}], "Model is overloaded", False),
        ({"error": {"code": 429, "message": "slow down"}, "choices": None}, "slow down", False),
        ({"detail": [{"loc": ["body"], "msg": "too small", "type": "image_too_small"}]}, "too small", False),
        ({"message": "no such route"}, "no such route", False),
        ({"id": "1", "status": "failed", "error": "NSFW content", "output": None}, "NSFW content", True),
        ({"id": "1", "status": "canceled", "error": None}, "", True),
        ({"id": "1", "status": "failed", "error": {"code": "x", "message": "blocked"}}, "blocked", True),
        ({"status": "COMPLETED", "error": "Request timed out", "error_type": "request_timeout"}, "Request timed out", False),
        ({"code": 200, "message": "success", "data": {"status": "failed", "error": "worker died"}}, "worker died", True),
        ({"task": {"task_id": "1", "status": "TASK_STATUS_FAILED", "reason": "sensitive"}}, "sensitive", True),
        ({"id": "1", "task_status": "FAIL"}, "", True),
        ({"id": "1", "status": "Request Moderated", "result": None}, "", True),
        ({"id": "1", "status": "Content Moderated", "result": None}, "", True),
        ({"id": "1", "status": "Task not found", "result": None}, "", True),
    ],
)
def test_a_failed_job_is_found_and_what_it_says(reply: Any, said: str, is_job: bool) -> None:
    refusal = find_failed_job(reply)
    assert refusal is not None
    assert (refusal.text, refusal.is_job) == (said, is_job)


@pytest.mark.parametrize(
    "reply",
    [
        None,
        7,
        "text",
        [],
        {},
        [{"label": "error", "score": 0.9}],
        [[{"label": "failed", "score": 0.9}]],
        {"status": "IN_QUEUE", "request_id": "1", "logs": None},
        {"status": "COMPLETED", "request_id": "1", "error": None},
        {"id": "1", "status": "succeeded", "output": ["https://x"], "error": None},
        {"code": 200, "message": "success", "data": {"status": "completed", "error": "", "outputs": ["https://x"]}},
        {"id": "1", "status": "Ready", "result": {"sample": "https://x"}},
        {"text": "An error occurred."},
        {"choices": [{"message": {"content": "failed"}}], "object": "chat.completion"},
        {"images": [{"url": "https://x"}], "prompt": "error", "has_nsfw_concepts": [False]},
        [0.1, 0.2],
        {"data": [{"b64_json": "x"}]},
        {"task": "translation", "result": "failed"},
    ],
)
def test_a_result_is_none(reply: Any) -> None:
    assert find_failed_job(reply) is None
