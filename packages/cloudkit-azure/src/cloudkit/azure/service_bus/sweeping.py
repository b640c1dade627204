"""All messages of an entity: dropped, or sent back from the dead letters. Blocks."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cloudkit.azure.service_bus.client import ServiceBus
from cloudkit.azure.service_bus.leases import DEAD_LETTERS, is_not_allowed, take
from cloudkit.azure.service_bus.links import Delivery, SendLink
from cloudkit.azure.service_bus.messages import copy
from cloudkit.azure.service_bus.requests import Requests
from cloudkit.azure.service_bus.values import array, typed

AT_ONCE = 100
BACK_AT_ONCE = 10
"""Dead letters that are leased together to be sent back: each takes two exchanges, and the shortest
leases last five seconds."""
STATE = b"x-opt-message-state"
SEQUENCE = b"x-opt-sequence-number"
SCHEDULED = 2


def purge(client: ServiceBus, path: str) -> None:
    """Drop all messages that are not leased.

    Args:
        client: The client.
        path: The queue or subscription.
    """
    if client.known.sessions.get(path, False):
        _purge_sessions(client, path)
    else:
        try:
            _purge_plain(client, path)
        except Exception as error:
            if not is_not_allowed(error):
                raise
            client.known.sessions[path] = True
            _purge_sessions(client, path)
    _cancel_scheduled(client, path)


def redrive(client: ServiceBus, queue: str, limit: int | None) -> int:
    """Send dead letters back to their queue: copied, then removed.

    What fails in between leaves a message twice, and never nowhere.

    Args:
        client: The client.
        queue: The queue.
        limit: At most so many; None for all.

    Returns:
        How many were sent back.
    """
    dead, moved = queue + DEAD_LETTERS, 0
    while limit is None or moved < limit:
        wanted = BACK_AT_ONCE if limit is None else min(BACK_AT_ONCE, limit - moved)
        deliveries = take(client, dead, wanted, 0, threading.Event())
        if not deliveries:
            break
        for number, delivery in enumerate(deliveries):
            try:
                _send_back(client, queue, delivery)
            except BaseException:
                _settle(client, dead, deliveries[number:], "abandoned")
                raise
            _settle(client, dead, [delivery], "completed")
            moved += 1
    return moved


def _send_back(client: ServiceBus, queue: str, delivery: Delivery) -> None:
    sessions = client.known.sessions.get(queue, False)
    with client.pool.connection(SendLink, queue) as connection:
        message = copy(delivery.message, sessions=sessions)
        connection.send(queue, lambda link: link.send(message))


def _purge_plain(client: ServiceBus, path: str) -> None:
    while deliveries := take(client, path, AT_ONCE, 0, threading.Event()):
        _settle(client, path, deliveries, "completed")


def _purge_sessions(client: ServiceBus, path: str) -> None:
    while found := client.sessions.receive(path, AT_ONCE, 0, lambda: False):
        held, deliveries = found
        for delivery in deliveries:
            client.sessions.settle(held, delivery.token, "accepted")


def _settle(client: ServiceBus, path: str, deliveries: Sequence[Delivery], status: str) -> None:
    tokens = [uuid.UUID(delivery.token) for delivery in deliveries]
    body = {"disposition-status": status, "lock-tokens": array(tokens)}
    with client.pool.connection(Requests, path) as connection:
        connection.request(path, _request("update-disposition", body))


def _cancel_scheduled(client: ServiceBus, path: str) -> None:
    with client.pool.connection(Requests, path) as connection:
        number = 0
        while annotations := _peek(connection, path, number):
            number = max(a[SEQUENCE] for a in annotations) + 1
            waiting = [a[SEQUENCE] for a in annotations if a.get(STATE) == SCHEDULED]
            if waiting:
                body = {"sequence-numbers": array(typed("long", n) for n in waiting)}
                connection.request(path, _request("cancel-scheduled-message", body))


def _peek(connection: Any, path: str, number: int) -> list[Any]:
    """The annotations of the next messages."""
    from azure.servicebus._pyamqp._decode import decode_payload

    body = {
        "from-sequence-number": typed("long", number),
        "message-count": typed("int", AT_ONCE),
        "session-id": None,
    }
    answer = connection.request(path, _request("peek-message", body))
    found = [] if answer is None else answer[b"messages"]
    return [decode_payload(memoryview(m[b"message"])).message_annotations for m in found]


def _request(operation: str, body: Mapping[str, Any]) -> Callable[[Requests], Any]:
    return lambda link: link.ask(operation, body)
