"""What queues made of topics and subscriptions can do."""

from __future__ import annotations

from cloudkit.common import NameRule, QueueCapabilities
from cloudkit.gcp.pubsub.capabilities import MESSAGING
from cloudkit.gcp.pubsub.names import MAX_QUEUE_LENGTH

QUEUE = NameRule(
    r"(?!goog)[A-Za-z][A-Za-z0-9_.+%-]*",
    "letters, digits and - _ . + %, beginning with a letter and not with 'goog'",
    max_bytes=MAX_QUEUE_LENGTH,
)

DAY = 86400.0

QUEUE_CAPABILITIES = QueueCapabilities(
    **MESSAGING,
    dedup=False,
    stats=False,
    # What comes later is a message like others meanwhile, which the service keeps for 7 days.
    max_delay_seconds=6 * DAY,
    max_retention_seconds=31 * DAY,
    queue_name=QUEUE,
    reasons={
        "dedup": "Pub/Sub takes every message that is published, whatever was published before, and has no "
        "condition on it. Cloud Tasks drops tasks of a name that was used: see cloud.cloud_tasks.",
        "stats": "Pub/Sub does not count messages. Cloud Monitoring estimates them, some minutes late.",
    },
)
"""Flags and limits."""
