"""What Oracle Cloud can do, service by service."""

from __future__ import annotations

from cloudkit.common import Capabilities
from cloudkit.oracle.queue.capabilities import QUEUE

ORACLE_CAPABILITIES = Capabilities(
    queue=QUEUE,
)
"""Flags and limits of the five contracts."""
