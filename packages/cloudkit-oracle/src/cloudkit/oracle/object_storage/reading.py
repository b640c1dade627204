"""Reading objects. The functions block; they run in worker threads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from anyio.abc import ByteReceiveStream
from cloudkit.api.storage import MemoryStream, ObjectInfo
from cloudkit.api.storage.operations import HeadObject, OpenObject
from cloudkit.common import IntegrityError, PreconditionFailedError
from cloudkit.oracle.errors import code_of
from cloudkit.oracle.object_storage.attributes import checksums, to_info
from cloudkit.oracle.object_storage.body import CHUNK, BodyStream, pieces
from cloudkit.oracle.object_storage.conditions import ANY, condition
from cloudkit.oracle.object_storage.keys import to_name
from cloudkit.oracle.object_storage.space import Space, Spaces
from cloudkit.oracle.object_storage.writing import OBJECT


class Reader:
    """Reads objects and their facts.

    Args:
        spaces: Has the threads that streams are read in.
    """

    def __init__(self, spaces: Spaces) -> None:
        self._spaces = spaces

    def get(self, space: Space, op: OpenObject) -> bytes:
        """All bytes of an object or of a range of it.

        Raises:
            IntegrityError: They are not those that were stored.
        """
        response = _fetch(space, op)
        if response is None:
            return b""
        data = b"".join(pieces(response))
        wanted = checksums(response.headers).get("md5")
        if wanted is not None and hashlib.md5(data, usedforsecurity=False).hexdigest() != wanted:
            raise IntegrityError("the content does not match its checksum", retryable=True)
        return data

    def save(
        self, space: Space, op: OpenObject, write: Callable[[bytes, int], None], start: int
    ) -> int:
        """Pass the bytes of a range to a function, each piece with its position; count them."""
        written = 0
        response = _fetch(space, op)
        for piece in () if response is None else pieces(response):
            write(piece, start + written)
            written += len(piece)
        return written

    def open(self, space: Space, op: OpenObject) -> tuple[ObjectInfo, ByteReceiveStream]:
        """An object's facts, and its bytes as a stream; a small one is read at once."""
        response = _fetch(space, op)
        if response is None:
            return head(space, op), MemoryStream(b"")
        info = to_info(op.bucket, op.key, response.headers)
        if int(response.headers["content-length"]) <= CHUNK:
            return info, MemoryStream(b"".join(pieces(response)))
        return info, BodyStream(self._spaces, response)


def head(space: Space, op: OpenObject | HeadObject) -> ObjectInfo:
    """An object's facts."""
    if op.if_none_match == ANY:
        raise _exists(space, op)
    headers = condition(op.if_match, op.if_none_match)
    response = space.send("HEAD", OBJECT, op.bucket, to_name(op.key), headers=headers)
    return to_info(op.bucket, op.key, response.headers)


def _fetch(space: Space, op: OpenObject) -> Any:
    """The answer; None for the last bytes of an empty object, which the service refuses to give."""
    if op.if_none_match == ANY:
        raise _exists(space, op)
    headers = condition(op.if_match, op.if_none_match)
    if op.byte_range is not None:
        headers["range"] = op.byte_range.header
    try:
        return space.fetch(op.bucket, to_name(op.key), headers)
    except Exception as error:
        suffix = op.byte_range is not None and op.byte_range.suffix is not None
        if code_of(error) == "InvalidRange" and suffix:
            return None
        raise


def _exists(space: Space, op: OpenObject | HeadObject) -> PreconditionFailedError:
    """The service does not take ``*`` here; it says NotFound when there is none."""
    space.send("HEAD", OBJECT, op.bucket, to_name(op.key), headers=condition(op.if_match))
    return PreconditionFailedError("there is an object, and if_none_match wants none")
