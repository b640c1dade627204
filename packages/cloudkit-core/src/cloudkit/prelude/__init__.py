"""All that most programs need: ``from cloudkit.prelude import CloudKit, NotFoundError``.

Each name is imported when it is asked for, so that a program pays only for what it uses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cloudkit.api import (
        KEEP,
        ByteRange,
        Check,
        Checksum,
        Cloud,
        DeadLetterPolicy,
        Delete,
        Functions,
        Item,
        Key,
        KeyValueStore,
        Message,
        MessageQueue,
        ObjectStorage,
        OutgoingMessage,
        PubSub,
        Put,
        RejectMessage,
        Update,
        attr,
        sort,
    )
    from cloudkit.common import (
        AccessKeyCredentials,
        AccountKeyCredentials,
        AlreadyExistsError,
        AnonymousCredentials,
        AuthenticationError,
        Capabilities,
        ClientClosedError,
        CloudError,
        CloudResult,
        ConfigurationError,
        ConflictError,
        ConnectionFailedError,
        ConnectionStringCredentials,
        Credentials,
        DnsError,
        ExpiredCredentialsError,
        IntegrityError,
        InvalidCredentialsError,
        MissingCredentialsError,
        NetworkError,
        NotFoundError,
        OperationTimeoutError,
        PayloadTooLargeError,
        PermissionDeniedError,
        PreconditionFailedError,
        ProviderError,
        ProviderNotFoundError,
        ProviderNotInstalledError,
        RateLimitedError,
        Region,
        SerializationError,
        ServiceAccountCredentials,
        ServiceUnavailableError,
        SharedAccessSignatureCredentials,
        SigningKeyCredentials,
        TlsError,
        TokenCredentials,
        UnsupportedOperationError,
        ValidationError,
    )
    from cloudkit.facade import CloudKit
    from cloudkit.spi import (
        AuthProvider,
        CachingAuthProvider,
        ChainAuthProvider,
        CircuitBreaker,
        EnvAuthProvider,
        ExponentialBackoff,
        FixedDelay,
        InMemoryMetrics,
        Interceptor,
        Logger,
        LoggingMetrics,
        MetricsCollector,
        MultiMetrics,
        NoMetrics,
        NoRetry,
        OperationRecord,
        RetryBudget,
        RetryPolicy,
        StandardLogger,
        StaticAuthProvider,
    )

__all__ = [
    "KEEP",
    "AccessKeyCredentials",
    "AccountKeyCredentials",
    "AlreadyExistsError",
    "AnonymousCredentials",
    "AuthProvider",
    "AuthenticationError",
    "ByteRange",
    "CachingAuthProvider",
    "Capabilities",
    "ChainAuthProvider",
    "Check",
    "Checksum",
    "CircuitBreaker",
    "ClientClosedError",
    "Cloud",
    "CloudError",
    "CloudKit",
    "CloudResult",
    "ConfigurationError",
    "ConflictError",
    "ConnectionFailedError",
    "ConnectionStringCredentials",
    "Credentials",
    "DeadLetterPolicy",
    "Delete",
    "DnsError",
    "EnvAuthProvider",
    "ExpiredCredentialsError",
    "ExponentialBackoff",
    "FixedDelay",
    "Functions",
    "InMemoryMetrics",
    "IntegrityError",
    "Interceptor",
    "InvalidCredentialsError",
    "Item",
    "Key",
    "KeyValueStore",
    "Logger",
    "LoggingMetrics",
    "Message",
    "MessageQueue",
    "MetricsCollector",
    "MissingCredentialsError",
    "MultiMetrics",
    "NetworkError",
    "NoMetrics",
    "NoRetry",
    "NotFoundError",
    "ObjectStorage",
    "OperationRecord",
    "OperationTimeoutError",
    "OutgoingMessage",
    "PayloadTooLargeError",
    "PermissionDeniedError",
    "PreconditionFailedError",
    "ProviderError",
    "ProviderNotFoundError",
    "ProviderNotInstalledError",
    "PubSub",
    "Put",
    "RateLimitedError",
    "Region",
    "RejectMessage",
    "RetryBudget",
    "RetryPolicy",
    "SerializationError",
    "ServiceAccountCredentials",
    "ServiceUnavailableError",
    "SharedAccessSignatureCredentials",
    "SigningKeyCredentials",
    "StandardLogger",
    "StaticAuthProvider",
    "TlsError",
    "TokenCredentials",
    "UnsupportedOperationError",
    "Update",
    "ValidationError",
    "attr",
    "sort",
]

# The contracts come last: they are what takes longest to import.
_HOMES = ("cloudkit.common", "cloudkit.facade", "cloudkit.spi", "cloudkit.api")

if not TYPE_CHECKING:  # which would take any name for an export

    def __getattr__(name: str) -> Any:
        if name in __all__:
            from importlib import import_module

            for home in _HOMES:
                module = import_module(home)
                if hasattr(module, name):
                    value = globals()[name] = getattr(module, name)
                    return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
