"""Queues: created, described, listed, changed, emptied, deleted. All but asking is work."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from emulators.oracle.errors import OracleError, invalid, not_doubled, object_body
from emulators.oracle.pages import page
from emulators.oracle.queue.store import QueueState, Store, new_ocid
from emulators.oracle.queue.works import Works
from emulators.oracle.routing import Call, Route, route, timestamp
from emulators.web import Response

LIMITS = {
    "retentionInSeconds": (10, 604800),
    "visibilityInSeconds": (1, 43200),
    "timeoutInSeconds": (0, 30),
    "channelConsumptionLimit": (1, 100),
    "deadLetterQueueDeliveryCount": (0, 20),
}
DEFAULTS: Mapping[str, Any] = {
    "retentionInSeconds": 86400,
    "visibilityInSeconds": 30,
    "timeoutInSeconds": 30,
    "channelConsumptionLimit": 100,
    "deadLetterQueueDeliveryCount": 0,
    "customEncryptionKeyId": None,
    "freeformTags": {},
    "definedTags": {},
}
_SUMMARY = (
    *("id", "displayName", "compartmentId", "timeCreated", "timeUpdated", "lifecycleState"),
    *("lifecycleDetails", "messagesEndpoint", "freeformTags", "definedTags"),
)
_UNCHANGED = {"compartmentId", "retentionInSeconds"}


class Admin:
    """Operations on queues."""

    def __init__(self, store: Store, works: Works) -> None:
        self._store = store
        self._works = works
        self.routes: list[Route] = [
            route("GET", "/queues", self._list),
            route("POST", "/queues", self._create),
            route("GET", "/queues/{queueId}", self._get),
            route("PUT", "/queues/{queueId}", self._update),
            route("DELETE", "/queues/{queueId}", self._delete),
            route("POST", "/queues/{queueId}/actions/purge", self._purge),
        ]

    def _list(self, call: Call) -> Response:
        self._works.proceed()
        request = call.request
        if not request.param("compartmentId") and not request.param("id"):
            raise invalid("compartmentId or id must be given")
        found = [queue.description for queue in self._store.all()]
        for name in ("compartmentId", "id", "displayName", "lifecycleState"):
            if wanted := request.param(name):
                found = [each for each in found if each[name] == wanted]
        key = request.param("sortBy") or "timeCreated"
        if key not in {"timeCreated", "displayName"}:
            raise invalid("sortBy must be timeCreated or displayName")
        order = request.param("sortOrder") or ("DESC" if key == "timeCreated" else "ASC")
        found.sort(key=lambda each: (each[key], each["id"]), reverse=order == "DESC")
        shown, headers = page(request, found)
        items = [{name: each[name] for name in _SUMMARY} for each in shown]
        return Response.of_json({"items": items}, headers=headers)

    def _create(self, call: Call) -> Response:
        details = object_body(call.request)
        for name in ("displayName", "compartmentId"):
            if not details.get(name):
                raise OracleError(400, "MissingParameter", f"{name} is missing")
        settings = _settings(call, details)
        now = _now()
        identity = new_ocid("queue")
        port = urlsplit(call.request.base_url).port
        description = {
            **DEFAULTS,
            **settings,
            "id": identity,
            "timeCreated": now,
            "timeUpdated": now,
            "lifecycleState": "CREATING",
            "lifecycleDetails": None,
            "messagesEndpoint": f"http://localhost:{port}",
            "etag": str(uuid.uuid4()),
        }
        queue = self._store.queues[identity] = QueueState(description)
        return self._start("CREATE_QUEUE", queue, lambda: _become(queue, "ACTIVE"))

    def _get(self, call: Call, identity: str) -> Response:
        self._works.proceed()
        description = dict(self._store.find(identity).description)
        return Response.of_json(description, headers={"ETag": description.pop("etag")})

    def _update(self, call: Call, identity: str) -> Response:
        queue = self._active(call, identity)
        details = object_body(call.request)
        if wrong := _UNCHANGED.intersection(details):
            raise invalid(f"{sorted(wrong)} cannot be changed")
        settings = _settings(call, details)

        def finish() -> None:
            queue.description.update(settings)
            _become(queue, "ACTIVE")

        _become(queue, "UPDATING")
        return self._start("UPDATE_QUEUE", queue, finish)

    def _delete(self, call: Call, identity: str) -> Response:
        queue = self._active(call, identity)

        def finish() -> None:
            queue.purge("BOTH", [])
            _become(queue, "DELETED")

        _become(queue, "DELETING")
        return self._start("DELETE_QUEUE", queue, finish)

    def _purge(self, call: Call, identity: str) -> Response:
        queue = self._active(call, identity)
        details = object_body(call.request)
        kind = details.get("purgeType")
        if kind not in {"NORMAL", "DLQ", "BOTH"}:
            raise invalid("purgeType must be NORMAL, DLQ or BOTH")
        if details.get("consumerGroupId"):
            raise not_doubled(call.request)
        given = details.get("channelIds")
        channels = [str(each) for each in given] if isinstance(given, list) else []

        def finish() -> None:
            queue.purge(str(kind), channels)
            _become(queue, "ACTIVE")

        _become(queue, "UPDATING", "PURGING")
        return self._start("PURGE_QUEUE", queue, finish)

    def _active(self, call: Call, identity: str) -> QueueState:
        """A queue that can be worked on."""
        self._works.proceed()
        queue = self._store.find(identity)
        wanted = call.request.headers.get("if-match")
        if wanted is not None and wanted not in {"*", queue.description["etag"]}:
            raise OracleError(412, "NoEtagMatch", "The If-Match header does not match")
        state = queue.description["lifecycleState"]
        if state != "ACTIVE":
            raise OracleError(
                409, "IncorrectState", f"The queue is in the state {state}, it must be ACTIVE"
            )
        return queue

    def _start(self, kind: str, queue: QueueState, finish: Any) -> Response:
        def finish_and_tell() -> None:
            finish()
            self._store.changed.notify_all()

        description = queue.description
        return self._works.start(
            kind, description["id"], description["compartmentId"], finish_and_tell
        )


def _settings(call: Call, details: Mapping[str, object]) -> dict[str, Any]:
    """What is asked for.

    Raises:
        OracleError: Something is out of its limits, or not known.
    """
    if details.get("capabilities"):
        raise not_doubled(call.request)
    known = {"displayName", "compartmentId", *DEFAULTS}
    settings = {name: value for name, value in details.items() if value is not None}
    if unknown := set(settings) - known - {"capabilities"}:
        raise invalid(f"{sorted(unknown)} are not known")
    for name, (low, high) in LIMITS.items():
        value = settings.get(name, low)
        if not isinstance(value, int) or not low <= value <= high:
            raise invalid(f"{name} must be between {low} and {high}")
    title = settings.get("displayName", "-")
    if not isinstance(title, str) or not 1 <= len(title) <= 255:
        raise invalid("displayName must have 1 to 255 characters")
    return settings


def _become(queue: QueueState, state: str, details: str | None = None) -> None:
    queue.description.update(
        lifecycleState=state,
        lifecycleDetails=details,
        timeUpdated=_now(),
        etag=str(uuid.uuid4()),
    )


def _now() -> str:
    return timestamp(datetime.fromtimestamp(time.time(), UTC))
