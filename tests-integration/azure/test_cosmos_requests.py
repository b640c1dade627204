"""What is sent to Cosmos DB: how many requests, as who, and what is repeated."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import anyio
import pytest
from azure.clouds import make_cosmos_cloud
from azure.cosmos_tests import CosmosTests, Wire, failing, in_thread
from cloudkit.api.kv import Key, Put, attr
from cloudkit.azure import AzureCloud
from cloudkit.common import (
    CloudError,
    ConflictError,
    ConnectionStringCredentials,
    MissingCredentialsError,
    NetworkError,
    OperationTimeoutError,
    RateLimitedError,
    ServiceUnavailableError,
)
from cloudkit.spi import FixedDelay, InMemoryMetrics, NoRetry
from emulators.cosmos import KEY, fail_next
from emulators.process import Server

pytestmark = pytest.mark.anyio

PAUSE = 0.2


class TestRequests(CosmosTests):
    async def test_each_call_is_one_request(
        self, cloud: AzureCloud, table: str, wire: Wire
    ) -> None:
        kv, key = cloud.kv, ("p", "a")
        version = await kv.put(table, key, {"n": 1})
        version = await kv.put(table, key, {"n": 1}, if_version=version)
        await kv.put(table, ("p", "b"), {"n": 1}, if_absent=True)
        assert wire.take() == ["POST", "PUT", "POST"]
        await kv.get(table, key)
        assert wire.take() == ["GET"]
        await kv.update(table, key, set={"a": 1.0, "d": {}}, increment={"n": 1, "m": 1})
        await kv.update(table, key, set={"d.x": Decimal(1)}, remove=["a"], expires_in=60)
        assert wire.take() == ["PATCH", "PATCH"]
        await kv.batch_get(table, [key, ("p", "b")])
        assert wire.take() == ["GET", "GET"]
        assert len(await kv.query(table, "p", filter=attr("n") > 0).to_list()) == 2
        assert wire.take() == ["POST"]
        await kv.transact(table, [Put(key=("p", name), document={}) for name in "cde"])
        assert wire.take() == ["POST"]
        await kv.delete(table, key)
        await kv.delete(table, key)
        assert wire.take() == ["DELETE", "DELETE"]
        assert len(await kv.scan(table, filter=attr("n") > 0).to_list()) == 1
        assert set(wire.take()) == {"POST"}

    async def test_what_a_patch_cannot_say_is_read_and_replaced(
        self, cloud: AzureCloud, table: str, wire: Wire
    ) -> None:
        kv, key = cloud.kv, ("p", "a")
        await kv.put(table, key, {"n": 2**53, "f": 0.5, "d": {"$x": 1}, "t": "text"})
        wire.sent.clear()
        await kv.update(table, key, increment={"f": 0.5})
        assert wire.take() == ["GET", "PUT"]
        await kv.update(table, key, increment={"n": 1})  # the service cannot count so far
        await kv.update(table, key, set={"d.y": 1})
        assert wire.take() == ["PATCH", "GET", "PUT"] * 2
        await kv.update(table, key, set={"n": 0}, condition=attr("t") == "text")
        assert wire.take() == ["GET", "PUT"]
        item = await kv.get(table, key)
        assert item is not None
        assert item.document == {"n": 0, "f": 1.0, "d": {"$x": 1, "y": 1}, "t": "text"}

    @pytest.mark.parametrize(
        ("status", "substatus", "kind"),
        [
            (429, 3200, RateLimitedError),
            (449, 0, ConflictError),
            (503, 0, ServiceUnavailableError),
            (500, 0, ServiceUnavailableError),
            (408, 0, OperationTimeoutError),
            (410, 0, ServiceUnavailableError),
            (404, 1002, ServiceUnavailableError),
            (403, 3, ServiceUnavailableError),
        ],
    )
    async def test_the_sdk_repeats_nothing(
        self,
        cosmos_server: Server,
        cloud: AzureCloud,
        table: str,
        wire: Wire,
        status: int,
        substatus: int,
        kind: type[CloudError],
    ) -> None:
        kv, key = cloud.kv, ("p", "a")
        calls: list[Callable[[], Any]] = [
            lambda: kv.get(table, key),
            lambda: kv.put(table, key, {}),
            lambda: kv.put(table, key, {}, if_absent=True),
            lambda: kv.delete(table, key),
            lambda: kv.update(table, key, set={"a": 1}),
            lambda: kv.query(table, "p").to_list(),
            lambda: kv.scan(table).to_list(),
            lambda: kv.transact(table, [Put(key=key, document={})]),
        ]
        with failing(cosmos_server, status=status, substatus=substatus):
            for call in calls:
                with pytest.raises(kind) as caught:
                    await call()
                assert caught.value.status == status
                assert [found for _, _, found in wire.sent] == [status]
                wire.sent.clear()

    async def test_a_broken_connection_is_not_repeated_by_the_sdk(
        self, cloud: AzureCloud, table: str, wire: Wire
    ) -> None:
        transport: Any = cloud._clients._transport
        tries: list[str] = []

        def refuse(request: Any, **options: Any) -> Any:
            from azure.core.exceptions import ServiceRequestError, ServiceResponseError

            tries.append(request.method)
            raise (ServiceRequestError if len(tries) % 2 else ServiceResponseError)("broken")

        kept, transport.send = transport.send, refuse
        for _ in range(2):
            with pytest.raises(NetworkError):
                await cloud.kv.get(table, ("p", "a"))
            with pytest.raises(NetworkError):
                await cloud.kv.put(table, ("p", "a"), {})
        transport.send = kept
        assert tries == ["GET", "POST"] * 2

    async def test_an_account_that_cannot_be_read_is_asked_once(
        self, cosmos_server: Server
    ) -> None:
        wrong = make_cosmos_cloud(cosmos_server.url, cosmos_key="d3Jvbmc=", retry=NoRetry())
        async with wrong as cloud:
            answered: list[int] = []
            make = cloud._clients._http

            def watched(user_agent: str) -> dict[str, Any]:
                options = make(user_agent)
                send = options["transport"].send

                def record(request: Any, **given: Any) -> Any:
                    response = send(request, **given)
                    answered.append(response.status_code)
                    return response

                options["transport"].send = record
                return options

            cloud._clients._http = watched  # type: ignore[method-assign]
            with pytest.raises(CloudError):
                await cloud.kv.get("table", "key")
            assert answered == [401]

    async def test_the_executor_waits_as_long_as_the_service_asks(
        self, cosmos_server: Server, table: str
    ) -> None:
        metrics = InMemoryMetrics()
        retry = FixedDelay(max_attempts=3, delay=0.001)
        async with make_cosmos_cloud(cosmos_server.url, retry=retry, metrics=metrics) as cloud:
            await cloud.kv.put(table, ("p", "a"), {"n": 0})
            fail_next(cosmos_server.url, count=2, retry_after_ms=int(PAUSE * 1000))
            await cloud.kv.update(table, ("p", "a"), increment={"n": 1})
        record = metrics.records[-1]
        assert (record.operation, record.attempts) == ("update", 3)
        assert record.waited >= 2 * PAUSE

    async def test_an_increment_whose_answer_is_lost_is_not_made_twice(
        self, cosmos_server: Server, table: str
    ) -> None:
        retry = FixedDelay(max_attempts=3, delay=0)
        async with make_cosmos_cloud(cosmos_server.url, retry=retry) as cloud:
            await cloud.kv.put(table, ("p", "a"), {"n": 0})
            fail_next(cosmos_server.url, status=408, substatus=0, retry_after_ms=None, after=True)
            with pytest.raises(OperationTimeoutError):
                await cloud.kv.update(table, ("p", "a"), increment={"n": 1})
            item = await cloud.kv.get(table, ("p", "a"))
        assert item is not None
        assert item["n"] == 1

    async def test_a_read_behind_a_batch_asks_for_its_session(
        self, cloud: AzureCloud, table: str, wire: Wire
    ) -> None:
        await cloud.kv.transact(table, [Put(key=("warm", "a"), document={})])
        answered = wire.headers[1]["x-ms-session-token"]
        await cloud.kv.get(table, ("warm", "a"))
        assert wire.headers[0]["x-ms-session-token"] == answered

    async def test_a_read_behind_the_first_write_asks_for_its_session(
        self, cosmos_server: Server, table: str
    ) -> None:
        async with make_cosmos_cloud(cosmos_server.url) as cloud:
            await in_thread(lambda: cloud.native.cosmos)
            wire = Wire()
            wire.attach(cloud)
            for call in (cloud.kv.put(table, ("p", "a"), {}), cloud.kv.delete(table, ("p", "a"))):
                await call
                answered = wire.headers[1]["x-ms-session-token"]
                await cloud.kv.get(table, ("p", "a"))
                assert wire.headers[0]["x-ms-session-token"] == answered

    async def test_queries_at_once_do_not_take_each_others_pages(
        self, cloud: AzureCloud, table: str
    ) -> None:
        partitions = [f"p{n}" for n in range(6)]
        for partition in partitions:
            writes = [Put(key=(partition, f"{n:02}"), document={"n": n}) for n in range(20)]
            await cloud.kv.batch_write(table, writes)
        wrong: list[Any] = []

        async def look(partition: str) -> None:
            found = [item.key async for item in cloud.kv.query(table, partition, page_size=3)]
            if found != [Key(partition, f"{n:02}") for n in range(20)]:
                wrong.append(found)

        async with anyio.create_task_group() as tasks:
            for partition in partitions * 3:
                tasks.start_soon(look, partition)
        assert wrong == []


class TestCredentials(CosmosTests):
    async def test_a_connection_string_says_where_and_who(
        self, cosmos_server: Server, table: str
    ) -> None:
        text = f"AccountEndpoint={cosmos_server.url}/;AccountKey={KEY};"
        async with AzureCloud(cosmos_connection_string=text) as cloud:
            await cloud.kv.put(table, ("p", "a"), {})
        auth = ConnectionStringCredentials(connection_string=text)
        async with AzureCloud(auth=auth) as cloud:
            assert await cloud.kv.exists(table, ("p", "a"))
            with pytest.raises(MissingCredentialsError):
                AzureCloud(auth=auth).native.cosmos  # noqa: B018  # it is asked for
