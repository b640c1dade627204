"""Credentials in the forms that the clouds use. Secrets never show in ``repr``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from attrs import field, frozen
from cloudkit.common.durations import utc_now
from cloudkit.common.errors import ValidationError


def _check_aware(instance: object, attribute: object, value: Any) -> None:
    if value is not None and (not isinstance(value, datetime) or value.utcoffset() is None):
        raise ValidationError("expires_at must be an aware datetime, or None")


@frozen(kw_only=True)
class Credentials:
    """Base of all credentials.

    Attributes:
        expires_at: When they stop being valid (aware UTC), or None when they do not expire.

    Raises:
        ValidationError: ``expires_at`` has no time zone.
    """

    expires_at: datetime | None = field(default=None, validator=_check_aware)

    def expired(self, *, within: timedelta = timedelta(0)) -> bool:
        """Whether they have expired, or will within the given time."""
        return self.expires_at is not None and utc_now() + within >= self.expires_at


@frozen(kw_only=True)
class AnonymousCredentials(Credentials):
    """No identity at all: requests are sent unsigned."""


@frozen(kw_only=True)
class AccessKeyCredentials(Credentials):
    """A key pair, with a session token when they are temporary (AWS and services like it)."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@frozen(kw_only=True)
class AccountKeyCredentials(Credentials):
    """An account name with its shared key (Azure Storage, Cosmos DB, Event Grid, Functions)."""

    account: str | None = None
    key: str = field(repr=False)


@frozen(kw_only=True)
class ConnectionStringCredentials(Credentials):
    """A connection string that holds endpoint and key (Azure)."""

    connection_string: str = field(repr=False)


@frozen(kw_only=True)
class SharedAccessSignatureCredentials(Credentials):
    """A signed query string (Azure SAS)."""

    signature: str = field(repr=False)


@frozen(kw_only=True)
class TokenCredentials(Credentials):
    """A bearer token (Entra ID, Google OAuth 2.0, OCI security token)."""

    token: str = field(repr=False)


@frozen(kw_only=True)
class ServiceAccountCredentials(Credentials):
    """The content of a service-account key file (Google Cloud)."""

    info: Mapping[str, Any] = field(repr=False)


@frozen(kw_only=True)
class SigningKeyCredentials(Credentials):
    """A user's API signing key (Oracle Cloud)."""

    tenancy: str
    user: str
    fingerprint: str
    private_key: str = field(repr=False)
    passphrase: str | None = field(default=None, repr=False)
