"""What a namespace of Event Grid can do.

https://learn.microsoft.com/azure/event-grid/quotas-limits, and the REST reference of the resource
manager for the lengths of locks
"""

from __future__ import annotations

from cloudkit.common import NameRule, PubSubCapabilities

KIB = 1024

NAME = NameRule(
    r"(?=.*[A-Za-z0-9])[A-Za-z0-9-]{3,50}",
    "3 to 50 letters, digits and hyphens, at least one of them a letter or digit",
    max_bytes=50,
)

EVENT_GRID_CAPABILITIES = PubSubCapabilities(
    visibility=False,
    extend_length=False,
    dead_letter=False,
    list_dead_letters=False,
    redrive=False,
    ordering=False,
    max_message_bytes=(1_000_000 - 8 * KIB) * 3 // 4,
    max_attributes=100,
    max_receive=100,
    max_wait_seconds=120,
    min_visibility_seconds=60,
    max_visibility_seconds=300,
    send_batch=1000,
    ack_batch=100,
    max_receives=10,
    max_deliveries=10,
    topic_name=NAME,
    subscription_name=NAME,
    reasons={
        "visibility": "A lock of Event Grid is as long as the subscription says, from one to five "
        "minutes.",
        "extend_length": "Event Grid renews a lock for as long as the subscription's locks are.",
        "dead_letter": "Event Grid drops what is rejected, unless the subscription has a container "
        "of Blob Storage to write it to: name one by the option event_grid_dead_letters.",
        "list_dead_letters": "Event Grid writes dead letters to a container of Blob Storage, as "
        "files in JSON, some minutes later. Read them there.",
        "redrive": "Dead letters are files in a container of Blob Storage: publish them again.",
        "ordering": "Event Grid keeps no order.",
    },
)
"""Flags and limits of PubSub."""
