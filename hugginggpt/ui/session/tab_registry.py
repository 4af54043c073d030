"""Registry of tabs: by the key that a tab's browser keeps, and by the Gradio session of each page that shows it."""

from __future__ import annotations

import asyncio
import re
import weakref
from collections.abc import Callable
from typing import Final

from hugginggpt.ui.session.tab_session import TabSession

_KEY_PATTERN: Final = re.compile(r"[0-9a-f]{40,80}")  # 160 bits or more, which nobody guesses


class TabSessions:
    """Registry of the tabs that a reloaded page finds again, until Gradio drops them about an hour after their last use."""

    def __init__(self) -> None:
        self._by_key: weakref.WeakValueDictionary[str, TabSession] = weakref.WeakValueDictionary()
        self._by_page: weakref.WeakValueDictionary[str, TabSession] = weakref.WeakValueDictionary()
        self._awaited: dict[str, asyncio.Event] = {}

    async def wait_for_page(self, page: str, seconds: float) -> bool:
        """Wait until a page's state was looked for by the key of its browser; return whether it was, in this time."""
        if (tab := self._by_page.get(page)) is not None and tab.page_opened:
            return True
        opened = self._awaited.setdefault(page, asyncio.Event())
        try:
            async with asyncio.timeout(seconds):
                return await opened.wait()
        except TimeoutError:
            return False
        finally:
            self._awaited.pop(page, None)

    def note_opened(self, page: str) -> None:
        """Note that the state of a page was looked for."""
        if page in self._awaited:
            self._awaited[page].set()

    def find(self, key: str) -> TabSession | None:
        """Return the tab of that key; None where there is none."""
        tab = self._by_key.get(key)
        return tab if tab is not None and tab.page_count else None

    def get_for_page(self, page: str, make: Callable[[], TabSession]) -> TabSession:
        """Return the tab of an open page; made once, whichever of its first events comes first.

        Args:
            page: The hash of the page's Gradio session.
            make: Creates the state of a new tab.
        """
        tab = self._by_page.get(page)
        if tab is None or not tab.page_count:
            tab = make()
            if page:  # without a hash, two pages would share one
                self._by_page[page] = tab
        return tab

    def register(self, tab: TabSession, key: str) -> None:
        """Register a tab under a key that its browser has made; a key that could be guessed is ignored."""
        if _KEY_PATTERN.fullmatch(key):
            self._by_key[key] = tab

    def add_page(self, tab: TabSession, page: str) -> None:
        """Register another page of a tab: it was opened again."""
        tab.page_count += 1
        self._by_page[page] = tab
