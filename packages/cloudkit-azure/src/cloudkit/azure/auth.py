"""Credentials of CloudKit in the forms that Azure's SDKs take.

The SDKs ask for tokens inside the worker thread, where no coroutine can be awaited. So the order is
turned around: before a call goes to its thread, the AuthProvider is asked in the event loop, and
what it gives is left where the SDK will look. Nothing ever waits for an event loop.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from cloudkit.azure.config import EMULATOR_ACCOUNT, AzureConfig, ServiceName
from cloudkit.common import (
    AccountKeyCredentials,
    AnonymousCredentials,
    ConfigurationError,
    ConnectionStringCredentials,
    Credentials,
    SharedAccessSignatureCredentials,
    TokenCredentials,
)
from cloudkit.core.urls import is_loopback

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenCredential

TOKEN_SECONDS = 3600
"""How long a token is taken to be valid whose provider does not say."""

EMULATOR_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)
"""The key of Azurite's account: the same everywhere, and published in its documentation."""

ACCEPTED: Mapping[ServiceName, tuple[type[Credentials], ...]] = {
    "blob": (
        AccountKeyCredentials,
        AnonymousCredentials,
        ConnectionStringCredentials,
        SharedAccessSignatureCredentials,
        TokenCredentials,
    ),
    "cosmos": (AccountKeyCredentials, ConnectionStringCredentials, TokenCredentials),
    "service_bus": (
        AccountKeyCredentials,
        ConnectionStringCredentials,
        SharedAccessSignatureCredentials,
        TokenCredentials,
    ),
    "event_grid": (AccountKeyCredentials, SharedAccessSignatureCredentials, TokenCredentials),
    "functions": (AccountKeyCredentials, AnonymousCredentials, TokenCredentials),
    "management": (TokenCredentials,),
}
"""Kinds of credentials that each service can be given."""


def credentials_of(service: ServiceName, config: AzureConfig) -> Credentials | None:
    """What the configuration says for a service; None where a token has to be asked for."""
    if service == "blob":
        return _storage_credentials(config)
    if service == "cosmos":
        return _connection_string(config.cosmos_connection_string) or _key(config.cosmos_key)
    if service == "service_bus":
        return _connection_string(config.service_bus_connection_string)
    if service == "event_grid":
        signature = config.event_grid_sas_token
        if signature is not None:
            return SharedAccessSignatureCredentials(signature=signature)
        return _key(config.event_grid_key)
    if service == "functions":
        # A token is made for an audience; without one, functions are called that anybody may call.
        audience = config.functions_audience
        return _key(config.functions_key) or (AnonymousCredentials() if audience is None else None)
    token = config.management_token
    return None if token is None else TokenCredentials(token=token)


def checked(service: ServiceName, credentials: Credentials) -> Credentials:
    """The credentials, when the service takes such.

    Raises:
        ConfigurationError: It does not, or they cannot be sent.
    """
    accepted = ACCEPTED[service]
    if not isinstance(credentials, accepted):
        raise ConfigurationError(
            f"{service} does not take {type(credentials).__name__}",
            hint=f"It takes {', '.join(kind.__name__ for kind in accepted)}.",
        )
    for name in ("key", "token", "signature"):
        secret = getattr(credentials, name, "")
        # HTTP libraries fail on these in ways that look like a broken connection, or show the value.
        if not (secret.isascii() and secret.isprintable()):
            raise ConfigurationError(
                f"the {name} for {service} has characters that none has",
                hint="Does it end with a line feed, as files and command lines leave it?",
            )
    return credentials


def fixed_token(credentials: TokenCredentials) -> TokenCredential:
    """A token that is there already, as the SDKs take it; it is given for any scope.

    A client keeps a token, so one for another token needs another client.
    """
    return _FixedToken(credentials)


def entra_credential(config: AzureConfig, **options: Any) -> TokenCredential:
    """Signs in to Entra ID when a token is asked for. Blocks: imports azure-identity.

    Args:
        config: Who to sign in as, and where.
        **options: Further arguments of the credential, such as its transport.
    """
    from azure.identity import ClientSecretCredential, DefaultAzureCredential

    if config.authority is not None:
        options["authority"] = config.authority
    if config.client_secret is not None and config.tenant_id and config.client_id:
        return ClientSecretCredential(
            config.tenant_id, config.client_id, config.client_secret, **options
        )
    if config.client_id is not None:
        options["managed_identity_client_id"] = config.client_id
        options["workload_identity_client_id"] = config.client_id
    if config.tenant_id is not None:
        options["workload_identity_tenant_id"] = config.tenant_id
    return DefaultAzureCredential(**options)


class _FixedToken:
    def __init__(self, credentials: TokenCredentials) -> None:
        self._token = credentials.token
        self._expires_at = credentials.expires_at

    @property
    def _expires_on(self) -> int:
        # One that does not say is good until it is refused: it must not look ended after an hour.
        known = self._expires_at
        return int(time.time() + TOKEN_SECONDS if known is None else known.timestamp())

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        from azure.core.credentials import AccessToken

        return AccessToken(self._token, self._expires_on)

    def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:
        from azure.core.credentials import AccessTokenInfo

        return AccessTokenInfo(self._token, self._expires_on)

    def close(self) -> None:
        """There is nothing to close."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _storage_credentials(config: AzureConfig) -> Credentials | None:
    if config.anonymous:
        return AnonymousCredentials()
    found = _connection_string(config.storage_connection_string)
    if found is not None:
        return found
    if config.storage_key is not None:
        account = config.account
        url = config.storage_url()
        if account is None and url is not None and is_loopback(url):
            account = EMULATOR_ACCOUNT
        return AccountKeyCredentials(account=account, key=config.storage_key)
    if config.storage_sas_token is not None:
        return SharedAccessSignatureCredentials(signature=config.storage_sas_token)
    return _emulator_credentials(config)


def _emulator_credentials(config: AzureConfig) -> Credentials | None:
    """Azurite's own, for a server on this machine that nothing else is said about."""
    url = config.storage_url()
    if url is None or not is_loopback(url) or config.account not in {None, EMULATOR_ACCOUNT}:
        return None
    return AccountKeyCredentials(account=EMULATOR_ACCOUNT, key=EMULATOR_KEY)


def _connection_string(value: str | None) -> Credentials | None:
    return None if value is None else ConnectionStringCredentials(connection_string=value)


def _key(value: str | None) -> Credentials | None:
    return None if value is None else AccountKeyCredentials(key=value)
