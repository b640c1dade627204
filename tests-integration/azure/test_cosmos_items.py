"""What stands in Cosmos DB, and which of it a filter finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from azure.cosmos import ContainerProxy
from azure.cosmos_tests import CosmosTests, Wire, in_thread
from cloudkit.api.kv import Condition, Document, Put, attr
from cloudkit.azure import AzureCloud
from cloudkit.common import (
    PayloadTooLargeError,
    UnsupportedOperationError,
    ValidationError,
)

pytestmark = pytest.mark.anyio


class TestWhatIsStored(CosmosTests):
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
        assert wire.sent == []

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


class TestFilters(CosmosTests):
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
        documents: list[Document] = [*({"v": value} for value in values), {}]
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
        lambda value: place.is_in(value, 1, Decimal("0.1"), None),
        lambda value: (place == value) | (place == 1) | (attr("w") == 2),
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
