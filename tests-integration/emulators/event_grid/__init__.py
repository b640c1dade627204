"""A double of Event Grid: namespace topics with pull delivery, a basic topic, and their management.

Written from the REST references of the data plane (2024-06-01, basic 2018-01-01) and of the resource
manager (2025-02-15) and from the service's documentation, because there is no emulator. It checks keys,
signatures and tokens, CloudEvents and limits, and shares no code with the provider.
"""

from emulators.event_grid.server import (
    GROUP,
    KEY,
    NAMESPACE,
    SUBSCRIPTION_ID,
    TOKEN,
    event_grid,
    received_by_basic_topic,
    set_aside,
)

__all__ = [
    "GROUP",
    "KEY",
    "NAMESPACE",
    "SUBSCRIPTION_ID",
    "TOKEN",
    "event_grid",
    "received_by_basic_topic",
    "set_aside",
]
