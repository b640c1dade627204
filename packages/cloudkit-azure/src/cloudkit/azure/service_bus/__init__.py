"""MessageQueue and PubSub on Service Bus."""

from cloudkit.azure.service_bus.queue import ServiceBusMessageQueue
from cloudkit.azure.service_bus.topics import ServiceBusPubSub

__all__ = ["ServiceBusMessageQueue", "ServiceBusPubSub"]
