"""The Models page: every model that is known, where it is, and fetching one where that is allowed."""

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import gradio as gr

from hugginggpt.agent.agent import HuggingGPT
from hugginggpt.core.errors import HuggingGPTError, RequestError, StoppedError
from hugginggpt.core.threads import run_in_daemon_thread
from hugginggpt.hub.download import format_size
from hugginggpt.hub.overview import OverviewRow, build_overview, list_unusable_rows
from hugginggpt.ui.i18n import Translate, choose_words, get_label
from hugginggpt.ui.listeners import PRIVATE
from hugginggpt.ui.models_page import table as catalogue_table
from hugginggpt.ui.models_page.downloads import Downloader, DownloadOffer
from hugginggpt.ui.session.llm_choice import is_personal_machine

log = logging.getLogger(__name__)

_PLACES: Final = ("bundled", "cache", "hosted", "fetch", "server", "unusable")  # in the order of the menu
_SECONDS_BETWEEN_UPDATES: Final = 0.2
_MAX_CONCURRENT_DOWNLOADS: Final = 2  # for all visitors together
_CLICK_SCRIPT: Final = """element.addEventListener("click", event => {
  const button = event.target.closest("button[data-model]");
  if (button) trigger("click", {model: button.dataset.model});
});"""


@dataclass
class TabDownload:
    """A tab's download, offered or under way; it lives in a ``gr.State``."""

    offer: DownloadOffer
    stop: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Check, between pieces, whether to go on.

        Raises:
            StoppedError: The person has stopped it, or is gone.
        """
        if self.stop.is_set():
            raise StoppedError("The download was stopped.")


class ModelsPage:
    """The page's fields and their handlers."""

    def __init__(self, agent: HuggingGPT) -> None:
        self._agent = agent
        self._local = agent.expert("local") is not None
        self._fetching = self._local and (agent.settings.local == "download" or is_personal_machine())
        # on a public Space nobody fetches on the owner's account, or more than a request may
        limits: dict[str, Any] = (
            {} if is_personal_machine() else {"token": False, "max_bytes": agent.settings.max_download_bytes}
        )
        self._downloader = Downloader(agent, **limits)

    def draw(self, page: gr.Blocks) -> None:
        """Add the fields to the page, at ``/models``; to be called outside of the page's ``with``."""
        with page.route("Models", "/models", show_in_navbar=False):
            rows, download = gr.State(()), gr.State(None, delete_callback=_stop)  # a closed tab stops its download
            gr.Markdown(get_label("catalogue.heading"), elem_id="catalogue-heading")
            with gr.Row(equal_height=True):
                query = gr.Textbox(
                    label=get_label("catalogue.search"),
                    placeholder=get_label("catalogue.search_hint"),
                    elem_id="catalogue-query",
                    scale=2,
                )
                task = gr.Dropdown([], label=get_label("catalogue.task"), elem_id="catalogue-task", min_width=180)
                place = gr.Dropdown([], label=get_label("catalogue.place"), elem_id="catalogue-place", min_width=180)
            with gr.Column(visible=False, scale=0, elem_id="catalogue-fetch") as panel:
                status = gr.HTML(js_on_load=None, apply_default_css=False)
                with gr.Row():
                    fetch_button = gr.Button(
                        get_label("catalogue.fetch"),
                        variant="primary",
                        size="sm",
                        elem_id="catalogue-go",
                        scale=0,
                        min_width=120,
                    )
                    stop_button = gr.Button(
                        get_label("catalogue.stop"), size="sm", visible=False, elem_id="catalogue-stop", scale=0, min_width=120
                    )
                    close_button = gr.Button(
                        get_label("catalogue.close"), size="sm", elem_id="catalogue-close", scale=0, min_width=120
                    )
            with gr.Row():
                count = gr.Markdown("", elem_id="catalogue-count")
                clear_button = gr.Button(
                    get_label("catalogue.clear"), size="sm", visible=False, elem_id="catalogue-clear", scale=0, min_width=140
                )
                reload_button = gr.Button(
                    get_label("catalogue.again"), size="sm", visible=False, elem_id="catalogue-again", scale=0, min_width=140
                )
            table = gr.HTML(
                catalogue_table.draw_skeleton(), js_on_load=_CLICK_SCRIPT, apply_default_css=False, elem_id="catalogue"
            )

            filters, shown = [query, task, place, rows], [table, count, clear_button]
            for opened in (page.load, reload_button.click):
                opened(self.read, [query, task, place], [rows, task, place, *shown, reload_button], **PRIVATE)
            for event in (query.change, task.input, place.input):
                event(self.filter, filters, shown, trigger_mode="always_last", **PRIVATE)  # the last keystroke counts
            clear_button.click(self.clear_filters, rows, [query, task, place, *shown], **PRIVATE)
            if self._fetching:
                buttons = [panel, status, fetch_button, stop_button, close_button, download]
                table.click(self.offer, rows, buttons, **PRIVATE)
                fetch_button.click(
                    self.fetch,
                    [download, *filters],
                    [*buttons, rows, *shown],
                    concurrency_limit=_MAX_CONCURRENT_DOWNLOADS,
                    **PRIVATE,
                )
                stop_button.click(_stop, download, None, **PRIVATE)
                close_button.click(self.close, None, [panel, download], **PRIVATE)

    async def read(self, query: str, task: str | None, place: str | None, request: gr.Request) -> tuple[Any, ...]:
        """Read the catalogue, with the place of each model."""
        words = _get_words(request)
        try:
            rows = await self._read_rows()
        except Exception as error:  # the page's seam: whatever is wrong with a disk, the page says so
            log.exception("the catalogue can't be read")
            message = str(error) if isinstance(error, HuggingGPTError) else words("catalogue.failed")
            return (), gr.skip(), gr.skip(), catalogue_table.draw_sentence(message), "", gr.skip(), gr.update(visible=True)
        tasks = [
            (words("catalogue.all_tasks"), ""),
            *((name, name) for name in dict.fromkeys(row.task for row in rows if row.task)),
        ]
        here = {row.place for row in rows}
        places = [(words("catalogue.all_places"), "")]
        places += [(words(f"catalogue.place_{name}"), name) for name in _PLACES if name in here]
        choices = gr.update(choices=tasks, value=task or ""), gr.update(choices=places, value=place or "")
        return rows, *choices, *self._draw_rows(rows, words, query, task, place), gr.update(visible=False)

    async def filter(
        self, query: str, task: str | None, place: str | None, rows: Sequence[OverviewRow], request: gr.Request
    ) -> tuple[Any, ...]:
        """Show the rows that match the filters."""
        return self._draw_rows(rows, _get_words(request), query, task, place)

    async def clear_filters(self, rows: Sequence[OverviewRow], request: gr.Request) -> tuple[Any, ...]:
        """Clear the filters and show all rows."""
        return "", "", "", *self._draw_rows(rows, _get_words(request))

    async def offer(
        self, rows: Sequence[OverviewRow], chosen: gr.EventData, request: gr.Request
    ) -> AsyncGenerator[tuple[Any, ...], None]:
        """Show the size of a model's download, and a button that begins it."""
        words = _get_words(request)
        model = str(chosen._data.get("model") if isinstance(chosen._data, dict) else "")  # a client may send anything
        yield _draw_panel(catalogue_table.draw_progress(words("catalogue.asking", model=model), None), close=True)
        try:
            # what comes from a browser may be anything
            row = next((row for row in rows if row.id == model and row.place == "fetch"), None)
            if row is None:
                raise RequestError(f"“{model[:60]}” can't be fetched from here: choose a model of the table.")
            offer = await run_in_daemon_thread(lambda: self._downloader.offer((row.id, *row.beside)))
        except HuggingGPTError as error:
            yield _draw_panel(catalogue_table.draw_sentence(str(error)), close=True)
            return
        message = words("catalogue.offer", model=model, size=format_size(offer.size))
        message = message if offer.size else words("catalogue.whole", model=model)
        yield _draw_panel(catalogue_table.draw_sentence(message), go=bool(offer.size), close=True, download=TabDownload(offer))

    async def fetch(
        self,
        download: TabDownload | None,
        query: str,
        task: str | None,
        place: str | None,
        rows: Sequence[OverviewRow],
        request: gr.Request,
    ) -> AsyncGenerator[tuple[Any, ...], None]:
        """Fetch the offered model and show the progress; then read the table anew."""
        words, unchanged = _get_words(request), (gr.skip(),) * 4  # the rows, and the three parts that show them
        if download is None:
            return
        offer, fetched, size = download.offer, 0, format_size(download.offer.size)

        def report(done: int) -> None:
            nonlocal fetched
            fetched = done  # in another thread, but only ever set

        work = asyncio.ensure_future(run_in_daemon_thread(lambda: self._downloader.fetch(offer, report, download.check)))
        try:
            while not work.done():
                message = words("catalogue.fetching", model=offer.id, done=format_size(fetched), size=size)
                bar = catalogue_table.draw_progress(message, fetched / max(offer.size, 1))
                yield *_draw_panel(bar, stop=True, download=download), *unchanged
                await asyncio.wait({work}, timeout=_SECONDS_BETWEEN_UPDATES)  # wait_for would cancel the work
            work.result()  # raises what the thread raised
            rows = await self._read_rows()  # the fetched model is here now
        except StoppedError:
            message = words("catalogue.stopped", model=offer.id)
        except HuggingGPTError as error:
            message = str(error)
        else:
            message = words("catalogue.fetched", model=offer.id)
        finally:
            download.stop.set()  # whoever has closed the tab doesn't want it any more
            with suppress(asyncio.CancelledError):
                work.cancel()  # the thread ends by itself, at `check`
        panel = _draw_panel(catalogue_table.draw_sentence(message), close=True)
        yield *panel, rows, *self._draw_rows(rows, words, query, task, place)

    async def close(self) -> tuple[Any, None]:
        """Fold the panel away."""
        return gr.update(visible=False), None

    async def _read_rows(self) -> tuple[OverviewRow, ...]:
        """Read the catalogue, off the event loop: it looks at the disk."""
        tasks = list(self._agent.table)
        ranked = await run_in_daemon_thread(self._agent.candidates)
        cards = [card for name in tasks if name in ranked for card in ranked[name].cards]
        unusable = list_unusable_rows(await run_in_daemon_thread(self._agent.list_unusable))
        return (*await run_in_daemon_thread(lambda: build_overview(cards, tasks, local=self._local)), *unusable)

    def _draw_rows(
        self, rows: Sequence[OverviewRow], words: Translate, query: str = "", task: str | None = "", place: str | None = ""
    ) -> tuple[Any, ...]:
        found = catalogue_table.filter_rows(rows, query or "", task or "", place or "")
        models, total = len({row.id for row in found}), len({row.id for row in rows})
        ready = len({row.id for row in rows if row.is_runnable})
        filtered = len(found) < len(rows)
        message = words("catalogue.matching", count=models, total=total) if filtered else ""
        message = message or words("catalogue.count", count=total, ready=ready)
        return catalogue_table.draw_table(found, words, fetching=self._fetching), message, gr.update(visible=filtered)


def _draw_panel(
    text: str, *, go: bool = False, stop: bool = False, close: bool = False, download: TabDownload | None = None
) -> tuple[Any, ...]:
    """Return the updates that show the panel, with a text and these of its buttons."""
    buttons = (gr.update(visible=shown) for shown in (go, stop, close))
    return gr.update(visible=True), text, *buttons, download


def _stop(download: TabDownload | None) -> None:
    """Stop the download; `ModelsPage.fetch` shows that it was stopped."""
    if download is not None:
        download.stop.set()


def _get_words(request: gr.Request) -> Translate:
    return choose_words((request.headers or {}).get("accept-language"))
