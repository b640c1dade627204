"""Streams: created, described, listed, changed, deleted."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from emulators.oracle.errors import OracleError, invalid, object_body
from emulators.oracle.pages import page
from emulators.oracle.routing import Call, Route, integer, route, timestamp
from emulators.oracle.streaming.store import Partition, Store, Stream
from emulators.web import Response

MAX_TAGS = 10
POOL = "ocid1.streampool.oc1.iad.default"
_SUMMARY = (
    *("name", "id", "partitions", "compartmentId", "streamPoolId", "lifecycleState"),
    *("timeCreated", "messagesEndpoint", "freeformTags", "definedTags"),
)


class Admin:
    """Operations on streams."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.routes: list[Route] = [
            route("GET", "/streams", self._list),
            route("POST", "/streams", self._create),
            route("GET", "/streams/{streamId}", self._get),
            route("PUT", "/streams/{streamId}", self._update),
            route("DELETE", "/streams/{streamId}", self._delete),
        ]

    def _list(self, call: Call) -> Response:
        request = call.request
        if bool(request.param("compartmentId")) == bool(request.param("streamPoolId")):
            raise invalid("One of compartmentId and streamPoolId must be given")
        integer(request, "limit", 1, 50, 10)
        found = [stream.description for stream in self._store.all()]
        for name in ("compartmentId", "streamPoolId", "id", "name", "lifecycleState"):
            if wanted := request.param(name):
                found = [each for each in found if str(each[name]).upper() == wanted.upper()]
        key = "name" if request.param("sortBy") == "NAME" else "timeCreated"
        order = request.param("sortOrder") or ("ASC" if key == "name" else "DESC")
        found.sort(key=lambda each: (each[key], each["id"]), reverse=order == "DESC")
        shown, headers = page(request, found, 10)
        summaries = [{name: each[name] for name in _SUMMARY} for each in shown]
        return Response.of_json(summaries, headers=headers)

    def _create(self, call: Call) -> Response:
        details = object_body(call.request)
        name, partitions = details.get("name"), details.get("partitions")
        hours = details.get("retentionInHours") or 24
        if not isinstance(name, str) or not re.fullmatch(r"[\w.-]{1,255}", name, re.ASCII):
            raise invalid("name must be letters, digits, '.', '-' and '_'")
        if not isinstance(partitions, int) or partitions < 1:
            raise invalid("partitions must be a positive number")
        if not isinstance(hours, int) or not 24 <= hours <= 168:
            raise invalid("retentionInHours must be between 24 and 168")
        if bool(details.get("compartmentId")) == bool(details.get("streamPoolId")):
            raise invalid("One of compartmentId and streamPoolId must be given")
        if any(
            each.description["name"] == name and each.description["lifecycleState"] != "DELETED"
            for each in self._store.all()
        ):
            raise OracleError(409, "Conflict", f"The pool has a stream {name} already")
        identity = f"ocid1.stream.oc1.iad.{uuid.uuid4().hex}"
        description = {
            "name": name,
            "id": identity,
            "partitions": partitions,
            "retentionInHours": hours,
            "compartmentId": details.get("compartmentId"),
            "streamPoolId": details.get("streamPoolId") or POOL,
            "lifecycleState": "CREATING",
            "lifecycleStateDetails": None,
            "timeCreated": timestamp(datetime.fromtimestamp(time.time(), UTC)),
            "messagesEndpoint": f"http://localhost:{urlsplit(call.request.base_url).port}",
            "freeformTags": _tags(details),
            "definedTags": details.get("definedTags") or {},
            "etag": str(uuid.uuid4()),
        }
        stream = Stream(description, [Partition() for _ in range(partitions)])
        self._store.streams[identity] = stream
        return _described(stream)

    def _get(self, call: Call, identity: str) -> Response:
        return _described(self._store.find(identity))

    def _update(self, call: Call, identity: str) -> Response:
        stream = self._changeable(call, identity)
        details = object_body(call.request)
        if "freeformTags" in details:
            stream.description["freeformTags"] = _tags(details)
        if "definedTags" in details:
            stream.description["definedTags"] = details["definedTags"] or {}
        stream.become("UPDATING")
        return _described(stream)

    def _delete(self, call: Call, identity: str) -> Response:
        self._changeable(call, identity).become("DELETING")
        return Response(202)

    def _changeable(self, call: Call, identity: str) -> Stream:
        stream = self._store.find(identity)
        state = stream.description["lifecycleState"]
        if state == "DELETED":
            raise OracleError(404, "NotAuthorizedOrNotFound", "The stream is deleted")
        if state != "ACTIVE":
            raise OracleError(409, "IncorrectState", f"The stream is in the state {state}")
        wanted = call.request.headers.get("if-match")
        if wanted is not None and wanted not in {"*", stream.description["etag"]}:
            raise OracleError(412, "NoEtagMatch", "The If-Match header does not match")
        return stream


def _tags(details: Mapping[str, object]) -> dict[str, str]:
    """Free-form tags: at most ten, keys up to 100 characters, values up to 256."""
    tags: Any = details.get("freeformTags") or {}
    if len(tags) > MAX_TAGS:
        raise invalid(f"A resource has at most {MAX_TAGS} free-form tags")
    for name, value in tags.items():
        if not 1 <= len(name) <= 100 or len(value) > 256:
            raise invalid(f"The tag {name} is too long")
    return dict(tags)


def _described(stream: Stream) -> Response:
    description = dict(stream.description)
    return Response.of_json(description, headers={"ETag": description.pop("etag")})
