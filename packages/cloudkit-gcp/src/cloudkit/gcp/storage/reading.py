"""Reading objects. The functions block; they run in worker threads.

The answer with an object's content does not tell its metadata. So to open an object takes two
requests: for its facts, and for the content of just that generation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from anyio.abc import ByteReceiveStream
from cloudkit.api.storage import ByteRange, MemoryStream, ObjectInfo
from cloudkit.api.storage.operations import HeadObject, OpenObject
from cloudkit.common import ConflictError
from cloudkit.gcp.clients import GcpClients
from cloudkit.gcp.errors import status_of
from cloudkit.gcp.storage.attributes import to_info
from cloudkit.gcp.storage.body import BodyStream, read_piece
from cloudkit.gcp.storage.checksums import Check, told_crc32c
from cloudkit.gcp.storage.client import StorageClient, object_path
from cloudkit.gcp.storage.conditions import condition
from cloudkit.gcp.storage.keys import to_name

if TYPE_CHECKING:
    import requests

AT_ONCE = 256 * 1024
"""Bytes up to which a body is read together with its headers."""

TRIES = 5
"""How often an object is opened that others replace in between."""


class Reader:
    """Reads objects and their facts.

    Args:
        clients: Has the threads that streams are read in.
    """

    def __init__(self, clients: GcpClients) -> None:
        self._clients = clients

    def get(self, client: StorageClient, op: OpenObject) -> bytes:
        """All bytes of an object or of a range of it."""
        try:
            response = _content(client, op, condition(op.if_match, op.if_none_match), op.byte_range)
        except Exception as error:
            suffix = op.byte_range is not None and op.byte_range.suffix is not None
            if suffix and status_of(error) == 416:
                return b""  # the last bytes of an empty object, which the service refuses to give
            raise
        return b"".join(_pieces(response))

    def save(
        self,
        client: StorageClient,
        op: OpenObject,
        write: Callable[[bytes, int], None],
        start: int,
    ) -> int:
        """Pass the bytes of a range to a function, each piece with its position; count them."""
        written = 0
        conditions = condition(op.if_match, op.if_none_match)
        for piece in _pieces(_content(client, op, conditions, op.byte_range)):
            write(piece, start + written)
            written += len(piece)
        return written

    def open(self, client: StorageClient, op: OpenObject) -> tuple[ObjectInfo, ByteReceiveStream]:
        """An object's facts, and its bytes as a stream; a small one is read at once."""
        for _ in range(TRIES):
            info = head(client, op)
            start, stop = (
                (0, info.size) if op.byte_range is None else op.byte_range.resolve(info.size)
            )
            if start == stop:
                return info, MemoryStream(b"")
            byte_range = None if stop - start == info.size else ByteRange(start, stop - 1)
            try:
                response = _content(client, op, {"generation": info.etag}, byte_range)
            except Exception as error:
                # Replaced or deleted in between: looking again tells.
                if status_of(error) != 404:
                    raise
                continue
            if stop - start <= AT_ONCE:
                return info, MemoryStream(b"".join(_pieces(response)))
            return info, BodyStream(self._clients, response, _check(response))
        raise ConflictError("the object was replaced again and again", retryable=True)


def head(client: StorageClient, op: HeadObject | OpenObject) -> ObjectInfo:
    """An object's facts."""
    conditions = condition(op.if_match, op.if_none_match)
    resource = client.json("GET", object_path(op.bucket, to_name(op.key)), conditions)
    return to_info(op.bucket, op.key, resource)


def _content(
    client: StorageClient,
    op: OpenObject,
    query: Mapping[str, str],
    byte_range: ByteRange | None,
) -> requests.Response:
    # What is stored compressed is given compressed.
    headers = {"Accept-Encoding": "gzip"}
    if byte_range is not None:
        headers["Range"] = byte_range.header
    path = f"/download/storage/v1{object_path(op.bucket, to_name(op.key))}"
    return client.send("GET", path, {**query, "alt": "media"}, headers, stream=True)


def _pieces(response: requests.Response) -> Iterator[bytes]:
    """The body, compared with its checksum at the end."""
    check = _check(response)
    with response:
        while piece := read_piece(response):
            check.update(piece)
            yield piece
    check.finish()


def _check(response: requests.Response) -> Check:
    """The checksum is that of the whole object: of a range it says nothing."""
    content_range = response.headers.get("Content-Range")
    if content_range is None:
        return Check(told_crc32c(response.headers))
    asked, _, total = content_range.removeprefix("bytes ").partition("/")
    first, _, last = asked.partition("-")
    whole = first == "0" and total.isdigit() and int(last) + 1 == int(total)
    return Check(told_crc32c(response.headers) if whole else None)
