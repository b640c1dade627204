"""MessageQueue: messages that each go to one consumer."""

from cloudkit.api.queue.contract import MessageQueue
from cloudkit.api.queue.hooks import MessageQueueHooks
from cloudkit.api.queue.models import QueueInfo, QueueStats

__all__ = ["MessageQueue", "MessageQueueHooks", "QueueInfo", "QueueStats"]
