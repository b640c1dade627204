"""What Google Cloud can do, service by service."""

from __future__ import annotations

from cloudkit.common import Capabilities

GCP_CAPABILITIES = Capabilities()
"""Flags and limits of the five contracts."""
