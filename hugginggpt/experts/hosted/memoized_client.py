"""A client that remembers its answers: where one of many questions fails, the others are not asked again."""

from collections.abc import Callable, MutableMapping
from typing import Any


class MemoizedClient:
    """Proxy of a client: each method, called again with the same arguments, returns the same answer."""

    def __init__(self, client: Any, answers: MutableMapping[Any, Any]) -> None:
        """Wrap a client.

        Args:
            client: The client that asks.
            answers: Answers so far, over all tries of one run.
        """
        self._client = client
        self._answers = answers

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        async def ask(*args: Any, **options: Any) -> Any:
            key = (name, repr(args), repr(options))  # messages and labels can't be hashed; a file has a new path in each try
            if key not in self._answers:  # no lock: a run asks one question at a time
                self._answers[key] = await method(*args, **options)
            return self._answers[key]

        return ask
