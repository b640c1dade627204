"""All behaviours that queues and subscriptions share, in one class."""

from __future__ import annotations

from cloudkit.testing.messaging.batches import BatchBehaviours
from cloudkit.testing.messaging.bodies import BodyBehaviours
from cloudkit.testing.messaging.deadletters import DeadLetterBehaviours
from cloudkit.testing.messaging.draining import DrainingBehaviours
from cloudkit.testing.messaging.handling import HandlingBehaviours
from cloudkit.testing.messaging.keeping import KeepingBehaviours
from cloudkit.testing.messaging.leases import LeaseBehaviours
from cloudkit.testing.messaging.ordering import OrderingBehaviours
from cloudkit.testing.messaging.receiving import ReceivingBehaviours
from cloudkit.testing.messaging.sharing import SharingBehaviours


class MessagingBehaviours(
    BodyBehaviours,
    ReceivingBehaviours,
    BatchBehaviours,
    LeaseBehaviours,
    OrderingBehaviours,
    DeadLetterBehaviours,
    HandlingBehaviours,
    KeepingBehaviours,
    DrainingBehaviours,
    SharingBehaviours,
):
    """To be a base of the suites of MessageQueue and PubSub."""

    __test__ = False
