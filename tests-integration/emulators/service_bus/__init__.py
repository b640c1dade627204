"""A double of Azure Service Bus: AMQP 1.0 on rhea, and the REST API that entities are managed by."""

from emulators.service_bus.server import KEY, POLICY, TOKEN, connection_string, service_bus

__all__ = ["KEY", "POLICY", "TOKEN", "connection_string", "service_bus"]
