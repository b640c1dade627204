"""What PubSub gives besides messages."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen
from cloudkit.api.messaging import DeadLetterPolicy


@frozen(kw_only=True)
class TopicInfo:
    """A topic.

    Attributes:
        name: Its name.
        ordering: Whether messages with an ordering key keep their order.
    """

    name: str
    ordering: bool = False


@frozen(kw_only=True)
class SubscriptionInfo:
    """A subscription.

    Attributes:
        topic: Its topic.
        name: Its name.
        filter: Attribute → the values that let a message through; empty for all messages.
        visibility: Length of a lease in seconds, where nothing else is asked for.
        dead_letter: When messages are set aside; None for never.
        push_endpoint: Where messages are sent to; None where they are received.
    """

    topic: str
    name: str
    filter: Mapping[str, tuple[str, ...]] = field(factory=dict)
    visibility: float = 30.0
    dead_letter: DeadLetterPolicy | None = None
    push_endpoint: str | None = None

    def admits(self, attributes: Mapping[str, str]) -> bool:
        """Whether the filter lets a message with these attributes through."""
        return all(attributes.get(name) in values for name, values in self.filter.items())
