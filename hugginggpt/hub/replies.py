"""Replies of providers that say, with status 200 or in place of a job's result, that there will be none.

huggingface_hub reads a result out of whatever comes: it takes Replicate's failed prediction for a time-out, fal's 422 for a
result without its fields, and polls a job that was cancelled until the deadline.
"""

from typing import Any, Final

import httpx2

from hugginggpt.core.json_text import JsonError, parse_json
from hugginggpt.core.refusals import RefusedReplyError, find_failed_job

_MAX_REFUSAL_BYTES: Final = 64 * 2**10
"""Largest body that is looked at twice: a refusal is short, a picture in JSON is megabytes."""


def check_reply(response: httpx2.Response) -> None:
    """Raise where a provider's reply, which must have been read, is a refusal or the state of a job that has failed.

    Raises:
        RefusedReplyError: It is one, with status 200.
        httpx2.HTTPError: A job's state or result, or a file, came with an error's status; or an error came in a form that the
            library can't read.
    """
    reply = _parse_short_json(response.content)
    if response.is_error and not is_hub_api(response.request.url):  # the Hub's own errors are typed by the library
        _raise_unchecked(response, reply)
    if response.is_success and (refusal := find_failed_job(reply)):
        raise RefusedReplyError(refusal)


def is_hub_api(url: httpx2.URL) -> bool:
    """Return whether the client asks the Hub itself, which it does for a model's providers."""
    return "/api/models" in url.path


def _raise_unchecked(response: httpx2.Response, reply: Any) -> None:
    """Raise for an error of which the library would make something else."""
    from huggingface_hub.errors import HfHubHTTPError

    if response.request.method == "GET":  # it looks at the status of most replies that it polls for, but not of all
        response.raise_for_status()
    errors = reply.get("errors") if isinstance(reply, dict) else None
    is_readable = isinstance(reply, dict) and (errors is None or _is_list_of_objects(errors))
    if reply is not None and not is_readable:  # it takes any JSON for an object
        raise HfHubHTTPError(f"status {response.status_code}", response=response)


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


def _parse_short_json(content: bytes) -> Any:
    """Return a short body of JSON; None where it is none, or is long."""
    if len(content) > _MAX_REFUSAL_BYTES or not content.strip().startswith((b"{", b"[", b'"')):
        return None
    try:
        return parse_json(content.decode("utf-8", "replace"))
    except JsonError:
        return None
