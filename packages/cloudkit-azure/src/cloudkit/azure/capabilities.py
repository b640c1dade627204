"""What Azure can do, service by service."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from cloudkit.azure.blob.capabilities import BLOB_CAPABILITIES
from cloudkit.azure.config import AzureConfig
from cloudkit.azure.cosmos.capabilities import COSMOS_CAPABILITIES
from cloudkit.azure.event_grid.capabilities import EVENT_GRID_CAPABILITIES
from cloudkit.azure.functions.capabilities import FUNCTIONS_CAPABILITIES
from cloudkit.azure.service_bus.capabilities import QUEUE_CAPABILITIES
from cloudkit.common import Capabilities

AZURE_CAPABILITIES = Capabilities(
    storage=BLOB_CAPABILITIES,
    kv=COSMOS_CAPABILITIES,
    queue=QUEUE_CAPABILITIES,
    pubsub=EVENT_GRID_CAPABILITIES,
    functions=FUNCTIONS_CAPABILITIES,
)
"""Flags and limits of the five contracts."""

BASIC_REASON = (
    "A basic topic of Event Grid can only be published to: its subscriptions push to endpoints, and are "
    "made in the portal. Give the endpoint of a namespace."
)


def capabilities_of(config: AzureConfig) -> Capabilities:
    """The capabilities of a client, which depend on what it was told.

    Args:
        config: Its settings.
    """
    changes: dict[str, Any] = {}
    if config.event_grid_dead_letters is not None:
        changes["dead_letter"] = True
    if config.event_grid_is_basic:
        reasons = {**EVENT_GRID_CAPABILITIES.reasons, "subscriptions": BASIC_REASON}
        changes.update(subscriptions=False, dead_letter=False, reasons=reasons)
    if not changes:
        return AZURE_CAPABILITIES
    return evolve(AZURE_CAPABILITIES, pubsub=evolve(EVENT_GRID_CAPABILITIES, **changes))
