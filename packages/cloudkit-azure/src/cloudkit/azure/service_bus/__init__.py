"""MessageQueue and PubSub on Service Bus."""

from cloudkit.azure.service_bus.queue import ServiceBusMessageQueue

__all__ = ["ServiceBusMessageQueue"]
