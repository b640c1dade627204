"""Azure's clients: made when they are first needed, in a worker thread, and used in worker threads."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

from attrs import frozen
from cloudkit.azure.auth import (
    ServiceName,
    checked,
    credentials_of,
    entra_credential,
    fixed_token,
)
from cloudkit.azure.config import AzureConfig
from cloudkit.azure.errors import is_refusal
from cloudkit.common import ClientClosedError, Credentials, TokenCredentials
from cloudkit.core import CloudContext, CredentialBridge

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from cloudkit.azure.transport import SharedTransport

T = TypeVar("T")
ArgsT = TypeVarTuple("ArgsT")

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


@frozen
class _Made:
    client: Any
    credentials: Credentials | None


class AzureClients:
    """The clients of one cloud, one a service.

    A contract calls the service like this, with exactly one change of thread::

        async def _head_object(self, op: HeadObject) -> ObjectInfo:
            return await self._clients.run("blob", head, op)

        def head(client: BlobClient, op: HeadObject) -> ObjectInfo: ...

    The SDKs' own errors pass through; ``errors.translate`` turns them into CloudErrors later.

    Args:
        context: Settings, AuthProvider and threads of the cloud.
    """

    def __init__(self, context: CloudContext[AzureConfig]) -> None:
        self._context = context
        self._bridge = None if context.auth is None else CredentialBridge(context.auth)
        self._start_afresh()
        context.on_close(self._close)

    @property
    def config(self) -> AzureConfig:
        """The settings of the cloud."""
        return self._context.config

    async def run(self, service: ServiceName, func: Callable[[Any, *ArgsT], T], *args: *ArgsT) -> T:
        """Call ``func(client, *args)`` in a worker thread.

        Credentials of the user's AuthProvider are seen to first; when the service refuses them as
        expired or unknown, the provider is asked for others and the call is made again, once.

        Args:
            service: Whose client.
            func: Makes the calls; blocks.
            *args: What it gets behind the client.

        Returns:
            What it returned.

        Raises:
            ClientClosedError: The cloud has been closed.
            Exception: Whatever the SDK raised.
        """
        bridge = self._bridge
        if bridge is None:
            return await self._context.run_sync(self._call, service, func, *args)
        await bridge.prepare()
        try:
            return await self._context.run_sync(self._call, service, func, *args)
        except Exception as error:
            if not is_refusal(error) or not await bridge.renew():
                raise
        return await self._context.run_sync(self._call, service, func, *args)

    async def run_free(self, func: Callable[[*ArgsT], T], *args: *ArgsT) -> T:
        """Call ``func(*args)`` in a worker thread, for what needs no client (reading a body)."""
        return await self._context.run_sync(func, *args)

    async def prepare(self) -> None:
        """Ask the user's AuthProvider, if there is one, so that clients can be used directly."""
        if self._bridge is not None:
            await self._bridge.prepare()

    def client(self, service: ServiceName) -> Any:
        """The client of a service, for the credentials of now. Blocks when it has to be made.

        Raises:
            ClientClosedError: The cloud has been closed.
        """
        if self._context.closed:
            raise ClientClosedError("the client has been closed", hint="Make a new one.")
        if self._process != os.getpid():
            self._start_afresh()  # connections must not be shared with a parent process
        credentials = None if self._bridge is None else self._bridge.current()
        made = self._made.get(service)
        if made is None or made.credentials is not credentials:
            with self._lock:
                made = self._made.get(service)
                if made is None or made.credentials is not credentials:
                    made = self._replace(service, made, credentials)
        return made.client

    def _start_afresh(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[str, _Made] = {}
        # Other threads may still use them; kept by nobody else, they are gone.
        self._retired: list[weakref.ref[Any]] = []
        self._transport: SharedTransport | None = None
        self._entra: TokenCredential | None = None
        self._process = os.getpid()

    def _call(self, service: ServiceName, func: Callable[[Any, *ArgsT], T], *args: *ArgsT) -> T:
        return func(self.client(service), *args)

    def _replace(
        self, service: ServiceName, old: _Made | None, credentials: Credentials | None
    ) -> _Made:
        made = _Made(self._make(service, credentials), credentials)
        if old is not None:
            self._retired = [known for known in self._retired if known() is not None]
            self._retired.append(weakref.ref(old.client))
            succeed = getattr(made.client, "succeed", None)
            if succeed is not None:
                succeed(old.client)
        self._made[service] = made
        return made

    def _make(self, service: ServiceName, given: Credentials | None) -> Any:
        credentials = given
        if given is None or (service == "management" and self.config.management_token is not None):
            credentials = credentials_of(service, self.config)
        if credentials is not None:
            credentials = checked(service, credentials)
        user_agent = _user_agent()
        http = self._http(user_agent)
        token: TokenCredential | None = None
        if isinstance(credentials, TokenCredentials):
            token = fixed_token(credentials)
        elif credentials is None:
            if self._entra is None:
                self._entra = entra_credential(self.config, transport=http["transport"])
            token = self._entra
        factory = import_module(FACTORIES[service])
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

    async def _close(self) -> None:
        await self._context.run_sync(self._close_all)

    def _close_all(self) -> None:
        if self._process != os.getpid():
            self._start_afresh()  # what a parent process has made goes on there
        with self._lock:
            retired = [client for known in self._retired if (client := known()) is not None]
            clients = [made.client for made in self._made.values()] + retired
            entra, transport = self._entra, self._transport
            self._made, self._retired, self._entra, self._transport = {}, [], None, None
        for closable in (*clients, entra):
            close = getattr(closable, "close", None)
            if close is not None:
                close()
        if transport is not None:
            transport.shut()


def _user_agent() -> str:
    from azure.core import __version__
    from cloudkit.core import __version__ as own_version

    return f"cloudkit/{own_version} azure-core/{__version__}"
