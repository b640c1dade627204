"""What Google Cloud can do, service by service."""

from __future__ import annotations

from cloudkit.common import Capabilities
from cloudkit.gcp.firestore.limits import FIRESTORE_CAPABILITIES
from cloudkit.gcp.functions.limits import FUNCTIONS_CAPABILITIES
from cloudkit.gcp.pubsub.limits import PUBSUB_CAPABILITIES
from cloudkit.gcp.queue.limits import QUEUE_CAPABILITIES
from cloudkit.gcp.storage.limits import STORAGE_CAPABILITIES

GCP_CAPABILITIES = Capabilities(
    storage=STORAGE_CAPABILITIES,
    functions=FUNCTIONS_CAPABILITIES,
    kv=FIRESTORE_CAPABILITIES,
    queue=QUEUE_CAPABILITIES,
    pubsub=PUBSUB_CAPABILITIES,
)
"""Flags and limits of the five contracts."""
