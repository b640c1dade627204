"""Listing objects. The functions block; they run in worker threads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from email.utils import parsedate_to_datetime
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from attrs import frozen
from cloudkit.api.paging import Page
from cloudkit.api.storage import ObjectEntry
from cloudkit.api.storage.operations import ListObjects
from cloudkit.azure.blob.client import BlobClient, parsed
from cloudkit.azure.blob.keys import to_delimiter, to_key, to_name, to_prefix
from cloudkit.common import ValidationError
from cloudkit.core.folding import fold

MAX_PAGE = 5000

LAST_UNIT = "\uffff"
"""The last character that is one unit in UTF-16."""


@frozen
class _Place:
    """Where a page begins.

    Attributes:
        marker: The service's own word for it, or None for the beginning.
        after: The last key of that page of the service's that has been given already.
        folded: The last common prefix that has been given, where it is not the service that folds.
    """

    marker: str | None = None
    after: str | None = None
    folded: str | None = None

    @classmethod
    def of(cls, token: str | None) -> _Place:
        if token is None:
            return cls()
        try:
            marker, after, folded = json.loads(token)
        except (ValueError, TypeError):
            raise ValidationError("page_token is none that list_objects has given") from None
        return cls(marker, after, folded)

    @property
    def token(self) -> str:
        return json.dumps([self.marker, self.after, self.folded])


def list_objects(client: BlobClient, op: ListObjects) -> Page[ObjectEntry]:
    """One page; it may be empty although others follow.

    Blob Storage cannot begin behind a key, so what comes before it is read and left away, and it
    gives markers for the ends of its own pages only: a page that ends elsewhere is remembered by
    its last key. It lists by UTF-16 units, and escaped characters where ``%`` stands. A page of the
    service's is put in order here; where that might tell, as large a one as there is is asked for.
    """
    place = _Place.of(op.page_token)
    delimiter = None if op.delimiter is None else to_delimiter(op.delimiter)
    skipping = op.start_after is not None or place.after is not None
    size = MAX_PAGE if skipping else min(op.page_size or MAX_PAGE, MAX_PAGE)
    found, next_marker = _fetch(client, op, place.marker, delimiter, size)
    if size < MAX_PAGE and any(_out_of_order(entry) for entry in found):
        found, next_marker = _fetch(client, op, place.marker, delimiter, MAX_PAGE)
    entries: Iterable[ObjectEntry] = (entry for entry in found if entry.key.startswith(op.prefix))
    if op.start_after is not None:
        entries = _behind(client, op, entries, op.start_after)
    if op.delimiter is not None and delimiter is None:
        entries = fold(entries, op.prefix, op.delimiter, place.folded)
    listed = sorted(entries, key=_order)
    if place.after is not None:
        after = place.after.encode()
        listed = [entry for entry in listed if _order(entry) > after]
    page = listed[: op.page_size]
    folded = next((e.key for e in reversed(page) if e.is_prefix), place.folded)
    folded = folded if delimiter is None else None
    if len(page) < len(listed):
        return Page(page, _Place(place.marker, page[-1].key, folded).token)
    return Page(page, _Place(next_marker, None, folded).token if next_marker else None)


def _fetch(
    client: BlobClient, op: ListObjects, marker: str | None, delimiter: str | None, size: int
) -> tuple[list[ObjectEntry], str | None]:
    wanted = {
        "prefix": to_prefix(op.prefix) or None,
        "delimiter": delimiter,
        "marker": marker,
        "maxresults": str(size),
    }
    query = {name: value for name, value in wanted.items() if value is not None}
    query |= {"restype": "container", "comp": "list"}
    root = parsed(client.send("GET", op.bucket, query=query).read())
    found = [_entry(element) for element in root.iterfind("Blobs/*")]
    return found, root.findtext("NextMarker") or None


def _behind(
    client: BlobClient, op: ListObjects, entries: Iterable[ObjectEntry], start: str
) -> Iterator[ObjectEntry]:
    """The entries behind a key: also the common prefix that it is in, when others behind it are."""
    for entry in entries:
        if _order(entry) > start.encode():
            yield entry
        elif entry.is_prefix and start.startswith(entry.key):
            rest = ListObjects(bucket=op.bucket, prefix=entry.key, start_after=start, page_size=1)
            if _any(client, rest):
                yield entry


def _any(client: BlobClient, op: ListObjects) -> bool:
    while True:
        page = list_objects(client, op)
        if page.items or page.next_token is None:
            return bool(page.items)
        op = ListObjects(
            bucket=op.bucket,
            prefix=op.prefix,
            start_after=op.start_after,
            page_size=1,
            page_token=page.next_token,
        )


def _out_of_order(entry: ObjectEntry) -> bool:
    """Whether a key may stand elsewhere in the service's order than by its UTF-8 bytes."""
    return to_name(entry.key) != entry.key or max(entry.key, default="") > LAST_UNIT


def _order(entry: ObjectEntry) -> bytes:
    return entry.key.encode()


def _entry(element: ET.Element) -> ObjectEntry:
    named = element.find("Name")
    name = "" if named is None else named.text or ""
    if named is not None and named.get("Encoded") == "true":
        name = unquote(name)  # it has characters that XML cannot hold
    if element.tag == "BlobPrefix":
        return ObjectEntry(key=to_key(name), is_prefix=True)
    properties = element.find("Properties")
    facts = {} if properties is None else {fact.tag: fact.text or "" for fact in properties}
    inferred = facts.get("AccessTierInferred") == "true"
    return ObjectEntry(
        key=to_key(name),
        size=int(facts.get("Content-Length") or 0),
        etag=_quoted(facts.get("Etag", "")),
        last_modified=parsedate_to_datetime(facts["Last-Modified"]),
        storage_class=None if inferred else facts.get("AccessTier"),
    )


def _quoted(etag: str) -> str:
    """An etag as headers have it; listings leave its quotes away."""
    return etag if etag.startswith(('"', "W/")) else f'"{etag}"'
