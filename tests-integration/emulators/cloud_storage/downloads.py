"""Content of objects: whole, or a range of it."""

from __future__ import annotations

import gzip
import re
from email.utils import formatdate

from emulators.cloud_storage.errors import StorageError
from emulators.cloud_storage.store import StoredObject
from emulators.web import Request, Response

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_CONTENT_HEADERS = {
    "cacheControl": "Cache-Control",
    "contentDisposition": "Content-Disposition",
    "contentEncoding": "Content-Encoding",
    "contentLanguage": "Content-Language",
    "contentType": "Content-Type",
}


def download(request: Request, stored: StoredObject, etag: str) -> Response:
    """The content, as far as the request asks for it.

    Args:
        request: Says the range and the encodings that are understood.
        stored: What to give.
        etag: As the API writes it that is used.

    Raises:
        StorageError: The range begins behind the end (416).
    """
    headers = object_headers(stored, etag)
    data = stored.content.data
    if _must_be_decompressed(request, stored):
        del headers["Content-Encoding"]
        headers["Warning"] = '214 UploadServer "gunzipped"'
        return Response(200, gzip.decompress(data), headers)
    asked = _asked_range(request.headers.get("range", ""), len(data))
    if asked is None:
        return Response(200, data, headers)
    headers["Content-Range"] = f"bytes {asked.start}-{asked.stop - 1}/{len(data)}"
    return Response(206, data[asked.start : asked.stop], headers)


def object_headers(stored: StoredObject, etag: str) -> dict[str, str]:
    """All that headers say of an object, but for its custom metadata."""
    content = stored.content
    headers = {
        shown: stored.fields[name]
        for name, shown in _CONTENT_HEADERS.items()
        if stored.fields.get(name)
    }
    headers |= {
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Last-Modified": formatdate(stored.updated, usegmt=True),
        "X-Goog-Generation": str(stored.generation),
        "X-Goog-Metageneration": str(stored.metageneration),
        "X-Goog-Hash": content.hash_header,
        "X-Goog-Storage-Class": stored.storage_class,
        "X-Goog-Stored-Content-Encoding": stored.fields.get("contentEncoding") or "identity",
        "X-Goog-Stored-Content-Length": str(len(content.data)),
    }
    headers.setdefault("Content-Type", "application/octet-stream")
    if content.components is not None:
        headers["X-Goog-Component-Count"] = str(content.components)
    return headers


def _must_be_decompressed(request: Request, stored: StoredObject) -> bool:
    """Gzipped objects are given out unpacked to those who do not say that they understand gzip."""
    return (
        stored.fields.get("contentEncoding") == "gzip"
        and "gzip" not in request.headers.get("accept-encoding", "")
        and "no-transform" not in (stored.fields.get("cacheControl") or "")
    )


def _asked_range(header: str, size: int) -> range | None:
    """The bytes asked for; None for all, also when the header makes no sense."""
    match = _RANGE.fullmatch(header.strip())
    if match is None or not (match[1] or match[2]):
        return None
    if match[1]:
        start, last = int(match[1]), int(match[2]) if match[2] else size - 1
        if match[2] and last < start:
            return None
    else:
        start, last = max(0, size - int(match[2])), size - 1
    if start >= size:
        message = "The requested range cannot be satisfied."
        headers = {"Content-Range": f"bytes */{size}"}
        raise StorageError(
            416, "requestedRangeNotSatisfiable", message, code="InvalidRange", extra_headers=headers
        )
    return range(start, min(last, size - 1) + 1)
