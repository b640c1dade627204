"""Where credentials come from."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from copy import copy
from datetime import datetime, timedelta
from typing import Any

import anyio
from cloudkit.common import CloudError, Credentials, MissingCredentialsError, utc_now

EARLY_PAUSE = timedelta(seconds=30)
"""Longest time in which a source is not asked again for credentials that are still valid."""


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
    """Keeps credentials until shortly before they expire. Tasks that need new ones share one request.

    Credentials are renewed early by one task, while the others go on with those that are kept. The
    source is not asked again and again when that fails, or when it gives credentials that live for
    less than ``refresh_before``: in between pass 30 seconds, or half of what is left of their life
    where that is less.

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
        self._request: _Request | None = None
        self._early_from: datetime | None = None

    async def get_credentials(self) -> Credentials:
        """The kept credentials, renewed early; when that fails they serve until they expire.

        Raises:
            AuthenticationError: The source failed, and there is nothing valid to fall back on.
        """
        cached = self._cached
        if cached is None or cached.expired():
            return await self._renew(cached)
        if self._request is not None or not self._due(cached):
            return cached
        self._pause(cached)  # whatever comes of it
        try:
            return await self._renew(cached)
        except Exception:
            if not cached.expired():
                return cached
            raise

    async def refresh_credentials(self) -> Credentials:
        """Drop what is kept and ask the source.

        Raises:
            AuthenticationError: The source failed.
        """
        return await self._renew(self._cached)

    def _due(self, cached: Credentials) -> bool:
        paused = self._early_from is not None and utc_now() < self._early_from
        return not paused and cached.expired(within=self._refresh_before)

    def _pause(self, credentials: Credentials) -> None:
        if credentials.expires_at is not None:
            now = utc_now()
            self._early_from = now + min(EARLY_PAUSE, (credentials.expires_at - now) / 2)

    async def _renew(self, stale: Credentials | None) -> Credentials:
        while (request := self._request) is not None:
            await request.ended.wait()
            if self._cached is not None and self._cached is not stale:
                return self._cached
            if request.failure is not None:
                raise copy(request.failure) from request.failure.__cause__
        request = self._request = _Request()
        try:
            if stale is None:
                self._cached = await self._provider.get_credentials()
            else:
                self._cached = await self._provider.refresh_credentials()
        except CloudError as error:
            # Each task adds to its error what it was about, so each gets one of its own.
            request.failure = copy(error)
            request.failure.__cause__ = error.__cause__
            raise
        else:
            self._pause(self._cached)
            return self._cached
        finally:
            self._request = None
            request.ended.set()


class _Request:
    """A question to the source. It has no failure when whoever asked was cancelled."""

    def __init__(self) -> None:
        self.ended = anyio.Event()
        self.failure: CloudError | None = None
