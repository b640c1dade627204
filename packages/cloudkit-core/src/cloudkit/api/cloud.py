"""A cloud: the five contracts of one provider, with one configuration."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self

from cloudkit.common import Capabilities, CloudConfig, ConfigurationError, Region

if TYPE_CHECKING:
    from cloudkit.api.functions import Functions
    from cloudkit.api.kv import KeyValueStore
    from cloudkit.api.pubsub import PubSub
    from cloudkit.api.queue import MessageQueue
    from cloudkit.api.storage import ObjectStorage


class Cloud(ABC):
    """What ``CloudKit.*()`` returns, and what a provider registers under ``cloudkit.providers``.

    Nothing is connected before the first call, so a cloud works with and without ``async with``; who
    does without calls ``aclose()``. Different clouds share nothing, also those of one provider.

    A provider's constructor takes its options as keyword arguments.
    [BaseCloud][cloudkit.core.BaseCloud] has all of this class that providers have in common.

    Attributes:
        provider: Name of the provider, as in the entry point.
    """

    provider: ClassVar[str]

    @property
    @abstractmethod
    def storage(self) -> ObjectStorage:
        """Objects in buckets."""

    @property
    @abstractmethod
    def kv(self) -> KeyValueStore:
        """Documents in tables."""

    @property
    @abstractmethod
    def queue(self) -> MessageQueue:
        """Messages in queues."""

    @property
    @abstractmethod
    def pubsub(self) -> PubSub:
        """Topics and subscriptions."""

    @property
    @abstractmethod
    def functions(self) -> Functions:
        """Functions to invoke."""

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What this provider can do in each contract, and its limits."""

    @property
    @abstractmethod
    def config(self) -> CloudConfig:
        """The settings that count, wherever they came from. Its ``repr`` shows no secret."""

    @property
    @abstractmethod
    def region(self) -> Region | None:
        """The region it works in; None when the provider has none or finds it by itself."""

    @property
    @abstractmethod
    def native(self) -> Any:
        """The provider's own clients, for what the contracts do not cover."""

    async def credential_sources(self) -> Mapping[str, str]:
        """Where the credentials come from, in words, and never what they are.

        May ask who knows, such as the machine's metadata server; finds out nothing about whether a
        service accepts them.

        Returns:
            Service → source; the name is empty where all services share one. Empty when the provider
            does not tell.

        Raises:
            AuthenticationError: There are none.
            ConfigurationError: What is set does not do.
        """
        return {}

    @abstractmethod
    async def aclose(self) -> None:
        """Release connections and threads; every later call raises ClientClosedError.

        May be called twice. A cancelled task still gets it done.
        """

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """The options that a URL ``provider://place?option=value`` stands for.

        Args:
            url: For example ``"aws://eu-west-1?endpoint=http://127.0.0.1:4566"``.

        Returns:
            Keyword arguments for the constructor; the values of the query are text.

        Raises:
            ConfigurationError: The URL is malformed, or holds credentials.
        """
        from urllib.parse import parse_qsl, unquote, urlsplit

        try:
            parts = urlsplit(url)
            pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        except ValueError as error:
            raise ConfigurationError(f"not a valid {cls.provider} URL: {error}") from None
        if "@" in parts.netloc:
            # The URL is not quoted: it holds a secret, and will stand in a log.
            raise ConfigurationError(
                f"a {cls.provider} URL must not hold a user or password",
                hint="Give credentials by the option auth, a variable or the provider's own file.",
            )
        if parts.fragment:
            raise ConfigurationError(f"a {cls.provider} URL has no fragment; write '#' as %23")
        options = dict(pairs)
        if len(options) < len(pairs):
            raise ConfigurationError(f"a {cls.provider} URL names an option twice")
        place = cls._options_from_place(unquote(parts.netloc), unquote(parts.path))
        twice = place.keys() & options.keys()
        if twice:
            raise ConfigurationError(f"a {cls.provider} URL sets {', '.join(sorted(twice))} twice")
        return {**place, **options}

    @classmethod
    def _options_from_place(cls, host: str, path: str) -> dict[str, Any]:
        """What stands before the query; here the region. A provider with paths overrides this."""
        if path.strip("/"):
            raise ConfigurationError(
                f"a {cls.provider} URL has no path, but this one has {path!r}",
                hint=f"Write {cls.provider}://REGION?option=value.",
            )
        return {"region": host} if host else {}
