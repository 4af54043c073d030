"""Hugging Face tokens as people paste them, and as a terminal's environment holds them."""

import os
import re
import sys
from typing import Final

from hugginggpt.core.errors import RequestError

_TOKEN: Final = re.compile(r"hf_[A-Za-z0-9_]{2,}")  # hf_oauth_… is one, too

_ORGANIZATION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")


def parse_organization(name: str) -> str:
    """Return the name of an organization on the Hub that pays for calls, without blanks around it; empty for none.

    Raises:
        RequestError: No organization can have that name.
    """
    name = name.strip()
    if name and not _ORGANIZATION.fullmatch(name):
        raise RequestError("This is no name of an organization: enter the one in its address, huggingface.co/NAME.")
    return name


def parse_token(token: str) -> str:
    """Return a pasted Hugging Face token without blanks around it; empty for none.

    Raises:
        RequestError: It is no such token: it may be another service's key, which must not be sent to the Hub.
    """
    token = token.strip()
    if token and not _TOKEN.fullmatch(token):
        raise RequestError("This is no Hugging Face token, which begins with hf_: huggingface.co/settings/tokens makes one.")
    return token


def read_environment_token() -> str:
    """Return the token in ``HF_TOKEN``, on whose account hosted models run; empty for none.

    A value that is no Hugging Face token is reported on stderr and ignored: it may be another service's key.
    """
    try:
        return parse_token(os.environ.get("HF_TOKEN", ""))
    except RequestError:
        print("HF_TOKEN holds no Hugging Face token, which begins with hf_: hosted models are left out.", file=sys.stderr)
        return ""
