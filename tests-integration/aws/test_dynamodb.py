"""KeyValueStore on DynamoDB, as two emulators have it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import anyio.to_thread
import pytest
from aws.clouds import AwsClouds, make_aws
from botocore.exceptions import ConnectionClosedError
from cloudkit.api.kv import Check, Delete, Key, Put, Update, attr
from cloudkit.aws import AwsCloud
from cloudkit.common import (
    AccessKeyCredentials,
    NotFoundError,
    PayloadTooLargeError,
    PreconditionFailedError,
    ValidationError,
)
from cloudkit.testing import MakeCloud
from cloudkit.testing.kv import KeyValueStoreSuite
from emulators.dynamodb import (
    DYNALITE_DEFECTS,
    DYNALITE_UNSUPPORTED,
    corrected_moto,
    dynalite,
)
from emulators.process import Server


@pytest.fixture(scope="module")
def moto_dynamodb() -> Iterator[Server]:
    with corrected_moto() as server:
        yield server


@pytest.fixture(scope="module")
def dynalite_server() -> Iterator[Server]:
    with dynalite() as server:
        yield server


class TestMoto(AwsClouds, KeyValueStoreSuite):
    provider = "aws"

    @pytest.fixture
    def server(self, moto_dynamodb: Server) -> Server:
        return moto_dynamodb


class TestDynalite(AwsClouds, KeyValueStoreSuite):
    provider = "aws"
    known_defects = DYNALITE_DEFECTS

    # Random conditions would meet its defects now and then; the conditions that do are listed.
    test_random_conditions_agree_with_the_reference = None  # type: ignore[assignment]

    @pytest.fixture
    def server(self, dynalite_server: Server) -> Server:
        return dynalite_server

    @pytest.fixture
    def make_cloud(self, server: Server, credentials: AccessKeyCredentials) -> MakeCloud:
        def make(**options: Any) -> Any:
            given = {"auth": credentials, "unsupported": DYNALITE_UNSUPPORTED, **options}
            return make_aws(server.url, **given)

        return make


@pytest.mark.anyio
class TestOtherPrograms:
    """Tables and items that were made without CloudKit, and services that are busy."""

    @pytest.fixture(params=["asyncio", "trio"])
    def anyio_backend(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture
    async def cloud(self, moto_dynamodb: Server) -> AsyncIterator[AwsCloud]:
        async with make_aws(moto_dynamodb.url) as cloud:
            yield cloud

    @pytest.fixture
    async def table(self, cloud: AwsCloud) -> AsyncIterator[str]:
        name = f"ck-{secrets.token_hex(6)}"
        await cloud.kv.create_table(name, partition_key="id")
        yield name
        await cloud.kv.delete_table(name)

    async def native(self, cloud: AwsCloud, method: str, **arguments: Any) -> Any:
        await cloud.native.prepare()
        client: Any = cloud.native.dynamodb
        return await anyio.to_thread.run_sync(lambda: getattr(client, method)(**arguments))

    async def put_foreign(self, cloud: AwsCloud, table: str, **attributes: Any) -> None:
        await self.native(cloud, "put_item", TableName=table, Item={"id": {"S": "a"}, **attributes})

    async def raw(self, cloud: AwsCloud, table: str) -> Any:
        answer = await self.native(cloud, "get_item", TableName=table, Key={"id": {"S": "a"}})
        return answer["Item"]

    async def test_their_items_are_read_and_written(self, cloud: AwsCloud, table: str) -> None:
        tags = {"SS": ["x", "y"]}
        await self.put_foreign(
            cloud, table, price={"N": "9.99"}, m={"M": {"tags": tags, "n": {"N": "1"}}}
        )
        item = await cloud.kv.get(table, "a")
        assert item is not None
        assert item.document == {"price": Decimal("9.99"), "m": {"tags": ["x", "y"], "n": 1}}
        assert item.version == "unversioned"
        updated = await cloud.kv.update(
            table, "a", increment={"price": 1, "m.n": 1}, if_version=item.version
        )
        assert updated["price"] == Decimal("10.99")
        assert updated.version != item.version
        assert (await self.raw(cloud, table))["m"] == {"M": {"tags": tags, "n": {"N": "2"}}}
        with pytest.raises(PreconditionFailedError):
            await cloud.kv.delete(table, "a", if_version=item.version)

    async def test_their_writes_make_a_version_stale(self, cloud: AwsCloud, table: str) -> None:
        version = await cloud.kv.put(table, "a", {"n": 1})
        await self.put_foreign(cloud, table, n={"N": "2"})
        with pytest.raises(PreconditionFailedError):
            await cloud.kv.put(table, "a", {"n": 3}, if_version=version)

    async def test_they_see_values_as_they_are(self, cloud: AwsCloud, table: str) -> None:
        await cloud.kv.put(table, "a", {"price": 9.99, "n": 1, "d": Decimal("1.10"), "s": ""})
        raw = await self.raw(cloud, table)
        shown = {name: raw[name] for name in raw if not name.startswith("_cloudkit")}
        assert shown == {
            "id": {"S": "a"},
            "price": {"N": "9.99"},
            "n": {"N": "1"},
            "d": {"N": "1.1"},
            "s": {"S": ""},
        }

    async def test_a_table_whose_key_is_a_number_is_refused(self, cloud: AwsCloud) -> None:
        name = f"ck-{secrets.token_hex(6)}"
        await self.native(
            cloud,
            "create_table",
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "n", "AttributeType": "N"}],
            KeySchema=[{"AttributeName": "n", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        assert name in [info.name async for info in cloud.kv.list_tables()]
        for call in (cloud.kv.get(name, "1"), cloud.kv.put(name, "1", {})):
            with pytest.raises(ValidationError, match="is of type N"):
                await call
        await cloud.kv.delete_table(name)

    async def test_a_table_that_others_made_anew_is_looked_at_again(
        self, cloud: AwsCloud, moto_dynamodb: Server
    ) -> None:
        name = f"ck-{secrets.token_hex(6)}"
        await cloud.kv.create_table(name)
        await cloud.kv.put(name, "a", {"n": 1})
        async with make_aws(moto_dynamodb.url) as other:
            await other.kv.delete_table(name)
            await other.kv.create_table(name, partition_key="id", sort_key="at")
        await cloud.kv.put(name, ("a", "b"), {"n": 2})
        item = await cloud.kv.get(name, ("a", "b"))
        assert item is not None
        assert item.key == Key("a", "b")
        await cloud.kv.delete_table(name)
        with pytest.raises(NotFoundError):
            await cloud.kv.get(name, ("a", "b"))

    async def test_a_float_is_no_decimal_in_conditions(self, cloud: AwsCloud, table: str) -> None:
        await cloud.kv.put(table, "a", {"v": Decimal("0.1")})
        await cloud.kv.put(table, "b", {"v": 0.1})
        for value, key in ((0.1, "b"), (Decimal("0.1"), "a")):
            found = [
                item.key.partition async for item in cloud.kv.scan(table, filter=attr("v") == value)
            ]
            assert found == [key]
            for other in "ab":
                if other == key:
                    await cloud.kv.update(table, key, set={"seen": 1}, condition=attr("v") == value)
                else:
                    with pytest.raises(PreconditionFailedError):
                        await cloud.kv.delete(table, other, condition=attr("v") == value)
        below = [item["v"] async for item in cloud.kv.scan(table, filter=attr("v") < 0.1)]
        assert below == [Decimal("0.1")]

    async def test_a_condition_that_is_too_long_for_the_service_is_looked_at_here(
        self, cloud: AwsCloud, table: str
    ) -> None:
        await cloud.kv.put(table, "a", {"n": 999})
        among = attr("n").is_in(*range(1000))
        assert [item["n"] async for item in cloud.kv.scan(table, filter=among)] == [999]
        await cloud.kv.put(table, "a", {"n": 1000}, condition=among)
        with pytest.raises(PreconditionFailedError):
            await cloud.kv.put(table, "a", {"n": 1}, condition=among)
        with pytest.raises(PreconditionFailedError):
            await cloud.kv.transact(
                table, [Check(key="a", condition=among), Put(key="b", document={})]
            )
        await cloud.kv.transact(table, [Check(key="a", condition=~among)])

    async def test_an_update_that_is_too_long_for_the_service_is_made_here(
        self, cloud: AwsCloud, table: str
    ) -> None:
        tags = {"SS": ["x", "y"]}
        await self.put_foreign(cloud, table, n={"N": "1"}, tags=tags, gone={"S": "a"})
        await cloud.kv.update(table, "a", set={"price": Decimal("1.5")}, expires_in=600)
        asked: list[str] = []

        def look(params: Any, **_: Any) -> None:
            asked.append(params.get("UpdateExpression", ""))

        events = cloud.native.dynamodb.meta.events
        for call in ("PutItem", "UpdateItem"):
            events.register(f"provide-client-params.dynamodb.{call}", look)
        values = {f"name{number}": number / 10 for number in range(400)}
        before = await cloud.kv.get(table, "a")
        assert before is not None
        item = await cloud.kv.update(
            table,
            "a",
            set={**values, "id": "an attribute", "m": {"d": Decimal("0.1")}},
            increment={"n": 1},
            remove=["gone"],
        )
        assert max(map(len, asked)) <= 4096
        assert item.document == {
            **values,
            "id": "an attribute",
            "m": {"d": Decimal("0.1")},
            "n": 2,
            "price": Decimal("1.5"),
            "tags": ["x", "y"],
        }
        assert item.expires_at == before.expires_at
        assert await cloud.kv.get(table, "a") == item
        assert (await self.raw(cloud, table))["tags"] == tags
        with pytest.raises(PreconditionFailedError):
            await cloud.kv.update(table, "a", set=values, if_version=before.version)
        writes = [Update(key="a", set=values, expires_in=None)]
        await cloud.kv.transact(table, writes)
        last = await cloud.kv.get(table, "a")
        assert last is not None
        assert last.expires_at is None
        with pytest.raises(NotFoundError):
            await cloud.kv.update(table, "b", set=values)

    async def test_what_a_busy_table_leaves_undone_is_tried_again(
        self, cloud: AwsCloud, table: str
    ) -> None:
        await cloud.native.prepare()
        answers: list[int] = []

        def busy(http_response: Any, parsed: Any, **_: Any) -> None:
            answers.append(len(answers))
            requests = [{"PutRequest": {"Item": {"id": {"S": "a"}}}}]
            if len(answers) < 3:
                parsed["UnprocessedItems"] = {table: requests}

        events = cloud.native.dynamodb.meta.events
        events.register("after-call.dynamodb.BatchWriteItem", busy)
        results = await cloud.kv.batch_write(table, [Put(key="a", document={}), Delete(key="b")])
        assert [result.ok for result in results] == [True, True]
        assert len(answers) == 3
        events.unregister("after-call.dynamodb.BatchWriteItem", busy)

    async def test_a_transaction_is_too_large_before_it_is_sent(
        self, cloud: AwsCloud, table: str
    ) -> None:
        sent: list[str] = []
        await cloud.native.prepare()
        events = cloud.native.dynamodb.meta.events
        events.register("before-call.dynamodb.TransactWriteItems", lambda **_: sent.append("sent"))
        large = {"v": bytes(380 * 1024)}
        writes = [Put(key=f"k{number}", document=large) for number in range(12)]
        with pytest.raises(PayloadTooLargeError):
            await cloud.kv.transact(table, writes)
        assert sent == []
        await cloud.kv.transact(table, writes[:10])
        assert sent == ["sent"]

    async def test_a_transaction_whose_answer_is_lost_is_carried_out_once(
        self, cloud: AwsCloud, table: str
    ) -> None:
        await cloud.kv.put(table, "a", {"n": 0})
        tokens: list[str] = []

        def lose(params: Any, **_: Any) -> None:
            tokens.append(params["ClientRequestToken"])

        def break_off(**_: Any) -> None:
            if len(tokens) == 1:
                raise ConnectionClosedError(endpoint_url="the test's")

        events = cloud.native.dynamodb.meta.events
        events.register("provide-client-params.dynamodb.TransactWriteItems", lose)
        events.register("after-call.dynamodb.TransactWriteItems", break_off)
        await cloud.kv.transact(table, [Update(key="a", increment={"n": 1})])
        assert len(tokens) == 2
        assert len(set(tokens)) == 1
        item = await cloud.kv.get(table, "a")
        assert item is not None
        assert item["n"] == 1
