from __future__ import annotations

from datetime import timedelta

import anyio
import pytest
from cloudkit.common import (
    AccessKeyCredentials,
    AuthenticationError,
    MissingCredentialsError,
    TokenCredentials,
    utc_now,
)
from cloudkit.spi import (
    AuthProvider,
    CachingAuthProvider,
    ChainAuthProvider,
    EnvAuthProvider,
    StaticAuthProvider,
)

pytestmark = pytest.mark.anyio


class Source(AuthProvider):
    """Hands out numbered tokens, or raises."""

    def __init__(self, lifetime=timedelta(hours=1)):
        self.lifetime = lifetime
        self.asked = []
        self.error = None
        self.gate = None

    async def get_credentials(self):
        return await self._make("get")

    async def refresh_credentials(self):
        return await self._make("refresh")

    async def _make(self, how):
        self.asked.append(how)
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        return TokenCredentials(token=str(len(self.asked)), expires_at=utc_now() + self.lifetime)


async def test_static():
    credentials = TokenCredentials(token="t")
    provider = StaticAuthProvider(credentials)
    assert await provider.get_credentials() is credentials
    assert await provider.refresh_credentials() is credentials


VARIABLES = {
    "access_key_id": "ACME_ID",
    "secret_access_key": "ACME_SECRET",
    "session_token": "ACME_SESSION",
}


async def test_environment():
    environ = {"ACME_ID": "id", "ACME_SECRET": "s"}
    provider = EnvAuthProvider(
        AccessKeyCredentials, VARIABLES, optional=["session_token"], environ=environ
    )
    assert await provider.get_credentials() == AccessKeyCredentials(
        access_key_id="id", secret_access_key="s"
    )
    environ["ACME_SESSION"] = "x"
    assert (await provider.get_credentials()).session_token == "x"


async def test_environment_names_what_is_missing(monkeypatch):
    for name in VARIABLES.values():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ACME_ID", "id")
    provider = EnvAuthProvider(AccessKeyCredentials, VARIABLES, optional=["session_token"])
    with pytest.raises(MissingCredentialsError, match=r"^not set: ACME_SECRET$"):
        await provider.get_credentials()


async def test_a_chain_takes_the_first_that_has_any():
    empty, full = Source(), Source()
    empty.error = MissingCredentialsError("nothing here")
    chain = ChainAuthProvider(empty, full, Source())
    assert (await chain.get_credentials()).token == "1"
    assert (await chain.refresh_credentials()).token == "2"
    assert (empty.asked, full.asked) == (["get", "refresh"], ["get", "refresh"])


async def test_a_chain_says_what_each_said():
    empty = Source()
    empty.error = MissingCredentialsError("nothing here")
    with pytest.raises(
        MissingCredentialsError, match=r"Source: nothing here; Source: nothing here"
    ):
        await ChainAuthProvider(empty, empty).get_credentials()


async def test_a_chain_does_not_hide_a_refusal():
    refusing, full = Source(), Source()
    refusing.error = AuthenticationError("refused")
    with pytest.raises(AuthenticationError, match="refused"):
        await ChainAuthProvider(refusing, full).get_credentials()
    assert full.asked == []


def test_an_empty_chain_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        ChainAuthProvider()


class Clock:
    """The time of day, in hands."""

    def __init__(self):
        self.now = utc_now()

    def __call__(self):
        return self.now

    def advance(self, **duration):
        self.now += timedelta(**duration)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    for module in ("cloudkit.common.credentials", "cloudkit.spi.auth", __name__):
        monkeypatch.setattr(f"{module}.utc_now", clock)
    return clock


async def test_caching_asks_once_and_renews_early(clock):
    source = Source()
    provider = CachingAuthProvider(source, refresh_before=timedelta(minutes=5))
    assert (await provider.get_credentials()).token == "1"
    clock.advance(minutes=54)
    assert (await provider.get_credentials()).token == "1"
    clock.advance(minutes=2)
    assert (await provider.get_credentials()).token == "2"
    assert (await provider.get_credentials()).token == "2"
    assert source.asked == ["get", "refresh"]


async def test_caching_falls_back_on_what_is_still_valid(clock):
    source = Source()
    provider = CachingAuthProvider(source, refresh_before=timedelta(minutes=5))
    await provider.get_credentials()
    clock.advance(minutes=56)
    source.error = AuthenticationError("down")
    assert (await provider.get_credentials()).token == "1"
    with pytest.raises(AuthenticationError, match="down"):
        await provider.refresh_credentials()


async def test_a_source_that_fails_is_not_asked_again_by_every_call(clock):
    source = Source()
    provider = CachingAuthProvider(source, refresh_before=timedelta(minutes=5))
    await provider.get_credentials()
    clock.advance(minutes=56)
    source.error = AuthenticationError("down")
    for _ in range(50):
        await provider.get_credentials()
    assert source.asked == ["get", "refresh"]
    clock.advance(seconds=31)
    source.error = None
    assert (await provider.get_credentials()).token == "3"


async def test_credentials_that_live_shortly_are_kept_nevertheless(clock):
    source = Source(lifetime=timedelta(seconds=40))
    provider = CachingAuthProvider(source, refresh_before=timedelta(minutes=5))
    for _ in range(50):
        assert (await provider.get_credentials()).token == "1"
    clock.advance(seconds=19)
    assert (await provider.get_credentials()).token == "1"
    clock.advance(seconds=2)  # half of their life is over
    for _ in range(50):
        assert (await provider.get_credentials()).token == "2"
    assert source.asked == ["get", "refresh"]


async def test_while_one_task_renews_early_the_others_go_on(clock):
    source = Source()
    provider = CachingAuthProvider(source, refresh_before=timedelta(minutes=5))
    await provider.get_credentials()
    clock.advance(minutes=56)
    source.gate = anyio.Event()
    renewed = []

    async def ask():
        renewed.append((await provider.get_credentials()).token)

    async with anyio.create_task_group() as group:
        group.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        with anyio.fail_after(30):
            assert (await provider.get_credentials()).token == "1"
        source.gate.set()
    assert renewed == ["2"]
    assert (await provider.get_credentials()).token == "2"


async def test_tasks_that_need_new_credentials_share_a_failure():
    source = Source()
    source.gate = anyio.Event()
    source.error = AuthenticationError("down")
    provider = CachingAuthProvider(source)
    errors = []

    async def ask(number):
        try:
            await provider.get_credentials()
        except AuthenticationError as error:
            errors.append(error.complete(resource=str(number)))

    async with anyio.create_task_group() as group:
        for number in range(8):
            group.start_soon(ask, number)
        await anyio.wait_all_tasks_blocked()
        source.gate.set()
    assert source.asked == ["get"]
    assert [error.message for error in errors] == ["down"] * 8
    # Each has an error of its own, which says what that task was about.
    assert sorted(error.resource for error in errors) == [str(number) for number in range(8)]


async def test_caching_does_not_hand_out_what_has_expired():
    source = Source(lifetime=timedelta(seconds=-1))
    provider = CachingAuthProvider(source)
    await provider.get_credentials()
    source.error = AuthenticationError("down")
    with pytest.raises(AuthenticationError, match="down"):
        await provider.get_credentials()


async def test_64_tasks_share_one_request():
    source = Source()
    source.gate = anyio.Event()
    provider = CachingAuthProvider(source)
    tokens = []

    async def ask():
        tokens.append((await provider.get_credentials()).token)

    async with anyio.create_task_group() as group:
        for _ in range(64):
            group.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        source.gate.set()
    assert tokens == ["1"] * 64
    assert source.asked == ["get"]


async def test_a_request_that_is_cancelled_leaves_the_next_task_to_ask():
    source = Source()
    source.gate = anyio.Event()
    provider = CachingAuthProvider(source)
    tokens = []

    async def ask():
        tokens.append((await provider.get_credentials()).token)

    async with anyio.create_task_group() as outer:
        async with anyio.create_task_group() as first:
            first.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            outer.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            first.cancel_scope.cancel()
        source.gate.set()
    assert tokens == ["2"]
