"""Downloads of models from the catalogue: the size is offered first, and a fetched model can be used at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hugginggpt.agent.agent import HuggingGPT
from hugginggpt.core.errors import ExpertError
from hugginggpt.hub.download import Download, HubDownloader, create_downloader, format_size


@dataclass(frozen=True, slots=True)
class DownloadOffer:
    """The downloads of a model and of the models that it needs, before they are begun."""

    id: str
    downloads: tuple[Download, ...]

    @property
    def size(self) -> int:
        """Bytes to be fetched; 0 where all of it is here."""
        return sum(download.size for download in self.downloads)


class Downloader:
    """Downloader for one agent; its methods block, so they are not for the event loop."""

    def __init__(
        self, agent: HuggingGPT, *, token: bool | None = None, max_bytes: int | None = None, endpoint: str | None = None
    ) -> None:
        """Set up the downloads.

        Args:
            agent: The agent that gets the models.
            token: False to show the Hub none; None for that of whoever runs this program.
            max_bytes: The most that one offer may take; None: as much as the disk holds.
            endpoint: The Hub's address; None: what ``HF_ENDPOINT`` says, else huggingface.co.
        """
        self._agent = agent
        self._token = token
        self._max_bytes = max_bytes
        self._endpoint = endpoint

    def offer(self, models: Sequence[str]) -> DownloadOffer:
        """Return what fetching these models would take; the first gives the offer its name.

        Raises:
            ExpertError: One of them can't be had, or it is more than may be fetched.
        """
        hub = self._create_hub()
        offer = DownloadOffer(models[0], tuple(hub.look_up(model) for model in models))
        if self._max_bytes is not None and offer.size > self._max_bytes:  # before a byte is fetched
            raise ExpertError(
                f"{offer.id} takes {format_size(offer.size)}, more than the {format_size(self._max_bytes)} that may be "
                "fetched here: choose a smaller model."
            )
        return offer

    def fetch(self, offer: DownloadOffer, progress: Callable[[int], None], check: Callable[[], None]) -> None:
        """Fetch the missing files of an offer.

        Args:
            offer: The downloads.
            progress: Told the bytes that are there so far.
            check: Called between pieces; what it raises ends the fetching, which can be gone on with later.

        Raises:
            ExpertError: The disk is too small, or the Hub fails.
        """
        hub, before = self._create_hub(), 0
        for download in offer.downloads:

            def report(done: int, before: int = before) -> None:  # bound now: the loop moves on
                progress(before + done)

            if download.files:  # none where all is in the cache
                hub.fetch(download, report, check)
            before += download.size
        self._agent.rescan()  # else what was fetched isn't found before a restart

    def _create_hub(self) -> HubDownloader:
        return create_downloader(self._agent.cache, self._endpoint, self._token)
