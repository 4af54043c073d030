"""Bounded bodies: what a server sends is decompressed step by step and counted as it comes out, in all and event by event.

An HTTP client decompresses whatever a piece expands to, a thousand times its size, and joins an endless line before anybody
sees it. So the body is taken before the client's own decoder, which then finds nothing left to decode.
"""

import zlib
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping
from typing import Any, Final

import httpx2

from hugginggpt.core.errors import ExpertError

ENCODINGS: Final = "gzip, deflate"
"""Accept-Encoding of requests whose answers are read here."""
_STEP_BYTES: Final = 1 << 16  # most that is decompressed at once
_AUTO: Final = zlib.MAX_WBITS | 32  # gzip or zlib, as its head says


class TooLargeError(ExpertError):
    """A body is larger than it may be, or compressed in a way that can't be bounded; the message is a sentence."""


class BodyReader:
    """Reader of one body."""

    def __init__(self, headers: MutableMapping[str, str], max_bytes: int, *, max_event_bytes: int | None = None) -> None:
        """Take over the decoding of a body: the headers that tell of it are removed.

        Args:
            headers: The answer's.
            max_bytes: Most bytes of the body, decompressed.
            max_event_bytes: Most bytes without a line's end in a stream of events; None: as many as the body.

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
        is_stream = headers.get("content-type", "").startswith("text/event-stream")
        self._max_line = max_event_bytes if is_stream and max_event_bytes else max_bytes
        self._bytes = self._line = 0

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Take the next piece as it was sent; yield what it decompresses to, in steps.

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
        """Return the last bytes, once everything was fed."""
        return self._count(self._inflate.flush()) if self._inflate else b""

    def _count(self, piece: bytes) -> bytes:
        self._bytes += len(piece)
        first, *rest = piece.split(b"\n") if self._max_line < self._max_bytes else (b"",)
        longest = max(self._line + len(first), *map(len, rest)) if rest else self._line + len(first)
        self._line = len(rest[-1]) if rest else longest
        if self._bytes > self._max_bytes or longest > self._max_line:
            limit = self._max_bytes if self._bytes > self._max_bytes else self._max_line
            raise TooLargeError(f"The reply is larger than {limit / 2**20:.4g} MB, so it is not taken.")
        return piece


class BoundStream(httpx2.SyncByteStream):
    """Stream of an answer through a `BodyReader`; `check` is called with every piece, and may raise."""

    def __init__(self, stream: httpx2.SyncByteStream, reader: BodyReader, check: Callable[[], object]) -> None:
        self._stream, self._reader, self._check = stream, reader, check

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._stream:
            self._check()
            yield from self._reader.feed(piece)
        yield self._reader.finish()

    def close(self) -> None:
        """Close the connection's."""
        self._stream.close()


class BoundAsyncStream(httpx2.AsyncByteStream):
    """As `BoundStream`, for an event loop."""

    def __init__(self, stream: httpx2.AsyncByteStream, reader: BodyReader, check: Callable[[], object]) -> None:
        self._stream, self._reader, self._check = stream, reader, check

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            self._check()
            for found in self._reader.feed(piece):
                yield found
        yield self._reader.finish()

    async def aclose(self) -> None:
        """Close the connection's."""
        await self._stream.aclose()


def bind_body(response: httpx2.Response, max_bytes: int, *, max_event_bytes: int | None = None, check: Any = bool) -> None:
    """Have an answer's body counted as it is read; call it from a client's response hook.

    Args:
        response: Its body is not read yet.
        max_bytes: As for `BodyReader`.
        max_event_bytes: As for `BodyReader`.
        check: Called with every piece; raises where the call is cancelled or late.

    Raises:
        TooLargeError: It is compressed in another way than was asked for.
    """
    reader = BodyReader(response.headers, max_bytes, max_event_bytes=max_event_bytes)
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = BoundAsyncStream(response.stream, reader, check)
    elif isinstance(response.stream, httpx2.SyncByteStream):
        response.stream = BoundStream(response.stream, reader, check)
