"""Publishing to Notifications."""

from cloudkit.oracle.notifications.messages import decode
from cloudkit.oracle.notifications.operations import EndpointSubscription, Protocol
from cloudkit.oracle.notifications.pubsub import OracleNotifications

__all__ = ["EndpointSubscription", "OracleNotifications", "Protocol", "decode"]
