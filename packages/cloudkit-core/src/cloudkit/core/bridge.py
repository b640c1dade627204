"""The user's AuthProvider, asked in the event loop and read in the threads."""

from __future__ import annotations

from cloudkit.common import Credentials, MissingCredentialsError
from cloudkit.spi import AuthProvider, CachingAuthProvider


class CredentialBridge:
    """Has the credentials of an AuthProvider at hand where nothing can be awaited.

    SDKs ask for credentials inside a worker thread. So the order is turned around: before a call goes
    to its thread the AuthProvider is asked, and nothing ever waits for an event loop.

    Args:
        provider: Source of the credentials.
    """

    def __init__(self, provider: AuthProvider) -> None:
        self._provider = (
            provider if isinstance(provider, CachingAuthProvider) else CachingAuthProvider(provider)
        )
        self._current: Credentials | None = None

    async def prepare(self) -> None:
        """See to it that there are credentials for the next call.

        Raises:
            AuthenticationError: The provider has none.
            ConfigurationError: They are of a kind that the service does not know.
        """
        self._take(await self._provider.get_credentials())

    async def renew(self) -> bool:
        """Ask for others in place of those that were refused; tells whether there are any.

        Raises:
            AuthenticationError: The provider has none.
            ConfigurationError: They are of a kind that the service does not know.
        """
        refused = self._current
        self._take(await self._provider.refresh_credentials())
        return self._current != refused

    def current(self) -> Credentials:
        """The credentials to use now.

        Raises:
            MissingCredentialsError: The provider has not been asked yet.
        """
        if self._current is None:
            raise MissingCredentialsError(
                "the AuthProvider has not been asked for credentials yet",
                hint="Call 'await cloud.native.prepare()' before you use a native client.",
            )
        return self._current

    def _take(self, credentials: Credentials) -> None:
        """Keep what the provider gave. Override to refuse or convert it."""
        self._current = credentials
