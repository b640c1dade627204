"""What Notifications can do."""

from __future__ import annotations

from cloudkit.common import NameRule, PubSubCapabilities
from cloudkit.oracle.notifications.messages import MAX_BYTES, PREFIX

TOPIC = NameRule(
    r"[A-Za-z0-9][A-Za-z0-9_-]{0,199}",
    "1 to 200 letters, digits, hyphens and underscores, beginning with a letter or digit",
    max_bytes=200,
)

_PUSHED = "Notifications keeps no messages: it pushes them to endpoints."

_OF_KEPT_MESSAGES = (
    *("visibility", "extend", "nack_delay", "single_ack", "dead_letter", "list_dead_letters"),
    *("redrive", "new_subscription_starts_at_end"),
)

NOTIFICATIONS_CAPABILITIES = PubSubCapabilities(
    attributes=False,
    subscriptions=False,
    filters=False,
    ordering=False,
    push=False,
    visibility=False,
    extend=False,
    nack_delay=False,
    single_ack=False,
    dead_letter=False,
    list_dead_letters=False,
    redrive=False,
    new_subscription_starts_at_end=False,
    # What fits even when it must be sent as base64.
    max_message_bytes=(MAX_BYTES - len(PREFIX)) * 3 // 4 - 2,
    send_batch=1,
    topic_name=TOPIC,
    reasons={
        "attributes": "A message of Notifications is a text.",
        "subscriptions": f"{_PUSHED} See subscribe_endpoint.",
        "push": "Subscriptions of Notifications have no names of their own: see subscribe_endpoint.",
        "filters": "Notifications does not filter.",
        "ordering": "Notifications promises no order.",
        **dict.fromkeys(_OF_KEPT_MESSAGES, _PUSHED),
    },
)
"""Flags and limits of publishing to Notifications."""
