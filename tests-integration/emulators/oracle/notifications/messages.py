"""Messages: published, and pushed to whoever has subscribed."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from emulators.oracle.errors import OracleError, invalid, object_body
from emulators.oracle.notifications.pushing import HTTP_PROTOCOLS, push
from emulators.oracle.notifications.store import Store
from emulators.oracle.routing import Call, Route, route, timestamp
from emulators.web import Response

MAX_BYTES = 64 * 1024


class Messages:
    """Operations on messages."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.routes: list[Route] = [route("POST", "/topics/{topicId}/messages", self._publish)]

    def _publish(self, call: Call, identity: str) -> Response:
        topic = self._store.topic(identity)
        details = object_body(call.request)
        body, title = details.get("body"), details.get("title") or ""
        if not isinstance(body, str) or not body:
            raise invalid("body must be a text and not empty")
        if len(body.encode()) + len(str(title).encode()) > MAX_BYTES:
            raise OracleError(413, "RequestEntityTooLarge", "A message has at most 64 KB")
        if call.request.headers.get("messagetype", "RAW_TEXT") != "RAW_TEXT":
            raise OracleError(501, "NotImplemented", "The double takes raw texts only")
        message = str(uuid.uuid4())
        headers = {"X-OCI-NS-MessageType": "Message", "Content-Type": "text/plain; charset=utf-8"}
        for subscription in self._store.of_topic(identity):
            if subscription.active and subscription.description["protocol"] in HTTP_PROTOCOLS:
                push(subscription, topic, message, headers, body.encode())
        told = {"messageId": message, "timeStamp": timestamp(datetime.now(UTC))}
        return Response.of_json(told, 202)
