"""Messages: put, got, kept, deleted, counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from emulators.oracle.errors import OracleError, invalid, not_doubled, not_found, object_body
from emulators.oracle.pages import page
from emulators.oracle.queue.store import Message, QueueState, Store
from emulators.oracle.routing import Call, Route, integer, route, timestamp
from emulators.web import Request, Response

KIB = 1024
MAX_MESSAGES = 20
MAX_CONTENT = 256 * KIB
MAX_REQUEST = 512 * KIB
MAX_ANSWER = 2 * KIB * KIB
MAX_WAIT = 30
MAX_VISIBILITY = 43200
MAX_CHANNELS = 256


class Messages:
    """Operations on messages."""

    def __init__(self, store: Store) -> None:
        self._store = store
        single = "/queues/{queueId}/messages/{messageReceipt}"
        self.routes: list[Route] = [
            route("POST", "/queues/{queueId}/messages", self._put),
            route("GET", "/queues/{queueId}/messages", self._get),
            route("POST", "/queues/{queueId}/messages/actions/deleteMessages", self._delete_all),
            route("POST", "/queues/{queueId}/messages/actions/updateMessages", self._update_all),
            route("DELETE", single, self._delete),
            route("PUT", single, self._update),
            route("GET", "/queues/{queueId}/stats", self._stats),
            route("GET", "/queues/{queueId}/channels", self._channels),
        ]

    def _put(self, call: Call, identity: str) -> Response:
        queue = self._queue(call, identity)
        entries = _entries(call.request, "messages")
        checked = [_checked(entry) for entry in entries]
        if sum(_size(*each) for each in checked) > MAX_REQUEST:
            raise OracleError(413, "PayloadTooLarge", f"A request has at most {MAX_REQUEST} bytes")
        channels = {each.channel for each in queue.messages} | {each[1] for each in checked}
        if len(channels - {""}) > MAX_CHANNELS:
            raise OracleError(400, "LimitExceeded", f"A queue has at most {MAX_CHANNELS} channels")
        put = [self._store.put(queue, *each) for each in checked]
        self._store.changed.notify_all()
        told = [{"id": each.number, "expireAfter": _moment(each.expires)} for each in put]
        return Response.of_json({"messages": told})

    def _get(self, call: Call, identity: str) -> Response:
        request = call.request
        settings = self._queue(call, identity).description
        limit = integer(request, "limit", 1, MAX_MESSAGES, 1)
        visibility = integer(
            request, "visibilityInSeconds", 0, MAX_VISIBILITY, settings["visibilityInSeconds"]
        )
        wait = integer(request, "timeoutInSeconds", 0, MAX_WAIT, settings["timeoutInSeconds"])
        channel = request.param("channelFilter")
        deadline = time.time() + wait
        while True:
            queue = self._queue(call, identity)  # it may be deleted meanwhile
            taken = queue.take(limit, visibility, channel, MAX_ANSWER)
            left = deadline - time.time()
            if taken or left <= 0:
                return Response.of_json({"messages": [_described(each) for each in taken]})
            hidden = max(queue.next_visible() - time.time(), 0.001)
            self._store.changed.wait(min(left, hidden))

    def _delete(self, call: Call, identity: str, receipt: str) -> Response:
        queue = self._queue(call, identity)
        queue.drop(_leased(queue, receipt))
        return Response(204)

    def _update(self, call: Call, identity: str, receipt: str) -> Response:
        queue = self._queue(call, identity)
        return Response.of_json(self._prolonged(queue, receipt, object_body(call.request)))

    def _delete_all(self, call: Call, identity: str) -> Response:
        queue = self._queue(call, identity)

        def delete(entry: Mapping[str, Any]) -> dict[str, Any]:
            queue.drop(_leased(queue, entry.get("receipt")))
            return {}

        return _all(_entries(call.request, "entries"), delete)

    def _update_all(self, call: Call, identity: str) -> Response:
        queue = self._queue(call, identity)
        return _all(
            _entries(call.request, "entries"),
            lambda entry: self._prolonged(queue, entry.get("receipt"), entry),
        )

    def _prolonged(
        self, queue: QueueState, receipt: object, details: Mapping[str, object]
    ) -> dict[str, Any]:
        visibility = details.get("visibilityInSeconds")
        if not isinstance(visibility, int) or not 0 <= visibility <= MAX_VISIBILITY:
            raise invalid(f"visibilityInSeconds must be between 0 and {MAX_VISIBILITY}")
        message = _leased(queue, receipt)
        message.visible_at = time.time() + visibility
        queue.settle()
        self._store.changed.notify_all()
        return {"id": message.number, "visibleAfter": _moment(message.visible_at)}

    def _stats(self, call: Call, identity: str) -> Response:
        queue = self._queue(call, identity)
        queue.settle()
        channel = call.request.param("channelId")
        answer: dict[str, Any] = {
            "queue": _counted(queue.messages, channel),
            "dlq": _counted(queue.dead, channel),
        }
        if channel is not None:
            answer["channelId"] = channel
        return Response.of_json(answer)

    def _channels(self, call: Call, identity: str) -> Response:
        queue = self._queue(call, identity)
        queue.settle()
        wanted = call.request.param("channelFilter")
        names = sorted({each.channel for each in queue.messages} - {""})
        found = [name for name in names if wanted in {None, name}]
        shown, headers = page(call.request, found)
        return Response.of_json({"items": list(shown)}, headers=headers)

    def _queue(self, call: Call, identity: str) -> QueueState:
        if call.request.param("consumerGroupId") is not None:
            raise not_doubled(call.request)
        return self._store.live(identity)


def _entries(request: Request, name: str) -> list[Mapping[str, Any]]:
    found = object_body(request).get(name)
    if not isinstance(found, list) or not 1 <= len(found) <= MAX_MESSAGES:
        raise invalid(f"{name} must be 1 to {MAX_MESSAGES} entries")
    return [entry if isinstance(entry, dict) else {} for entry in found]


def _checked(entry: Mapping[str, Any]) -> tuple[str, str, dict[str, str]]:
    """Content, channel and properties of a message to be put."""
    content, metadata = entry.get("content"), entry.get("metadata") or {}
    if not isinstance(content, str) or not content:
        raise invalid("content must be a text and not empty")
    channel, properties = metadata.get("channelId"), metadata.get("customProperties") or {}
    if metadata and (not isinstance(channel, str) or not channel):
        raise invalid("metadata must have a channelId")
    if not all(isinstance(each, str) for each in [*properties, *properties.values()]):
        raise invalid("customProperties must be texts")
    if _size(content, channel or "", properties) > MAX_CONTENT:
        raise OracleError(413, "PayloadTooLarge", f"A message has at most {MAX_CONTENT} bytes")
    return content, channel or "", dict(properties)


def _size(content: str, channel: str, properties: Mapping[str, str]) -> int:
    """Bytes of a message. Whether the service counts properties is not documented; we do."""
    texts = [content, channel, *properties, *properties.values()]
    return sum(len(each.encode(errors="surrogatepass")) for each in texts)


def _leased(queue: QueueState, receipt: object) -> Message:
    message = queue.leased(receipt) if isinstance(receipt, str) else None
    if message is None:
        raise not_found()
    return message


def _all(
    entries: Iterable[Mapping[str, Any]], act: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> Response:
    """Act on each; a refusal is that entry's own."""
    told: list[dict[str, Any]] = []
    failures = 0
    for entry in entries:
        try:
            told.append(act(entry))
        except OracleError as error:
            failures += 1
            told.append({"errorCode": error.status, "errorMessage": error.message})
    return Response.of_json({"serverFailures": 0, "clientFailures": failures, "entries": told})


def _described(message: Message) -> dict[str, Any]:
    described: dict[str, Any] = {
        "id": message.number,
        "content": message.content,
        "receipt": message.receipt,
        "deliveryCount": message.deliveries,
        "visibleAfter": _moment(message.visible_at),
        "expireAfter": _moment(message.expires),
        "createdAt": _moment(message.created),
    }
    if message.channel:
        described["metadata"] = {
            "channelId": message.channel,
            "customProperties": message.properties,
        }
    return described


def _counted(messages: Iterable[Message], channel: str | None) -> dict[str, int]:
    now = time.time()
    found = [each for each in messages if channel in {None, each.channel}]
    visible = sum(each.visible_at <= now for each in found)
    return {
        "visibleMessages": visible,
        "inFlightMessages": len(found) - visible,
        "sizeInBytes": sum(each.size for each in found),
    }


def _moment(seconds: float) -> str:
    return timestamp(datetime.fromtimestamp(seconds, UTC))
