"""Topics and subscriptions, in memory."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from typing import Any

from emulators.oracle.errors import OracleError, not_found
from emulators.oracle.routing import Call


@dataclass(eq=False)
class Subscription:
    """Of an endpoint to a topic.

    Attributes:
        description: As it is answered.
        token: Lets whoever has it confirm or unsubscribe.
    """

    description: dict[str, Any]
    token: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def active(self) -> bool:
        """Whether it is confirmed and still wanted."""
        return bool(self.description["lifecycleState"] == "ACTIVE")


class Store:
    """All topics and subscriptions, by OCID."""

    def __init__(self) -> None:
        self.topics: dict[str, dict[str, Any]] = {}
        self.subscriptions: dict[str, Subscription] = {}

    def topic(self, identity: str) -> dict[str, Any]:
        """A topic.

        Raises:
            OracleError: There is none.
        """
        if identity not in self.topics:
            raise not_found()
        return self.topics[identity]

    def subscription(self, identity: str) -> Subscription:
        """A subscription.

        Raises:
            OracleError: There is none.
        """
        if identity not in self.subscriptions:
            raise not_found()
        return self.subscriptions[identity]

    def of_topic(self, identity: str) -> list[Subscription]:
        """The subscriptions to a topic."""
        return [
            each for each in self.subscriptions.values() if each.description["topicId"] == identity
        ]


def new_ocid(kind: str) -> str:
    """A name for something new."""
    return f"ocid1.{kind}.oc1.iad.{uuid.uuid4().hex}"


def check_match(call: Call, description: dict[str, Any]) -> None:
    """The condition of a request, if it has one.

    Raises:
        OracleError: It does not hold.
    """
    wanted = call.request.headers.get("if-match")
    if wanted is not None and wanted not in {"*", description["etag"]}:
        raise OracleError(412, "NoEtagMatch", "The If-Match header does not match")
