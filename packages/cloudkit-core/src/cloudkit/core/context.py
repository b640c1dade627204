"""What all parts of one client share."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Generic, TypedDict, TypeVar, TypeVarTuple

import anyio
from attrs import Factory, define, field
from cloudkit.common import (
    CloudConfig,
    CloudError,
    ConfigurationError,
    Credentials,
    Duration,
    Region,
)
from cloudkit.core.threads import WorkerThreads
from cloudkit.spi import (
    AnyOperation,
    AuthProvider,
    ExponentialBackoff,
    Interceptor,
    Logger,
    MetricsCollector,
    NoMetrics,
    RetryPolicy,
    StandardLogger,
    StaticAuthProvider,
)

T = TypeVar("T")
ArgsT = TypeVarTuple("ArgsT")
ConfigT = TypeVar("ConfigT", bound=CloudConfig)

ErrorTranslator = Callable[[Exception, AnyOperation], CloudError | None]
"""Turns a native error into a CloudError; None when it is not the service's doing."""

CLOSE_SECONDS = 10.0
"""How long the clients of a cancelled program may take to close."""


class CloudOptions(TypedDict, total=False):
    """The options that every provider's constructor takes; a provider adds its own in a subclass.

    ``def __init__(self, **options: Unpack[AwsOptions])`` makes a misspelt one a type error.
    """

    region: str | Region | None
    endpoint: str | None
    timeout: Duration | None
    connect_timeout: Duration
    max_concurrency: int
    auth: AuthProvider | Credentials | None
    retry: RetryPolicy | None
    metrics: MetricsCollector | None
    logger: Logger | logging.Logger | None
    interceptors: Sequence[Interceptor] | None


_EXTENSIONS: dict[str, tuple[type, ...]] = {
    "auth": (AuthProvider, Credentials),
    "retry": (RetryPolicy,),
    "metrics": (MetricsCollector,),
    "logger": (Logger, logging.Logger),
}


def _no_translation(error: Exception, operation: AnyOperation) -> CloudError | None:
    return None


@define(kw_only=True, eq=False)
class CloudContext(Generic[ConfigT]):
    """The configuration, extensions and threads of one client, and whether it is closed.

    Attributes:
        provider: Name of the provider.
        config: Its settings.
        auth: Source of credentials given by the user; None for the provider's own.
        retry: Decides about retries.
        metrics: Receives a record for each operation.
        logger: Receives what happens.
        interceptors: Code around each operation, the outermost first.
        translate_error: The provider's translation of native errors.
        threads: Runs what blocks.
        closed: Whether the client has been closed.
    """

    provider: str
    config: ConfigT
    auth: AuthProvider | None = None
    retry: RetryPolicy = Factory(ExponentialBackoff)
    metrics: MetricsCollector = Factory(NoMetrics)
    logger: Logger = Factory(StandardLogger)
    interceptors: tuple[Interceptor, ...] = ()
    translate_error: ErrorTranslator = _no_translation
    threads: WorkerThreads = field(init=False)
    closed: bool = field(default=False, init=False)
    _closers: AsyncExitStack = field(factory=AsyncExitStack, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.threads = WorkerThreads(self.config.max_concurrency)

    @classmethod
    def from_options(
        cls,
        provider: str,
        config_type: type[ConfigT],
        options: Mapping[str, object],
        *,
        translate_error: ErrorTranslator = _no_translation,
    ) -> CloudContext[ConfigT]:
        """Build the context from the keyword arguments of a provider's constructor.

        Args:
            provider: Name of the provider.
            config_type: Class of its settings; takes what is not an extension.
            options: The keyword arguments. None stands for the default.
            translate_error: The provider's translation of native errors.

        Raises:
            ConfigurationError: An option is unknown, of the wrong type or not understood.
        """
        extensions = _extensions(provider, options)
        settings = {name: value for name, value in options.items() if name not in CLIENT_OPTIONS}
        config = config_type.load(settings, also_known=CLIENT_OPTIONS)
        return cls(provider=provider, config=config, translate_error=translate_error, **extensions)

    async def run_sync(self, func: Callable[[*ArgsT], T], *args: *ArgsT) -> T:
        """Run a blocking function in one of the client's threads; see WorkerThreads.run.

        Args:
            func: The function.
            *args: Its arguments.

        Raises:
            ClientClosedError: The client has been closed.
        """
        return await self.threads.run(func, *args)

    def on_close(self, close: Callable[[], Awaitable[None]]) -> None:
        """Have something closed together with the client, the last first.

        Args:
            close: Closes it; called once.
        """
        self._closers.push_async_callback(close)

    async def aclose(self) -> None:
        """Close everything. May be called twice; a cancelled task still gets it done."""
        if self.closed:
            return
        self.closed = True
        try:
            with anyio.move_on_after(CLOSE_SECONDS, shield=True):
                await self._closers.aclose()
        finally:
            self.threads.close()


CLIENT_OPTIONS = frozenset({*_EXTENSIONS, "interceptors"})
"""Options that are objects of the SPI and belong to no configuration class."""


def _extensions(provider: str, options: Mapping[str, object]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, kinds in _EXTENSIONS.items():
        value = options.get(name)
        if value is not None:
            found[name] = _checked(provider, name, value, kinds)
    if isinstance(found.get("auth"), Credentials):
        found["auth"] = StaticAuthProvider(found["auth"])
    if isinstance(found.get("logger"), logging.Logger):
        found["logger"] = StandardLogger(found["logger"])
    interceptors: Any = options.get("interceptors")
    if interceptors is not None:
        if not isinstance(interceptors, Sequence) or isinstance(interceptors, str):
            raise _wrong_type(provider, "interceptors", interceptors, "a list of Interceptor")
        found["interceptors"] = tuple(
            _checked(provider, f"interceptors[{position}]", value, (Interceptor,))
            for position, value in enumerate(interceptors)
        )
    return found


def _checked(provider: str, name: str, value: Any, kinds: tuple[type, ...]) -> Any:
    if not isinstance(value, kinds):
        raise _wrong_type(
            provider, name, value, " or ".join(dict.fromkeys(kind.__name__ for kind in kinds))
        )
    return value


def _wrong_type(provider: str, name: str, value: Any, wanted: str) -> ConfigurationError:
    given = f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__
    return ConfigurationError(f"{provider}: {name} must be {wanted}, not {given}")
