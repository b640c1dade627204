"""The whole conformance suite of PubSub."""

from __future__ import annotations

from cloudkit.testing.common import CommonBehaviours
from cloudkit.testing.messaging.behaviours import MessagingBehaviours
from cloudkit.testing.pubsub.fanout import FanoutBehaviours
from cloudkit.testing.pubsub.pushing import PushBehaviours
from cloudkit.testing.pubsub.topics import TopicBehaviours


class PubSubSuite(
    TopicBehaviours,
    FanoutBehaviours,
    PushBehaviours,
    MessagingBehaviours,
    CommonBehaviours,
):
    """Subclass it and give a ``make_cloud`` fixture; see [CloudSuite][cloudkit.testing.CloudSuite].

    Messages that are pushed look different from service to service: see
    ``decode_push``.
    """

    __test__ = False
