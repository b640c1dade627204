"""Clients: made once, in threads, for the credentials of now, and closed with the cloud."""

from __future__ import annotations

import gc
import threading
import weakref
from functools import partial

import anyio
import anyio.lowlevel
import pytest
from cloudkit.common import (
    ClientClosedError,
    CloudConfig,
    Credentials,
    MissingCredentialsError,
    TokenCredentials,
)
from cloudkit.core import BaseClients, BaseNative, CloudContext
from cloudkit.spi import AuthProvider, StaticAuthProvider

pytestmark = pytest.mark.anyio


class RefusedError(Exception):
    """The service wants other credentials."""


class Client:
    """A client of an SDK."""

    def __init__(self, name: str, credentials: Credentials | None) -> None:
        self.name = name
        self.credentials = credentials
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


class Clients(BaseClients[CloudConfig, str]):
    """Clients that ask for credentials themselves."""

    def _start_afresh(self) -> None:
        super()._start_afresh()
        self.made: list[Client] = []
        self.shared_closed = 0

    def _make(self, name: str, credentials: Credentials | None) -> Client:
        client = Client(name, credentials)
        self.made.append(client)
        return client

    def _is_refusal(self, error: Exception) -> bool:
        return isinstance(error, RefusedError)

    def _close_shared(self) -> None:
        self.shared_closed += 1


class SigningClients(Clients):
    """Clients that sign with the credentials they were made with."""

    per_credentials = True


class Rotating(AuthProvider):
    """A new token each time it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def get_credentials(self) -> Credentials:
        self.asked += 1
        await anyio.lowlevel.checkpoint()  # it may wait for what it likes
        return TokenCredentials(token=f"token-{self.asked}")


def context(auth: AuthProvider | None = None) -> CloudContext[CloudConfig]:
    return CloudContext(provider="acme", config=CloudConfig(), auth=auth)


def seen(client: Client) -> tuple[Client, str]:
    return client, threading.current_thread().name


async def test_a_client_is_made_once_and_in_a_worker_thread():
    acme = context()
    clients = Clients(acme)
    results = []

    async def call() -> None:
        results.append(await clients.run("storage", seen))

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(call)
    assert [client.name for client in clients.made] == ["storage"]
    assert {name for _, name in results} == {"cloudkit-worker"}
    assert clients.client("storage") is clients.made[0]
    assert clients.config is acme.config
    await acme.aclose()


async def test_what_needs_no_client_makes_none():
    acme = context()
    clients = Clients(acme)
    assert await clients.run_free(len, "four") == 4
    assert clients.made == []
    await acme.aclose()


@pytest.mark.parametrize("kind", [Clients, SigningClients])
async def test_refused_credentials_are_renewed_once(kind):
    acme = context(Rotating())
    clients = kind(acme)
    calls = []

    def refuse(client: Client) -> None:
        calls.append(client)
        raise RefusedError

    with pytest.raises(RefusedError):
        await clients.run("storage", refuse)
    assert len(calls) == 2
    tokens = [client.credentials and client.credentials.token for client in clients.made]
    assert tokens == (["token-1", "token-2"] if kind.per_credentials else [None])
    await acme.aclose()


async def test_calls_that_are_refused_together_renew_credentials_once():
    auth = Rotating()
    acme = context(auth)
    clients = SigningClients(acme)
    both = threading.Barrier(2)

    def refuse_first(client: Client) -> str:
        token = client.credentials.token
        if token == "token-1":
            both.wait(30)
            raise RefusedError
        return token

    used = []

    async def call() -> None:
        used.append(await clients.run("storage", refuse_first))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        tasks.start_soon(call)
    assert used == ["token-2", "token-2"]
    assert auth.asked == 2
    await acme.aclose()


async def test_credentials_that_stay_the_same_are_not_tried_again():
    acme = context(StaticAuthProvider(TokenCredentials(token="t")))
    clients = SigningClients(acme)
    calls = []

    def refuse(client: Client) -> None:
        calls.append(client)
        raise RefusedError

    with pytest.raises(RefusedError):
        await clients.run("storage", refuse)
    assert len(calls) == 1
    await acme.aclose()


async def test_without_an_auth_provider_nothing_is_renewed():
    acme = context()
    clients = Clients(acme)
    calls = []

    def refuse(client: Client) -> None:
        calls.append(client)
        raise RefusedError

    with pytest.raises(RefusedError):
        await clients.run("storage", refuse)
    assert len(calls) == 1
    await acme.aclose()


async def test_other_errors_pass():
    acme = context(Rotating())
    clients = SigningClients(acme)

    def fail(client: Client) -> None:
        raise KeyError(client.name)

    with pytest.raises(KeyError):
        await clients.run("storage", fail)
    assert len(clients.made) == 1
    await acme.aclose()


async def test_clients_of_old_credentials_are_dropped_and_those_in_use_closed():
    acme = context(Rotating())
    clients = SigningClients(acme)
    known = []
    for _ in range(3):
        client, _ = await clients.run("storage", seen)
        known.append(weakref.ref(client))
        clients.made.clear()
        await clients._bridge.renew()
    held = client
    await clients.run("storage", seen)
    gc.collect()
    assert [ref() is not None for ref in known] == [False, False, True]
    await acme.aclose()
    assert held.closed == 1


async def test_what_a_cancelled_task_has_begun_is_undone_in_its_thread():
    acme = context()
    clients = Clients(acme)
    begun, go_on, undone = threading.Event(), threading.Event(), threading.Event()
    seen_by_undo = []

    def work(client: Client) -> str:
        begun.set()
        assert go_on.wait(30)
        return "outcome"

    def undo(client: Client, outcome: str) -> None:
        seen_by_undo.append((client.name, outcome))
        undone.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(clients.run_or_undo, "queue", work, undo, stop=go_on.set))
        await anyio.to_thread.run_sync(begun.wait, 30)
        tasks.cancel_scope.cancel()
    assert go_on.is_set(), "the call was told"
    assert undone.wait(30)
    assert seen_by_undo == [("queue", "outcome")]
    await acme.aclose()


@pytest.mark.parametrize("fails", [False, True], ids=["", "and that fails"])
async def test_what_comes_in_the_moment_of_a_cancellation_is_undone(monkeypatch, fails):
    acme = context()
    clients = Clients(acme)
    undone = []
    run = clients.run

    async def cancelled_when_it_has_ended(name, func, *args):
        outcome = await run(name, func, *args)
        if not args:
            tasks.cancel_scope.cancel()
            await anyio.lowlevel.checkpoint()
        return outcome

    def undo(client: Client, outcome: str) -> None:
        undone.append(outcome)
        if fails:
            raise OSError("the connection is gone")

    monkeypatch.setattr(clients, "run", cancelled_when_it_has_ended)
    monkeypatch.setattr("cloudkit.core.clients.UNDO_SECONDS", 30)
    async with anyio.create_task_group() as tasks:
        await clients.run_or_undo("queue", lambda client: "outcome", undo)
    assert tasks.cancel_scope.cancelled_caught
    assert undone == ["outcome"]
    await acme.aclose()


async def test_what_is_waited_for_is_not_undone():
    acme = context()
    clients = Clients(acme)
    undone = []
    outcome = await clients.run_or_undo("queue", lambda client: client.name, undone.append)
    assert (outcome, undone) == ("queue", [])
    await acme.aclose()


async def test_all_are_closed_with_the_cloud_also_when_one_fails():
    acme = context()
    clients = Clients(acme)
    for name in ("storage", "queue", "kv"):
        clients.client(name)
    made = list(clients.made)

    def fail() -> None:
        raise OSError("the connection is gone")

    made[1].close = fail
    with pytest.raises(OSError, match="is gone"):
        await acme.aclose()
    assert [client.closed for client in made] == [1, 0, 1]
    assert clients.shared_closed == 1


async def test_none_is_made_once_the_cloud_is_closed():
    acme = context()
    clients = Clients(acme)
    clients.client("storage")
    await acme.aclose()
    for name in ("storage", "queue"):
        with pytest.raises(ClientClosedError):
            clients.client(name)
        with pytest.raises(ClientClosedError):
            await clients.run(name, seen)
    assert len(clients.made) == 1


async def test_a_child_process_has_clients_of_its_own(monkeypatch):
    acme = context()
    clients = Clients(acme)
    parents = clients.client("storage")
    monkeypatch.setattr(clients, "_process", -1)
    assert clients.client("storage") is not parents


async def test_a_child_process_closes_nothing_of_its_parent(monkeypatch):
    acme = context()
    clients = Clients(acme)
    parents = clients.client("storage")
    monkeypatch.setattr(clients, "_process", -1)
    await acme.aclose()
    assert parents.closed == 0


async def test_a_native_client_wants_prepared_credentials():
    acme = context(Rotating())
    clients = SigningClients(acme)
    native = BaseNative(clients)
    with pytest.raises(MissingCredentialsError):
        clients.client("storage")
    await native.prepare()
    assert clients.client("storage").credentials == TokenCredentials(token="token-1")
    await acme.aclose()
