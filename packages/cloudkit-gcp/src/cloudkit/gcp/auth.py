"""Credentials of CloudKit in the form that Google's SDKs take: as ``google.auth.credentials``.

The SDKs ask for tokens inside the worker thread, or in a thread of gRPC's, where no coroutine can
be awaited. So the order is turned around: before a call goes to its thread, the AuthProvider is
asked in the event loop, and what it gives is left where the SDK will look. Nothing ever waits for
an event loop.

This module imports the SDK: it is imported by the first call, not with the package.
"""

from __future__ import annotations

import json
import os
import threading
import warnings
from collections.abc import Callable, Mapping
from datetime import UTC
from pathlib import Path
from typing import Any, Self

import google.auth
from attrs import frozen
from cloudkit.common import (
    AnonymousCredentials,
    ConfigurationError,
    Credentials,
    ServiceAccountCredentials,
    TokenCredentials,
)
from cloudkit.core.urls import is_loopback, is_plain
from cloudkit.gcp.config import GcpConfig, ServiceName
from google.auth import credentials as native
from google.auth import impersonated_credentials
from google.auth.exceptions import DefaultCredentialsError
from google.oauth2 import credentials as oauth2
from google.oauth2 import service_account

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
"""What tokens are asked for: all that the account may do."""

FILE_VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"
"""Names the file of the Application Default Credentials."""

EMULATOR_PROJECT = "cloudkit"
"""The project in emulators, where nothing names one."""


@frozen
class SignedIn:
    """Who calls a service.

    Attributes:
        credentials: As the SDKs take them.
        source: Those that ask the IAM API: what impersonates, or the same.
        project: The project that belongs to them; None when they do not say.
    """

    credentials: native.Credentials
    source: native.Credentials
    project: str | None = None


class ProvidedCredentials(native.Credentials):
    """The credentials of the user's AuthProvider, whatever they are at the moment.

    Args:
        current: Gives them. Called in worker threads.
        quota_project: The project that is charged, where it is another one.
    """

    def __init__(
        self, current: Callable[[], Credentials], quota_project: str | None = None
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._current = current
        self._charged = quota_project
        self._lock = threading.Lock()
        self._seen: Credentials | None = None
        self._delegate: native.Credentials | None = None

    @property
    def delegate(self) -> native.Credentials:
        """Those of now, in the SDK's form."""
        current = self._current()
        with self._lock:
            if self._delegate is None or self._seen is not current:
                made = native_credentials(current)
                self._delegate, self._seen = _charged(made, self._charged), current
            return self._delegate

    def before_request(self, request: Any, method: str, url: str, headers: Any) -> None:
        """Sign a request."""
        self.delegate.before_request(request, method, url, headers)  # type: ignore[no-untyped-call]

    def refresh(self, request: Any) -> None:
        """Take the token of now; the AuthProvider itself is asked elsewhere."""
        delegate = self.delegate
        if not delegate.valid:
            delegate.refresh(request)  # type: ignore[no-untyped-call]
        self.token, self.expiry = delegate.token, delegate.expiry

    def __copy__(self) -> Self:
        return self  # what impersonates keeps a copy, which has to have the token of now, too


def sign_in(config: GcpConfig, service: ServiceName) -> SignedIn:
    """The credentials that the configuration stands for. Blocks: may read files and ask a server.

    Args:
        config: The settings.
        service: Who they are for: an emulator takes none.

    Raises:
        ConfigurationError: They cannot be read, or must not be sent over plain HTTP.
        google.auth.exceptions.GoogleAuthError: There are none.
    """
    anonymous = native.AnonymousCredentials()  # type: ignore[no-untyped-call]
    if config.anonymous:
        return SignedIn(anonymous, anonymous)
    given = _given(config)
    url = config.url(service)
    if given is None and is_plain(url):
        return SignedIn(anonymous, anonymous)
    if given is not None:
        check_encrypted(url)
    source, project = _default(config) if given is None else given
    credentials = source
    if config.impersonate is not None:
        credentials = _impersonating(source, config.impersonate, config)
    else:
        credentials = _charged(source, config.quota_project)
    return SignedIn(credentials, source, project)


def provided(
    config: GcpConfig, service: ServiceName, current: Callable[[], Credentials]
) -> SignedIn:
    """The credentials of the user's AuthProvider, as ``sign_in`` gives those of the configuration.

    Args:
        config: The settings.
        service: Who they are for.
        current: Gives the credentials of now.

    Raises:
        ConfigurationError: They are of a kind that Google Cloud does not take, or must not be sent
            over plain HTTP.
    """
    check_encrypted(config.url(service))
    now = current()
    native_credentials(now)  # what it cannot be is said before a request is made
    source = ProvidedCredentials(current, config.quota_project)
    if config.impersonate is None:
        return SignedIn(source, source, project_of(now))
    return SignedIn(_impersonating(source, config.impersonate, config), source, project_of(now))


def check_encrypted(url: str) -> None:
    """Refuse to send tokens over a network in plain HTTP.

    Args:
        url: Where they would go.

    Raises:
        ConfigurationError: The URL is of that kind.
    """
    if is_plain(url) and not is_loopback(url):
        raise ConfigurationError(
            "credentials are not sent over plain HTTP to another machine",
            hint="Use https://, or anonymous=True for an emulator.",
        )


def native_credentials(credentials: Credentials) -> native.Credentials:
    """Credentials of CloudKit as the SDKs take them.

    Args:
        credentials: Of a kind that Google Cloud knows.

    Raises:
        ConfigurationError: They are of another kind, or not what they should be.
    """
    if isinstance(credentials, AnonymousCredentials):
        return native.AnonymousCredentials()  # type: ignore[no-untyped-call]
    if isinstance(credentials, ServiceAccountCredentials):
        return _service_account(credentials.info)
    if isinstance(credentials, TokenCredentials):
        _check_token(credentials.token)
        expires_at = credentials.expires_at
        # The SDK compares with times that have no zone.
        expiry = None if expires_at is None else expires_at.astimezone(UTC).replace(tzinfo=None)
        return oauth2.Credentials(token=credentials.token, expiry=expiry)  # type: ignore[no-untyped-call]
    raise ConfigurationError(
        f"Google Cloud does not take {type(credentials).__name__}",
        hint="It takes TokenCredentials, ServiceAccountCredentials and AnonymousCredentials.",
    )


def _check_token(token: str) -> None:
    """A token that was read from a file often has a line feed at its end, which no request can have."""
    if not token.isprintable() or not token.isascii() or " " in token:
        raise ConfigurationError(
            "the token holds spaces, line feeds or other characters that no request can have",
            hint="Strip what was read from a file.",
        )


def project_of(credentials: Credentials) -> str | None:
    """The project that credentials of CloudKit name; None when they do not.

    Args:
        credentials: Whichever.
    """
    if isinstance(credentials, ServiceAccountCredentials):
        return credentials.info.get("project_id")
    return None


def _given(config: GcpConfig) -> tuple[native.Credentials, str | None] | None:
    """What options name; None for Application Default Credentials."""
    info = config.service_account_info
    if config.credentials_file is not None:
        info = _read(config.credentials_file)
    if info is None:
        return None
    if info.get("type") == "service_account" or config.credentials_file is None:
        return _service_account(info), info.get("project_id")
    with warnings.catch_warnings():
        # It warns of files that somebody else has written; this one the user has named.
        warnings.simplefilter("ignore", DeprecationWarning)
        loaded: tuple[native.Credentials, str | None] = google.auth.load_credentials_from_dict(  # type: ignore[no-untyped-call]
            dict(info), scopes=SCOPES
        )
    return loaded


def _read(path: str) -> Mapping[str, Any]:
    try:
        info = json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"credentials_file cannot be read: {error}") from error
    except ValueError:
        info = None  # the reason would quote the file
    if not isinstance(info, dict):
        raise ConfigurationError(f"{path} is not a file with credentials: it holds no JSON object")
    return info


def _default(config: GcpConfig) -> tuple[native.Credentials, str | None]:
    found: tuple[native.Credentials, str | None]
    try:
        found = google.auth.default(scopes=SCOPES, quota_project_id=config.quota_project)
    except DefaultCredentialsError as error:
        if not os.environ.get(FILE_VARIABLE):
            raise
        # It tells of the file's place, and of its type, but quotes nothing of it.
        raise ConfigurationError(
            f"the file that {FILE_VARIABLE} names cannot be used: {error.args[0]}"
        ) from error
    return found


def _service_account(info: Mapping[str, Any]) -> native.Credentials:
    try:
        made: native.Credentials = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
            dict(info), scopes=SCOPES
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        # The reason may quote the key.
        raise ConfigurationError(
            "this is not the content of a service account's key file"
        ) from None
    return made


def _charged(credentials: native.Credentials, project: str | None) -> native.Credentials:
    if project is None or not isinstance(credentials, native.CredentialsWithQuotaProject):
        return credentials
    made: native.Credentials = credentials.with_quota_project(project)  # type: ignore[no-untyped-call]
    return made


def _impersonating(
    source: native.Credentials, account: str, config: GcpConfig
) -> native.Credentials:
    url = f"{config.iam_endpoint}/v1/projects/-/serviceAccounts/{account}:generateAccessToken"
    check_encrypted(url)
    made: native.Credentials = impersonated_credentials.Credentials(  # type: ignore[no-untyped-call]
        source_credentials=source,
        target_principal=account,
        target_scopes=SCOPES,
        quota_project_id=config.quota_project,
        iam_endpoint_override=url,
    )
    return made
