"""Listings in pages, in the order of UTF-8 bytes, that read only what they give.

A token says where to go on: behind a key, or behind all keys with a common prefix. Both hold
whatever is written or deleted meanwhile.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import TypeVar

from attrs import frozen
from cloudkit.api.paging import Page
from cloudkit.api.storage import BucketInfo, ObjectEntry, PendingUpload
from cloudkit.api.storage.operations import ListBuckets, ListObjects, ListUploads
from cloudkit.common import ValidationError
from cloudkit.local.connection import Connection
from cloudkit.local.index import require_bucket
from cloudkit.local.record import COLUMNS, ObjectRecord, to_time

T = TypeVar("T")

_BEHIND_KEY = b"k"
_BEHIND_PREFIX = b"p"
_END = b"\xff"  # greater than any UTF-8


@frozen
class _Start:
    """Where to begin: at a key, or behind it."""

    key: bytes
    inclusive: bool


def list_objects(connection: Connection, op: ListObjects, max_page: int) -> Page[ObjectEntry]:
    """One page of a bucket's objects.

    Raises:
        NotFoundError: There is no such bucket.
        ValidationError: The token was not made here.
    """
    require_bucket(connection, op.bucket)
    prefix = op.prefix.encode()
    delimiter = None if op.delimiter is None else op.delimiter.encode()
    size = min(op.page_size or max_page, max_page)
    starts = [_Start(prefix, inclusive=True)]
    if op.start_after is not None:
        starts.append(_Start(op.start_after.encode(), inclusive=False))
    if op.page_token is not None:
        starts.append(_from_token(op.page_token))
    walk = _Walk(connection, op.bucket, prefix, delimiter)
    return walk.page(max(starts, key=lambda start: (start.key, not start.inclusive)), size)


class _Walk:
    def __init__(
        self, connection: Connection, bucket: str, prefix: bytes, delimiter: bytes | None
    ) -> None:
        self._connection = connection
        self._bucket = bucket
        self._prefix = prefix
        self._delimiter = delimiter
        self._entries: list[ObjectEntry] = []
        self._last = b""  # kind and place of the last entry: the token of what follows

    def page(self, start: _Start | None, size: int) -> Page[ObjectEntry]:
        while start is not None:
            start = self._run(start, size)
        if len(self._entries) <= size:
            return Page(self._entries)
        return Page(self._entries[:size], _to_token(self._last))

    def _run(self, start: _Start, size: int) -> _Start | None:
        """Take keys up to a common prefix; returns where to go on behind it."""
        rows = self._connection.execute(
            f"SELECT {COLUMNS} FROM object WHERE bucket = ? "  # noqa: S608
            f"AND key {'>=' if start.inclusive else '>'} ? AND key < ? ORDER BY key LIMIT ?",
            (
                self._bucket,
                start.key,
                _successor(self._prefix),
                size + 1 - len(self._entries),
            ),
        )
        for row in rows:
            full = len(self._entries) == size
            group = self._group(row[1])
            if group is not None:
                self._entries.append(ObjectEntry(key=group.decode(), is_prefix=True))
                if full:
                    return None
                self._last = _BEHIND_PREFIX + group
                return _Start(_successor(group), inclusive=True)
            self._entries.append(ObjectRecord.from_row(row).entry())
            if not full:
                self._last = _BEHIND_KEY + row[1]
        return None

    def _group(self, key: bytes) -> bytes | None:
        if self._delimiter is None:
            return None
        at = key.find(self._delimiter, len(self._prefix))
        return None if at < 0 else key[: at + len(self._delimiter)]


def list_buckets(connection: Connection, op: ListBuckets, max_page: int) -> Page[BucketInfo]:
    """One page of the buckets.

    Raises:
        ValidationError: The token was not made here.
    """
    after = "" if op.page_token is None else _token_key(op.page_token).decode()
    size = min(op.page_size or max_page, max_page)
    rows = connection.execute(
        "SELECT name, created FROM bucket WHERE name > ? AND name >= ? "
        "AND substr(name, 1, ?) = ? ORDER BY name LIMIT ?",
        (after, op.prefix, len(op.prefix), op.prefix, size + 1),
    ).fetchall()
    buckets = [BucketInfo(name=name, created_at=to_time(created)) for name, created in rows]
    return _page(buckets, size, lambda bucket: bucket.name.encode())


def list_uploads(connection: Connection, op: ListUploads, max_page: int) -> Page[PendingUpload]:
    """One page of the unfinished uploads of a bucket.

    Raises:
        NotFoundError: There is no such bucket.
        ValidationError: The token was not made here.
    """
    require_bucket(connection, op.bucket)
    prefix = op.prefix.encode()
    key, _, upload = (b"" if op.page_token is None else _token_key(op.page_token)).rpartition(b"/")
    rows = connection.execute(
        "SELECT key, id, started FROM upload WHERE bucket = ? AND (key, id) > (?, ?) "
        "AND key >= ? AND key < ? ORDER BY key, id LIMIT ?",
        (op.bucket, key, upload.decode(), prefix, _successor(prefix), max_page + 1),
    ).fetchall()
    uploads = [
        PendingUpload(key=key.decode(), upload_id=upload, started_at=to_time(started))
        for key, upload, started in rows
    ]
    return _page(uploads, max_page, lambda u: u.key.encode() + b"/" + u.upload_id.encode())


def _page(items: list[T], size: int, place: Callable[[T], bytes]) -> Page[T]:
    if len(items) <= size:
        return Page(items)
    return Page(items[:size], _to_token(_BEHIND_KEY + place(items[size - 1])))


def _successor(prefix: bytes) -> bytes:
    """The first bytes behind all that begin with the prefix. UTF-8 has no byte 0xff."""
    return prefix[:-1] + bytes((prefix[-1] + 1,)) if prefix else _END


def _to_token(place: bytes) -> str:
    return base64.urlsafe_b64encode(place).decode()


def _from_token(token: str) -> _Start:
    place = _decoded(token)
    if place[:1] == _BEHIND_PREFIX:
        return _Start(_successor(place[1:]), inclusive=True)
    return _Start(place[1:], inclusive=False)


def _token_key(token: str) -> bytes:
    return _from_token(token).key


def _decoded(token: str) -> bytes:
    try:
        place = base64.b64decode(token, altchars=b"-_", validate=True)
        place.decode()
    except (binascii.Error, ValueError):
        place = b""
    if place[:1] not in {_BEHIND_KEY, _BEHIND_PREFIX} or len(place) < 2:
        raise ValidationError("this page_token was not made by this provider")
    return place
