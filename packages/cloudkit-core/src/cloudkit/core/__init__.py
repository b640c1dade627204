"""What providers are built with: context, executor, worker threads, registry.

Each name is imported when it is asked for: the facade needs the registry, and nothing else of this
before a cloud is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cloudkit.core._version import __version__
from cloudkit.core.registry import (
    ProviderInfo,
    ProviderType,
    installed_providers,
    load_provider,
)

if TYPE_CHECKING:
    from cloudkit.core.bridge import CredentialBridge
    from cloudkit.core.clients import BaseClients, BaseNative
    from cloudkit.core.cloud import BaseCloud
    from cloudkit.core.context import CloudContext, CloudOptions, ErrorTranslator
    from cloudkit.core.deadline import Deadline
    from cloudkit.core.errors import NativeErrors, ServiceErrors
    from cloudkit.core.executor import OperationExecutor
    from cloudkit.core.lazy import lazy_property
    from cloudkit.core.streams import ThreadedStream
    from cloudkit.core.threads import WorkerThreads

__all__ = [
    "BaseClients",
    "BaseCloud",
    "BaseNative",
    "CloudContext",
    "CloudOptions",
    "CredentialBridge",
    "Deadline",
    "ErrorTranslator",
    "NativeErrors",
    "OperationExecutor",
    "ProviderInfo",
    "ProviderType",
    "ServiceErrors",
    "ThreadedStream",
    "WorkerThreads",
    "__version__",
    "installed_providers",
    "lazy_property",
    "load_provider",
]

_HOMES = {
    "BaseClients": "clients",
    "BaseCloud": "cloud",
    "BaseNative": "clients",
    "CloudContext": "context",
    "CloudOptions": "context",
    "CredentialBridge": "bridge",
    "Deadline": "deadline",
    "ErrorTranslator": "context",
    "NativeErrors": "errors",
    "OperationExecutor": "executor",
    "ServiceErrors": "errors",
    "ThreadedStream": "streams",
    "WorkerThreads": "threads",
    "lazy_property": "lazy",
}

if not TYPE_CHECKING:  # which would take any name for an export

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        return value
