"""Messages: put, and read from cursors."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from emulators.oracle.errors import OracleError, invalid, object_body
from emulators.oracle.routing import Call, Route, integer, route, timestamp
from emulators.oracle.streaming.groups import MAX_BYTES, Groups, offsets, read_token, token
from emulators.oracle.streaming.store import Message, Store, Stream
from emulators.web import Response

MAX_KEY = 256
MAX_LIMIT = 10000


class Messages:
    """Operations on messages."""

    def __init__(self, store: Store, groups: Groups) -> None:
        self._store = store
        self._groups = groups
        self.routes: list[Route] = [
            route("POST", "/streams/{streamId}/messages", self._put),
            route("GET", "/streams/{streamId}/messages", self._get),
            route("POST", "/streams/{streamId}/cursors", self._create_cursor),
        ]

    def _put(self, call: Call, identity: str) -> Response:
        stream = self._store.live(identity)
        entries = object_body(call.request).get("messages")
        if not isinstance(entries, list) or not entries:
            raise invalid("messages must be a list and not empty")
        checked = [_checked(entry) for entry in entries]
        if sum(len(key or b"") + len(value) for key, value in checked) > MAX_BYTES:
            raise OracleError(413, "RequestEntityTooLarge", "A request has at most 1 MiB")
        told = []
        for key, value in checked:
            partition, message = stream.put(key, value)
            told.append(
                {
                    "partition": str(partition),
                    "offset": message.offset,
                    "timestamp": _moment(message.time),
                }
            )
        return Response.of_json({"failures": 0, "entries": told})

    def _get(self, call: Call, identity: str) -> Response:
        stream = self._store.live(identity)
        cursor = read_token(identity, call.request.param("cursor"))
        limit = integer(call.request, "limit", 1, MAX_LIMIT, MAX_LIMIT)
        if "group" in cursor:
            found = self._groups.read(stream, cursor, limit)
            partition = cursor["last"]
        else:
            partition = cursor["partition"]
            found = stream.partitions[partition].read(cursor["offset"], limit, MAX_BYTES)
            if found:
                cursor["offset"] = found[-1].offset + 1
        shown = [_described(stream, partition, message) for message in found]
        return Response.of_json(shown, headers={"opc-next-cursor": token(cursor)})

    def _create_cursor(self, call: Call, identity: str) -> Response:
        stream = self._store.live(identity)
        details = object_body(call.request)
        number = str(details.get("partition", ""))
        if not number.isdecimal() or int(number) >= len(stream.partitions):
            raise invalid("There is no such partition")
        kind, offset = details.get("type"), details.get("offset")
        if kind in {"AT_OFFSET", "AFTER_OFFSET"}:
            if not isinstance(offset, int) or offset < 0:
                raise invalid("offset must be a number")
            place = offset + (kind == "AFTER_OFFSET")
        else:
            place = offsets(stream, details)[int(number)]
        cursor = {"stream": identity, "partition": int(number), "offset": place}
        return Response.of_json({"value": token(cursor)})


def _checked(entry: Any) -> tuple[bytes | None, bytes]:
    """Key and value of a message to be put."""
    fields: Mapping[str, Any] = entry if isinstance(entry, dict) else {}
    key = None if fields.get("key") is None else _decoded(fields["key"])
    value = _decoded(fields.get("value"))
    if key is not None and len(key) > MAX_KEY:
        raise invalid(f"A key has at most {MAX_KEY} bytes")
    return key, value


def _decoded(text: object) -> bytes:
    if not isinstance(text, str):
        raise invalid("key and value must be base64")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise invalid("key and value must be base64") from None


def _described(stream: Stream, partition: int, message: Message) -> dict[str, Any]:
    return {
        "stream": stream.description["name"],
        "partition": str(partition),
        "key": base64.b64encode(message.key).decode(),
        "value": base64.b64encode(message.value).decode(),
        "offset": message.offset,
        "timestamp": _moment(message.time),
    }


def _moment(seconds: float) -> str:
    return timestamp(datetime.fromtimestamp(seconds, UTC))
