"""Oracle's clients: made when they are first needed, in a worker thread, and used in worker threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

from attrs import frozen
from cloudkit.common import ConfigurationError, Credentials
from cloudkit.core import CloudContext, CredentialBridge
from cloudkit.oracle.auth import SignIn, sign_in
from cloudkit.oracle.config import OracleConfig, ServiceName
from cloudkit.oracle.errors import is_refusal

if TYPE_CHECKING:
    from cloudkit.oracle.transport import SharedAdapter

T = TypeVar("T")
ArgsT = TypeVarTuple("ArgsT")

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
class _SignedIn:
    credentials: Credentials | None
    identity: SignIn


@frozen
class _Made:
    client: Any
    by: _SignedIn


class OracleClients:
    """The clients of one cloud: one a service and endpoint.

    A contract calls the service like this, with exactly one change of thread::

        async def _send(self, op: Send) -> SentMessage:
            return await self._clients.run("queue", send, op, endpoint=messages_endpoint)

        def send(client: QueueClient, op: Send) -> SentMessage: ...

    The SDK's own errors pass through; ``errors.translate`` turns them into CloudErrors later.

    Args:
        context: Settings, AuthProvider and threads of the cloud.
    """

    def __init__(self, context: CloudContext[OracleConfig]) -> None:
        self._context = context
        self._bridge = None if context.auth is None else CredentialBridge(context.auth)
        self._start_afresh()
        context.on_close(self._close)

    @property
    def config(self) -> OracleConfig:
        """The settings of the cloud."""
        return self._context.config

    async def run(
        self,
        service: ServiceName,
        func: Callable[[Any, *ArgsT], T],
        *args: *ArgsT,
        endpoint: str | None = None,
    ) -> T:
        """Call ``func(client, *args)`` in a worker thread.

        Credentials of the user's AuthProvider are seen to first; when the service refuses them as
        expired or unknown, the provider is asked for others and the call is made again, once. So it
        is when the file of a session token has another one by then.

        Args:
            service: Whose client.
            func: Makes the calls; blocks.
            *args: What it gets behind the client.
            endpoint: URL that the service gave for a queue, stream or function; that of the
                configuration or of the region when None.

        Returns:
            What it returned.

        Raises:
            ClientClosedError: The cloud has been closed.
            Exception: Whatever the SDK raised.
        """
        signed_in = self._signed_in
        await self.prepare()
        try:
            return await self._context.run_sync(self._call, service, endpoint, func, *args)
        except Exception as error:
            if not is_refusal(error) or not await self._renew(signed_in):
                raise
        return await self._context.run_sync(self._call, service, endpoint, func, *args)

    async def run_free(self, func: Callable[[*ArgsT], T], *args: *ArgsT) -> T:
        """Call ``func(*args)`` in a worker thread, for what needs no client (reading a body)."""
        return await self._context.run_sync(func, *args)

    async def prepare(self) -> None:
        """Ask the user's AuthProvider, if there is one, so that clients can be used directly."""
        if self._bridge is not None:
            await self._bridge.prepare()

    def client(self, service: ServiceName, endpoint: str | None = None) -> Any:
        """The client of a service, for the credentials of now. Blocks when it has to be made.

        Args:
            service: Name of the client.
            endpoint: URL, where it is not the one of the configuration or region.
        """
        if self._process != os.getpid():
            self._start_afresh()  # connections must not be shared with a parent process
        credentials = None if self._bridge is None else self._bridge.current()
        made = self._made.get((service, endpoint))
        if made is None or made.by.credentials is not credentials:
            with self._lock:
                made = self._made.get((service, endpoint))
                if made is None or made.by.credentials is not credentials:
                    by = self._sign_in(credentials)
                    made = _Made(self._make(service, endpoint, by.identity), by)
                    self._made[service, endpoint] = made
        return made.client

    def compartment(self) -> str:
        """OCID of the compartment to work in. Blocks: call it from a function given to ``run``.

        Raises:
            ConfigurationError: Neither the options nor the credentials tell.
        """
        if self.config.compartment is not None:
            return self.config.compartment
        credentials = None if self._bridge is None else self._bridge.current()
        with self._lock:
            tenancy = self.config.tenancy or self._sign_in(credentials).identity.tenancy
        if tenancy is None:
            raise ConfigurationError("the compartment is not known", hint="Give 'compartment'.")
        return tenancy

    def _start_afresh(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[tuple[ServiceName, str | None], _Made] = {}
        self._signed_in: _SignedIn | None = None
        self._adapter: SharedAdapter | None = None
        self._process = os.getpid()

    def _call(
        self,
        service: ServiceName,
        endpoint: str | None,
        func: Callable[[Any, *ArgsT], T],
        *args: *ArgsT,
    ) -> T:
        return func(self.client(service, endpoint), *args)

    def _sign_in(self, credentials: Credentials | None) -> _SignedIn:
        """Whose signature the clients share; the lock is held."""
        signed_in = self._signed_in
        if signed_in is None or signed_in.credentials is not credentials:
            signed_in = _SignedIn(credentials, sign_in(self.config, credentials))
            self._signed_in = signed_in
        return signed_in

    def _make(self, service: ServiceName, endpoint: str | None, identity: SignIn) -> Any:
        from cloudkit.oracle.transport import SharedAdapter
        from oci.circuit_breaker import (  # type: ignore[import-untyped]
            NoCircuitBreakerStrategy,
        )
        from oci.retry import NoneRetryStrategy  # type: ignore[import-untyped]

        url = endpoint or self.config.endpoint_of(service)
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

    async def _renew(self, refused: _SignedIn | None) -> bool:
        """Sign in anew after a refusal; tells whether that makes a difference."""
        if self._bridge is not None:
            return await self._bridge.renew()
        return await self._context.run_sync(self._forget, refused)

    def _forget(self, refused: _SignedIn | None) -> bool:
        """Drop who is signed in, where a file has another session token by now."""
        with self._lock:
            if self._signed_in is refused and refused is not None:
                if not refused.identity.outdated:
                    return False
                self._signed_in, self._made = None, {}
            return refused is not None

    async def _close(self) -> None:
        await self._context.run_sync(self._close_all)

    def _close_all(self) -> None:
        with self._lock:
            adapter, self._adapter, self._made = self._adapter, None, {}
        if adapter is not None:
            adapter.shut()


def _class(service: ServiceName) -> Any:
    module, _, name = CLASSES[service].partition(":")
    return getattr(import_module(module), name)
