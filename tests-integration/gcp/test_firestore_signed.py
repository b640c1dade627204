"""Firestore behind TLS and a check of tokens: gRPC calls are signed, and signed anew."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from cloudkit.common import AuthenticationError, Credentials, TlsError, TokenCredentials
from cloudkit.gcp import GcpCloud
from cloudkit.spi import AuthProvider, NoRetry
from emulators.process import Server

pytestmark = pytest.mark.anyio


class Changing(AuthProvider):
    """Gives token after token."""

    def __init__(self) -> None:
        self.number = 0

    async def get_credentials(self) -> Credentials:
        self.number += 1
        return TokenCredentials(token=f"token-{self.number}")


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def table(firestore_server: Server) -> AsyncIterator[str]:
    async with GcpCloud(project="signed", firestore_endpoint=firestore_server.url) as cloud:
        await cloud.kv.create_table("table")
        yield "table"
        await cloud.kv.delete_table("table")


def client(url: str, auth: Any) -> GcpCloud:
    return GcpCloud(project="signed", firestore_endpoint=url, auth=auth, retry=NoRetry())


async def use(cloud: GcpCloud, table: str) -> None:
    """Make calls of each kind: with one answer, and with a stream of them."""
    await cloud.kv.describe_table(table)
    await cloud.kv.put(table, "a", {"n": 1})
    item = await cloud.kv.get(table, "a")
    assert item is not None
    assert len([item async for item in cloud.kv.scan(table)]) == 1


@pytest.mark.usefixtures("trusted_front")
async def test_calls_are_signed_with_a_token(
    firestore_front: str, front_tokens: set[str], table: str
) -> None:
    front_tokens.add("the-token")
    async with client(firestore_front, TokenCredentials(token="the-token")) as cloud:
        await use(cloud, table)


@pytest.mark.usefixtures("trusted_front")
async def test_a_wrong_token_is_refused_as_such_and_does_not_show(
    firestore_front: str, table: str
) -> None:
    async with client(firestore_front, TokenCredentials(token="a-wrong-token")) as cloud:
        for call in (cloud.kv.get(table, "a"), cloud.kv.create_table("other")):
            with pytest.raises(AuthenticationError) as caught:
                await call
            assert caught.value.code == "UNAUTHENTICATED"
            assert not caught.value.retryable
            assert "a-wrong-token" not in repr(caught.value) + str(vars(caught.value))


@pytest.mark.usefixtures("trusted_front")
async def test_a_provider_is_asked_again_when_its_token_is_refused(
    firestore_front: str, front_tokens: set[str], table: str
) -> None:
    front_tokens.update({"token-1", "token-3"})
    provider = Changing()
    async with client(firestore_front, provider) as cloud:
        await use(cloud, table)
        assert provider.number == 1
        front_tokens.remove("token-1")
        with pytest.raises(AuthenticationError):
            await cloud.kv.get(table, "a")  # once again, with another one, which is no better
        assert provider.number == 2
        await use(cloud, table)
        assert provider.number == 3


async def test_a_certificate_that_nobody_trusts_is_refused(firestore_front: str) -> None:
    async with client(firestore_front, TokenCredentials(token="the-token")) as cloud:
        with pytest.raises(TlsError):
            await cloud.kv.describe_table("table")
