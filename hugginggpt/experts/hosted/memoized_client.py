"""A client that doesn't ask again what was answered already: where one of many questions fails, the rest need no second try."""

from collections.abc import Callable, MutableMapping
from typing import Any


class MemoizedClient:
    """Stands for a client: each of its methods, called again with the same arguments, gives the answer of before."""

    def __init__(self, client: Any, answered: MutableMapping[Any, Any]) -> None:
        """Make one.

        Args:
            client: The one that asks.
            answered: What is remembered, over the tries of one run.
        """
        self._client = client
        self._answered = answered

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        async def ask(*args: Any, **options: Any) -> Any:
            key = (name, repr(args), repr(options))
            if key not in self._answered:
                self._answered[key] = await method(*args, **options)
            return self._answered[key]

        return ask
