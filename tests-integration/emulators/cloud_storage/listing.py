"""Objects of a bucket, in the order of their UTF-8 bytes, a page at a time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice
from typing import Any

from emulators.cloud_storage import pages
from emulators.cloud_storage.errors import not_doubled
from emulators.cloud_storage.store import Bucket, Store
from emulators.web import Request, Response

_NOT_DOUBLED = ("versions", "softDeleted", "matchGlob", "includeFoldersAsPrefixes", "filter")


def list_(store: Store, request: Request, bucket: str) -> Response:
    """``GET /b/{bucket}/o``."""
    for name in _NOT_DOUBLED:
        if (request.param(name) or "false").lower() != "false":
            raise not_doubled(f"{name} of listings")
    found = store.bucket(bucket)
    limit = pages.limit(request)
    entries = list(islice(_entries(found, request, _after(request)), limit + 1))
    shown = entries[:limit]
    answer: dict[str, Any] = {"kind": "storage#objects"}
    if len(entries) > limit:
        answer["nextPageToken"] = _token(shown[-1])
    if prefixes := [name for name, is_object in shown if not is_object]:
        answer["prefixes"] = prefixes
    if names := [name for name, is_object in shown if is_object]:
        answer["items"] = [found.objects[name].resource(request.base_url) for name in names]
    return Response.of_json(answer)


def _entries(
    bucket: Bucket, request: Request, after: tuple[str, bool]
) -> Iterator[tuple[str, bool]]:
    """Names behind an entry of the page before, and whether they are objects or prefixes."""
    prefix = request.param("prefix") or ""
    end = request.param("endOffset") or ""
    start = max(prefix, request.param("startOffset") or "", after[0])
    last = after
    for name in islice(bucket.names, bisect_left(bucket.names, start), None):
        if not name.startswith(prefix) or (end and name >= end):
            return
        for entry in _entries_of(name, prefix, request):
            if entry > last:
                last = entry
                yield entry


def _entries_of(name: str, prefix: str, request: Request) -> Iterator[tuple[str, bool]]:
    """How a listing shows an object: as itself, as the prefix it belongs to, or as both."""
    delimiter = request.param("delimiter") or ""
    index = name.find(delimiter, len(prefix)) if delimiter else -1
    group = name[: index + len(delimiter)] if index >= 0 else None
    if group is not None:
        yield group, False
    if group is None or (group == name and _is_true(request, "includeTrailingDelimiter")):
        yield name, True


def _is_true(request: Request, name: str) -> bool:
    return (request.param(name) or "").lower() == "true"


def _token(entry: tuple[str, bool]) -> str:
    name, is_object = entry
    return pages.token(f"{is_object:d}{name}")


def _after(request: Request) -> tuple[str, bool]:
    text = pages.after(request)
    return text[1:], text[:1] == "1"
