"""Where the credentials for Azure come from, in words."""

from __future__ import annotations

from collections.abc import Mapping

from cloudkit.azure.auth import credentials_of
from cloudkit.azure.config import AzureConfig, ServiceName
from cloudkit.common import AnonymousCredentials

_FIELDS: Mapping[str, tuple[ServiceName, tuple[str, ...]]] = {
    "storage": (
        "blob",
        ("anonymous", "storage_connection_string", "storage_key", "storage_sas_token"),
    ),
    "kv": ("cosmos", ("cosmos_connection_string", "cosmos_key")),
    "queue": ("service_bus", ("service_bus_connection_string",)),
    "pubsub": ("event_grid", ("event_grid_sas_token", "event_grid_key")),
    "functions": ("functions", ("functions_key",)),
}
"""Contract → its service, and the settings that hold its credentials, in the order they count."""


def credential_sources(config: AzureConfig) -> dict[str, str]:
    """Where they come from when no AuthProvider was given.

    Args:
        config: The settings.
    """
    found = {
        contract: _source(config, service, names) for contract, (service, names) in _FIELDS.items()
    }
    return {"": found["kv"]} if set(found.values()) == {found["kv"]} else found


def _source(config: AzureConfig, service: ServiceName, names: tuple[str, ...]) -> str:
    for name in names:
        if getattr(config, name):
            kind = "none, requests are unsigned" if name == "anonymous" else name.replace("_", " ")
            return f"{kind} ({config.origin(name)})"
    known = credentials_of(service, config)
    if isinstance(known, AnonymousCredentials):
        return "none, functions are called without a key"
    if known is not None:
        return "the published key of the storage emulator"
    if config.client_secret is not None and config.tenant_id and config.client_id:
        return f"Entra ID, as application {config.client_id} ({config.origin('client_secret')})"
    return "Entra ID: variables AZURE_*, workload or managed identity, 'az login'"
