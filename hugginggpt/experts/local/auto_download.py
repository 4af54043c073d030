"""Download of small public models at their first use, where a person has agreed to it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from hugginggpt.core.errors import ExpertError
from hugginggpt.core.model_card import ModelCard
from hugginggpt.experts.base import Call, Expert, Result, run_in_thread
from hugginggpt.experts.local.expert import LocalExpert
from hugginggpt.hub.catalog import list_small_models
from hugginggpt.hub.download import HubDownloader, create_downloader, format_size

_DESCRIPTION: Final = "A small public model of the Hugging Face Hub that is fetched at its first use."


def make_fetching_experts(
    local: Expert | None, *, max_bytes: int, tasks: Collection[str] | None = None
) -> Sequence[FetchingExpert]:
    """Return the expert that fetches small models for the local back end; nothing where there is no local back end.

    Args:
        local: The back end that runs them.
        max_bytes: Limit of a download for one task, in bytes.
        tasks: Tasks for which models may be fetched; None: all.
    """
    if not isinstance(local, LocalExpert):
        return ()
    # no token: a visitor's request must not download what only the owner of the Space may read
    return [FetchingExpert(local, create_downloader(local.cache, token=False), max_bytes=max_bytes, tasks=tasks)]


class FetchingExpert:
    """Expert for the small models of `models_config/` that the cache lacks: it fetches them, the local back end runs them."""

    backend = "download"

    def __init__(
        self, local: LocalExpert, downloader: HubDownloader, *, max_bytes: int, tasks: Collection[str] | None = None
    ) -> None:
        """Create the expert.

        Args:
            local: Back end that runs the models; they are fetched into its cache.
            downloader: Client of the Hub that they come from.
            max_bytes: Limit of a download for one task, in bytes.
            tasks: Tasks for which models may be fetched; None: all.
        """
        self._tasks = tasks
        self._local = local
        self._downloader = downloader
        self._max_bytes = max_bytes

    def cards(self, tasks: Collection[str] | None = None) -> Sequence[ModelCard]:
        """Return a card for each task that has a small model, unless the cache has a model for it."""
        available_tasks = {card.task for card in self._local.cards()}
        slot = self._local.devices[0].slot  # the fastest: where it will be placed shows only once it is there
        missing = ((task, ids[0]) for task, ids in list_small_models().items() if task not in available_tasks)
        missing = ((task, model) for task, model in missing if self._tasks is None or task in self._tasks)
        return [ModelCard(model, task, self.backend, _DESCRIPTION, slot=slot) for task, model in missing]

    async def run(self, call: Call) -> Result:
        """Fetch the missing files, then run the model; files that were fetched before a stop are kept for the next time.

        Raises:
            InputError: The input doesn't suit the task.
            ExpertError: The model can't be fetched, is larger than allowed, or failed.
        """
        return await run_in_thread(self._fetch_and_run, call)

    def _fetch_and_run(self, call: Call) -> Result:
        self._fetch(call)
        self._local.rescan()  # the last scan may be seconds old, and lack the new files
        key = (call.card.id, call.card.task)
        card = next((card for card in self._local.cards() if (card.id, card.task) == key), None)
        if card is None:
            raise ExpertError(f"{call.card.id} was fetched, but can't be used for {call.card.task}.")
        (result,) = self._local.run_now([replace(call, card=card)])  # blocking: this is a worker thread already
        return result

    def _fetch(self, call: Call) -> None:
        downloads = [self._downloader.look_up(model, call.token.check) for model in list_small_models()[call.card.task]]
        size = sum(download.size for download in downloads)
        if size > self._max_bytes:  # before the first byte: companions count, too
            raise ExpertError(
                f"{call.card.id} takes {format_size(size)}, more than the {format_size(self._max_bytes)} that may be fetched "
                f"on the way: fetch it with “python -m hugginggpt models pull {call.card.task}”."
            )
        before = 0
        for download in downloads:

            def report(done: int, model: str = download.id, before: int = before) -> None:  # bound now, not at the call
                fetched = before + done
                call.progress(f"fetching {model}: {format_size(fetched)} of {format_size(size)}", fetched / max(size, 1))

            self._downloader.fetch(download, report, call.token.check)
            before += download.size
