"""The behaviours that MessageQueue and PubSub share."""

from cloudkit.testing.messaging.behaviours import MessagingBehaviours
from cloudkit.testing.messaging.channel import Channel, QueueChannel, SubscriptionChannel
from cloudkit.testing.messaging.suite import MessagingSuite

__all__ = [
    "Channel",
    "MessagingBehaviours",
    "MessagingSuite",
    "QueueChannel",
    "SubscriptionChannel",
]
