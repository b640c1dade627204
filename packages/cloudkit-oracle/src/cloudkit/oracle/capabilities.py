"""What Oracle Cloud can do, service by service."""

from __future__ import annotations

from cloudkit.common import Capabilities
from cloudkit.oracle.functions.capabilities import FUNCTIONS
from cloudkit.oracle.nosql.capabilities import NOSQL
from cloudkit.oracle.object_storage.capabilities import OBJECT_STORAGE
from cloudkit.oracle.queue.capabilities import QUEUE
from cloudkit.oracle.streaming.capabilities import STREAMING_PUBSUB

ORACLE_CAPABILITIES = Capabilities(
    storage=OBJECT_STORAGE,
    kv=NOSQL,
    queue=QUEUE,
    pubsub=STREAMING_PUBSUB,
    functions=FUNCTIONS,
)
"""Flags and limits of the five contracts."""
