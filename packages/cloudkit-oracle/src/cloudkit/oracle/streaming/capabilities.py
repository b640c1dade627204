"""What Streaming can do."""

from __future__ import annotations

from typing import Any

from cloudkit.common import NameRule, PubSubCapabilities, QueueCapabilities
from cloudkit.oracle.streaming.messages import MAX_BYTES

RESERVE = 16 * 1024
"""Bytes of a request's largest size that are kept for what CloudKit adds to its messages."""
BATCH = 50
"""Messages of one request; Streaming sets no limit but that of their size."""

STREAM = NameRule(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}",
    "1 to 128 letters, digits, dots, hyphens and underscores, beginning with a letter or digit",
    max_bytes=128,
)
SUBSCRIPTION = NameRule(
    r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}",
    "1 to 64 letters, digits, hyphens and underscores, beginning with a letter or digit",
    max_bytes=64,
)

_BOTH: dict[str, Any] = {
    "single_ack": False,
    "max_message_bytes": MAX_BYTES - RESERVE,
    "max_receive": 100,
    "max_wait_seconds": 60,
    "min_visibility_seconds": 0.1,
    "send_batch": BATCH,
    "ack_batch": 100,
}
_REASONS = {
    "single_ack": "Streaming remembers how far a group has read, and not single messages: what is "
    "acknowledged counts as soon as all before it is; until then only this client knows.",
}

STREAMING_QUEUE_CAPABILITIES = QueueCapabilities(
    **_BOTH,
    dedup=False,
    delay=False,
    stats=False,
    max_retention_seconds=7 * 86400,
    queue_name=STREAM,
    reasons={
        **_REASONS,
        "dedup": "Streaming drops no duplicates.",
        "delay": "A message that is put into a stream can be read at once.",
        "stats": "Streaming does not tell how many messages a group has still to read.",
    },
)
"""Flags and limits of MessageQueue on Streaming."""

STREAMING_PUBSUB_CAPABILITIES = PubSubCapabilities(
    **_BOTH,
    filters=False,
    push=False,
    topic_name=STREAM,
    subscription_name=SUBSCRIPTION,
    reasons={
        **_REASONS,
        "filters": "Streaming does not filter: a group reads all that is in the stream.",
        "push": "Streaming pushes nothing; Notifications does, see oracle.notifications.",
    },
)
"""Flags and limits of PubSub on Streaming:
https://docs.oracle.com/en-us/iaas/Content/Streaming/Concepts/streamingoverview_topic-Limits_on_Streaming_Resources.htm"""
