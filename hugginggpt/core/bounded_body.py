"""Bounded reading of HTTP bodies: decompress them step by step, and count what comes out, in all and event by event.

Bytes are counted, and the brackets and commas of JSON, because clients build objects for them before anybody sees the reply
(openai's takes 25 µs for an object in a list of choices, so 10 s for a megabyte of ``{},``, on the event loop).

An HTTP client decompresses whatever a piece expands to, a thousand times its size, and joins an endless line before anybody
sees it. So the body is taken before the client's own decoder, which then finds nothing left to decode.
"""

import re
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import httpx2

from hugginggpt.core.errors import ExpertError

ENCODINGS: Final = "gzip, deflate"
"""Accept-Encoding of requests whose answers are read here."""
_STEP_BYTES: Final = 1 << 16  # most that is decompressed at once
_EVENT_ENDS: Final = (b"\n\n", b"\n\r\n", b"\r\r")
_EVENT_END: Final = re.compile(rb"\r?\n\r?\n|\r\r")
_BEFORE_JSON: Final = b" \t\r\n\0\xef\xbb\xbf\xfe\xff"  # blanks and the marks of Unicode's encodings
_AUTO: Final = zlib.MAX_WBITS | 32  # gzip or zlib, as its head says


class TooLargeError(ExpertError):
    """A body is larger than it may be, or compressed in a way that can't be bounded; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class JsonLimits:
    """Most brackets and commas in a body of JSON or in one event, those in strings included; each may become an object."""

    max_openings: int
    """Opening brackets, of lists and objects."""
    max_commas: int


RESULT_LIMITS: Final = JsonLimits(200_000, 3_000_000)
"""Limits of models' results: embeddings are millions of numbers in few lists."""


class BodyReader:
    """Decoder of one body that counts what it decodes."""

    def __init__(
        self,
        headers: MutableMapping[str, str],
        max_bytes: int,
        *,
        max_event_bytes: int | None = None,
        json_limits: JsonLimits = RESULT_LIMITS,
    ) -> None:
        """Take over the decoding of a body, and remove the headers that ask for it.

        Args:
            headers: The answer's.
            max_bytes: Most bytes of the body, decompressed.
            max_event_bytes: Most bytes of one event in a stream of events; None: as many as the body.
            json_limits: Limits of a body of JSON, or of one event.

        Raises:
            TooLargeError: It is compressed in another way than was asked for.
        """
        encoding = headers.pop("content-encoding", "identity").strip().lower()
        if encoding not in {"identity", "gzip", "x-gzip", "deflate", ""}:
            raise TooLargeError(f"The reply comes in an encoding that was not asked for ({encoding[:40]}), so it is not taken.")
        self._inflate = None
        if encoding not in {"identity", ""}:
            self._inflate = zlib.decompressobj(_AUTO)
            headers.pop("content-length", None)  # it counts the compressed bytes
        self._may_be_raw = encoding == "deflate"  # some servers leave out zlib's head of two bytes
        self._head = b""
        self._max_bytes = max_bytes
        self._is_stream = headers.get("content-type", "").startswith("text/event-stream")
        self._max_event = max_event_bytes if self._is_stream and max_event_bytes else max_bytes
        self._json_limits = json_limits
        self._is_json: bool | None = True if self._is_stream else None  # None: not known before the first byte
        self._bytes = self._event_bytes = self._openings = self._commas = 0
        self._last = b""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Decompress the next piece, as it was sent; yield it in steps.

        Raises:
            TooLargeError: The body or an event is larger than it may be.
            httpx2.DecodingError: It is not compressed as its headers say.
        """
        if self._inflate is None:
            yield self._count(piece)
            return
        if self._may_be_raw:
            self._head = piece = self._head + piece
            if len(piece) < 2:
                return
            self._may_be_raw = False
            if int.from_bytes(piece[:2]) % 31 or piece[0] & 15 != 8:  # RFC 1950: no head of zlib's
                self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        while piece and not self._inflate.eof:  # what follows a compressed body is no part of it
            try:
                found = self._inflate.decompress(piece, _STEP_BYTES)
            except zlib.error as error:
                raise httpx2.DecodingError("The body is not compressed as its headers say.") from error
            piece = self._inflate.unconsumed_tail
            yield self._count(found)

    def finish(self) -> bytes:
        """Return the last bytes, after the last piece."""
        return self._count(self._inflate.flush()) if self._inflate else b""

    def _count(self, piece: bytes) -> bytes:
        self._bytes += len(piece)
        if self._bytes > self._max_bytes:
            self._refuse(self._max_bytes)
        if self._is_json is None and (head := piece.lstrip(_BEFORE_JSON)[:1]):
            self._is_json = head in b"[{"  # whatever the headers say; no picture, sound or video begins so
        if not self._is_stream:
            self._add(piece)
            return piece
        if _EVENT_END.search(self._last + piece[:3]):  # it lies in two pieces
            self._begin_event()
        if self._fits(piece):  # all its events together: most pieces, and quicker than to take them apart
            end = max(map(piece.rfind, _EVENT_ENDS))
            if end >= 0:
                self._begin_event()
            self._add(piece[end + 1 :])  # from within the end on: its bytes are no brackets
        else:
            for number, part in enumerate(_EVENT_END.split(piece)):
                if number:
                    self._begin_event()
                self._add(part)
        self._last = (self._last + piece[-3:])[-3:]
        return piece

    def _begin_event(self) -> None:
        self._event_bytes = self._openings = self._commas = 0

    def _add(self, part: bytes) -> None:
        """Count what belongs to one event, or to the body where there are none."""
        fits = self._fits(part)
        self._event_bytes += len(part)
        if self._event_bytes > self._max_event:
            self._refuse(self._max_event)
        if not fits:
            raise TooLargeError("The reply has more parts than can be read, so it is not taken.")
        if self._is_json:
            self._openings += part.count(b"[") + part.count(b"{")
            self._commas += part.count(b",")

    def _fits(self, part: bytes) -> bool:
        """Return whether a part fits into what is left for the event or the body."""
        if self._event_bytes + len(part) > self._max_event:
            return False
        openings, commas = part.count(b"[") + part.count(b"{"), part.count(b",")
        limits = self._json_limits
        return not self._is_json or (
            self._openings + openings <= limits.max_openings and self._commas + commas <= limits.max_commas
        )

    def _refuse(self, limit: int) -> NoReturn:
        raise TooLargeError(f"The reply is larger than {limit / 2**20:.4g} MB, so it is not taken.")


class BoundStream(httpx2.SyncByteStream):
    """Stream of a response through a `BodyReader`; `check` is called with every piece, and may raise."""

    def __init__(self, stream: httpx2.SyncByteStream, reader: BodyReader, check: Callable[[], object]) -> None:
        self._stream, self._reader, self._check = stream, reader, check

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._stream:
            self._check()
            yield from self._reader.feed(piece)
        yield self._reader.finish()

    def close(self) -> None:
        """Close the connection's stream."""
        self._stream.close()


class BoundAsyncStream(httpx2.AsyncByteStream):
    """Asynchronous `BoundStream`."""

    def __init__(self, stream: httpx2.AsyncByteStream, reader: BodyReader, check: Callable[[], object]) -> None:
        self._stream, self._reader, self._check = stream, reader, check

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            self._check()
            for found in self._reader.feed(piece):
                yield found
        yield self._reader.finish()

    async def aclose(self) -> None:
        """Close the connection's stream."""
        await self._stream.aclose()


def bind_body(
    response: httpx2.Response,
    max_bytes: int,
    *,
    max_event_bytes: int | None = None,
    json_limits: JsonLimits = RESULT_LIMITS,
    check: Any = bool,
) -> None:
    """Bound a response's body while it is read; to be called from a client's response hook.

    Args:
        response: Its body is not read yet.
        max_bytes: As for `BodyReader`.
        max_event_bytes: As for `BodyReader`.
        json_limits: As for `BodyReader`.
        check: Called with every piece; raises where the call is cancelled or late.

    Raises:
        TooLargeError: It is compressed in another way than was asked for.
    """
    reader = BodyReader(response.headers, max_bytes, max_event_bytes=max_event_bytes, json_limits=json_limits)
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = BoundAsyncStream(response.stream, reader, check)
    elif isinstance(response.stream, httpx2.SyncByteStream):
        response.stream = BoundStream(response.stream, reader, check)
