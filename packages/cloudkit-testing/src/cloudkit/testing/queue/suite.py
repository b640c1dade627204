"""Base of the queue behaviours: queues to work in, and what there is to call."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from cloudkit.api.messaging import DeadLetterPolicy
from cloudkit.api.queue import MessageQueue
from cloudkit.testing.cleanup import Cleanup
from cloudkit.testing.messaging.channel import Channel, QueueChannel
from cloudkit.testing.messaging.suite import MessagingSuite, OpenChannel
from cloudkit.testing.outcome import require
from cloudkit.testing.queue.refusals import REFUSALS


class QueueSuite(MessagingSuite):
    """Base of the queue behaviours.

    Attributes:
        recreate_after: Seconds that a service wants between deleting a queue and creating one of the
            same name.
        short_retention: Shortest retention in seconds that a test can wait for; None where the
            service keeps messages longer than that.
    """

    __test__ = False

    contract_name = "queue"
    refusals = REFUSALS
    receive_flag = "queue.pull"
    idempotent_operation = "describe_queue"
    ambiguous_operation = "send"
    recreate_after: ClassVar[float] = 0.0
    short_retention: ClassVar[float | None] = None

    @pytest.fixture
    def queues(self, cloud: Any) -> MessageQueue:
        """The contract under test."""
        queues: MessageQueue = cloud.queue
        return queues

    @pytest.fixture
    async def ordered(self, cloud: Any, open_channel: OpenChannel) -> Channel:
        """An empty fifo queue."""
        require(cloud.capabilities, "queue.fifo")
        return await open_channel(ordered=True)

    async def new_channel(
        self,
        contract: MessageQueue,
        cleanup: Cleanup,
        *,
        visibility: float | None = None,
        dead_letter: DeadLetterPolicy | None = None,
        ordered: bool = False,
    ) -> QueueChannel:
        """Create a queue that is deleted at the end of the test; arguments as in the base."""
        name = self.fresh_name("queue")
        cleanup.later(contract.delete_queue, name)
        await contract.create_queue(
            name,
            fifo=ordered,
            visibility=visibility or self.long_lease(contract.capabilities),
            dead_letter=dead_letter,
        )
        return QueueChannel(contract, name)

    def absent_channel(self, contract: MessageQueue) -> QueueChannel:
        """A queue that does not exist."""
        return QueueChannel(contract, self.fresh_name("missing"))

    async def create_resource(self, contract: MessageQueue) -> str:
        """A queue."""
        name = self.fresh_name("queue")
        await contract.create_queue(name)
        return name

    async def remove_resource(self, contract: MessageQueue, resource: str) -> None:
        """Delete the queue."""
        await contract.delete_queue(resource)

    async def idempotent_call(self, contract: MessageQueue, resource: str) -> None:
        """Read the queue's settings."""
        assert (await contract.describe_queue(resource)).name == resource

    async def ambiguous_call(self, contract: MessageQueue, resource: str) -> None:
        """Send a message."""
        await contract.send(resource, b"body")

    async def missing_call(self, contract: MessageQueue, resource: str) -> None:
        """Send to a queue that does not exist."""
        await contract.send(resource, b"body")
