"""What providers are built with: context, executor, worker threads, registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cloudkit.core._version import __version__
from cloudkit.core.context import CloudContext, CloudOptions, ErrorTranslator
from cloudkit.core.deadline import Deadline
from cloudkit.core.executor import OperationExecutor
from cloudkit.core.registry import (
    ProviderInfo,
    ProviderType,
    installed_providers,
    load_provider,
)
from cloudkit.core.threads import WorkerThreads

if TYPE_CHECKING:
    from cloudkit.core.cloud import BaseCloud

__all__ = [
    "BaseCloud",
    "CloudContext",
    "CloudOptions",
    "Deadline",
    "ErrorTranslator",
    "OperationExecutor",
    "ProviderInfo",
    "ProviderType",
    "WorkerThreads",
    "__version__",
    "installed_providers",
    "load_provider",
]


def __getattr__(name: str) -> Any:
    if name == "BaseCloud":  # it imports all contracts, which the facade does not need
        from cloudkit.core.cloud import BaseCloud

        return BaseCloud
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
