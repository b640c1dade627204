"""The clients of an SDK: made when they are first needed, in a worker thread, and used in such threads."""

from __future__ import annotations

import os
import threading
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any, ClassVar, Generic, TypeVar, TypeVarTuple

import anyio
from attrs import frozen
from cloudkit.common import ClientClosedError, CloudConfig, Credentials
from cloudkit.core.bridge import CredentialBridge
from cloudkit.core.context import CloudContext
from cloudkit.core.handover import Handover

T = TypeVar("T")
ArgsT = TypeVarTuple("ArgsT")
ConfigT = TypeVar("ConfigT", bound=CloudConfig)
NameT = TypeVar("NameT")

UNDO_SECONDS = 0.05
"""How long a cancelled task waits for a thread to begin with undoing."""


@frozen
class _Made:
    client: Any
    credentials: Credentials | None


class BaseClients(ABC, Generic[ConfigT, NameT]):
    """The clients of one cloud, each made once.

    A contract calls the service like this, with exactly one change of thread::

        async def _head_object(self, op: HeadObject) -> ObjectInfo:
            return await self._clients.run("storage", head, op)

        def head(client: StorageClient, op: HeadObject) -> ObjectInfo: ...

    A provider says how a client is made, and which errors mean that other credentials might do
    better. The SDK's own errors pass through; the provider's ``translate`` turns them into
    CloudErrors later.

    Args:
        context: Settings, AuthProvider and threads of the cloud.
        bridge: To the context's AuthProvider, where a plain CredentialBridge does not do.

    Attributes:
        per_credentials: Whether a client signs with the credentials that it was made with, so that
            others need another client. Where it is False, a client asks for those of now itself.
    """

    per_credentials: ClassVar[bool] = False

    def __init__(
        self, context: CloudContext[ConfigT], bridge: CredentialBridge | None = None
    ) -> None:
        if bridge is None and context.auth is not None:
            bridge = CredentialBridge(context.auth)
        self._context = context
        self._bridge = bridge
        self._start_afresh()
        context.on_close(self._close)

    @property
    def config(self) -> ConfigT:
        """The settings of the cloud."""
        return self._context.config

    async def run(self, name: NameT, func: Callable[[Any, *ArgsT], T], *args: *ArgsT) -> T:
        """Call ``func(client, *args)`` in a worker thread.

        Credentials of the user's AuthProvider are seen to first. When the service refuses those
        that it was called with, and there are others, the call is made again, once.

        Args:
            name: Of the client.
            func: Makes the calls; blocks.
            *args: What it gets behind the client.

        Returns:
            What it returned.

        Raises:
            ClientClosedError: The cloud has been closed.
            Exception: Whatever the SDK raised.
        """
        await self.prepare()
        identity = self._identity()
        try:
            return await self._context.run_sync(self._call, name, func, *args)
        except Exception as error:
            if not self._is_refusal(error) or not await self._renew(name, identity):
                raise
        return await self._context.run_sync(self._call, name, func, *args)

    async def run_or_undo(
        self,
        name: NameT,
        func: Callable[[Any], T],
        undo: Callable[[Any, T], object],
        *,
        stop: Callable[[], object] | None = None,
    ) -> T:
        """Call ``func(client)`` like ``run``, and undo what it did if the task is cancelled.

        A task that is cancelled goes on at once: ``undo`` is called when the call ends, in its thread.

        Args:
            name: Of the client.
            func: Makes the call; blocks.
            undo: Gets the client and the outcome, unless that is None; blocks.
            stop: Tells the call that nobody waits for it any more; must not block.

        Returns:
            What the call returned.

        Raises:
            ClientClosedError: The cloud has been closed.
            Exception: Whatever the SDK raised.
        """
        handover = Handover[T]()

        def call(client: Any) -> T:
            outcome = func(client)
            if not handover.bring(outcome) and outcome is not None:
                undo(client, outcome)
            return outcome

        try:
            return await self.run(name, call)
        except anyio.get_cancelled_exc_class():
            if stop is not None:
                stop()
            late = handover.give_up()
            if late is not None:  # it came in the very moment
                # Should it fail, it is as if it had not been tried: the cancellation goes on.
                with anyio.move_on_after(UNDO_SECONDS, shield=True), suppress(Exception):
                    await self.run(name, undo, late)
            raise

    async def run_free(self, func: Callable[[*ArgsT], T], *args: *ArgsT) -> T:
        """Call ``func(*args)`` in a worker thread, for what needs no client (reading a body)."""
        return await self._context.run_sync(func, *args)

    async def prepare(self) -> None:
        """Ask the user's AuthProvider, if there is one, so that clients can be used directly."""
        if self._bridge is not None:
            await self._bridge.prepare()

    def client(self, name: NameT) -> Any:
        """A client. Blocks when it has to be made, for up to a second.

        Raises:
            ClientClosedError: The cloud has been closed.
        """
        if self._process != os.getpid():
            self._start_afresh()  # connections must not be shared with a parent process
        credentials = self._credentials()
        made = self._made.get(name)
        if made is None or made.credentials is not credentials:
            with self._lock:
                made = self._make_or_find(name, credentials)
        return made.client

    @abstractmethod
    def _make(self, name: NameT, credentials: Credentials | None) -> Any:
        """Make a client. Blocks; imports the SDK; called under the lock.

        Args:
            name: Of the client.
            credentials: What it is to sign with; None unless ``per_credentials``, and where no
                AuthProvider was given.
        """

    @abstractmethod
    def _is_refusal(self, error: Exception) -> bool:
        """Whether other credentials might do better."""

    def _identity(self) -> object:
        """Whom the clients sign in as, before a call, for ``_renew``."""
        return None if self._bridge is None else self._bridge.current()

    async def _renew(self, name: NameT, identity: object) -> bool:
        """Put other credentials in place of refused ones; tells whether there are any.

        Args:
            name: Of the client that was refused.
            identity: What ``_identity`` gave before the call.
        """
        if self._bridge is None:
            return False
        # Another call may have been refused, and have seen to others, in the meantime.
        return self._bridge.current() != identity or await self._bridge.renew()

    def _start_afresh(self) -> None:
        """Begin with nothing: at first, and in a process that was forked."""
        self._lock = threading.Lock()
        self._made: dict[NameT, _Made] = {}
        self._retired: list[weakref.ref[Any]] = []
        self._process = os.getpid()

    def _retire(self, old: Any, new: Any) -> None:
        """Take a client out of use that was made for other credentials.

        Calls of other threads may still go over it. What nobody holds any more is gone by itself,
        and the rest is closed with the cloud.
        """
        self._retired = [known for known in self._retired if known() is not None]
        self._retired.append(weakref.ref(old))

    def _close_shared(self) -> None:
        """Close what the clients share; called once they are closed."""

    def _credentials(self) -> Credentials | None:
        """Those of now, where clients are made for them."""
        if self._bridge is None or not self.per_credentials:
            return None
        return self._bridge.current()

    def _call(self, name: NameT, func: Callable[[Any, *ArgsT], T], *args: *ArgsT) -> T:
        return func(self.client(name), *args)

    def _make_or_find(self, name: NameT, credentials: Credentials | None) -> _Made:
        if self._context.closed:  # nobody would close what is made now
            raise ClientClosedError("the client has been closed", hint="Make a new one.")
        known = self._made.get(name)
        if known is not None and known.credentials is credentials:
            return known  # another thread was faster
        made = _Made(self._make(name, credentials), credentials)
        if known is not None:
            self._retire(known.client, made.client)
        self._made[name] = made
        return made

    async def _close(self) -> None:
        await self._context.run_sync(self._close_all)

    def _close_all(self) -> None:
        if self._process != os.getpid():
            self._start_afresh()  # what a parent process uses is not for its child to end
        with self._lock:
            clients = [made.client for made in self._made.values()]
            clients += [client for known in self._retired if (client := known()) is not None]
            self._made, self._retired = {}, []
        with ExitStack() as closing:  # one that fails keeps none of the others open
            closing.callback(self._close_shared)
            for client in clients:
                if hasattr(client, "close"):
                    closing.callback(client.close)


ClientsT = TypeVar("ClientsT", bound=BaseClients[Any, Any])


class BaseNative(Generic[ClientsT]):
    """The clients of an SDK for what the contracts do not cover; a provider adds a property for each.

    Args:
        clients: Makes and keeps them.
    """

    def __init__(self, clients: ClientsT) -> None:
        self._clients = clients

    async def prepare(self) -> None:
        """Have the AuthProvider's credentials ready; without one there is nothing to do.

        Raises:
            AuthenticationError: The AuthProvider has none.
        """
        await self._clients.prepare()
