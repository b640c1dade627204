"""What Oracle Cloud can do, service by service."""

from __future__ import annotations

from cloudkit.common import Capabilities
from cloudkit.oracle.functions.capabilities import FUNCTIONS_CAPABILITIES
from cloudkit.oracle.nosql.capabilities import NOSQL_CAPABILITIES
from cloudkit.oracle.object_storage.capabilities import OBJECT_STORAGE_CAPABILITIES
from cloudkit.oracle.queue.capabilities import QUEUE_CAPABILITIES
from cloudkit.oracle.streaming.capabilities import STREAMING_PUBSUB_CAPABILITIES

ORACLE_CAPABILITIES = Capabilities(
    storage=OBJECT_STORAGE_CAPABILITIES,
    kv=NOSQL_CAPABILITIES,
    queue=QUEUE_CAPABILITIES,
    pubsub=STREAMING_PUBSUB_CAPABILITIES,
    functions=FUNCTIONS_CAPABILITIES,
)
"""Flags and limits of the five contracts."""
