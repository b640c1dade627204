"""What topics and subscriptions of Pub/Sub can do: https://cloud.google.com/pubsub/quotas."""

from __future__ import annotations

from typing import Any

from cloudkit.common import NameRule, PubSubCapabilities
from cloudkit.gcp.pubsub.names import MAX_LENGTH, MAX_SUBSCRIPTION_LENGTH

TOPIC = NameRule(
    r"(?!goog)[A-Za-z][A-Za-z0-9_.+%-]{2,}",
    "3 to 255 letters, digits and - _ . + %, beginning with a letter and not with 'goog'",
    max_bytes=MAX_LENGTH,
)
SUBSCRIPTION = NameRule(
    r"(?=.*[A-Za-z0-9])[A-Za-z0-9_.+%-]+",
    "letters, digits and - _ . + %, at least one of them a letter or digit",
    max_bytes=MAX_SUBSCRIPTION_LENGTH,
)

MESSAGING: dict[str, Any] = {
    # Of the 10 MB of a request, some bytes are kept for what else stands in it.
    "max_message_bytes": 10_000_000 - 8 * 1024,
    # Of the 100 of the service, four are kept for what it adds to dead letters, and two for CloudKit.
    "max_attributes": 94,
    "max_receive": 1000,
    "max_wait_seconds": 60,
    "min_visibility_seconds": 1,
    "max_visibility_seconds": 600,
    "send_batch": 1000,
    "ack_batch": 1000,
    "min_receives": 5,
    "max_receives": 100,
}
"""Limits that topics and queues share."""

PUBSUB_CAPABILITIES = PubSubCapabilities(
    **MESSAGING,
    topic_name=TOPIC,
    subscription_name=SUBSCRIPTION,
)
"""Flags and limits."""
