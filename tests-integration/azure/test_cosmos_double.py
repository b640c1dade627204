"""The double of Cosmos DB, driven by the service's own client."""

from __future__ import annotations

import base64
import re
import time
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.cosmos import ContainerProxy, CosmosClient, DatabaseProxy, PartitionKey, exceptions
from azure.cosmos.aio import CosmosClient as AsyncCosmosClient
from azure.cosmos.partition_key import NonePartitionKeyValue, NullPartitionKeyValue
from azure.cosmos_clients import MakeContainer, refused
from emulators.cosmos import KEY, fail_next
from emulators.cosmos.murmur import hash_128
from emulators.cosmos.partitions import effective, key_of_header
from emulators.process import Server


class TestAccount:
    def test_the_key_is_checked(self, cosmos_server: Server) -> None:
        wrong = base64.b64encode(b"another key").decode()
        with pytest.raises(exceptions.CosmosHttpResponseError) as refusal:
            CosmosClient(cosmos_server.url, credential=wrong)
        assert refusal.value.status_code == 401
        assert "can't serve the request" in str(refusal.value)

    def test_databases(self, cosmos_client: CosmosClient) -> None:
        made = cosmos_client.create_database("made", offer_throughput=500)
        with refused(409):
            cosmos_client.create_database("made")
        assert made.read()["id"] == "made"
        assert made.get_throughput().offer_throughput == 500
        assert "made" in [found["id"] for found in cosmos_client.list_databases()]
        query = "SELECT * FROM root r WHERE r.id = @id"
        found = cosmos_client.query_databases(query, parameters=[{"name": "@id", "value": "made"}])
        assert [entry["id"] for entry in found] == ["made"]
        cosmos_client.delete_database("made")
        with refused(404):
            made.read()
        with refused(404):
            cosmos_client.delete_database("made")
        with refused(404, 1003):
            made.create_container("c", PartitionKey("/pk"))

    def test_containers(self, database: DatabaseProxy, make_container: MakeContainer) -> None:
        made = make_container(default_ttl=60, offer_throughput=700)
        properties = made.read()
        assert properties["partitionKey"] == {"paths": ["/pk"], "kind": "Hash", "version": 2}
        assert properties["defaultTtl"] == 60
        assert made.get_throughput().offer_throughput == 700
        assert made.replace_throughput(800).offer_throughput == 800
        assert made.get_throughput().offer_throughput == 800
        with refused(409):
            database.create_container(made.id, PartitionKey("/pk"))
        assert made.id in [found["id"] for found in database.list_containers()]
        changed = database.replace_container(made.id, PartitionKey("/pk"), default_ttl=-1)
        assert changed.read()["defaultTtl"] == -1
        with refused(400):
            database.replace_container(made.id, PartitionKey("/other"))
        database.delete_container(made.id)
        with refused(404):
            made.read()

    @pytest.mark.parametrize("throughput", [300, 450])
    def test_throughput_has_its_rules(self, make_container: MakeContainer, throughput: int) -> None:
        with refused(400):
            make_container(offer_throughput=throughput)

    @pytest.mark.parametrize(("path", "ttl"), [("pk", None), ("/pk", 0), ("/pk", -2)])
    def test_definitions_are_checked(
        self, make_container: MakeContainer, path: str, ttl: int | None
    ) -> None:
        with refused(400):
            make_container(path, default_ttl=ttl)

    def test_a_container_that_was_made_anew_is_noticed(
        self, database: DatabaseProxy, container: ContainerProxy, cosmos_server: Server
    ) -> None:
        container.create_item({"id": "1", "pk": "a"})
        with CosmosClient(cosmos_server.url, credential=KEY) as other:
            others = other.get_database_client("tests")
            others.delete_container(container.id)
            others.create_container(container.id, PartitionKey("/pk"))
        container.create_item({"id": "1", "pk": "a"})  # the client reads the container once more

    def test_items_of_no_container(self, database: DatabaseProxy) -> None:
        with refused(404):
            database.get_container_client("nowhere").read_item("1", "a")


class TestItems:
    def test_round_trip(self, container: ContainerProxy) -> None:
        value = {"s": "é😀", "n": None, "l": [1, 2.5, {"x": True}], "big": 2**53}
        made = container.create_item({"id": "1", "pk": "a", "value": value})
        assert made["value"] == value
        read = container.read_item("1", "a")
        assert dict(read) == dict(made)
        assert abs(read["_ts"] - time.time()) < 60
        assert read["_self"].startswith("dbs/")
        assert len(base64.b64decode(read["_rid"].replace("-", "/"))) == 16
        headers = read.get_response_headers()
        assert headers["etag"] == read["_etag"]
        assert float(headers["x-ms-request-charge"]) > 0
        assert headers["x-ms-activity-id"]
        assert re.fullmatch(r"[01]:-1#\d+", headers["x-ms-session-token"])

    def test_create_upsert_replace_delete(self, container: ContainerProxy) -> None:
        container.create_item({"id": "1", "pk": "a"})
        with refused(409):
            container.create_item({"id": "1", "pk": "a"})
        container.create_item({"id": "1", "pk": "b"})  # ids are unique in a partition only
        rid = container.read_item("1", "a")["_rid"]
        assert container.upsert_item({"id": "1", "pk": "a", "x": 1})["_rid"] == rid
        assert container.upsert_item({"id": "2", "pk": "a"})["_rid"] != rid
        assert container.replace_item("1", {"id": "1", "pk": "a", "x": 2})["x"] == 2
        with refused(404):
            container.replace_item("3", {"id": "3", "pk": "a"})
        container.delete_item("1", "a")
        with refused(404):
            container.read_item("1", "a")
        with refused(404):
            container.delete_item("1", "a")
        assert container.read_item("1", "b")

    def test_an_answer_without_the_item(self, container: ContainerProxy) -> None:
        made = container.create_item({"id": "1", "pk": "a"}, no_response=True)
        assert not dict(made)
        assert made.get_response_headers()["etag"] == container.read_item("1", "a")["_etag"]

    def test_the_partition_key_is_enforced(self, container: ContainerProxy) -> None:
        container.create_item({"id": "1", "pk": "a"})
        with refused(404):
            container.read_item("1", "b")
        with pytest.raises(exceptions.CosmosBatchOperationError) as refusal:
            container.execute_item_batch([("create", ({"id": "2", "pk": "a"},))], "b")
        answer: Any = refusal.value.operation_responses
        assert (answer[0]["statusCode"], answer[0]["subStatusCode"]) == (400, 1001)
        with refused(400):
            container.create_item({"id": "2", "pk": ["a"]})
        with refused(400):
            container.create_item({"id": "2", "pk": "a" * 2049})

    @pytest.mark.parametrize(
        ("value", "key"),
        [("", ""), (None, None), (1, 1), (1.5, 1.5), (True, True), ("é/#?", "é/#?")],
    )
    def test_partition_keys_of_all_types(
        self, container: ContainerProxy, value: Any, key: Any
    ) -> None:
        container.create_item({"id": "1", "pk": value})
        assert container.read_item("1", key)["pk"] == value
        asked: Any = NullPartitionKeyValue if key is None else key  # None would mean all of them
        assert len(list(container.query_items("SELECT * FROM c", partition_key=asked))) == 1

    def test_no_partition_key(self, container: ContainerProxy) -> None:
        container.create_item({"id": "1"})
        assert container.read_item("1", NonePartitionKeyValue)["id"] == "1"

    def test_true_and_one_are_two_keys(self, container: ContainerProxy) -> None:
        container.create_item({"id": "1", "pk": True})
        with refused(404):
            container.read_item("1", 1)

    def test_hierarchical_partition_keys(self, make_container: MakeContainer) -> None:
        container = make_container(["/tenant", "/user"])
        container.create_item({"id": "1", "tenant": "t", "user": "u"})
        container.create_item({"id": "2", "tenant": "t", "user": "v"})
        container.create_item({"id": "3", "tenant": "s", "user": "u"})
        assert container.read_item("1", ["t", "u"])["id"] == "1"
        with refused(400):
            container.read_item("1", ["t"])
        found = container.query_items("SELECT * FROM c", partition_key=["t"])
        assert sorted(item["id"] for item in found) == ["1", "2"]

    @pytest.mark.parametrize("name", ["a b", "é", "a%2Fb", "a&b=c", "'\"", "a+b", "x" * 1023])
    def test_strange_ids(self, container: ContainerProxy, name: str) -> None:
        container.create_item({"id": name, "pk": "a"})
        assert container.read_item(name, "a")["id"] == name

    @pytest.mark.parametrize("name", ["x" * 1024, "é" * 512, "", 5, None])
    def test_wrong_ids(self, container: ContainerProxy, name: Any) -> None:
        with pytest.raises((exceptions.CosmosHttpResponseError, TypeError)):
            container.create_item({"id": name, "pk": "a"})

    @pytest.mark.parametrize("name", ["a/b", "a\\b", "a?b", "a#b", "a "])
    def test_ids_that_the_client_refuses_are_refused_here_too(
        self, container: ContainerProxy, name: str
    ) -> None:
        with pytest.raises(ValueError, match="Id "):
            container.create_item({"id": name, "pk": "a"})
        with refused(400):  # a batch is sent as it is
            container.execute_item_batch([("create", ({"id": name, "pk": "a"},))] * 101, "a")
        with pytest.raises(exceptions.CosmosBatchOperationError) as refusal:
            container.execute_item_batch([("create", ({"id": name, "pk": "a"},))], "a")
        assert refusal.value.status_code == 400

    def test_numbers_are_doubles(self, container: ContainerProxy) -> None:
        sent = [2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, 1.0, 0.1, 1e300]
        made = container.create_item({"id": "1", "pk": "a", "n": sent})
        read = container.read_item("1", "a")["n"]
        assert read == made["n"] == [float(number) for number in sent]
        assert read[1] == 2**53
        assert read[3] == 2**63

    def test_sizes(self, container: ContainerProxy) -> None:
        container.create_item({"id": "1", "pk": "a", "x": "y" * (2 * 1024 * 1024 - 200)})
        with refused(413):
            container.create_item({"id": "2", "pk": "a", "x": "y" * 2 * 1024 * 1024})
        with refused(413):
            patch = [{"op": "add", "path": "/z", "value": "y" * 1000}]
            container.patch_item("1", "a", patch)


class TestConditions:
    def test_if_match(self, container: ContainerProxy) -> None:
        old = container.create_item({"id": "1", "pk": "a"})["_etag"]
        options: dict[str, Any] = {"etag": old, "match_condition": MatchConditions.IfNotModified}
        new = container.replace_item("1", {"id": "1", "pk": "a", "x": 1}, **options)["_etag"]
        assert new != old
        with refused(412):
            container.replace_item("1", {"id": "1", "pk": "a"}, **options)
        with refused(412):
            container.upsert_item({"id": "1", "pk": "a"}, **options)
        with refused(412):
            container.patch_item("1", "a", [{"op": "set", "path": "/x", "value": 2}], **options)
        with refused(412):
            container.delete_item("1", "a", **options)
        container.delete_item("1", "a", etag=new, match_condition=MatchConditions.IfNotModified)

    def test_if_none_match(self, container: ContainerProxy) -> None:
        etag = container.create_item({"id": "1", "pk": "a"})["_etag"]
        options: dict[str, Any] = {"etag": etag, "match_condition": MatchConditions.IfModified}
        unchanged = container.read_item("1", "a", **options)
        assert not dict(unchanged)
        container.upsert_item({"id": "1", "pk": "a"})
        assert container.read_item("1", "a", **options)["id"] == "1"


class TestPatches:
    def test_operations(self, container: ContainerProxy) -> None:
        body = {"id": "1", "pk": "a", "o": {"x": 1}, "l": [1, 3], "n": 1, "gone": 1, "from": 5}
        container.create_item(body)
        patched = container.patch_item(
            "1",
            "a",
            [
                {"op": "add", "path": "/o/y", "value": 2},
                {"op": "add", "path": "/l/1", "value": 2},
                {"op": "add", "path": "/l/-", "value": 4},
                {"op": "set", "path": "/l/0", "value": 0},
                {"op": "replace", "path": "/o/x", "value": None},
                {"op": "remove", "path": "/gone"},
                {"op": "incr", "path": "/n", "value": 1.5},
                {"op": "incr", "path": "/new", "value": -2},
                {"op": "set", "path": "/a~1b", "value": {"deep": []}},
                {"op": "move", "from": "/from", "path": "/to"},
            ],
        )
        own = {name: value for name, value in patched.items() if not name.startswith("_")}
        assert own == {
            "id": "1",
            "pk": "a",
            "o": {"x": None, "y": 2},
            "l": [0, 2, 3, 4],
            "n": 2.5,
            "new": -2,
            "a/b": {"deep": []},
            "to": 5,
        }

    @pytest.mark.parametrize(
        "operation",
        [
            {"op": "replace", "path": "/none", "value": 1},
            {"op": "remove", "path": "/none"},
            {"op": "add", "path": "/none/x", "value": 1},
            {"op": "add", "path": "/l/9", "value": 1},
            {"op": "incr", "path": "/s", "value": 1},
            {"op": "set", "path": "/id", "value": "2"},
            {"op": "set", "path": "/pk", "value": "b"},
            {"op": "set", "path": "/_ts", "value": 1},
            {"op": "set", "path": "x", "value": 1},
            {"op": "nonsense", "path": "/x", "value": 1},
        ],
    )
    def test_what_cannot_be_done(
        self, container: ContainerProxy, operation: dict[str, Any]
    ) -> None:
        container.create_item({"id": "1", "pk": "a", "l": [1], "s": "x"})
        first = {"op": "set", "path": "/done", "value": True}
        with refused(400):
            container.patch_item("1", "a", [first, operation])
        assert "done" not in container.read_item("1", "a")

    def test_limits(self, container: ContainerProxy) -> None:
        container.create_item({"id": "1", "pk": "a"})
        operations = [{"op": "set", "path": f"/x{i}", "value": i} for i in range(11)]
        with refused(400):
            container.patch_item("1", "a", operations)
        with refused(400):
            container.patch_item("1", "a", [])
        assert container.patch_item("1", "a", operations[:10])["x9"] == 9
        with refused(404):
            container.patch_item("2", "a", operations[:1])

    def test_condition(self, container: ContainerProxy) -> None:
        container.create_item({"id": "1", "pk": "a", "n": 1})
        operations = [{"op": "incr", "path": "/n", "value": 1}]
        condition = "from c where c.n = 1 and not is_defined(c.x)"
        container.patch_item("1", "a", operations, filter_predicate=condition)
        with refused(412):
            container.patch_item("1", "a", operations, filter_predicate=condition)
        with refused(400):
            container.patch_item("1", "a", operations, filter_predicate="from c where c.n ==")
        assert container.read_item("1", "a")["n"] == 2


class TestBatches:
    def test_all_of_it(self, container: ContainerProxy) -> None:
        container.create_item({"id": "old", "pk": "a"})
        container.create_item({"id": "gone", "pk": "a"})
        results = container.execute_item_batch(
            [
                ("create", ({"id": "1", "pk": "a"},)),
                ("upsert", ({"id": "2", "pk": "a"},)),
                ("replace", ("old", {"id": "old", "pk": "a", "x": 1})),
                ("patch", ("old", [{"op": "incr", "path": "/x", "value": 1}])),
                ("read", ("old",)),
                ("delete", ("gone",)),
            ],
            "a",
        )
        assert [result["statusCode"] for result in results] == [201, 201, 200, 200, 200, 204]
        assert results[4]["resourceBody"]["x"] == 2
        assert results[4]["eTag"] == container.read_item("old", "a")["_etag"]
        with refused(404):
            container.read_item("gone", "a")

    @pytest.mark.parametrize(
        ("operation", "status"),
        [
            (("create", ({"id": "old", "pk": "a"},)), 409),
            (("replace", ("none", {"id": "none", "pk": "a"})), 404),
            (("delete", ("old",), {"if_match_etag": '"other"'}), 412),
            (("create", ({"id": "2", "pk": "b"},)), 400),
            (("patch", ("old", []), {"filter_predicate": "from c where false"}), 400),
        ],
    )
    def test_nothing_of_it(
        self, container: ContainerProxy, operation: tuple[Any, ...], status: int
    ) -> None:
        etag = container.create_item({"id": "old", "pk": "a"})["_etag"]
        first, last = ("create", ({"id": "1", "pk": "a"},)), ("delete", ("old",))
        with pytest.raises(exceptions.CosmosBatchOperationError) as failure:
            container.execute_item_batch([first, operation, last], "a")
        assert (failure.value.status_code, failure.value.error_index) == (status, 1)
        answers: Any = failure.value.operation_responses
        assert [answer["statusCode"] for answer in answers] == [424, status, 424]
        with refused(404):
            container.read_item("1", "a")
        assert container.read_item("old", "a")["_etag"] == etag

    def test_limits(self, container: ContainerProxy) -> None:
        operations = [("upsert", ({"id": str(i), "pk": "a"},)) for i in range(101)]
        with refused(400):
            container.execute_item_batch(operations, "a")
        assert len(container.execute_item_batch(operations[:100], "a")) == 100
        large = [("create", ({"id": f"l{i}", "pk": "a", "x": "y" * 2**20},)) for i in range(2)]
        with refused(413):
            container.execute_item_batch(large, "a")


class TestLifetimes:
    def wait_until_gone(self, container: ContainerProxy, name: str) -> None:
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                container.read_item(name, "a")
            except exceptions.CosmosResourceNotFoundError:
                return
            time.sleep(0.05)
        raise AssertionError(f"{name} did not expire")

    def test_items_expire(self, make_container: MakeContainer) -> None:
        container = make_container(default_ttl=-1)
        container.create_item({"id": "short", "pk": "a", "ttl": 1})
        container.create_item({"id": "long", "pk": "a", "ttl": 1000})
        container.create_item({"id": "never", "pk": "a"})
        self.wait_until_gone(container, "short")
        found: Any = container.query_items("SELECT VALUE c.id FROM c", partition_key="a")
        assert list(found) == ["long", "never"]
        container.create_item({"id": "short", "pk": "a"})

    def test_the_default_of_the_container(self, make_container: MakeContainer) -> None:
        container = make_container(default_ttl=1)
        container.create_item({"id": "default", "pk": "a"})
        container.create_item({"id": "never", "pk": "a", "ttl": -1})
        self.wait_until_gone(container, "default")
        assert container.read_item("never", "a")

    def test_they_are_ignored_where_the_container_has_none(
        self, make_container: MakeContainer
    ) -> None:
        expiring, plain = make_container(default_ttl=-1), make_container()
        plain.create_item({"id": "1", "pk": "a", "ttl": 1})
        expiring.create_item({"id": "1", "pk": "a", "ttl": 1})
        self.wait_until_gone(expiring, "1")
        assert plain.read_item("1", "a")

    @pytest.mark.parametrize("ttl", [0, -2, 1.5, "1", 2**31, True])
    def test_wrong_ones(self, make_container: MakeContainer, ttl: Any) -> None:
        with refused(400):
            make_container(default_ttl=-1).create_item({"id": "1", "pk": "a", "ttl": ttl})


class TestFaults:
    def test_throttled_requests_are_repeated(
        self, cosmos_server: Server, container: ContainerProxy
    ) -> None:
        fail_next(cosmos_server.url, count=2, retry_after_ms=20)
        container.create_item({"id": "1", "pk": "a"})
        assert container.read_item("1", "a")

    def test_throttling_is_told_when_it_does_not_end(
        self, cosmos_server: Server, container: ContainerProxy
    ) -> None:
        container.create_item({"id": "0", "pk": "a"})
        fail_next(cosmos_server.url, count=1000, retry_after_ms=1)
        try:
            with pytest.raises(exceptions.CosmosHttpResponseError) as failure:
                container.create_item({"id": "1", "pk": "a"})
        finally:
            fail_next(cosmos_server.url, count=0)
        assert (failure.value.status_code, failure.value.sub_status) == (429, 3200)
        assert failure.value.headers["x-ms-retry-after-ms"] == "1"

    def test_a_lost_answer(self, cosmos_server: Server, container: ContainerProxy) -> None:
        container.read()
        fail_next(cosmos_server.url, status=408, substatus=0, retry_after_ms=None, after=True)
        with refused(408):
            container.create_item({"id": "1", "pk": "a"})
        assert container.read_item("1", "a")


@pytest.mark.parametrize("size", [0, 1, 7, 8, 15, 16, 17, 33, 100])
def test_keys_are_spread_as_the_client_computes_it(size: int) -> None:
    for version in (PartitionKey("/pk"), PartitionKey(["/a", "/b"])):
        values: list[Any] = ["é" * size, size * 1.5][: len(version["paths"])]
        expected = version._get_effective_partition_key_string(values)
        header = f'["{values[0]}"]' if len(values) == 1 else f'["{values[0]}", {values[1]}]'
        assert effective(key_of_header(header, len(values))) == expected
    assert len(hash_128(b"x" * size)) == 16


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # it is made of aiohttp
async def test_the_client_for_asyncio(cosmos_server: Server, container: ContainerProxy) -> None:
    async with AsyncCosmosClient(cosmos_server.url, credential=KEY) as client:
        items = client.get_database_client("tests").get_container_client(container.id)
        await items.create_item({"id": "1", "pk": "a", "n": 2})
        await items.create_item({"id": "2", "pk": "b", "n": 1})
        assert (await items.read_item("1", "a"))["n"] == 2
        query = "SELECT VALUE c.id FROM c ORDER BY c.n"
        found: list[Any] = [entry async for entry in items.query_items(query)]
        assert found == ["2", "1"]
