"""What Google Cloud can do, service by service."""

from __future__ import annotations

from cloudkit.common import Capabilities
from cloudkit.gcp.firestore.limits import FIRESTORE_CAPABILITIES
from cloudkit.gcp.pubsub.limits import PUBSUB_CAPABILITIES
from cloudkit.gcp.queue.limits import QUEUE_CAPABILITIES

GCP_CAPABILITIES = Capabilities(
    queue=QUEUE_CAPABILITIES,
    pubsub=PUBSUB_CAPABILITIES,
    kv=FIRESTORE_CAPABILITIES,
)
"""Flags and limits of the five contracts."""
