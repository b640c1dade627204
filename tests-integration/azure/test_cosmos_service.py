"""What is Cosmos DB's own: requests and retries, other programs' items, what stands in the service."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import anyio.to_thread
import pytest
from attrs import define, field
from azure.clouds import make_cosmos_cloud
from azure.cosmos import ContainerProxy, DatabaseProxy, PartitionKey
from cloudkit.api.kv import Check, Condition, Delete, Document, Key, Put, Update, attr, sort
from cloudkit.azure import AzureCloud
from cloudkit.common import (
    CloudError,
    ConflictError,
    ConnectionStringCredentials,
    MissingCredentialsError,
    NetworkError,
    NotFoundError,
    OperationTimeoutError,
    PayloadTooLargeError,
    PreconditionFailedError,
    RateLimitedError,
    SerializationError,
    ServiceUnavailableError,
    UnsupportedOperationError,
    ValidationError,
)
from cloudkit.spi import FixedDelay, InMemoryMetrics, NoRetry
from emulators.cosmos import KEY, fail_next
from emulators.process import Server

pytestmark = pytest.mark.anyio

DATABASE = "cloudkit"
PAUSE = 0.2


@pytest.fixture
def anyio_backend() -> str:
    """The suite has tried both."""
    return "asyncio"


@define
class Wire:
    """What goes over the connections of a client.

    Attributes:
        sent: Method, path and status of each request about items.
        headers: Those of the last request, and of its answer.
        before: Called before the next batch is sent, once.
    """

    sent: list[tuple[str, str, int]] = field(factory=list)
    headers: tuple[dict[str, str], dict[str, str]] = field(factory=lambda: ({}, {}))
    before: Callable[[], object] | None = None

    def attach(self, cloud: AzureCloud) -> None:
        transport: Any = cloud._clients._transport
        send = transport.send

        def record(request: Any, **options: Any) -> Any:
            is_batch = "x-ms-cosmos-is-batch-request" in {name.lower() for name in request.headers}
            if self.before is not None and is_batch:
                before, self.before = self.before, None
                before()
            response = send(request, **options)
            path = request.url.partition("://")[2].partition("/")[2]
            self.sent.append((request.method, path, response.status_code))
            self.headers = (dict(request.headers), dict(response.headers))
            return response

        transport.send = record

    @property
    def methods(self) -> list[str]:
        """Methods of the requests so far, which are forgotten."""
        methods = [method for method, _, _ in self.sent]
        self.sent.clear()
        return methods


@pytest.fixture
async def cloud(cosmos_server: Server) -> AsyncIterator[AzureCloud]:
    async with make_cosmos_cloud(cosmos_server.url, retry=NoRetry()) as cloud:
        yield cloud


@pytest.fixture
async def table(cloud: AzureCloud) -> AsyncIterator[str]:
    name = f"ck-{secrets.token_hex(6)}"
    await cloud.kv.create_table(name, sort_key="sk")
    yield name
    await cloud.kv.delete_table(name)


@pytest.fixture
async def wire(cloud: AzureCloud, table: str) -> Wire:
    """What the client sends after its first calls, which read the account and the container."""
    await cloud.kv.put(table, ("warm", "up"), {})
    await cloud.kv.get(table, ("warm", "up"))
    await cloud.kv.delete(table, ("warm", "up"))
    wire = Wire()
    wire.attach(cloud)
    return wire


@pytest.fixture
async def raw(cosmos_client: Any, cloud: AzureCloud, table: str) -> ContainerProxy:
    """The table as another program sees it."""
    container: ContainerProxy = cosmos_client.get_database_client(DATABASE).get_container_client(
        table
    )
    return container


@pytest.fixture
async def foreign(cosmos_client: Any, cloud: AzureCloud, table: str) -> AsyncIterator[Any]:
    """Makes containers as other programs do."""
    database: DatabaseProxy = cosmos_client.get_database_client(DATABASE)
    made: list[str] = []

    def make(path: Any, **options: Any) -> ContainerProxy:
        made.append(f"foreign-{secrets.token_hex(6)}")
        container: ContainerProxy = database.create_container(
            made[-1], PartitionKey(path), **options
        )
        return container

    yield make
    for name in made:
        database.delete_container(name)


async def in_thread(func: Callable[..., Any], *args: Any, **options: Any) -> Any:
    return await anyio.to_thread.run_sync(lambda: func(*args, **options))


class TestRequests:
    async def test_each_call_is_one_request(
        self, cloud: AzureCloud, table: str, wire: Wire
    ) -> None:
        kv, key = cloud.kv, ("p", "a")
        version = await kv.put(table, key, {"n": 1})
        version = await kv.put(table, key, {"n": 1}, if_version=version)
        await kv.put(table, ("p", "b"), {"n": 1}, if_absent=True)
        assert wire.methods == ["POST", "PUT", "POST"]
        await kv.get(table, key)
        assert wire.methods == ["GET"]
        await kv.update(table, key, set={"a": 1.0, "d": {}}, increment={"n": 1, "m": 1})
        await kv.update(table, key, set={"d.x": Decimal(1)}, remove=["a"], expires_in=60)
        assert wire.methods == ["PATCH", "PATCH"]
        await kv.batch_get(table, [key, ("p", "b")])
        assert wire.methods == ["GET", "GET"]
        assert len(await kv.query(table, "p", filter=attr("n") > 0).to_list()) == 2
        assert wire.methods == ["POST"]
        await kv.transact(table, [Put(key=("p", name), document={}) for name in "cde"])
        assert wire.methods == ["POST"]
        await kv.delete(table, key)
        await kv.delete(table, key)
        assert wire.methods == ["DELETE", "DELETE"]
        assert len(await kv.scan(table, filter=attr("n") > 0).to_list()) == 1
        assert set(wire.methods) == {"POST"}

    async def test_what_a_patch_cannot_say_is_read_and_replaced(
        self, cloud: AzureCloud, table: str, wire: Wire
    ) -> None:
        kv, key = cloud.kv, ("p", "a")
        await kv.put(table, key, {"n": 2**53, "f": 0.5, "d": {"$x": 1}, "t": "text"})
        wire.sent.clear()
        await kv.update(table, key, increment={"f": 0.5})
        assert wire.methods == ["GET", "PUT"]
        await kv.update(table, key, increment={"n": 1})  # the service cannot count so far
        await kv.update(table, key, set={"d.y": 1})
        assert wire.methods == ["PATCH", "GET", "PUT"] * 2
        await kv.update(table, key, set={"n": 0}, condition=attr("t") == "text")
        assert wire.methods == ["GET", "PUT"]
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


@contextmanager
def failing(server: Server, **fault: Any) -> Iterator[None]:
    fail_next(server.url, count=1000, retry_after_ms=1, **fault)
    try:
        yield
    finally:
        fail_next(server.url, count=0)


class TestWhatIsStored:
    async def test_values_stand_in_json_as_they_are(
        self, cloud: AzureCloud, table: str, raw: ContainerProxy
    ) -> None:
        document: Document = {"n": 1, "f": 0.5, "s": "é", "l": [None, True], "id": "own", "ttl": 5}
        await cloud.kv.put(table, ("p/1", "a/b"), document)
        stored = await in_thread(raw.read_item, "a~2Fb", "p/1")
        own = {name: value for name, value in stored.items() if not name.startswith("_")}
        assert own == {
            "id": "a~2Fb",
            "pk": "p/1",
            "sk": "a/b",
            "n": 1,
            "f": 0.5,
            "s": "é",
            "l": [None, True],
        }
        item = await cloud.kv.get(table, ("p/1", "a/b"))
        assert item is not None
        assert item.document == document

    async def test_what_json_cannot_say_is_never_rounded(
        self, cloud: AzureCloud, table: str, raw: ContainerProxy
    ) -> None:
        await cloud.kv.put(table, ("p", "a"), {"n": 2**53 + 1, "d": Decimal("0.10"), "f": 2.0})
        stored = await in_thread(raw.read_item, "a", "p")
        assert stored["n"] == {"$int": "9007199254740993"}
        assert stored["d"] == {"$decimal": "0.10"}
        assert stored["f"] == {"$float": "2.0"}
        await cloud.kv.update(table, ("p", "a"), increment={"n": 2**53, "absent": 2**60 + 1})
        item = await cloud.kv.get(table, ("p", "a"))
        assert item is not None
        assert (item["n"], item["absent"]) == (2**54 + 1, 2**60 + 1)

    async def test_items_live_in_the_service_a_little_longer_than_they_show(
        self, cloud: AzureCloud, table: str, raw: ContainerProxy
    ) -> None:
        await cloud.kv.put(table, ("p", "a"), {}, expires_in=10.5)
        assert (await in_thread(raw.read_item, "a", "p"))["ttl"] == 12
        await cloud.kv.update(table, ("p", "a"), expires_in=None)
        assert (await in_thread(raw.read_item, "a", "p"))["ttl"] == -1

    async def test_an_item_that_json_makes_too_large_is_refused_before_sending(
        self, cloud: AzureCloud, table: str, wire: Wire
    ) -> None:
        with pytest.raises(PayloadTooLargeError):
            await cloud.kv.put(table, ("p", "a"), {"b": bytes(1_800_000)})
        large = [Put(key=("p", f"{n}"), document={"t": "x" * 1_200_000}) for n in range(2)]
        with pytest.raises(PayloadTooLargeError):
            await cloud.kv.transact(table, large)
        assert wire.sent == []
        await cloud.kv.put(table, ("p", "a"), {"t": "é" * 1_000_000})

    async def test_keys_beyond_an_id_are_refused_before_sending(
        self, cloud: AzureCloud, table: str, wire: Wire
    ) -> None:
        with pytest.raises(ValidationError, match="1,023"):
            await cloud.kv.put(table, ("p", "/" * 400), {})
        # The table might have been made anew, so it is looked at again; nothing is written.
        assert {method for method, _, _ in wire.sent} <= {"GET"}

    async def test_transactions_over_partitions_are_refused_before_sending(
        self, cloud: AzureCloud, table: str, wire: Wire
    ) -> None:
        with pytest.raises(UnsupportedOperationError):
            await cloud.kv.transact(table, [Put(key=(p, "a"), document={}) for p in "pq"])
        assert wire.sent == []

    @pytest.mark.parametrize(
        "names",
        [("ttl", None), ("pk", "ttl"), ("id", "sk"), ("a/b", None), ("_ts", None), ("pk", "a b")],
    )
    async def test_names_of_keys_have_rules(
        self, cloud: AzureCloud, names: tuple[str, str | None]
    ) -> None:
        with pytest.raises(ValidationError):
            await cloud.kv.create_table("never", partition_key=names[0], sort_key=names[1])


class TestChecks:
    async def test_a_check_leaves_the_version_and_the_next_write_ends_it(
        self, cloud: AzureCloud, table: str, raw: ContainerProxy
    ) -> None:
        kv, key, other = cloud.kv, ("p", "a"), ("p", "b")
        version = await kv.put(table, key, {"n": 1})
        for _ in range(2):
            check = Check(key=key, if_version=version)
            await kv.transact(table, [check, Put(key=other, document={})])
        item = await kv.get(table, key)
        assert item is not None
        assert item.version == version
        assert (await in_thread(raw.read_item, "a", "p"))["_etag"] != version
        changed = await kv.update(table, key, set={"n": 1})  # the same as it was
        assert changed.version != version
        with pytest.raises(PreconditionFailedError):
            await kv.put(table, key, {"n": 2}, if_version=version)

    async def test_the_version_that_a_check_left_can_be_asked_for(
        self, cloud: AzureCloud, table: str
    ) -> None:
        kv, key = cloud.kv, ("p", "a")
        version = await kv.put(table, key, {"n": 1}, expires_in=600)
        await kv.transact(table, [Check(key=key, exists=True)])
        version = await kv.put(table, key, {"n": 2}, if_version=version)
        await kv.transact(table, [Check(key=key, exists=True)])
        version = (await kv.update(table, key, set={"n": 3}, if_version=version)).version
        await kv.transact(table, [Check(key=key, exists=True)])
        await kv.delete(table, key, if_version=version)

    async def test_another_program_that_keeps_the_note_ends_the_version(
        self, cloud: AzureCloud, table: str, raw: ContainerProxy
    ) -> None:
        kv, key = cloud.kv, ("p", "a")
        version = await kv.put(table, key, {"n": 1})
        await kv.transact(table, [Check(key=key, exists=True)])
        stored = dict(await in_thread(raw.read_item, "a", "p"))
        await in_thread(raw.replace_item, "a", {**stored, "n": 2})
        with pytest.raises(PreconditionFailedError):
            await kv.put(table, key, {"n": 3}, if_version=version)

    @pytest.mark.parametrize(
        ("check", "meanwhile"),
        [
            (Check(key=("p", "a"), condition=attr("n") == 1), "change"),
            (Check(key=("p", "a"), exists=True), "delete"),
            (Check(key=("p", "none"), exists=False), "create"),
            (Delete(key=("p", "none")), "create"),
        ],
        ids=["changed", "deleted", "created", "created and deleted"],
    )
    async def test_what_others_do_between_looking_and_writing_counts(
        self,
        cloud: AzureCloud,
        table: str,
        raw: ContainerProxy,
        wire: Wire,
        check: Any,
        meanwhile: str,
    ) -> None:
        await cloud.kv.put(table, ("p", "a"), {"n": 1})
        fields = {"pk": "p", "sk": "none", "id": "none"}
        wire.before = {
            "change": lambda: raw.patch_item("a", "p", [{"op": "set", "path": "/n", "value": 2}]),
            "delete": lambda: raw.delete_item("a", "p"),
            "create": lambda: raw.create_item(fields),
        }[meanwhile]
        writes = [check, Put(key=("p", "b"), document={})]
        if isinstance(check, Delete):
            await cloud.kv.transact(table, writes)
            assert not await cloud.kv.exists(table, check.key)
        else:
            with pytest.raises(PreconditionFailedError):
                await cloud.kv.transact(table, writes)
        assert await cloud.kv.exists(table, ("p", "b")) == isinstance(check, Delete)

    async def test_a_batch_that_others_disturb_is_made_anew(
        self, cloud: AzureCloud, table: str, raw: ContainerProxy, wire: Wire
    ) -> None:
        await cloud.kv.put(table, ("p", "a"), {"n": 1})
        wire.before = lambda: raw.patch_item("a", "p", [{"op": "incr", "path": "/n", "value": 1}])
        await cloud.kv.transact(table, [Update(key=("p", "a"), increment={"n": 1})])
        item = await cloud.kv.get(table, ("p", "a"))
        assert item is not None
        assert item["n"] == 3


class TestOtherPrograms:
    async def test_their_containers_are_tables(self, cloud: AzureCloud, foreign: Any) -> None:
        container = foreign("/tenant", default_ttl=-1)
        container.create_item({"tenant": "t", "id": "1", "n": 1, "big": 1e300, "o": {"x": [1.0]}})
        kv, key = cloud.kv, Key("t", "1")
        info = await kv.describe_table(container.id)
        assert (info.partition_key, info.sort_key) == ("tenant", "id")
        assert container.id in [found.name async for found in kv.list_tables()]
        item = await kv.get(container.id, key)
        assert item is not None
        assert item.document == {"n": 1, "big": 1e300, "o": {"x": [1]}}
        updated = await kv.update(container.id, key, increment={"n": 1}, if_version=item.version)
        assert updated["n"] == 2
        await kv.put(container.id, ("t", "2"), {"n": 2})
        assert container.read_item("2", "t")["n"] == 2
        found = kv.query(container.id, "t", sort=sort > "1", descending=True)
        assert [item.key.sort async for item in found] == ["2"]
        with pytest.raises(ValidationError, match="cannot be an id"):
            await kv.put(container.id, ("t", "a/b"), {})

    async def test_an_id_alone_is_a_key(self, cloud: AzureCloud, foreign: Any) -> None:
        container = foreign("/id")
        container.create_item({"id": "a~2F", "n": 1})
        info = await cloud.kv.describe_table(container.id)
        assert (info.partition_key, info.sort_key) == ("id", None)
        assert await cloud.kv.exists(container.id, "a~2F")
        await cloud.kv.put(container.id, "b", {"n": 2})
        assert {item.key.partition async for item in cloud.kv.scan(container.id)} == {"a~2F", "b"}

    async def test_time_to_live_is_the_containers_affair(
        self, cloud: AzureCloud, foreign: Any
    ) -> None:
        without, short = foreign("/pk"), foreign("/pk", default_ttl=1000)
        with pytest.raises(UnsupportedOperationError, match="defaultTtl"):
            await cloud.kv.put(without.id, ("p", "a"), {}, expires_in=60)
        short.create_item({"pk": "p", "id": "theirs"})
        theirs = await cloud.kv.get(short.id, ("p", "theirs"))
        assert theirs is not None
        assert theirs.expires_at is not None
        await cloud.kv.put(short.id, ("p", "ours"), {})
        ours = await cloud.kv.get(short.id, ("p", "ours"))
        assert ours is not None
        assert ours.expires_at is None
        assert short.read_item("ours", "p")["ttl"] == -1

    async def test_containers_that_no_key_fits_are_refused(
        self, cloud: AzureCloud, foreign: Any
    ) -> None:
        for path in (["/tenant", "/user"], "/address/city"):
            container = foreign(path)
            assert container.id in [found.name async for found in cloud.kv.list_tables()]
            with pytest.raises(ValidationError, match="not one property"):
                await cloud.kv.get(container.id, ("a", "b"))

    async def test_items_that_no_key_names_are_not_left_out(
        self, cloud: AzureCloud, foreign: Any
    ) -> None:
        container = foreign("/pk")
        container.create_item({"pk": 5, "id": "a"})
        with pytest.raises(SerializationError, match="texts"):
            await cloud.kv.scan(container.id).to_list()

    async def test_a_table_that_others_made_anew_is_looked_at_again(
        self, cosmos_server: Server, cloud: AzureCloud
    ) -> None:
        name = f"ck-{secrets.token_hex(6)}"
        await cloud.kv.create_table(name)
        await cloud.kv.put(name, "a", {"n": 1})
        async with make_cosmos_cloud(cosmos_server.url) as other:
            await other.kv.delete_table(name)
            await other.kv.create_table(name, partition_key="owner", sort_key="at")
        await cloud.kv.put(name, ("a", "b"), {"n": 2})
        item = await cloud.kv.get(name, ("a", "b"))
        assert item is not None
        assert item.key == Key("a", "b")
        async with make_cosmos_cloud(cosmos_server.url) as other:
            await other.kv.delete_table(name)
            await other.kv.create_table(name, partition_key="owner", sort_key="at")
        assert await cloud.kv.get(name, ("a", "b")) is None
        await cloud.kv.delete_table(name)
        for call in (cloud.kv.get(name, ("a", "b")), cloud.kv.put(name, ("a", "b"), {})):
            with pytest.raises(NotFoundError, match=name):
                await call

    async def test_a_database_comes_with_its_first_table(self, cosmos_server: Server) -> None:
        options = {"cosmos_database": f"db-{secrets.token_hex(4)}"}
        async with make_cosmos_cloud(cosmos_server.url, **options) as cloud:
            assert await cloud.kv.list_tables().to_list() == []
            with pytest.raises(NotFoundError):
                await cloud.kv.get("table", "key")
            await cloud.kv.create_table("table")
            await cloud.kv.put("table", "key", {})
            assert [info.name async for info in cloud.kv.list_tables()] == ["table"]
            await cloud.kv.delete_table("table")


class TestCredentials:
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


class TestFilters:
    async def test_they_agree_with_the_reference_where_the_service_does_not(
        self, cloud: AzureCloud, table: str
    ) -> None:
        values: list[Any] = [
            *(0, 1, 2**53, 2**53 + 1, 1.0, 0.1, 0.5, 1e300, Decimal("0.1"), Decimal("0.5")),
            *(
                "",
                "a",
                "\uffff",
                "\U00010000",
                None,
                True,
                False,
                b"a",
                [1],
                ["a"],
                {},
                {"$int": "1"},
            ),
            *({"x": 1}, {"$y": {"x": 1}}, [True, None, ""]),
        ]
        documents: list[Document] = [{"v": value} for value in values] + [{}]
        for number, document in enumerate(documents):
            await cloud.kv.put(table, ("p", f"{number:02}"), document)
        for condition in conditions(values):
            expected = [n for n, document in enumerate(documents) if condition.matches(document)]
            found = cloud.kv.query(table, "p", filter=condition)
            assert [int(item.key.sort or "") async for item in found] == expected, condition

    async def test_a_filter_that_is_too_long_for_the_service_is_looked_at_here(
        self, cloud: AzureCloud, table: str
    ) -> None:
        await cloud.kv.put(table, ("p", "a"), {"n": 999, "t": "x" * 200_000})
        for condition in (
            attr("n").is_in(*range(1000)),
            attr("t") == "x" * 200_000,
        ):
            assert len(await cloud.kv.query(table, "p", filter=condition).to_list()) == 1
            assert await cloud.kv.query(table, "p", filter=~condition).to_list() == []


def conditions(values: list[Any]) -> Iterator[Condition]:
    """Each operator with each value that it takes, and the opposite."""
    place = attr("v")
    makers: list[Callable[[Any], Condition]] = [
        lambda value: place == value,
        lambda value: place != value,
        lambda value: place < value,
        lambda value: place >= value,
        place.begins_with,
        place.contains,
        lambda value: place.is_in(value, "a"),
        lambda value: attr(("v", "x")) == value,
        lambda value: attr(("v", "$int")) == value,
    ]
    for make in makers:
        for value in values:
            try:
                condition = make(value)
            except ValidationError:
                continue
            yield condition
            yield ~condition
