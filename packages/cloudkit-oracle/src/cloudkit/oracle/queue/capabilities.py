"""What Queue can do."""

from __future__ import annotations

from cloudkit.common import NameRule, QueueCapabilities
from cloudkit.oracle.queue.messages import MAX_BYTES

RESERVE = 4096
"""Bytes of a message's largest size that are kept for what CloudKit adds."""

NAME = NameRule(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}",
    "1 to 200 letters, digits, dots, hyphens and underscores, beginning with a letter or digit",
    max_bytes=200,
)

QUEUE_CAPABILITIES = QueueCapabilities(
    fifo=False,
    dedup=False,
    delay=False,
    # What fits even when it must be sent as base64.
    max_message_bytes=(MAX_BYTES - RESERVE) * 3 // 4,
    max_receive=20,
    max_wait_seconds=30,
    send_batch=20,
    ack_batch=20,
    max_retention_seconds=7 * 86400,
    queue_name=NAME,
    reasons={
        "fifo": "Queue keeps the order as well as it can, and promises none.",
        "dedup": "Queue drops no duplicates.",
        "delay": "A message that is put into a queue can be had at once.",
    },
)
"""Flags and limits of MessageQueue on Queue:
https://docs.oracle.com/en-us/iaas/Content/queue/overview.htm"""
