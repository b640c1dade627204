"""Messages from one place of a queue to another. Blocks."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cloudkit.gcp.pubsub.messages import DUE, copy
from cloudkit.gcp.pubsub.names import delayed_id
from cloudkit.gcp.pubsub.publishing import publish_all
from cloudkit.gcp.pubsub.subscriptions import LONGEST_DEADLINE

if TYPE_CHECKING:
    from cloudkit.gcp.pubsub.client import PubSubClient

BATCH = 100
LOOK_SECONDS = 1.0
"""Time between two looks at what is due, of one queue in one client."""
LOOKS = 10
"""Batches of one look. More are left for the next: who receives must not wait until all have been seen."""
REDRIVE_WAIT = 1.0
"""A pull that waits asks all servers of Pub/Sub; one that does not may miss what is there."""


def move(client: PubSubClient, received: Sequence[Any], origin: str, target: str) -> int:
    """Publish messages anew where they belong, then remove them where they were.

    What fails in between leaves a message twice, and never nowhere.

    Args:
        client: The client.
        received: As they were pulled.
        origin: The service's name of the subscription that they came from.
        target: That of the topic that they go to.

    Returns:
        How many were moved.

    Raises:
        CloudError: Some could not be moved; these have been given back.
    """
    copies = {n: (target, copy(message.message)) for n, message in enumerate(received)}
    outcomes = publish_all(client, copies)
    moved = [received[number].ack_id for number, result in outcomes.items() if result.ok]
    failed = [received[number].ack_id for number, result in outcomes.items() if not result.ok]
    if moved:
        client.acknowledge(origin, moved)
    if failed:
        client.modify(origin, failed, 0)
        raise next(result.error for result in outcomes.values() if result.error is not None)
    return len(moved)


def redrive(client: PubSubClient, origin: str, target: str, limit: int | None) -> int:
    """Send dead letters back.

    Args:
        client: The client.
        origin: The service's name of the subscription that has them.
        target: That of the topic that they go to.
        limit: At most so many; None for all.

    Returns:
        How many were sent back.
    """
    moved = 0
    while limit is None or moved < limit:
        wanted = BATCH if limit is None else min(BATCH, limit - moved)
        received = client.pull(origin, wanted, REDRIVE_WAIT)
        if not received:
            break
        moved += move(client, received, origin, target)
    return moved


class Delays:
    """Brings the messages of queues whose time has come.

    They wait in a subscription of their own, so that waiting counts for nothing: neither as a receive, nor for a
    dead-letter policy. Whoever receives from the queue looks there first, and each second while it waits. What
    is due is published to the queue; what is not is leased until it will be.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looked: dict[str, float] = {}

    def look(self, client: PubSubClient, queue: str) -> None:
        """Bring what is due, or some of it where much waits, unless somebody has just looked.

        Args:
            client: The client.
            queue: The service's name of its subscription.
        """
        now = time.monotonic()
        with self._lock:
            if now - self._looked.get(queue, -LOOK_SECONDS) < LOOK_SECONDS:
                return
            self._looked[queue] = now
        place = delayed_id(queue)
        for _ in range(LOOKS):
            received = client.pull(place, BATCH)
            self._sort(client, received, place, queue)
            if len(received) < BATCH:
                return

    def forget(self, queue: str) -> None:
        """The queue is no more."""
        with self._lock:
            self._looked.pop(queue, None)

    def _sort(self, client: PubSubClient, received: Sequence[Any], place: str, queue: str) -> None:
        early: dict[int, list[str]] = {}
        due: list[Any] = []
        for message in received:
            left = seconds_left(message.message)
            if left > 0:
                length = min(math.ceil(left), LONGEST_DEADLINE)
                early.setdefault(length, []).append(message.ack_id)
            else:
                due.append(message)
        for length, leases in early.items():
            client.modify(place, leases, length)
        if due:
            move(client, due, place, queue)


def seconds_left(message: Any) -> float:
    """Seconds until a message is due; one that does not say is due already.

    Args:
        message: In the service's form.
    """
    due = message.attributes.get(DUE, "")
    return int(due) / 1000 - time.time() if due.isdigit() else 0.0
