"""Lists of objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from email.utils import format_datetime

from emulators.oracle.errors import invalid
from emulators.oracle.object_storage.store import Bucket, Content
from emulators.oracle.routing import integer, timestamp
from emulators.web import Request, Response

_FIELDS: Mapping[str, Callable[[Content], object]] = {
    "size": lambda content: len(content.data),
    "etag": lambda content: content.etag,
    "md5": lambda content: content.md5,
    "timeCreated": lambda content: timestamp(content.created),
    "timeModified": lambda content: timestamp(content.modified),
    "storageTier": lambda content: content.tier,
    "archivalState": lambda content: "Archived" if content.tier == "Archive" else None,
}


def list_objects(bucket: Bucket, request: Request) -> Response:
    """Names in the order of their UTF-8, with what is asked for of each."""
    fields = _fields(request)
    delimiter = request.param("delimiter")
    if delimiter not in {None, "", "/"}:
        raise invalid("The only supported delimiter is '/'")
    limit = integer(request, "limit", 1, 1000, 1000)
    prefix = request.param("prefix") or ""
    objects: list[object] = []
    prefixes: list[str] = []
    answer: dict[str, object] = {"objects": objects}
    for name in _names(bucket, request, prefix):
        head, found, _ = name[len(prefix) :].partition(delimiter or "\0")
        group = f"{prefix}{head}/" if found else None
        if group is not None and group in prefixes[-1:]:
            continue
        if len(objects) + len(prefixes) == limit:
            answer["nextStartWith"] = name
            break
        if group is not None:
            prefixes.append(group)
        else:
            content = bucket.objects[name]
            objects.append({"name": name, **{each: _FIELDS[each](content) for each in fields}})
    if delimiter:
        answer["prefixes"] = prefixes
    return Response.of_json(answer)


def last_modified(content: Content) -> str:
    """The moment of a change as headers have it."""
    return format_datetime(content.modified, usegmt=True)


def _fields(request: Request) -> list[str]:
    known = {name.lower(): name for name in (*_FIELDS, "name")}
    given = [each.strip().lower() for each in (request.param("fields") or "name").split(",")]
    if unknown := [each for each in given if each not in known]:
        raise invalid(f"Unknown fields: {', '.join(unknown)}")
    return [known[each] for each in given if each != "name"]


def _names(bucket: Bucket, request: Request, prefix: str) -> list[str]:
    start, after, end = (request.param(name) for name in ("start", "startAfter", "end"))
    return [
        name
        for name in sorted(bucket.objects, key=str.encode)
        if name.startswith(prefix)
        and name.encode() >= (start or "").encode()
        and (not after or name.encode() > after.encode())
        and (not end or name.encode() < end.encode())
    ]
