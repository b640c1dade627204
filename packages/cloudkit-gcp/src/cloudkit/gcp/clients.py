"""Google's clients: made when they are first needed, in a worker thread, and used in worker threads."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from cloudkit.common import Credentials
from cloudkit.core import BaseClients
from cloudkit.core.urls import is_plain
from cloudkit.gcp.config import GcpConfig, ServiceName
from cloudkit.gcp.errors import is_refusal

if TYPE_CHECKING:
    from cloudkit.gcp.auth import SignedIn

FACTORIES: Mapping[ServiceName, str] = {
    "storage": "cloudkit.gcp.storage.client",
    "functions": "cloudkit.gcp.functions.client",
    "firestore": "cloudkit.gcp.firestore.client",
    "pubsub": "cloudkit.gcp.pubsub.client",
    "tasks": "cloudkit.gcp.cloud_tasks.client",
}
"""Modules whose ``make_client(settings: ClientSettings)`` makes a service's client. Each is imported,
with its SDK, when the client is first needed. ``close()`` of what it makes is called in the end."""


class GcpClients(BaseClients[GcpConfig, ServiceName]):
    """The clients of one cloud, one a service. Each asks for the credentials of now."""

    def _is_refusal(self, error: Exception) -> bool:
        return is_refusal(error)

    async def _renew(self, name: ServiceName, identity: object) -> bool:
        """Also without an AuthProvider: the SDK's credentials get another token."""
        signed_in = self._signed_in.get(name)
        had_token = signed_in is not None and signed_in.credentials.token is not None
        if signed_in is not None:
            # The SDK asks for others.
            signed_in.credentials.token = signed_in.source.token = None
        return had_token if self._bridge is None else await super()._renew(name, identity)

    def _start_afresh(self) -> None:
        super()._start_afresh()
        self._signed_in: dict[ServiceName, SignedIn] = {}

    def _make(self, name: ServiceName, credentials: Credentials | None) -> Any:
        from cloudkit.gcp.transport import ClientSettings

        signed_in = self._signed_in[name] = self._sign_in(name)
        factory = import_module(FACTORIES[name])
        project = self.config.project or signed_in.project or self._emulator_project(name)
        return factory.make_client(
            ClientSettings(
                self.config,
                name,
                signed_in.credentials,
                signed_in.source,
                project,
                _user_agent(),
            )
        )

    def _sign_in(self, service: ServiceName) -> SignedIn:
        from cloudkit.gcp.auth import provided, sign_in

        if self._bridge is None:
            return sign_in(self.config, service)
        return provided(self.config, service, self._bridge.current)

    def _emulator_project(self, service: ServiceName) -> str:
        from cloudkit.gcp.auth import EMULATOR_PROJECT

        return EMULATOR_PROJECT if is_plain(self.config.url(service)) else ""


def _user_agent() -> str:
    from cloudkit.core import __version__ as own_version
    from google.api_core import __version__

    return f"cloudkit/{own_version} gapi-core/{__version__}"
