"""Bodies that servers send, counted after they are decompressed, through httpx's own client."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator

import httpx2
import pytest

from hugginggpt.core.bounded_body import ENCODINGS, BodyReader, JsonLimits, TooLargeError, bind_body
from tests.conftest import WebServer

TEXT = b"An invoice of 20417.\n" * 5_000
MB = 2**20


@pytest.fixture
def client() -> Iterator[httpx2.Client]:
    hooks = {"response": [lambda response: bind_body(response, MB)]}
    with httpx2.Client(event_hooks=hooks, headers={"Accept-Encoding": ENCODINGS}) as made:
        yield made


def deflate(body: bytes, bits: int = zlib.MAX_WBITS) -> bytes:
    compressor = zlib.compressobj(wbits=bits)
    return compressor.compress(body) + compressor.flush()


BODIES = {
    "identity": (TEXT, ""),
    "gzip": (gzip.compress(TEXT), "gzip"),
    "deflate": (deflate(TEXT), "deflate"),
    "deflate without its head": (deflate(TEXT, -zlib.MAX_WBITS), "deflate"),
    "gzip with something behind it": (gzip.compress(TEXT) + b"more", "gzip"),
}


@pytest.mark.parametrize("kind", BODIES)
def test_a_body_is_what_it_was_before_it_was_compressed(client: httpx2.Client, web: WebServer, kind: str) -> None:
    body, encoding = BODIES[kind]
    url = web.serve("/a", body, **({"Content_Encoding": encoding} if encoding else {}))
    assert client.get(url).content == TEXT


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_pieces_may_be_cut_anywhere(size: int) -> None:
    for body, encoding in BODIES.values():
        reader = BodyReader({"content-encoding": encoding}, MB)
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        assert b"".join([*(found for piece in pieces for found in reader.feed(piece)), reader.finish()]) == TEXT


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_bomb_is_not_blown_up(client: httpx2.Client, web: WebServer, encoding: str) -> None:
    bomb = gzip.compress(bytes(200 * MB)) if encoding == "gzip" else deflate(bytes(200 * MB))
    assert len(bomb) < MB
    with pytest.raises(TooLargeError, match=r"^The reply is larger than 1 MB, so it is not taken\.$"):
        client.get(web.serve("/a", bomb, Content_Encoding=encoding))
    reader = BodyReader({"content-encoding": encoding}, 300 * MB)
    assert max(map(len, reader.feed(bomb))) <= 2**16  # never more at once


def test_a_body_that_is_larger_than_it_may_be_is_not_read_to_its_end(client: httpx2.Client, web: WebServer) -> None:
    with pytest.raises(TooLargeError):
        client.get(web.serve("/a", bytes(2 * MB)))
    assert len(client.get(web.serve("/b", bytes(MB))).content) == MB


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "nonsense"])
def test_a_compression_that_was_not_asked_for_is_refused(client: httpx2.Client, web: WebServer, encoding: str) -> None:
    with pytest.raises(TooLargeError, match="was not asked for"):
        client.get(web.serve("/a", b"x", Content_Encoding=encoding))


def test_a_body_that_is_not_what_its_headers_say_is_an_error(client: httpx2.Client, web: WebServer) -> None:
    with pytest.raises(httpx2.DecodingError):
        client.get(web.serve("/a", b"plain", Content_Encoding="gzip"))


def test_one_event_has_a_limit_of_its_own() -> None:
    headers = {"content-type": "text/event-stream; charset=utf-8"}
    reader = BodyReader(dict(headers), 100 * MB, max_event_bytes=MB)
    for _ in range(30):  # many small ones are fine
        list(reader.feed(b"data: " + b"x" * (MB // 2) + b"\n\n"))
    list(reader.feed(b"x" * (MB // 2 + 1)))  # one line, in pieces
    with pytest.raises(TooLargeError, match="larger than 1 MB"):
        list(reader.feed(b"x" * (MB // 2)))
    whole = BodyReader({"content-type": "application/json"}, 100 * MB, max_event_bytes=MB)
    list(whole.feed(b"x" * 5 * MB))  # what is no stream of events has no lines


FEW = JsonLimits(max_openings=100, max_commas=300)


@pytest.mark.parametrize("size", [1, 3, 1_000])
@pytest.mark.parametrize(
    ("body", "taken"),
    [
        (b"[" + b"1," * 300 + b"1]", True),
        (b"[" + b"1," * 301 + b"1]", False),
        (b" \n{" + b'"a":{},' * 150, False),
        (b"\xef\xbb\xbf[" + b"[]," * 150, False),
        ("[[".encode("utf-16") * 100, False),  # Python's decoder takes that, too
        (b"\x89PNG" + b"[{," * 5_000, True),  # no JSON: nobody makes objects of it
        (b"", True),
    ],
)
def test_what_becomes_objects_is_counted_before_it_does(body: bytes, taken: bool, size: int) -> None:
    reader = BodyReader({}, MB, json_limits=FEW)
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    if taken:
        assert b"".join(found for piece in pieces for found in reader.feed(piece)) == body
        return
    with pytest.raises(TooLargeError, match="more parts than can be read"):
        [list(reader.feed(piece)) for piece in pieces]


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
@pytest.mark.parametrize("size", [1, 2, 7, 1_000])
def test_each_event_is_counted_by_itself_wherever_it_is_cut(end: bytes, size: int) -> None:
    event = b"data: [" + b"{}," * 80 + b"{}]"
    body = (event + end) * 20 + event + b"\ndata: " + event  # a single line's end ends no event
    reader = BodyReader({"content-type": "text/event-stream"}, MB, json_limits=FEW)
    whole = 20 * len(event + end) + len(event) - size  # before it, nothing is too much
    for at in range(0, whole, size):
        list(reader.feed(body[at : at + size]))
    with pytest.raises(TooLargeError, match="more parts"):
        list(reader.feed(body[at + size :]))
