"""What Service Bus can do.

https://learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas
"""

from __future__ import annotations

from typing import Any

from cloudkit.common import NameRule, PubSubCapabilities, QueueCapabilities

KIB = 1024
YEAR = 365 * 86400

ENTITY = NameRule(
    r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,258}[A-Za-z0-9])?",
    "1 to 260 letters, digits, dots, hyphens and underscores, beginning and ending with a letter "
    "or digit",
    max_bytes=260,
)
SUBSCRIPTION = NameRule(
    r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,48}[A-Za-z0-9])?",
    "1 to 50 letters, digits, dots, hyphens and underscores, beginning and ending with a letter "
    "or digit",
    max_bytes=50,
)

REASONS = {
    "visibility": "A lock of Service Bus is as long as the queue or subscription says, whoever "
    "receives.",
    "extend_length": "Service Bus renews a lock by the length that the queue or subscription has "
    "for all locks.",
    "nack_delay": "A message of Service Bus that is given back can be received at once. A copy that "
    "is scheduled would be another message, received for the first time.",
}

_SHARED: dict[str, Any] = {
    "visibility": False,
    "extend_length": False,
    "nack_delay": False,
    # The standard tier takes 256 KiB, of which some go to the names and types of AMQP.
    "max_message_bytes": 248 * KIB,
    "max_attributes": 100,
    "max_receive": 100,
    "max_wait_seconds": 60,
    "min_visibility_seconds": 5,
    "max_visibility_seconds": 300,
    "send_batch": 100,
    "ack_batch": 100,
    # The service takes 2,000, which stands for never here.
    "max_receives": 1999,
    "max_deliveries": 2000,
}

QUEUE_CAPABILITIES = QueueCapabilities(
    **_SHARED,
    purge_leased=False,
    max_delay_seconds=10 * YEAR,
    max_retention_seconds=10 * YEAR,
    queue_name=ENTITY,
    reasons={
        **REASONS,
        "purge_leased": "Messages of Service Bus that somebody has locked cannot be removed by "
        "somebody else.",
    },
)
"""Flags and limits of queues, in the standard tier."""

TOPIC_CAPABILITIES = PubSubCapabilities(
    **_SHARED,
    push=False,
    redrive=False,
    topic_name=ENTITY,
    subscription_name=SUBSCRIPTION,
    reasons={
        **REASONS,
        "push": "Service Bus is asked for messages; it sends none to an endpoint.",
        "redrive": "PubSub has no redrive.",
    },
)
"""Flags and limits of topics, in the standard tier."""
