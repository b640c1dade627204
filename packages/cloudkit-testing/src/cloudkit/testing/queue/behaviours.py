"""The whole conformance suite of MessageQueue."""

from __future__ import annotations

from cloudkit.testing.common import CommonBehaviours
from cloudkit.testing.messaging.behaviours import MessagingBehaviours
from cloudkit.testing.queue.duplicates import DuplicateBehaviours
from cloudkit.testing.queue.messages import QueueMessageBehaviours
from cloudkit.testing.queue.queues import QueueBehaviours
from cloudkit.testing.queue.redriving import RedriveBehaviours


class MessageQueueSuite(
    QueueBehaviours,
    QueueMessageBehaviours,
    DuplicateBehaviours,
    RedriveBehaviours,
    MessagingBehaviours,
    CommonBehaviours,
):
    """Subclass it and give a ``make_cloud`` fixture; see [CloudSuite][cloudkit.testing.CloudSuite]."""

    __test__ = False
