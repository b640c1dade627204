"""The operations of PubSub besides those that it shares with MessageQueue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from attrs import field, frozen
from cloudkit.api.messaging import DeadLetterPolicy, OutgoingMessage, SentMessage
from cloudkit.api.messaging.operations import check_message, check_policy, check_visibility
from cloudkit.api.paging import Page
from cloudkit.api.pubsub.models import SubscriptionInfo, TopicInfo
from cloudkit.api.validation import is_flag, is_optional_count, is_text, several, text
from cloudkit.common import CloudResult, PubSubCapabilities, ValidationError
from cloudkit.spi import Operation
from cloudkit.spi.operation import T


def _check_endpoint(instance: object, attribute: Any, value: Any) -> None:
    if value is None:
        return
    parts = urlsplit(text(value, "push_endpoint"))
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValidationError(f"push_endpoint must be an http or https URL, not {value!r}")


def to_filter(value: Mapping[str, str | Sequence[str]] | None) -> dict[str, tuple[str, ...]]:
    """A filter with all its values in tuples.

    Raises:
        ValidationError: It is no filter.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ValidationError("a filter maps attributes to the values that let a message through")
    result: dict[str, tuple[str, ...]] = {}
    for name, values in value.items():
        allowed = (
            (values,) if isinstance(values, str) else tuple(several(values, f"filter[{name!r}]"))
        )
        if not allowed:
            raise ValidationError(f"the filter lets nothing through: {name!r} has no values")
        for item in allowed:
            text(item, f"a value of {name!r} in the filter")
        result[text(name, "an attribute in the filter")] = allowed
    return result


@frozen(kw_only=True, eq=False)
class TopicOperation(Operation[T]):
    """Base: about a topic."""

    contract = "pubsub"
    topic: str = field(validator=is_text)

    @property
    def resource(self) -> str:
        """The topic."""
        return self.topic

    def check(self, capabilities: PubSubCapabilities) -> None:
        """The name follows the provider's rule."""
        capabilities.topic_name.check(self.topic, "topic")


@frozen(kw_only=True, eq=False)
class CreateTopic(TopicOperation[TopicInfo]):
    """Create a topic."""

    name = "create_topic"
    ordering: bool = field(default=False, validator=is_flag)

    def check(self, capabilities: PubSubCapabilities) -> None:
        """The provider has such topics."""
        TopicOperation.check(self, capabilities)
        if self.ordering:
            capabilities.require("ordering", "an ordered topic")


@frozen(kw_only=True, eq=False)
class DeleteTopic(TopicOperation[None]):
    """Delete a topic with its subscriptions."""

    name = "delete_topic"


@frozen(kw_only=True, eq=False)
class DescribeTopic(TopicOperation[TopicInfo]):
    """Read a topic's settings."""

    name = "describe_topic"
    safe = True


@frozen(kw_only=True, eq=False)
class ListTopics(Operation[Page[TopicInfo]]):
    """One page of the topics, by name."""

    contract = "pubsub"
    name = "list_topics"
    safe = True
    page_size: int | None = field(default=None, validator=is_optional_count)
    page_token: str | None = None


@frozen(kw_only=True, eq=False)
class SubscriptionOperation(TopicOperation[T]):
    """Base: about a subscription."""

    subscription: str = field(validator=is_text)

    @property
    def resource(self) -> str:
        """Topic and subscription."""
        return f"{self.topic}/{self.subscription}"

    def check(self, capabilities: PubSubCapabilities) -> None:
        """The names follow the provider's rules."""
        TopicOperation.check(self, capabilities)
        capabilities.require("subscriptions", "a subscription")
        capabilities.subscription_name.check(self.subscription, "subscription")


@frozen(kw_only=True, eq=False)
class CreateSubscription(SubscriptionOperation[SubscriptionInfo]):
    """Create a subscription."""

    name = "create_subscription"
    filter: Mapping[str, tuple[str, ...]] = field(default=None, converter=to_filter)
    visibility: float = 30.0
    dead_letter: DeadLetterPolicy | None = None
    push_endpoint: str | None = field(default=None, validator=_check_endpoint)

    def check(self, capabilities: PubSubCapabilities) -> None:
        """The provider has such subscriptions."""
        SubscriptionOperation.check(self, capabilities)
        if self.filter:
            capabilities.require("filters", "a filter")
        if self.push_endpoint is not None:
            capabilities.require("push", "push_endpoint")
        check_visibility(self.visibility, capabilities)
        check_policy(self.dead_letter, capabilities)


@frozen(kw_only=True, eq=False)
class DeleteSubscription(SubscriptionOperation[None]):
    """Delete a subscription with its messages."""

    name = "delete_subscription"


@frozen(kw_only=True, eq=False)
class DescribeSubscription(SubscriptionOperation[SubscriptionInfo]):
    """Read a subscription's settings."""

    name = "describe_subscription"
    safe = True


@frozen(kw_only=True, eq=False)
class ListSubscriptions(TopicOperation[Page[SubscriptionInfo]]):
    """One page of a topic's subscriptions, by name."""

    name = "list_subscriptions"
    safe = True
    page_size: int | None = field(default=None, validator=is_optional_count)
    page_token: str | None = None

    def check(self, capabilities: PubSubCapabilities) -> None:
        """The provider has subscriptions."""
        TopicOperation.check(self, capabilities)
        capabilities.require("subscriptions", "list_subscriptions")


@frozen(kw_only=True, eq=False)
class Publish(TopicOperation[SentMessage]):
    """Publish a message."""

    name = "publish"
    message: OutgoingMessage

    def check(self, capabilities: PubSubCapabilities) -> None:
        """The message is within what the provider can do."""
        TopicOperation.check(self, capabilities)
        check_message(self.message, capabilities)


@frozen(kw_only=True, eq=False)
class PublishMessages(TopicOperation[Sequence[CloudResult[SentMessage]]]):
    """Publish messages, as many as go into one request."""

    name = "publish_batch"
    messages: tuple[OutgoingMessage, ...]
