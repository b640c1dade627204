"""Oracle's clients: made when they are first needed, in a worker thread, and used in worker threads."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import frozen
from cloudkit.common import ConfigurationError, Credentials
from cloudkit.core import BaseClients
from cloudkit.oracle.auth import SignIn, sign_in
from cloudkit.oracle.config import OracleConfig, ServiceName
from cloudkit.oracle.errors import is_refusal

if TYPE_CHECKING:
    from cloudkit.oracle.transport import SharedAdapter

CLASSES: Mapping[ServiceName, str] = {
    "object_storage": "oci.object_storage:ObjectStorageClient",
    "nosql": "oci.nosql:NosqlClient",
    "queue": "oci.queue:QueueClient",
    "queue_admin": "oci.queue:QueueAdminClient",
    "streaming": "oci.streaming:StreamClient",
    "streaming_admin": "oci.streaming:StreamAdminClient",
    "notifications": "oci.ons:NotificationDataPlaneClient",
    "notifications_control": "oci.ons:NotificationControlPlaneClient",
    "functions": "oci.functions:FunctionsInvokeClient",
    "functions_management": "oci.functions:FunctionsManagementClient",
}
"""The SDK's classes. The module of one is imported when its client is first needed."""

LONG_POLLS: Mapping[ServiceName, float] = {"queue": 30.0}
"""Seconds that a service may wait before it answers, besides what any call may take."""

ANY_REGION = "us-ashburn-1"
"""The SDK wants a region, also where endpoints say all."""


@frozen
class ServiceAt:
    """A client of something that has an address of its own: a queue, a stream, a function.

    Attributes:
        service: What it is a client of.
        endpoint: URL that the service gave; None for that of the configuration or of the region.
    """

    service: ServiceName
    endpoint: str | None


ClientName: TypeAlias = ServiceName | ServiceAt


@frozen
class _SignedIn:
    credentials: Credentials | None
    identity: SignIn


class OracleClients(BaseClients[OracleConfig, ClientName]):
    """The clients of one cloud: one a service, or a service and endpoint.

    A session token that was refused is read again: its file may have another one by then.
    """

    per_credentials = True

    def compartment(self) -> str:
        """OCID of the compartment to work in. Blocks: call it from a function given to ``run``.

        Raises:
            ConfigurationError: Neither the options nor the credentials tell.
        """
        if self.config.compartment is not None:
            return self.config.compartment
        credentials = self._credentials()
        with self._lock:
            tenancy = self.config.tenancy or self._sign_in(credentials).identity.tenancy
        if tenancy is None:
            raise ConfigurationError("the compartment is not known", hint="Give 'compartment'.")
        return tenancy

    def _start_afresh(self) -> None:
        super()._start_afresh()
        self._signed_in: _SignedIn | None = None
        self._adapter: SharedAdapter | None = None

    def _is_refusal(self, error: Exception) -> bool:
        return is_refusal(error)

    def _identity(self) -> object:
        return self._signed_in if self._bridge is None else super()._identity()

    async def _renew(self, name: ClientName, identity: object) -> bool:
        """Also without an AuthProvider: a file may have another session token by now."""
        if self._bridge is not None:
            return await super()._renew(name, identity)
        return await self._context.run_sync(self._forget, identity)

    def _forget(self, refused: object) -> bool:
        """Drop who is signed in, where a file has another session token by now."""
        with self._lock:
            signed_in = self._signed_in
            if signed_in is not None and signed_in is refused:
                if not signed_in.identity.outdated:
                    return False
                self._signed_in, self._made = None, {}
            return refused is not None

    def _sign_in(self, credentials: Credentials | None) -> _SignedIn:
        """Whose signature the clients share; the lock is held."""
        signed_in = self._signed_in
        if signed_in is None or signed_in.credentials is not credentials:
            signed_in = _SignedIn(credentials, sign_in(self.config, credentials))
            self._signed_in = signed_in
        return signed_in

    def _make(self, name: ClientName, credentials: Credentials | None) -> Any:
        from cloudkit.oracle.transport import SharedAdapter
        from oci.circuit_breaker import (  # type: ignore[import-untyped]
            NoCircuitBreakerStrategy,
        )
        from oci.retry import NoneRetryStrategy  # type: ignore[import-untyped]

        place = name if isinstance(name, ServiceAt) else ServiceAt(name, None)
        identity = self._sign_in(credentials).identity
        service, url = place.service, place.endpoint or self.config.endpoint_of(place.service)
        timeout = self.config.timeout
        if timeout is not None:
            timeout += LONG_POLLS.get(service, 0.0)
        client = _class(service)(
            self._settings(url, identity),
            signer=identity.signer,
            service_endpoint=url,
            timeout=(self.config.connect_timeout, timeout),
            # One retry loop: the executor's.
            retry_strategy=NoneRetryStrategy(),
            circuit_breaker_strategy=NoCircuitBreakerStrategy(),
        )
        if self._adapter is None:
            self._adapter = SharedAdapter(self.config.max_concurrency)
        for scheme in ("http://", "https://"):
            client.base_client.session.mount(scheme, self._adapter)
        return client

    def _settings(self, url: str | None, identity: SignIn) -> dict[str, Any]:
        from cloudkit.core import __version__

        region = self.config.region.name if self.config.region is not None else identity.region
        if region is None:
            if url is None:
                raise ConfigurationError("the region is not known", hint="Give 'region'.")
            region = ANY_REGION
        return {
            **identity.settings,
            "region": region,
            "additional_user_agent": f"cloudkit/{__version__}",
        }

    def _close_shared(self) -> None:
        adapter, self._adapter = self._adapter, None
        if adapter is not None:
            adapter.shut()


def _class(service: ServiceName) -> Any:
    module, _, name = CLASSES[service].partition(":")
    return getattr(import_module(module), name)
