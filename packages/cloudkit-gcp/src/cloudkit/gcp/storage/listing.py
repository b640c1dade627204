"""Listing objects. The functions block; they run in worker threads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cloudkit.api.paging import Page
from cloudkit.api.storage import ObjectEntry
from cloudkit.api.storage.operations import ListObjects
from cloudkit.common import ValidationError
from cloudkit.core.folding import fold
from cloudkit.gcp.storage.attributes import to_class, to_time
from cloudkit.gcp.storage.client import StorageClient, bucket_path
from cloudkit.gcp.storage.keys import to_delimiter, to_key, to_prefix, to_start
from cloudkit.gcp.storage.parts import is_temporary

MAX_PAGE = 1000

FIELDS = "items(name,size,generation,updated,storageClass),prefixes,nextPageToken"


def list_objects(client: StorageClient, op: ListObjects) -> Page[ObjectEntry]:
    """One page; it may be empty although others follow.

    The service lists by the bytes of names. Escaped characters stand elsewhere in that order than
    in that of keys, so a page is put in order here; and delimiters that could be part of an escape
    are applied here. A token is the service's own, with the last common prefix that was given where
    it is not the service that folds.
    """
    token, folded = (None, None) if op.page_token is None else _parsed(op.page_token)
    start, exact = (None, True) if op.start_after is None else to_start(op.start_after)
    delimiter = to_delimiter(op.delimiter) if op.delimiter is not None and exact else None
    wanted = {
        "prefix": to_prefix(op.prefix) or None,
        "delimiter": delimiter,
        "startOffset": start,
        "pageToken": token,
        "maxResults": str(min(op.page_size or MAX_PAGE, MAX_PAGE)),
        "fields": FIELDS,
    }
    query = {name: value for name, value in wanted.items() if value is not None}
    answer = client.json("GET", f"{bucket_path(op.bucket)}/o", query)
    entries: Iterable[ObjectEntry] = (e for e in _entries(answer) if _is_asked_for(e, op))
    here = op.delimiter is not None and delimiter is None
    if here:
        entries = fold(sorted(entries, key=_order), op.prefix, op.delimiter or "", folded)
    listed = sorted(entries, key=_order)
    if here:
        folded = next((entry.key for entry in reversed(listed) if entry.is_prefix), folded)
    following = answer.get("nextPageToken")
    return Page(listed, json.dumps([following, folded]) if following else None)


def _parsed(token: str) -> tuple[str, str | None]:
    try:
        following, folded = json.loads(token)
    except (ValueError, TypeError):
        raise ValidationError("page_token is none that list_objects has given") from None
    return str(following), folded


def _entries(answer: Mapping[str, Any]) -> Iterator[ObjectEntry]:
    for prefix in answer.get("prefixes", []):
        yield ObjectEntry(key=to_key(prefix), is_prefix=True)
    for found in answer.get("items", []):
        if not is_temporary(found["name"]):
            yield ObjectEntry(
                key=to_key(found["name"]),
                size=int(found["size"]),
                etag=str(found["generation"]),
                last_modified=to_time(found["updated"]),
                storage_class=to_class(found.get("storageClass")),
            )


def _is_asked_for(entry: ObjectEntry, op: ListObjects) -> bool:
    """Whether an entry begins as asked, and is not before the start.

    A common prefix is not even when it stands before: the service gives it for what is behind.
    """
    if not entry.key.startswith(op.prefix):
        return False
    return entry.is_prefix or op.start_after is None or _order(entry) > op.start_after.encode()


def _order(entry: ObjectEntry) -> bytes:
    return entry.key.encode()
