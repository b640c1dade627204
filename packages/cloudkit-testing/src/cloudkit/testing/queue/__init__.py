"""The conformance suite of MessageQueue."""

from cloudkit.testing.queue.behaviours import MessageQueueSuite
from cloudkit.testing.queue.suite import QueueSuite

__all__ = ["MessageQueueSuite", "QueueSuite"]
