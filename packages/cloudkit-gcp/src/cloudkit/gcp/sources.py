"""Where the credentials for Google Cloud come from, in words.

This module imports the SDK: it is imported when somebody asks, not with the package.
"""

from __future__ import annotations

import os

from cloudkit.core.urls import is_plain
from cloudkit.gcp.auth import FILE_VARIABLE, sign_in
from cloudkit.gcp.config import GcpConfig, ServiceName
from google.auth.exceptions import GoogleAuthError

SERVICES: dict[str, ServiceName] = {
    "storage": "storage",
    "kv": "firestore",
    "pubsub": "pubsub",
    "functions": "functions",
}


def credential_sources(config: GcpConfig) -> dict[str, str]:
    """Where they come from when no AuthProvider was given. Blocks: may ask the metadata server.

    Args:
        config: The settings.

    Raises:
        ConfigurationError: A file cannot be read.
        google.auth.exceptions.GoogleAuthError: There are none.
    """
    emulated = {name for name, service in SERVICES.items() if _emulated(config, service)}
    real: list[ServiceName] = [
        service for name, service in SERVICES.items() if name not in emulated
    ]
    if not emulated:
        return {"": _source(config, real[0])}
    unsigned = "none, requests to an emulator are unsigned"
    if not real:
        return {"": unsigned}
    try:
        source = _source(config, real[0])
    except GoogleAuthError:
        source = "none were found"  # which may be all right: some services need none
    return {name: unsigned if name in emulated else source for name in SERVICES}


def _emulated(config: GcpConfig, service: ServiceName) -> bool:
    given = config.anonymous or config.credentials_file or config.service_account_info
    return not given and is_plain(config.url(service))


def _source(config: GcpConfig, service: ServiceName) -> str:
    if config.anonymous:
        return f"none, requests are unsigned ({config.origin('anonymous')})"
    signed_in = sign_in(config, service)
    if config.credentials_file is not None:
        source = f"the file {config.credentials_file} ({config.origin('credentials_file')})"
    elif config.service_account_info is not None:
        source = f"the key of a service account ({config.origin('service_account_info')})"
    else:
        source = _default(type(signed_in.source).__module__)
    if config.impersonate is not None:
        origin = config.origin("impersonate")
        source = f"service account {config.impersonate} ({origin}), by: {source}"
    return source


def _default(module: str) -> str:
    if os.environ.get(FILE_VARIABLE):
        return f"the file {os.environ[FILE_VARIABLE]} (variable {FILE_VARIABLE})"
    if module.startswith("google.auth.compute_engine"):
        return "the service account of the machine (metadata server)"
    return "Application Default Credentials ('gcloud auth application-default login')"
