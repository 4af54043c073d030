"""Small public models that are not in the cache yet: fetched at their first use, where a person has agreed to that."""

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


def make_fetching_experts(local: Expert | None, *, max_bytes: int) -> Sequence[FetchingExpert]:
    """Return what fetches small models for the local back end; empty where there is none.

    Args:
        local: The back end that runs them.
        max_bytes: The most that is fetched for one task, in bytes.
    """
    if not isinstance(local, LocalExpert):
        return ()
    # no token: what is fetched for a visitor is what everybody may have
    return [FetchingExpert(local, create_downloader(local.cache, token=False), max_bytes=max_bytes)]


class FetchingExpert:
    """Offers what `models_config/` calls small and the cache lacks; what it has fetched the local back end runs."""

    backend = "download"

    def __init__(self, local: LocalExpert, hub: HubDownloader, *, max_bytes: int) -> None:
        """Make one.

        Args:
            local: What runs the models; its cache is the one that they are fetched into.
            hub: Where they come from.
            max_bytes: The most that is fetched for one task, in bytes.
        """
        self._local = local
        self._hub = hub
        self._max_bytes = max_bytes

    def cards(self, tasks: Collection[str] | None = None) -> Sequence[ModelCard]:
        """Return one for each task that a small model is known for, unless the cache has a model for it."""
        here = {card.task for card in self._local.cards()}
        slot = self._local.devices[0].slot
        missing = ((task, ids[0]) for task, ids in list_small_models().items() if task not in here)
        return [ModelCard(model, task, self.backend, _DESCRIPTION, slot=slot) for task, model in missing]

    async def run(self, call: Call) -> Result:
        """Fetch what is missing, then run it; what was fetched before a stop is kept for the next time.

        Raises:
            InputError: The input doesn't suit the task.
            ExpertError: It can't be fetched, is larger than allowed, or failed.
        """
        return await run_in_thread(self._run, call)

    def _run(self, call: Call) -> Result:
        self._fetch(call)
        self._local.rescan()
        wanted = (call.card.id, call.card.task)
        card = next((card for card in self._local.cards() if (card.id, card.task) == wanted), None)
        if card is None:
            raise ExpertError(f"{call.card.id} was fetched, but can't be used for {call.card.task}.")
        (result,) = self._local.run_now([replace(call, card=card)])
        return result

    def _fetch(self, call: Call) -> None:
        downloads = [self._hub.look_up(model) for model in list_small_models()[call.card.task]]
        size = sum(download.size for download in downloads)
        if size > self._max_bytes:
            raise ExpertError(
                f"{call.card.id} takes {format_size(size)}, more than the {format_size(self._max_bytes)} that may be fetched "
                f"on the way: fetch it with “python -m hugginggpt models pull {call.card.task}”."
            )
        before = 0
        for download in downloads:

            def tell(done: int, model: str = download.id, before: int = before) -> None:
                fetched = before + done
                call.progress(f"fetching {model}: {format_size(fetched)} of {format_size(size)}", fetched / max(size, 1))

            self._hub.fetch(download, tell, call.token.check)
            before += download.size
