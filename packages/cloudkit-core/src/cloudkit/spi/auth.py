"""Where credentials come from."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import anyio
from cloudkit.common import Credentials, MissingCredentialsError


class AuthProvider(ABC):
    """Supplies credentials. Give one to ``CloudKit.*(auth=...)`` to use your own source.

    A provider asks before the first request and again when credentials are about to expire or were
    refused. Both methods may be called by several tasks at once.
    """

    @abstractmethod
    async def get_credentials(self) -> Credentials:
        """Credentials that are valid now.

        Raises:
            MissingCredentialsError: This source has none.
            AuthenticationError: The source refused.
        """

    async def refresh_credentials(self) -> Credentials:
        """New credentials in place of ones that were refused or are about to expire.

        Raises:
            MissingCredentialsError: This source has none.
            AuthenticationError: The source refused.
        """
        return await self.get_credentials()


class StaticAuthProvider(AuthProvider):
    """Always the same credentials.

    Args:
        credentials: The credentials to hand out.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def get_credentials(self) -> Credentials:
        """The credentials given to the constructor."""
        return self._credentials


class EnvAuthProvider(AuthProvider):
    """Credentials from environment variables, read anew at each call.

    Args:
        kind: Class of the credentials.
        variables: Field of that class → name of the variable.
        optional: Fields that may be missing.
        environ: Variables to read; those of the process when None.
    """

    def __init__(
        self,
        kind: type[Credentials],
        variables: Mapping[str, str],
        *,
        optional: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._kind = kind
        self._variables = dict(variables)
        self._optional = frozenset(optional)
        self._environ = environ

    async def get_credentials(self) -> Credentials:
        """Build the credentials from the variables.

        Raises:
            MissingCredentialsError: A variable that is needed is not set; the message names it.
        """
        environ = os.environ if self._environ is None else self._environ
        values: dict[str, Any] = {
            name: environ[variable]
            for name, variable in self._variables.items()
            if environ.get(variable)
        }
        missing = [
            variable
            for name, variable in self._variables.items()
            if name not in values and name not in self._optional
        ]
        if missing:
            raise MissingCredentialsError(f"not set: {', '.join(missing)}")
        return self._kind(**values)


class ChainAuthProvider(AuthProvider):
    """The first of several sources that has credentials.

    Args:
        *providers: The sources, in the order they are asked.
    """

    def __init__(self, *providers: AuthProvider) -> None:
        if not providers:
            raise ValueError("a chain needs at least one provider")
        self._providers = providers

    async def get_credentials(self) -> Credentials:
        """Ask one source after the other.

        Raises:
            MissingCredentialsError: None of them has credentials; the message says what each said.
            AuthenticationError: A source has credentials but could not hand them out.
        """
        return await self._first("get_credentials")

    async def refresh_credentials(self) -> Credentials:
        """Ask one source after the other for new credentials.

        Raises:
            MissingCredentialsError: None of them has credentials.
            AuthenticationError: A source has credentials but could not hand them out.
        """
        return await self._first("refresh_credentials")

    async def _first(self, method: str) -> Credentials:
        said: list[str] = []
        for provider in self._providers:
            try:
                credentials: Credentials = await getattr(provider, method)()
            except MissingCredentialsError as error:
                said.append(f"{type(provider).__name__}: {error.message}")
            else:
                return credentials
        raise MissingCredentialsError(f"no source has credentials ({'; '.join(said)})")


class CachingAuthProvider(AuthProvider):
    """Keeps credentials until shortly before they expire. Tasks that ask meanwhile share one request.

    Args:
        provider: The source.
        refresh_before: How long before their end credentials are renewed.
    """

    def __init__(
        self, provider: AuthProvider, *, refresh_before: timedelta = timedelta(minutes=5)
    ) -> None:
        self._provider = provider
        self._refresh_before = refresh_before
        self._cached: Credentials | None = None
        self._under_way: anyio.Event | None = None

    async def get_credentials(self) -> Credentials:
        """The kept credentials, renewed early; when that fails they serve until they expire.

        Raises:
            AuthenticationError: The source failed, and there is nothing valid to fall back on.
        """
        cached = self._cached
        if cached is not None and not cached.expired(within=self._refresh_before):
            return cached
        try:
            return await self._renew(cached)
        except Exception:
            if cached is not None and not cached.expired():
                return cached
            raise

    async def refresh_credentials(self) -> Credentials:
        """Drop what is kept and ask the source.

        Raises:
            AuthenticationError: The source failed.
        """
        return await self._renew(self._cached)

    async def _renew(self, stale: Credentials | None) -> Credentials:
        while self._under_way is not None:
            await self._under_way.wait()
            if self._cached is not None and self._cached is not stale:
                return self._cached
        self._under_way = anyio.Event()
        try:
            if stale is None:
                self._cached = await self._provider.get_credentials()
            else:
                self._cached = await self._provider.refresh_credentials()
            return self._cached
        finally:
            done, self._under_way = self._under_way, None
            done.set()
