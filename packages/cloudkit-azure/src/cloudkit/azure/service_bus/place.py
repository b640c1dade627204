"""Where a namespace is, and what opens it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode, urlsplit

from attrs import field, frozen
from cloudkit.azure.clients import ClientSettings
from cloudkit.common import (
    AccountKeyCredentials,
    ConfigurationError,
    ConnectionStringCredentials,
    SharedAccessSignatureCredentials,
)

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential

ROOT_POLICY = "RootManageSharedAccessKey"
"""The policy that every namespace has; its key is meant where no policy is named."""
TOKEN_SECONDS = 3600
SCOPE = "https://servicebus.azure.net//.default"


@frozen
class Place:
    """A namespace, and what to sign in to it with: one of the last three groups.

    Attributes:
        host: Its host; with a port for an emulator.
        secure: Whether there is TLS.
        user_agent: What connections say of who makes them.
        connect_timeout: Seconds.
        timeout: Longest exchange, in seconds.
        policy: Name of a shared access policy …
        key: … and its key.
        signature: A shared access signature.
        token: Signs in to Entra ID.
    """

    host: str
    secure: bool
    user_agent: str
    connect_timeout: float
    timeout: float
    policy: str | None = None
    key: str | None = field(default=None, repr=False)
    signature: str | None = field(default=None, repr=False)
    token: TokenCredential | None = field(default=None, repr=False)

    @property
    def token_type(self) -> bytes:
        """What AMQP calls the tokens."""
        return b"servicebus.windows.net:sastoken" if self.token is None else b"jwt"

    def access(self, audience: str) -> AccessToken:
        """A token for a queue, topic or subscription. Blocks when Entra ID is asked.

        Args:
            audience: Its address.
        """
        from azure.core.credentials import AccessToken

        if self.token is not None:
            return self.token.get_token(SCOPE)
        end = int(time.time()) + TOKEN_SECONDS
        if self.signature is not None:
            return AccessToken(self.signature, end)
        return AccessToken(_signed(audience, str(self.policy), str(self.key), end), end)


def make_place(settings: ClientSettings) -> Place:
    """Where the configuration says that the namespace is.

    Raises:
        ConfigurationError: It does not say.
    """
    credentials = settings.credentials
    config = settings.config
    host, secure, known = config.service_bus_namespace, True, dict[str, Any]()
    if isinstance(credentials, ConnectionStringCredentials):
        host, secure, known = _parsed(credentials.connection_string)
    elif isinstance(credentials, AccountKeyCredentials):
        known = dict[str, Any](policy=credentials.account or ROOT_POLICY, key=credentials.key)
    elif isinstance(credentials, SharedAccessSignatureCredentials):
        known = dict[str, Any](signature=_whole(credentials.signature))
    else:
        known = dict[str, Any](token=settings.token)
    if host is None:
        raise ConfigurationError(
            "no Service Bus namespace is configured",
            hint="Give 'service_bus_namespace' or 'service_bus_connection_string'.",
        )
    return Place(
        host=_host(host),
        secure=secure,
        user_agent=settings.user_agent,
        connect_timeout=config.connect_timeout,
        timeout=config.timeout or 60.0,
        **known,
    )


def _parsed(text: str) -> tuple[str, bool, dict[str, Any]]:
    pairs = [part.split("=", 1) for part in text.strip().rstrip(";").split(";")]
    if any(len(pair) != 2 for pair in pairs):
        raise ConfigurationError("the connection string of Service Bus cannot be understood")
    found = {name.strip().lower(): value.strip() for name, value in pairs}
    if "endpoint" not in found:
        raise ConfigurationError("the connection string of Service Bus names no endpoint")
    known: dict[str, Any] = {}
    if "sharedaccesssignature" in found:
        known = dict[str, Any](signature=_whole(found["sharedaccesssignature"]))
    elif "sharedaccesskey" in found:
        policy = found.get("sharedaccesskeyname", ROOT_POLICY)
        known = dict[str, Any](policy=policy, key=found["sharedaccesskey"])
    else:
        raise ConfigurationError("the connection string of Service Bus has no key")
    secure = found.get("usedevelopmentemulator", "").lower() != "true"
    return found["endpoint"], secure, known


def _host(text: str) -> str:
    return urlsplit(text if "//" in text else f"sb://{text}").netloc


def _whole(signature: str) -> str:
    prefix = "SharedAccessSignature "
    return signature if signature.startswith(prefix) else prefix + signature


def _signed(audience: str, policy: str, key: str, end: int) -> str:
    # https://learn.microsoft.com/azure/service-bus-messaging/service-bus-sas
    text = f"{quote_plus(audience)}\n{end}".encode()
    signature = base64.b64encode(hmac.new(key.encode(), text, hashlib.sha256).digest())
    fields = {"sr": audience, "sig": signature, "se": str(end), "skn": policy}
    return f"SharedAccessSignature {urlencode(fields)}"
