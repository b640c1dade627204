"""What Oracle Cloud can do, service by service."""

from __future__ import annotations

from cloudkit.common import Capabilities
from cloudkit.oracle.functions.capabilities import FUNCTIONS
from cloudkit.oracle.object_storage.capabilities import OBJECT_STORAGE
from cloudkit.oracle.queue.capabilities import QUEUE

ORACLE_CAPABILITIES = Capabilities(
    storage=OBJECT_STORAGE,
    queue=QUEUE,
    functions=FUNCTIONS,
)
"""Flags and limits of the five contracts."""
