"""What Google Cloud can do, service by service."""

from __future__ import annotations

from cloudkit.common import Capabilities
from cloudkit.gcp.firestore.limits import FIRESTORE_CAPABILITIES

GCP_CAPABILITIES = Capabilities(
    kv=FIRESTORE_CAPABILITIES,
)
"""Flags and limits of the five contracts."""
