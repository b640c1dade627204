"""A client of Pub/Sub that only keeps what it is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from attrs import define, field
from cloudkit.gcp.pubsub.messages import Encoded
from google.api_core.exceptions import ServiceUnavailable


@define
class FakePubSub:
    """Keeps requests, and gives what it was given.

    Attributes:
        published: Topic and messages of each request.
        acknowledged: Subscription and leases of each request.
        modified: Subscription, leases and length of each request.
        waiting: What pulls give: subscription → batches.
        failures: Numbers of the publish requests that fail, from 0.
    """

    published: list[tuple[str, list[Encoded]]] = field(factory=list)
    acknowledged: list[tuple[str, list[str]]] = field(factory=list)
    modified: list[tuple[str, list[str], int]] = field(factory=list)
    waiting: dict[str, list[list[Any]]] = field(factory=dict)
    failures: set[int] = field(factory=set)
    pulls: int = 0

    def publish(self, topic: str, messages: Sequence[Encoded]) -> list[str]:
        """Keep messages; their ids are their bodies."""
        number = len(self.published)
        self.published.append((topic, list(messages)))
        if number in self.failures:
            raise ServiceUnavailable("the test broke it")
        return [message.data.decode() for message in messages]

    def acknowledge(self, subscription: str, leases: Sequence[str]) -> None:
        """Keep leases."""
        self.acknowledged.append((subscription, list(leases)))

    def modify(self, subscription: str, leases: Sequence[str], length: int) -> None:
        """Keep leases and their length."""
        self.modified.append((subscription, list(leases), length))

    def pull(self, subscription: str, count: int, wait: float = 0.0) -> list[Any]:
        """The next batch."""
        self.pulls += 1
        batches = self.waiting.get(subscription, [])
        return batches.pop(0)[:count] if batches else []


@pytest.fixture
def pubsub() -> FakePubSub:
    return FakePubSub()
