"""Topics: created, described, listed, changed, deleted."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from emulators.oracle.errors import OracleError, invalid, object_body
from emulators.oracle.notifications.store import Store, check_match, new_ocid
from emulators.oracle.pages import page
from emulators.oracle.routing import Call, Route, route, timestamp
from emulators.web import Response


class Topics:
    """Operations on topics."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.routes: list[Route] = [
            route("GET", "/topics", self._list),
            route("POST", "/topics", self._create),
            route("GET", "/topics/{topicId}", self._get),
            route("PUT", "/topics/{topicId}", self._update),
            route("DELETE", "/topics/{topicId}", self._delete),
        ]

    def _list(self, call: Call) -> Response:
        compartment = call.request.param("compartmentId")
        if not compartment:
            raise invalid("compartmentId must be given")
        found = list(self._store.topics.values())
        for name, field in (
            ("compartmentId", "compartmentId"),
            ("name", "name"),
            ("id", "topicId"),
        ):
            if wanted := call.request.param(name):
                found = [each for each in found if each[field] == wanted]
        shown, headers = page(call.request, found, 10)
        return Response.of_json(list(shown), headers=headers)

    def _create(self, call: Call) -> Response:
        details = object_body(call.request)
        name = str(details.get("name") or "")
        if not re.fullmatch(r"[\w-]{1,256}", name, re.ASCII) or not details.get("compartmentId"):
            raise invalid("name or compartmentId is not valid")
        if any(each["name"] == name for each in self._store.topics.values()):
            raise OracleError(409, "Conflict", f"The tenancy has a topic {name} already")
        identity = new_ocid("onstopic")
        topic: dict[str, Any] = {
            "name": name,
            "topicId": identity,
            "shortTopicId": uuid.uuid4().hex[:8],
            "compartmentId": details["compartmentId"],
            "lifecycleState": "ACTIVE",
            "description": details.get("description"),
            "timeCreated": timestamp(datetime.now(UTC)),
            "etag": uuid.uuid4().hex,
            "apiEndpoint": f"http://localhost:{urlsplit(call.request.base_url).port}",
            "freeformTags": details.get("freeformTags") or {},
            "definedTags": details.get("definedTags") or {},
        }
        self._store.topics[identity] = topic
        return Response.of_json(topic, headers={"ETag": topic["etag"]})

    def _get(self, call: Call, identity: str) -> Response:
        topic = self._store.topic(identity)
        return Response.of_json(topic, headers={"ETag": topic["etag"]})

    def _update(self, call: Call, identity: str) -> Response:
        topic = self._store.topic(identity)
        check_match(call, topic)
        details = object_body(call.request)
        for name in ("description", "freeformTags", "definedTags"):
            topic[name] = details.get(name, topic[name])
        topic["etag"] = uuid.uuid4().hex
        return Response.of_json(topic, headers={"ETag": topic["etag"]})

    def _delete(self, call: Call, identity: str) -> Response:
        check_match(call, self._store.topic(identity))
        for subscription in self._store.of_topic(identity):
            subscription.description["lifecycleState"] = "DELETED"
            del self._store.subscriptions[subscription.description["id"]]
        del self._store.topics[identity]
        return Response(204)
