"""Extension points: authentication, retries, metrics, logging, interceptors, the operation runner."""

from cloudkit.spi.auth import (
    AuthProvider,
    CachingAuthProvider,
    ChainAuthProvider,
    EnvAuthProvider,
    StaticAuthProvider,
)
from cloudkit.spi.interceptor import Interceptor
from cloudkit.spi.logger import Logger, StandardLogger
from cloudkit.spi.metrics import (
    InMemoryMetrics,
    LoggingMetrics,
    MetricsCollector,
    MultiMetrics,
    NoMetrics,
    OperationRecord,
    OperationTotals,
)
from cloudkit.spi.operation import AnyOperation, Operation
from cloudkit.spi.retry import (
    CircuitBreaker,
    ExponentialBackoff,
    FixedDelay,
    NoRetry,
    Retry,
    RetryBudget,
    RetryDecision,
    RetryPolicy,
    Stop,
)
from cloudkit.spi.runner import OperationRunner

__all__ = [
    "AnyOperation",
    "AuthProvider",
    "CachingAuthProvider",
    "ChainAuthProvider",
    "CircuitBreaker",
    "EnvAuthProvider",
    "ExponentialBackoff",
    "FixedDelay",
    "InMemoryMetrics",
    "Interceptor",
    "Logger",
    "LoggingMetrics",
    "MetricsCollector",
    "MultiMetrics",
    "NoMetrics",
    "NoRetry",
    "Operation",
    "OperationRecord",
    "OperationRunner",
    "OperationTotals",
    "Retry",
    "RetryBudget",
    "RetryDecision",
    "RetryPolicy",
    "StandardLogger",
    "StaticAuthProvider",
    "Stop",
]
