"""What Google Cloud can do, service by service."""

from __future__ import annotations

from cloudkit.common import Capabilities
from cloudkit.gcp.firestore.capabilities import FIRESTORE_CAPABILITIES
from cloudkit.gcp.functions.capabilities import FUNCTIONS_CAPABILITIES
from cloudkit.gcp.pubsub.capabilities import PUBSUB_CAPABILITIES
from cloudkit.gcp.queue.capabilities import QUEUE_CAPABILITIES
from cloudkit.gcp.storage.capabilities import STORAGE_CAPABILITIES

GCP_CAPABILITIES = Capabilities(
    storage=STORAGE_CAPABILITIES,
    kv=FIRESTORE_CAPABILITIES,
    queue=QUEUE_CAPABILITIES,
    pubsub=PUBSUB_CAPABILITIES,
    functions=FUNCTIONS_CAPABILITIES,
)
"""Flags and limits of the five contracts."""
