"""Azure's clients: made when they are first needed, in a worker thread, and used in worker threads."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from attrs import frozen
from cloudkit.azure.auth import checked, credentials_of, entra_credential, fixed_token
from cloudkit.azure.config import AzureConfig, ServiceName
from cloudkit.azure.errors import is_refusal
from cloudkit.common import Credentials, TokenCredentials
from cloudkit.core import BaseClients

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from cloudkit.azure.transport import SharedTransport

FACTORIES: Mapping[ServiceName, str] = {
    "blob": "cloudkit.azure.blob.client",
    "service_bus": "cloudkit.azure.service_bus.client",
    "cosmos": "cloudkit.azure.cosmos.client",
    "event_grid": "cloudkit.azure.event_grid.client",
    "functions": "cloudkit.azure.functions.client",
    "management": "cloudkit.azure.event_grid.management",
}
"""Modules whose ``make_client(settings: ClientSettings)`` makes a service's client. Each is imported,
with its SDK, when the client is first needed."""


@frozen
class ClientSettings:
    """What a service's client is made of.

    Attributes:
        config: The settings of the cloud.
        credentials: The kinds that ``auth.ACCEPTED`` names; None where ``token`` signs in.
        token: For tokens: of the AuthProvider, or of Entra ID. None for other credentials.
        user_agent: What requests say of who sends them.
        http: Keyword arguments of all HTTP clients: transport, timeouts, user agent, no retries.
    """

    config: AzureConfig
    credentials: Credentials | None
    token: TokenCredential | None
    user_agent: str
    http: Mapping[str, Any]


class AzureClients(BaseClients[AzureConfig, ServiceName]):
    """The clients of one cloud, one a service, on connections that they share."""

    per_credentials = True

    def _is_refusal(self, error: Exception) -> bool:
        return is_refusal(error)

    def _start_afresh(self) -> None:
        super()._start_afresh()
        self._transport: SharedTransport | None = None
        self._entra: TokenCredential | None = None

    def _retire(self, old: Any, new: Any) -> None:
        super()._retire(old, new)
        succeed = getattr(new, "succeed", None)
        if succeed is not None:
            succeed(old)

    def _make(self, name: ServiceName, credentials: Credentials | None) -> Any:
        own = name == "management" and self.config.management_token is not None
        if credentials is None or own:
            credentials = credentials_of(name, self.config)
        if credentials is not None:
            credentials = checked(name, credentials)
        user_agent = _user_agent()
        http = self._http(user_agent)
        token: TokenCredential | None = None
        if isinstance(credentials, TokenCredentials):
            token = fixed_token(credentials)
        elif credentials is None:
            if self._entra is None:
                self._entra = entra_credential(self.config, transport=http["transport"])
            token = self._entra
        factory = import_module(FACTORIES[name])
        return factory.make_client(
            ClientSettings(self.config, credentials, token, user_agent, http)
        )

    def _http(self, user_agent: str) -> dict[str, Any]:
        from azure.core.pipeline.policies import UserAgentPolicy
        from cloudkit.azure.transport import NoRetries, make_transport

        config = self.config
        if self._transport is None:
            self._transport = make_transport(config)
        return {
            "transport": self._transport,
            # One retry loop: the executor's.
            "retry_policy": NoRetries(),
            "connection_timeout": config.connect_timeout,
            "read_timeout": config.timeout,
            "user_agent_policy": UserAgentPolicy(user_agent, user_agent_use_env=False),
        }

    def _close_shared(self) -> None:
        entra, transport = self._entra, self._transport
        self._entra = self._transport = None
        close = getattr(entra, "close", None)
        if close is not None:
            close()
        if transport is not None:
            transport.shut()


def _user_agent() -> str:
    from azure.core import __version__
    from cloudkit.core import __version__ as own_version

    return f"cloudkit/{own_version} azure-core/{__version__}"
