"""Google's clients: made when they are first needed, in a worker thread, and used in worker threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

from cloudkit.common import ClientClosedError
from cloudkit.core import CloudContext, CredentialBridge
from cloudkit.gcp.config import GcpConfig, ServiceName, is_plain
from cloudkit.gcp.errors import is_refusal

if TYPE_CHECKING:
    from cloudkit.gcp.auth import SignedIn

T = TypeVar("T")
ArgsT = TypeVarTuple("ArgsT")

FACTORIES: Mapping[ServiceName, str] = {
    "storage": "cloudkit.gcp.storage.client",
    "functions": "cloudkit.gcp.functions.client",
    "firestore": "cloudkit.gcp.firestore.client",
    "pubsub": "cloudkit.gcp.pubsub.client",
    "tasks": "cloudkit.gcp.cloud_tasks.client",
}
"""Modules whose ``make_client(settings: ClientSettings)`` makes a service's client. Each is imported,
with its SDK, when the client is first needed. ``close()`` of what it makes is called in the end."""


class GcpClients:
    """The clients of one cloud, one a service.

    A contract calls the service like this, with exactly one change of thread::

        async def _head_object(self, op: HeadObject) -> ObjectInfo:
            return await self._clients.run("storage", head, op)

        def head(client: StorageClient, op: HeadObject) -> ObjectInfo: ...

    The SDKs' own errors pass through; ``errors.translate`` turns them into CloudErrors later.

    Args:
        context: Settings, AuthProvider and threads of the cloud.
    """

    def __init__(self, context: CloudContext[GcpConfig]) -> None:
        self._context = context
        self._bridge = None if context.auth is None else CredentialBridge(context.auth)
        self._start_afresh()
        context.on_close(self._close)

    @property
    def config(self) -> GcpConfig:
        """The settings of the cloud."""
        return self._context.config

    async def run(self, service: ServiceName, func: Callable[[Any, *ArgsT], T], *args: *ArgsT) -> T:
        """Call ``func(client, *args)`` in a worker thread.

        Credentials of the user's AuthProvider are seen to first. When the service refuses them as
        expired or unknown, the provider is asked for others, or the SDK's credentials for another
        token, and the call is made again, once.

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
        await self.prepare()
        try:
            return await self._context.run_sync(self._call, service, func, *args)
        except Exception as error:
            if not is_refusal(error) or not await self._renew(service):
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
        """The client of a service. Blocks when it has to be made.

        Raises:
            ClientClosedError: The cloud has been closed.
        """
        if self._process != os.getpid():
            self._start_afresh()  # connections must not be shared with a parent process
        made = self._made.get(service)
        if made is None:
            with self._lock:
                if self._context.closed:  # nobody would close what is made now
                    raise ClientClosedError("the client has been closed", hint="Make a new one.")
                made = self._made.get(service)
                if made is None:
                    made = self._made[service] = self._make(service)
        return made

    def _start_afresh(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[ServiceName, Any] = {}
        self._signed_in: dict[ServiceName, SignedIn] = {}
        self._process = os.getpid()

    async def _renew(self, service: ServiceName) -> bool:
        """Put other credentials in place of those that were refused; tells whether there are any."""
        signed_in = self._signed_in.get(service)
        had_token = signed_in is not None and signed_in.credentials.token is not None
        if signed_in is not None:
            # The SDK asks for others.
            signed_in.credentials.token = signed_in.source.token = None
        return had_token if self._bridge is None else await self._bridge.renew()

    def _call(self, service: ServiceName, func: Callable[[Any, *ArgsT], T], *args: *ArgsT) -> T:
        return func(self.client(service), *args)

    def _make(self, service: ServiceName) -> Any:
        from cloudkit.gcp.transport import ClientSettings

        signed_in = self._signed_in[service] = self._sign_in(service)
        factory = import_module(FACTORIES[service])
        project = self.config.project or signed_in.project or self._emulator_project(service)
        return factory.make_client(
            ClientSettings(
                self.config,
                service,
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

    async def _close(self) -> None:
        await self._context.run_sync(self._close_all)

    def _close_all(self) -> None:
        if self._process != os.getpid():
            self._start_afresh()  # what a parent process uses is not for its child to end
        with self._lock:
            clients, self._made = list(self._made.values()), {}
        for client in clients:
            client.close()


def _user_agent() -> str:
    from cloudkit.core import __version__ as own_version
    from google.api_core import __version__

    return f"cloudkit/{own_version} gapi-core/{__version__}"
