"""Replies with status 200 that say that there will be no result."""

from typing import Any

import pytest

from hugginggpt.core.refusals import find_failed_job, parse_refusal


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


@pytest.mark.parametrize(
    ("reason", "status", "body"),
    [
        # Zhipu, by the table of its codes: https://docs.bigmodel.cn/cn/api/api-code
        ("key", 401, {"error": {"code": "1000", "message": "身份验证失败"}}),
        ("credit", 429, {"error": {"code": "1113", "message": "您的账户已欠费，请充值后重试"}}),
        ("rate", 429, {"error": {"code": "1302", "message": "您当前使用该API的并发数过高，请降低并发"}}),
        ("content", 400, {"error": {"code": "1301", "message": "系统检测到输入或生成内容可能包含不安全或敏感内容"}}),
        ("unknown_model", 400, {"error": {"code": "1211", "message": "模型不存在，请检查模型代码。"}}),
        ("too_long", 400, {"error": {"code": "1261", "message": "Prompt 超长"}}),
        # Alibaba Cloud Model Studio: https://help.aliyun.com/zh/model-studio/error-code
        (
            "too_long",
            400,
            {"error": {"message": "Range of input length should be [1, 30720]", "code": "invalid_parameter_error"}},
        ),
        ("credit", 403, {"code": "Arrearage", "message": "Access denied, please make sure your account is in good standing."}),
        (
            "content",
            400,
            {"error": {"code": "data_inspection_failed", "message": "Input data may contain inappropriate content."}},
        ),
        # DeepSeek: https://api-docs.deepseek.com/quick_start/error_codes
        ("credit", 402, {"error": {"message": "Insufficient Balance", "code": "invalid_request_error"}}),
        ("content", 400, {"error": {"message": "Content Exists Risk", "type": "invalid_request_error"}}),
        ("unknown_model", 400, {"error": {"message": "Model Not Exist", "type": "invalid_request_error"}}),
        # Moonshot: https://platform.moonshot.cn/docs/api/chat
        ("too_long", 400, {"error": {"message": "Your request exceeded model token limit: 8192"}}),
        ("busy", 429, {"error": {"message": "The engine is currently overloaded", "type": "engine_overloaded_error"}}),
        # Azure: https://learn.microsoft.com/azure/ai-services/openai
        (
            "key",
            403,
            {"error": {"code": "401", "message": "Access denied due to invalid subscription key or wrong API endpoint."}},
        ),
    ],
)
def test_servers_of_other_countries_are_understood(reason: str, status: int, body: Any) -> None:
    found = parse_refusal(body, status).reason
    assert found is not None
    assert found.name == reason


@pytest.mark.parametrize(
    ("status", "header", "body", "wait"),
    [
        (429, 0.0, {"error": {"message": "Rate limit reached. Please try again in 26m11.5s."}}, 1571.5),
        (429, 3.0, {"error": {"message": "Please try again in 26m11.5s."}}, 3.0),
        (429, 0.0, [{"error": {"message": "Quota exceeded.", "details": [{"@type": "RetryInfo", "retryDelay": "38s"}]}}], 38.0),
        (200, 0.0, {"error": {"code": 429, "message": "Rate limited, retry in 5 s"}}, 5.0),
        (400, 0.0, {"error": {"message": "Audio may last 20 s; try again in 5 s pieces"}}, 0.0),
    ],
)
def test_how_long_to_wait_is_read_where_the_header_does_not_say(status: int, header: float, body: Any, wait: float) -> None:
    assert parse_refusal(body, status, header).wait == wait
