"""A namespace: topics, each with subscriptions; they take a moment to come and to go."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from emulators.event_grid.errors import EventGridError, invalid, missing
from emulators.event_grid.events import Event
from emulators.event_grid.pushing import PushSubscription
from emulators.event_grid.subscriptions import PullSubscription

MAX_SUBSCRIPTIONS = 500
SERVICE_LOCK = 60
"""Seconds of the shortest lock of the service itself; where it is shorter, attempts to push hurry as well."""


@dataclass(eq=False)
class Resource:
    """What the resource manager keeps of a topic or subscription.

    Attributes:
        name: Its name.
        ready_at: When it is there (monotonic).
        gone_at: When it will have gone, once it is deleted.
    """

    name: str
    ready_at: float
    gone_at: float | None = None

    @property
    def state(self) -> str:
        """Its provisioning state."""
        if self.gone_at is not None:
            return "Deleting"
        return "Creating" if time.monotonic() < self.ready_at else "Succeeded"

    @property
    def gone(self) -> bool:
        """Whether it has been deleted for good."""
        return self.gone_at is not None and time.monotonic() >= self.gone_at


@dataclass(eq=False)
class Subscription(Resource):
    """A subscription."""

    queue: PullSubscription | PushSubscription = field(kw_only=True)

    @property
    def state(self) -> str:
        """Its provisioning state, which also depends on the endpoint that it pushes to."""
        state = super().state
        if state == "Succeeded" and isinstance(self.queue, PushSubscription):
            return self.queue.state
        return state


@dataclass(eq=False)
class Topic(Resource):
    """A topic.

    Attributes:
        retention: Days that events are kept for.
        subscriptions: Name → subscription.
    """

    retention: int = 7
    subscriptions: dict[str, Subscription] = field(default_factory=dict)


class Namespace:
    """What there is; called by many threads.

    Args:
        shortest_lock: Seconds of the shortest lock that a subscription may have.
        provisioning: Seconds that a topic or subscription takes to come or to go.
    """

    def __init__(self, shortest_lock: int, provisioning: float) -> None:
        self._provisioning = provisioning
        self._shortest_lock = shortest_lock
        self._lock = threading.RLock()
        self._topics: dict[str, Topic] = {}
        self.operations: dict[str, float] = {}

    # For the data plane

    def publish(self, topic: str, events: Sequence[Event]) -> None:
        """Give events to all subscriptions of a topic."""
        with self._lock:
            subscriptions = list(
                self._ready(self.topics(), topic, "The topic").subscriptions.values()
            )
        for subscription in subscriptions:
            subscription.queue.offer(events)

    def queue(self, topic: str, subscription: str) -> PullSubscription | PushSubscription:
        """A subscription, to receive from."""
        with self._lock:
            found = self._ready(self.topics(), topic, "The topic").subscriptions
            ready: Subscription = self._ready(found, subscription, "The event subscription")
            return ready.queue

    # For the resource manager

    def topics(self) -> dict[str, Topic]:
        """Name → topic."""
        with self._lock:
            self._topics = {name: topic for name, topic in self._topics.items() if not topic.gone}
            for topic in self._topics.values():
                left = {n: found for n, found in topic.subscriptions.items() if not found.gone}
                topic.subscriptions = left
            return self._topics

    def put_topic(self, name: str, properties: Any) -> tuple[Topic, bool]:
        """Create or update a topic; also tells whether it is new."""
        retention = properties.get("eventRetentionInDays", 7)
        if not isinstance(retention, int) or not 1 <= retention <= 7:
            raise invalid("eventRetentionInDays is from 1 to 7.")
        with self._lock:
            known = self.topics().get(name)
            _check_not_deleting(known)
            if known is not None:
                known.retention = retention
                return known, False
            self._topics[name] = Topic(name, self._begin(), retention=retention)
            return self._topics[name], True

    def put_subscription(self, topic: str, name: str, properties: Any) -> tuple[Subscription, bool]:
        """Create or update a subscription; also tells whether it is new."""
        with self._lock:
            parent = self.topic(topic)
            known = parent.subscriptions.get(name)
            _check_not_deleting(known)
            if known is not None:
                known.queue.configure(properties, self._shortest_lock)
                return known, False
            if len(parent.subscriptions) >= MAX_SUBSCRIPTIONS:
                raise EventGridError(409, "Conflict", "The topic has 500 subscriptions.")
            queue = self._queue_of(properties)
            parent.subscriptions[name] = Subscription(name, self._begin(), queue=queue)
            return parent.subscriptions[name], True

    def _queue_of(self, properties: Any) -> PullSubscription | PushSubscription:
        delivery = properties.get("deliveryConfiguration") or {}
        if delivery.get("deliveryMode") == "Push":
            return PushSubscription(properties, hurry=SERVICE_LOCK / self._shortest_lock)
        return PullSubscription(properties, self._shortest_lock)

    def topic(self, name: str) -> Topic:
        """A topic.

        Raises:
            EventGridError: 404.
        """
        found = self.topics().get(name)
        if found is None:
            raise EventGridError(404, "ResourceNotFound", f"The topic {name!r} was not found.")
        return found

    def delete(self, resource: Resource) -> None:
        """Let a topic or subscription go."""
        resource.gone_at = self._begin()
        if isinstance(resource, Topic):
            for subscription in resource.subscriptions.values():
                subscription.queue.close()
        elif isinstance(resource, Subscription):
            resource.queue.close()

    def _begin(self) -> float:
        end = time.monotonic() + self._provisioning
        self.operations[str(uuid.uuid4())] = end
        return end

    @staticmethod
    def _ready(resources: Any, name: str, what: str) -> Any:
        found = resources.get(name)
        if found is None or found.state == "Creating":
            raise missing(what)
        return found


def _check_not_deleting(resource: Resource | None) -> None:
    if resource is not None and resource.gone_at is not None:
        raise EventGridError(409, "Conflict", f"{resource.name!r} is being deleted.")
