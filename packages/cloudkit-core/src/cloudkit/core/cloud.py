"""What the clouds of all providers have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Self, TypeVar

from attrs import frozen
from cloudkit.api.cloud import Cloud
from cloudkit.common import (
    ClientClosedError,
    CloudConfig,
    CloudError,
    Region,
    UnsupportedOperationError,
)
from cloudkit.core.context import CloudContext
from cloudkit.core.executor import OperationExecutor
from cloudkit.spi import AnyOperation, Operation

if TYPE_CHECKING:
    from cloudkit.api.functions import Functions
    from cloudkit.api.kv import KeyValueStore
    from cloudkit.api.pubsub import PubSub
    from cloudkit.api.queue import MessageQueue
    from cloudkit.api.storage import ObjectStorage

ConfigT = TypeVar("ConfigT", bound=CloudConfig)


@frozen(kw_only=True, eq=False)
class FindCredentials(Operation[Mapping[str, str]]):
    """Find out where credentials come from."""

    contract = "credentials"
    name = "find"
    safe = True


class BaseCloud(Cloud, Generic[ConfigT]):
    """Holds the context and the executor of a provider's cloud.

    A provider names itself and its configuration, and makes each contract when it is first used::

        class AcmeCloud(BaseCloud[AcmeConfig]):
            provider = "acme"
            config_type = AcmeConfig

            def __init__(self, **options: Unpack[AcmeOptions]) -> None:
                super().__init__(options)

            @lazy_property
            def storage(self) -> AcmeStorage:
                return AcmeStorage(self._runner, self.capabilities.storage, self._context)

    A contract that it leaves out raises UnsupportedOperationError when it is used.

    Args:
        options: The keyword arguments of the provider's constructor.

    Attributes:
        config_type: Class of the provider's settings.

    Raises:
        ConfigurationError: An option is unknown, of the wrong type or not understood.
    """

    config_type: type[ConfigT]

    def __init__(self, options: Mapping[str, object]) -> None:
        self._context: CloudContext[ConfigT] = CloudContext.from_options(
            self.provider, self.config_type, options, translate_error=self._translate_error
        )
        self._runner = OperationExecutor(self._context)

    @property
    def config(self) -> ConfigT:
        """The settings, after options, variables and defaults were put together."""
        return self._context.config

    @property
    def region(self) -> Region | None:
        """The region of the configuration."""
        return self._context.config.region

    @property
    def closed(self) -> bool:
        """Whether ``aclose()`` was called."""
        return self._context.closed

    @property
    def storage(self) -> ObjectStorage:
        """Objects in buckets."""
        self._missing("storage", "object storage")

    @property
    def kv(self) -> KeyValueStore:
        """Documents in tables."""
        self._missing("kv", "key-value store")

    @property
    def queue(self) -> MessageQueue:
        """Messages in queues."""
        self._missing("queue", "message queue")

    @property
    def pubsub(self) -> PubSub:
        """Topics and subscriptions."""
        self._missing("pubsub", "topics")

    @property
    def functions(self) -> Functions:
        """Functions to invoke."""
        self._missing("functions", "functions")

    async def credential_sources(self) -> Mapping[str, str]:
        """Where the credentials come from, in words, and never what they are.

        Raises:
            AuthenticationError: There are none.
            ConfigurationError: What is set does not do.
        """
        return await self._runner.run(FindCredentials(), self._find_credentials)

    async def __aenter__(self) -> Self:
        if self.closed:
            raise ClientClosedError(
                "the client has been closed", provider=self.provider, hint="Make a new one."
            )
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} holds connections and threads, so it cannot be copied or sent to "
            "another process; make one there, with the same options"
        )

    async def aclose(self) -> None:
        """Close what was registered with the context's ``on_close``, and the threads."""
        await self._context.aclose()

    async def _find_credentials(self, operation: FindCredentials) -> Mapping[str, str]:
        auth = self._context.auth
        if auth is None:
            return await self._context.run_sync(self._credential_sources)
        kind = type(await auth.get_credentials()).__name__
        return {"": f"{kind} of the AuthProvider {type(auth).__name__} (option auth)"}

    def _credential_sources(self) -> Mapping[str, str]:
        """Service → where its credentials come from; called in a thread when there is no AuthProvider.

        The name is empty where all services share one source. A provider overrides this.
        """
        return {}

    def _translate_error(self, error: Exception, operation: AnyOperation) -> CloudError | None:
        """The CloudError for a native error; None when it is not the service's doing.

        Args:
            error: What the provider's hook raised.
            operation: What was attempted.
        """
        return None

    def _missing(self, contract: str, what: str) -> NoReturn:
        raise UnsupportedOperationError(
            f"this provider has no {what}", provider=self.provider, capability=contract
        )

    def __repr__(self) -> str:
        facts: dict[str, Any] = {"region": self.region, "endpoint": self.config.endpoint}
        shown = "".join(f" {name}={value}" for name, value in facts.items() if value is not None)
        return f"<{type(self).__name__}{shown}{' closed' if self.closed else ''}>"
