"""What is known of topics and subscriptions; making and removing them. Blocks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from attrs import frozen
from cloudkit.api.messaging import DeadLetterPolicy
from cloudkit.gcp.errors import code_of
from cloudkit.gcp.pubsub.names import last_part

if TYPE_CHECKING:
    from cloudkit.gcp.pubsub.client import PubSubClient

SETTINGS_SECONDS = 60.0
"""How long settings are believed."""
SHORTEST_DEADLINE, LONGEST_DEADLINE = 10, 600
"""Seconds of a subscription's own leases; each lease for itself may be shorter."""
MOST_ATTEMPTS = 100
"""Highest number of receives that the service counts before it sets a message aside."""

ORDERING = "cloudkit-ordering"
"""Label of a topic: whether its subscriptions keep the order of keys."""
VISIBILITY = "cloudkit-visibility"
"""Label of a subscription: its leases in seconds, where they are shorter than it can be told."""
COUNTED = "cloudkit-counted"
"""Label of a subscription whose policy is there for the counts only: nobody asked for one."""


@frozen(kw_only=True)
class Plan:
    """A subscription to be made.

    Attributes:
        name: The service's name of it.
        topic: The service's name of its topic.
        visibility: Length of a lease in seconds; rounded up to whole ones.
        ordered: Whether it keeps the order of keys.
        dead_letter: When messages are set aside; None for never.
        dead_topic: Where they go: the service counts receives only where there is such a place.
        expression: The filter in the service's language.
        push_endpoint: Where messages are pushed to.
        retention: Seconds that a message is kept; the service's default when None.
    """

    name: str
    topic: str
    visibility: float = 30.0
    ordered: bool = False
    dead_letter: DeadLetterPolicy | None = None
    dead_topic: str | None = None
    expression: str = ""
    push_endpoint: str | None = None
    retention: float | None = None


@frozen(kw_only=True)
class Settings:
    """What is set for a subscription.

    Attributes:
        name: The service's name of it.
        topic: The service's name of its topic.
        deadline: Seconds of a lease, where nothing else is said.
        visibility: Seconds of a lease that the user wants.
        ordered: Whether it keeps the order of keys.
        dead_letter: When messages are set aside; None for never.
        dead_topic: The service's name of the topic that they go to; None for none.
        expression: The filter, in the service's language.
        push_endpoint: Where messages are pushed to.
        retention: Seconds that a message is kept.
        read_at: When this was asked for, by the monotonic clock.
    """

    name: str
    topic: str
    deadline: int
    visibility: float
    ordered: bool
    dead_letter: DeadLetterPolicy | None
    dead_topic: str | None
    expression: str
    push_endpoint: str | None
    retention: float
    read_at: float

    @property
    def fresh(self) -> bool:
        """Whether they can still be believed."""
        return time.monotonic() - self.read_at < SETTINGS_SECONDS


class Directory:
    """What is known of topics and subscriptions, by the service's names."""

    def __init__(self) -> None:
        self._settings: dict[str, Settings] = {}
        self._ordering: dict[str, tuple[bool | None, float]] = {}

    def settings(self, client: PubSubClient, name: str, *, fresh: bool = False) -> Settings:
        """What is set for a subscription.

        Args:
            client: The client.
            name: The service's name of it.
            fresh: Whether to ask in any case.
        """
        known = self._settings.get(name)
        if fresh or known is None or not known.fresh:
            asked = time.monotonic()
            path = client.subscription(name)
            found = client.subscriber.get_subscription(subscription=path, **client.options)
            known = self._settings[name] = read_settings(found, asked)
        return known

    def knows(self, name: str) -> bool:
        """Whether the settings of a subscription need not be asked for."""
        known = self._settings.get(name)
        return known is not None and known.fresh

    def ordering(self, client: PubSubClient, topic: str) -> bool | None:
        """Whether a topic keeps the order of keys; None when somebody else has made it.

        Args:
            client: The client.
            topic: The service's name of it.
        """
        known = self._ordering.get(topic)
        if known is None or time.monotonic() - known[1] > SETTINGS_SECONDS:
            asked = time.monotonic()
            found = client.publisher.get_topic(topic=client.topic(topic), **client.options)
            known = self._ordering[topic] = (read_ordering(found), asked)
        return known[0]

    def forget(self, name: str) -> None:
        """Ask anew when a topic or subscription is next needed."""
        self._settings.pop(name, None)
        self._ordering.pop(name, None)


def read_settings(found: Any, asked: float) -> Settings:
    """The settings in the SDK's description of a subscription.

    Args:
        found: The description.
        asked: When it was asked for, by the monotonic clock.
    """
    found = type(found).pb(found)
    policy, labels = found.dead_letter_policy, found.labels
    asked_for = bool(policy.dead_letter_topic) and COUNTED not in labels
    shorter = labels.get(VISIBILITY, "")
    return Settings(
        name=last_part(found.name),
        topic=last_part(found.topic),
        deadline=found.ack_deadline_seconds,
        visibility=float(shorter if shorter.isdigit() else found.ack_deadline_seconds),
        ordered=found.enable_message_ordering,
        dead_letter=DeadLetterPolicy(max_receives=policy.max_delivery_attempts)
        if asked_for
        else None,
        dead_topic=last_part(policy.dead_letter_topic) or None,
        expression=found.filter,
        push_endpoint=found.push_config.push_endpoint or None,
        retention=float(found.message_retention_duration.seconds),
        read_at=asked,
    )


def read_ordering(found: Any) -> bool | None:
    """Whether a topic keeps the order of keys, by the SDK's description of it."""
    label = found.labels.get(ORDERING)
    return None if label is None else label == "true"


def create_topic(client: PubSubClient, name: str, *, ordering: bool = False) -> None:
    """Make a topic.

    Args:
        client: The client.
        name: The service's name of it.
        ordering: Whether its subscriptions keep the order of keys.
    """
    labels = {ORDERING: "true" if ordering else "false"}
    client.publisher.create_topic(
        request={"name": client.topic(name), "labels": labels}, **client.options
    )


def create_subscription(client: PubSubClient, plan: Plan) -> None:
    """Make a subscription, to a topic that is there.

    Args:
        client: The client.
        plan: The subscription.
    """
    visibility = math.ceil(plan.visibility)
    labels: dict[str, str] = {}
    request: dict[str, Any] = {
        "name": client.subscription(plan.name),
        "topic": client.topic(plan.topic),
        "ack_deadline_seconds": max(visibility, SHORTEST_DEADLINE),
        "enable_message_ordering": plan.ordered,
        "filter": plan.expression,
        "expiration_policy": {},  # never, and not after a month without receivers
        "labels": labels,
    }
    if visibility < SHORTEST_DEADLINE:
        labels[VISIBILITY] = str(visibility)
    if plan.dead_topic is not None:
        request["dead_letter_policy"] = {
            "dead_letter_topic": client.topic(plan.dead_topic),
            "max_delivery_attempts": plan.dead_letter.max_receives
            if plan.dead_letter
            else MOST_ATTEMPTS,
        }
        if plan.dead_letter is None:
            labels[COUNTED] = "true"
    if plan.push_endpoint is not None:
        request["push_config"] = {"push_endpoint": plan.push_endpoint}
    if plan.retention is not None:
        request["message_retention_duration"] = {"seconds": math.ceil(plan.retention)}
    client.subscriber.create_subscription(request=request, **client.options)


def create_place(client: PubSubClient, name: str) -> bool:
    """Make a topic with one subscription of its name, for messages that are kept; tells whether it was not there."""
    made = not _exists_already(lambda: create_topic(client, name))
    plan = Plan(name=name, topic=name)
    return not _exists_already(lambda: create_subscription(client, plan)) or made


def delete_place(client: PubSubClient, name: str) -> None:
    """Remove a topic with the subscription of its name; what is not there is left alone."""
    for delete in (delete_subscription, delete_topic):
        try:
            delete(client, name)
        except Exception as error:
            if not is_missing(error):
                raise


def delete_topic(client: PubSubClient, name: str) -> None:
    """Remove a topic."""
    client.publisher.delete_topic(topic=client.topic(name), **client.options)


def delete_subscription(client: PubSubClient, name: str) -> None:
    """Remove a subscription with its messages."""
    client.subscriber.delete_subscription(subscription=client.subscription(name), **client.options)


def is_missing(error: Exception) -> bool:
    """Whether the service says that there is no such topic or subscription."""
    return code_of(error) == "NOT_FOUND"


def _exists_already(create: Callable[[], None]) -> bool:
    try:
        create()
    except Exception as error:
        if code_of(error) != "ALREADY_EXISTS":
            raise
        return True
    return False
