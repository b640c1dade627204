"""Reading objects. The functions block; they run in worker threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from anyio.abc import ByteReceiveStream
from attrs import frozen
from cloudkit.api.storage import ByteRange, MemoryStream, ObjectInfo
from cloudkit.api.storage.operations import HeadObject, OpenObject
from cloudkit.azure.blob.attributes import to_info
from cloudkit.azure.blob.body import BodyStream
from cloudkit.azure.blob.client import BlobClient
from cloudkit.azure.blob.conditions import condition
from cloudkit.azure.blob.keys import to_name
from cloudkit.azure.clients import AzureClients
from cloudkit.azure.errors import status_of
from cloudkit.common import ConflictError

if TYPE_CHECKING:
    from azure.core.rest import HttpResponse

AT_ONCE = 256 * 1024
"""Bytes up to which a body is read together with its headers."""

TRIES = 5
"""How often the end of an object is looked for that others are writing."""


@frozen
class _Found:
    """An object's headers; and the answer that its body comes with, when it has one to give."""

    headers: Mapping[str, str]
    response: HttpResponse | None = None

    def pieces(self) -> Iterator[bytes]:
        # Not as the SDK reads it: a body that is stored compressed is given compressed.
        return iter(()) if self.response is None else self.response.iter_raw()

    def read(self) -> bytes:
        return b"".join(self.pieces())


class Reader:
    """Reads objects and their facts.

    Args:
        clients: Has the threads that streams are read in.
    """

    def __init__(self, clients: AzureClients) -> None:
        self._clients = clients

    def get(self, client: BlobClient, op: OpenObject) -> bytes:
        """All bytes of an object or of a range of it."""
        return self._find(client, op).read()

    def save(
        self, client: BlobClient, op: OpenObject, write: Callable[[bytes, int], None], start: int
    ) -> int:
        """Pass the bytes of a range to a function, each piece with its position; count them."""
        written = 0
        for piece in self._find(client, op).pieces():
            write(piece, start + written)
            written += len(piece)
        return written

    def open(self, client: BlobClient, op: OpenObject) -> tuple[ObjectInfo, ByteReceiveStream]:
        """An object's facts, and its bytes as a stream; a small one is read at once."""
        found = self._find(client, op)
        info = to_info(op.bucket, op.key, found.headers)
        if found.response is None or int(found.headers["Content-Length"]) <= AT_ONCE:
            return info, MemoryStream(found.read())
        return info, BodyStream(self._clients, found.response)

    def head(self, client: BlobClient, op: HeadObject) -> ObjectInfo:
        """An object's facts."""
        return to_info(op.bucket, op.key, _head(client, op).headers)

    def _find(self, client: BlobClient, op: OpenObject) -> _Found:
        conditions = condition(op.if_match, op.if_none_match)
        if op.byte_range is None:
            return _get(client, op, conditions)
        if op.byte_range.suffix is None:
            return _get(client, op, {**conditions, "x-ms-range": op.byte_range.header})
        return self._find_end(client, op, op.byte_range)

    def _find_end(self, client: BlobClient, op: OpenObject, end: ByteRange) -> _Found:
        """The last bytes. Blob Storage has to be told where they begin, so it is asked first."""
        for _ in range(TRIES):
            head = _head(client, op)
            size = int(head.headers["Content-Length"])
            if size == 0:
                return _Found(head.headers)
            begin, stop = end.resolve(size)
            try:
                headers = condition(head.headers["ETag"])
                headers["x-ms-range"] = ByteRange(begin, stop - 1).header
                return _get(client, op, headers)
            except Exception as error:
                # Replaced or deleted in between: looking again tells.
                if status_of(error) not in {404, 412}:
                    raise
        raise ConflictError("the object was replaced again and again", retryable=True)


def _get(client: BlobClient, op: OpenObject, headers: Mapping[str, str]) -> _Found:
    response = client.send("GET", op.bucket, to_name(op.key), headers=headers, stream=True)
    return _Found(response.headers, response)


def _head(client: BlobClient, op: OpenObject | HeadObject) -> HttpResponse:
    headers = condition(op.if_match, op.if_none_match)
    return client.send("HEAD", op.bucket, to_name(op.key), headers=headers)
