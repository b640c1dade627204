"""Functions on Azure Functions, against the host."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection
from functools import partial
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
from anyio.to_thread import run_sync
from azure.clouds import AzureClouds
from azure.test_functions_host import call
from cloudkit.azure import AzureCloud
from cloudkit.common import (
    AuthenticationError,
    NotFoundError,
    TokenCredentials,
    UnsupportedOperationError,
    ValidationError,
)
from cloudkit.spi import NoRetry
from cloudkit.testing import FunctionsSuite, LinkFault, MakeCloud, closed_port, flaky_endpoint
from cloudkit.testing.functions.suite import Witness
from emulators.azure_functions import FUNCTION_KEY, HOST_KEY, MASTER_KEY, TOKEN, azure_functions
from emulators.process import HOST, Server


def make_functions(url: str, **options: Any) -> AzureCloud:
    """A client of the app at a URL."""
    given: dict[str, Any] = {"functions_key": MASTER_KEY, **options}
    return AzureCloud(functions_endpoint=url, **given)


class TestHost(AzureClouds, FunctionsSuite):
    # The host names no codes, and no requests.
    native_facts: ClassVar[Collection[str]] = ("cause", "status")
    secrets = (MASTER_KEY,)
    slow_seconds = 5.0  # more than short_timeout

    @pytest.fixture
    def make_cloud(self, functions_server: Server) -> MakeCloud:
        return lambda **options: make_functions(functions_server.url, **options)

    @pytest.fixture
    async def bad_credentials_cloud(self) -> AsyncIterator[AzureCloud]:
        # A host looks at keys only where it finds a function, so this is about what stands before it.
        wrong = TokenCredentials(token="a-token-that-is-wrong")
        with azure_functions(sign_in=True) as server:
            async with AzureCloud(functions_endpoint=server.url, auth=wrong) as cloud:
                yield cloud

    @pytest.fixture
    async def unreachable_cloud(self) -> AsyncIterator[AzureCloud]:
        with closed_port() as port:
            async with make_functions(f"http://{HOST}:{port}", retry=NoRetry()) as cloud:
                yield cloud

    @pytest.fixture
    async def stalled_cloud(self, functions_server: Server) -> AsyncIterator[AzureCloud]:
        port = urlsplit(functions_server.url).port
        assert port is not None
        async with flaky_endpoint(HOST, port) as endpoint:
            endpoint.break_links(LinkFault(response_bytes=0, action="stall"))
            async with make_functions(endpoint.url, timeout=self.short_timeout) as cloud:
                yield cloud

    @pytest.fixture
    def witness(self, functions_server: Server) -> Witness:
        ask = partial(call, functions_server, "/api/witnessed", x_functions_key=HOST_KEY)

        async def witness(payload: bytes) -> bool:
            _, answer, _ = await run_sync(ask, payload)
            return bool(json.loads(answer))

        return witness

    async def test_a_failure_that_the_host_keeps_to_itself_is_one(self, cloud: Any) -> None:
        result = await cloud.functions.invoke("crash")
        assert result.status == 500
        assert "log" in result.error.message
        assert result.error.kind is None

    @pytest.mark.parametrize("status", [400, 404, 409, 500, 302])
    async def test_a_status_that_the_function_chose_is_a_result(
        self, cloud: Any, status: int
    ) -> None:
        result = await cloud.functions.invoke("status", str(status))
        assert (result.status, result.payload) == (status, b"as you like")
        assert result.error.message == "as you like"

    async def test_a_failure_has_a_kind_where_the_function_tells(self, cloud: Any) -> None:
        result = await cloud.functions.invoke("fail")
        assert (result.status, result.error.kind) == (500, "ValueError")

    async def test_payloads_say_what_they_are(self, cloud: Any) -> None:
        for payload, kind in (
            (b'{"a": 1}', "application/json"),
            (b"\xff", "application/octet-stream"),
            (b"text", "application/octet-stream"),
        ):
            result = await cloud.functions.invoke("routed", payload)
            assert result.payload == f"type={kind}".encode()

    async def test_a_function_with_a_route_of_its_own_is_found(self, cloud: Any) -> None:
        for _ in range(2):
            assert (await cloud.functions.invoke("routed")).ok
        assert await cloud.functions.function_exists("routed")

    async def test_a_function_that_answers_with_202_says_where_the_outcome_is(
        self, cloud: Any, functions_server: Server
    ) -> None:
        invocation = await cloud.functions.invoke_async("echo", b"later")
        assert invocation.request_id
        path = urlsplit(invocation.status_url).path

        async def ended() -> bool:
            answer = await run_sync(partial(call, functions_server, path, None, "GET"))
            return answer[:2] == (200, b"later")

        await self.eventually(ended)

    async def test_a_function_that_knows_nothing_of_it_has_run(
        self, cloud: Any, witness: Witness
    ) -> None:
        payload = self.fresh_name("payload").encode()
        invocation = await cloud.functions.invoke_async("plain", payload)
        assert invocation.status_url is None
        assert await witness(payload)

    async def test_what_something_else_triggers_is_started_and_not_waited_for(
        self, cloud: Any, witness: Witness
    ) -> None:
        payload = self.fresh_name("payload").encode()
        await cloud.functions.invoke_async("queued", payload)
        await self.eventually(partial(witness, payload))
        with pytest.raises(ValidationError):
            await cloud.functions.invoke_async("queued", b"\xff")
        with pytest.raises(UnsupportedOperationError):
            await cloud.functions.invoke("queued", payload)

    @pytest.mark.parametrize("key", [FUNCTION_KEY, HOST_KEY])
    async def test_other_keys_open_functions_and_no_more(
        self, functions_server: Server, key: str
    ) -> None:
        async with make_functions(functions_server.url, functions_key=key) as cloud:
            assert (await cloud.functions.invoke("echo", b"body")).payload == b"body"
            with pytest.raises(NotFoundError):
                await cloud.functions.invoke(self.fresh_name("missing"))
            for asked in (
                cloud.functions.function_exists("echo"),
                cloud.functions.list_functions().to_list(),
            ):
                with pytest.raises(AuthenticationError, match="master key"):
                    await asked

    async def test_a_wrong_key_is_refused(self, functions_server: Server) -> None:
        async with make_functions(functions_server.url, functions_key="a-wrong-key") as cloud:
            for asked in (
                cloud.functions.invoke("echo", b"body"),
                cloud.functions.function_exists("echo"),
            ):
                with pytest.raises(AuthenticationError) as caught:
                    await asked
                assert "a-wrong-key" not in str(caught.value)

    async def test_without_a_key_what_is_open_to_anybody_is_called(
        self, functions_server: Server
    ) -> None:
        async with AzureCloud(functions_endpoint=functions_server.url) as cloud:
            assert (await cloud.functions.invoke("anybody", b"body")).payload == b"body"
            with pytest.raises(AuthenticationError):
                await cloud.functions.invoke("echo", b"body")

    async def test_a_token_is_sent_where_app_service_asks_for_one(self) -> None:
        with azure_functions(sign_in=True) as server:
            right = TokenCredentials(token=TOKEN)
            async with AzureCloud(functions_endpoint=server.url, auth=right) as cloud:
                assert (await cloud.functions.invoke("anybody", b"body")).payload == b"body"
            wrong = TokenCredentials(token="another-token")
            async with AzureCloud(functions_endpoint=server.url, auth=wrong) as cloud:
                with pytest.raises(AuthenticationError):
                    await cloud.functions.invoke("anybody", b"body")
