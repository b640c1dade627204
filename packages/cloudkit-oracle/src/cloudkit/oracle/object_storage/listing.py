"""Listing objects and unfinished uploads. The functions block; they run in worker threads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from cloudkit.api.paging import Page
from cloudkit.api.storage import ObjectEntry, PendingUpload
from cloudkit.api.storage.operations import ListObjects, ListUploads
from cloudkit.oracle.object_storage.attributes import to_class
from cloudkit.oracle.object_storage.keys import behind, to_key, to_place, to_prefix
from cloudkit.oracle.object_storage.space import BUCKET, Space
from cloudkit.oracle.object_storage.writing import UPLOADS

MAX_PAGE = 1000
FIELDS = "name,size,etag,timeModified,storageTier"
DELIMITER = "/"
"""The only one that the service knows. Others are applied here."""


def list_objects(space: Space, op: ListObjects) -> Page[ObjectEntry]:
    """One page, objects and common prefixes in one order. A token is the name to go on with."""
    if op.delimiter not in {None, DELIMITER}:
        return _Grouping(space, op, str(op.delimiter)).page()
    data = _names(space, op, op.page_token, _size(op), op.delimiter)
    entries = [*_entries(data), *_prefixes(data)]
    # Some escaped characters have their names begin as others do.
    wanted = [entry for entry in entries if entry.key.startswith(op.prefix)]
    wanted.sort(key=lambda entry: entry.key.encode())
    return Page(wanted, data.get("nextStartWith"))


def list_uploads(space: Space, op: ListUploads) -> Page[PendingUpload]:
    """One page of unfinished uploads. The service knows no prefix: a page may be short."""
    query = {"limit": MAX_PAGE, "page": op.page_token}
    response = space.send("GET", UPLOADS, op.bucket, query=query)
    uploads = [
        PendingUpload(
            key=to_key(found["object"]),
            upload_id=found["uploadId"],
            started_at=datetime.fromisoformat(found["timeCreated"]),
        )
        for found in response.data
    ]
    wanted = [upload for upload in uploads if upload.key.startswith(op.prefix)]
    return Page(wanted, response.headers.get("opc-next-page"))


class _Grouping:
    """A page with a delimiter that the service does not know.

    What belongs to a common prefix that is listed already is skipped: in the answer that is there,
    and by asking for what stands behind it.
    """

    def __init__(self, space: Space, op: ListObjects, delimiter: str) -> None:
        self._space = space
        self._op = op
        self._delimiter = delimiter
        self._limit = _size(op)
        self._found: list[ObjectEntry] = []

    def page(self) -> Page[ObjectEntry]:
        start = self._op.page_token
        while True:
            data = _names(self._space, self._op, start, MAX_PAGE, None)
            for found in data["objects"]:
                if not self._take(_entry(found)):
                    return Page(self._found, found["name"])
            start = self._next(data.get("nextStartWith"))
            if start is None or len(self._found) == self._limit:
                return Page(self._found, start)

    def _take(self, entry: ObjectEntry) -> bool:
        """Add an entry, or its common prefix; tells whether there was room."""
        op = self._op
        if not entry.key.startswith(op.prefix):
            return True
        head, separator, _ = entry.key[len(op.prefix) :].partition(self._delimiter)
        if separator:
            entry = ObjectEntry(key=op.prefix + head + separator, is_prefix=True)
            if self._found and self._found[-1] == entry:
                return True
        if len(self._found) == self._limit:
            return False
        self._found.append(entry)
        return True

    def _next(self, start: str | None) -> str | None:
        if start is None or not self._found or not self._found[-1].is_prefix:
            return start
        group = to_prefix(self._found[-1].key)
        return behind(group) if start.startswith(group) else start


def _names(
    space: Space, op: ListObjects, start: str | None, limit: int, delimiter: str | None
) -> Mapping[str, Any]:
    query = {
        "prefix": to_prefix(op.prefix) or None,
        "delimiter": delimiter,
        "start": start,
        "startAfter": None if start is not None or not op.start_after else to_place(op.start_after),
        "limit": limit,
        "fields": FIELDS,
    }
    data: Mapping[str, Any] = space.send("GET", f"{BUCKET}/o", op.bucket, query=query).data
    return data


def _size(op: ListObjects) -> int:
    return min(op.page_size or MAX_PAGE, MAX_PAGE)


def _entries(data: Mapping[str, Any]) -> Iterator[ObjectEntry]:
    return map(_entry, data["objects"])


def _prefixes(data: Mapping[str, Any]) -> Iterator[ObjectEntry]:
    for name in data.get("prefixes") or ():
        yield ObjectEntry(key=to_key(name), is_prefix=True)


def _entry(found: Any) -> ObjectEntry:
    return ObjectEntry(
        key=to_key(found["name"]),
        size=found["size"],
        etag=found["etag"],
        last_modified=datetime.fromisoformat(found["timeModified"]),
        storage_class=to_class(found.get("storageTier")),
    )
