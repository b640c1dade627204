"""PubSub: messages of which every subscription gets its own copy."""

from cloudkit.api.pubsub.contract import PubSub
from cloudkit.api.pubsub.hooks import PubSubHooks
from cloudkit.api.pubsub.models import SubscriptionInfo, TopicInfo

__all__ = ["PubSub", "PubSubHooks", "SubscriptionInfo", "TopicInfo"]
