"""The conformance suite of PubSub."""

from cloudkit.testing.pubsub.behaviours import PubSubSuite
from cloudkit.testing.pubsub.endpoint import PushAnswer, PushRequest
from cloudkit.testing.pubsub.suite import TopicSuite

__all__ = ["PubSubSuite", "PushAnswer", "PushRequest", "TopicSuite"]
