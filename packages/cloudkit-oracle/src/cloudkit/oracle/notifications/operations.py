"""Subscriptions of endpoints: what Notifications has besides the contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from attrs import field, frozen
from cloudkit.api.pubsub.operations import TopicOperation
from cloudkit.api.validation import is_text
from cloudkit.common import PubSubCapabilities, ValidationError

Protocol: TypeAlias = Literal[
    "CUSTOM_HTTPS", "EMAIL", "ORACLE_FUNCTIONS", "PAGERDUTY", "SLACK", "SMS"
]
"""How an endpoint is reached, by the names that Notifications has for it."""

PROTOCOLS: tuple[Protocol, ...] = (
    *("CUSTOM_HTTPS", "EMAIL", "ORACLE_FUNCTIONS", "PAGERDUTY", "SLACK", "SMS"),
)
URLS = frozenset({"CUSTOM_HTTPS", "PAGERDUTY", "SLACK"})
MAX_ENDPOINT = 512


@frozen(kw_only=True)
class EndpointSubscription:
    """An endpoint that gets what is published to a topic.

    Attributes:
        id: The service's name for it.
        topic: The topic.
        protocol: How the endpoint is reached.
        endpoint: A URL, an address or the OCID of a function.
        confirmed: Whether the endpoint has said that it wants the messages. Functions need not.
    """

    id: str
    topic: str
    protocol: str
    endpoint: str
    confirmed: bool


@frozen(kw_only=True, eq=False)
class SubscribeEndpoint(TopicOperation[EndpointSubscription]):
    """Subscribe an endpoint."""

    name = "subscribe_endpoint"
    endpoint: str = field(validator=is_text)
    protocol: Protocol

    def check(self, capabilities: PubSubCapabilities) -> None:
        """The endpoint is within the service's limits."""
        TopicOperation.check(self, capabilities)
        if self.protocol not in PROTOCOLS:
            known = ", ".join(PROTOCOLS)
            raise ValidationError(f"protocol must be one of {known}, not {self.protocol!r}")
        if len(self.endpoint) > MAX_ENDPOINT:
            raise ValidationError(f"an endpoint has at most {MAX_ENDPOINT} characters")
        if self.protocol in URLS and not self.endpoint.startswith(("http://", "https://")):
            raise ValidationError(f"an endpoint of {self.protocol} must be an http or https URL")


@frozen(kw_only=True, eq=False)
class ListEndpoints(TopicOperation[Sequence[EndpointSubscription]]):
    """The endpoints of a topic."""

    name = "list_endpoints"
    safe = True


@frozen(kw_only=True, eq=False)
class UnsubscribeEndpoint(TopicOperation[None]):
    """Unsubscribe an endpoint."""

    name = "unsubscribe_endpoint"
    subscription: str = field(validator=is_text)

    @property
    def resource(self) -> str:
        """Topic and subscription."""
        return f"{self.topic}/{self.subscription}"
