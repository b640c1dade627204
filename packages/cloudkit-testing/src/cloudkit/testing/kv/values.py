"""Values: they come back as they were written, whichever way they are read, or are refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
from cloudkit.api.kv import Document, Item, Key, KeyValueStore, Put, Value
from cloudkit.common import PayloadTooLargeError, ValidationError
from cloudkit.testing.kv.exactness import assert_same
from cloudkit.testing.kv.samples import ABROAD, NAMES, NEW_YEAR, NOT_VALUES, VALUES
from cloudkit.testing.kv.suite import KeyValueSuite, Watched, assert_unchanged, read
from cloudkit.testing.outcome import unsupported

KIB = 1024


def everywhere(values: tuple[Value, ...]) -> Document:
    """A document with values at the top, in lists, in dicts, and in those of each other."""
    return {
        **{f"value-{index}": value for index, value in enumerate(values)},
        "list": list(values),
        "dict": {f"value-{index}": value for index, value in enumerate(values)},
        "deep": {"list": [{"value": value, "list": [value]} for value in values]},
    }


def nested(levels: int) -> Document:
    """A document that is nested so deep, by dicts and lists in turns."""
    value: Value = "the innermost"
    for level in range(levels - 1):
        value = {"inner": value} if level % 2 else [value]
    return {"outer": value}


async def all_ways(kv: KeyValueStore, table: str, key: Key) -> AsyncIterator[tuple[str, Item]]:
    """An item as each way of reading gives it."""
    yield "get", await read(kv, table, key)
    for item in await kv.query(table, key.partition).to_list():
        yield "query", item
    for result in await kv.batch_get(table, [key]):
        assert result.value is not None
        yield "batch_get", result.value
    if kv.capabilities.scan:
        async for item in kv.scan(table):
            if item.key == key:
                yield "scan", item


class ValueBehaviours(KeyValueSuite):
    """What is written is what is read, in value and in type."""

    __test__ = False

    @pytest.mark.parametrize("kind", VALUES)
    async def test_values_come_back_equal_and_of_the_same_type(
        self, kv: KeyValueStore, sorted_table: str, kind: str
    ) -> None:
        key = Key(self.fresh_name("item"), "only")
        document = everywhere(VALUES[kind])
        await kv.put(sorted_table, key, document)
        ways = [way async for way in all_ways(kv, sorted_table, key)]
        assert len(ways) == 3 + kv.capabilities.scan
        for way, item in ways:
            assert_same(item.document, document)
            assert item.key == key, way
            assert item.version == ways[0][1].version, way

    @pytest.mark.parametrize("kind", VALUES)
    async def test_values_set_by_an_update_come_back_the_same(
        self, kv: KeyValueStore, table: str, kind: str
    ) -> None:
        key = self.fresh_name("item")
        await kv.put(table, key, {"dict": {}})
        values = {f"value-{index}": value for index, value in enumerate(VALUES[kind])}
        changes: dict[Any, Value] = {**values, "list": list(VALUES[kind]), "dict.inner": values}
        expected = {**values, "list": list(VALUES[kind]), "dict": {"inner": values}}
        updated = await kv.update(table, key, set=changes)
        assert_same(updated.document, expected)
        assert_same((await read(kv, table, key)).document, expected)

    async def test_attributes_of_any_name_are_kept(self, kv: KeyValueStore, table: str) -> None:
        key = self.fresh_name("item")
        document = {name: {name: [{name: name}]} for name in NAMES}
        await kv.put(table, key, document)
        assert_same((await read(kv, table, key)).document, document)

    async def test_attributes_of_any_name_can_be_set_and_removed(
        self, kv: KeyValueStore, table: str
    ) -> None:
        key = self.fresh_name("item")
        await kv.put(table, key, {"outer": dict.fromkeys(NAMES, "old"), "kept": 1})
        for name in NAMES:
            changes: Mapping[Any, Value] = {(name,): "new", ("outer", name): "newer"}
            updated = await kv.update(table, key, set=changes)
            assert (updated[name], updated["outer"][name]) == ("new", "newer"), name
        expected = {
            "outer": dict.fromkeys(NAMES, "newer"),
            "kept": 1,
            **dict.fromkeys(NAMES, "new"),
        }
        assert_same((await read(kv, table, key)).document, expected)
        for name in NAMES:
            updated = await kv.update(table, key, remove=[(name,), ("outer", name)])
            assert name not in updated, name
        assert_same((await read(kv, table, key)).document, {"outer": {}, "kept": 1})

    async def test_an_attribute_may_be_named_like_the_keys(
        self, kv: KeyValueStore, sorted_table: str
    ) -> None:
        info = await kv.describe_table(sorted_table)
        key = Key(self.fresh_name("item"), "sort")
        assert info.sort_key is not None
        values: tuple[Value, ...] = ("text", 1, None, {"inner": []})
        for value in values:
            document = {info.partition_key: value, info.sort_key: value}
            await kv.put(sorted_table, key, document)
            assert_same((await read(kv, sorted_table, key)).document, document)

    async def test_an_empty_document_is_an_item(self, kv: KeyValueStore, table: str) -> None:
        key = self.fresh_name("item")
        version = await kv.put(table, key, {})
        item = await read(kv, table, key)
        assert (item.document, item.version) == ({}, version)

    async def test_an_item_reads_like_its_document(self, kv: KeyValueStore, table: str) -> None:
        key = self.fresh_name("item")
        await kv.put(table, key, {"a": 1, "b": None})
        item = await read(kv, table, key)
        assert (item["a"], item.get("b", 2), item.get("c", 3)) == (1, None, 3)
        assert dict(item) == item.document
        assert item.key == Key(key)

    async def test_documents_are_nested_ten_levels_deep(
        self, kv: KeyValueStore, table: str
    ) -> None:
        key, levels = self.fresh_name("item"), min(10, kv.capabilities.max_depth)
        await kv.put(table, key, nested(levels))
        assert_same((await read(kv, table, key)).document, nested(levels))

    async def test_the_deepest_document_allowed_is_kept(
        self, kv: KeyValueStore, table: str
    ) -> None:
        key, levels = self.fresh_name("item"), kv.capabilities.max_depth
        await kv.put(table, key, nested(levels))
        assert_same((await read(kv, table, key)).document, nested(levels))

    async def test_a_deeper_document_is_refused_before_sending(self, watched: Watched) -> None:
        table, levels = self.fresh_name("table"), watched.kv.capabilities.max_depth + 1
        with pytest.raises(ValidationError):
            await watched.kv.put(table, "key", nested(levels))
        assert watched.faults.count() == 0

    async def test_a_decimal_keeps_all_its_digits(self, kv: KeyValueStore, table: str) -> None:
        key = self.fresh_name("item")
        digits = "1234567890" * 10
        whole = digits[: kv.capabilities.max_decimal_digits]
        numbers = [Decimal(whole), Decimal(f"-0.{whole}"), Decimal(f"{whole[0]}.{whole[1:]}E+60")]
        await kv.put(table, key, {"numbers": numbers})
        assert_same((await read(kv, table, key)).document, {"numbers": numbers})

    async def test_a_decimal_with_more_digits_is_refused_before_sending(
        self, watched: Watched
    ) -> None:
        number = Decimal("1" * (watched.kv.capabilities.max_decimal_digits + 1))
        with pytest.raises(ValidationError):
            await watched.kv.put(self.fresh_name("table"), "key", {"list": [number]})
        assert watched.faults.count() == 0

    async def test_a_datetime_comes_back_in_utc(self, kv: KeyValueStore, table: str) -> None:
        key = self.fresh_name("item")
        await kv.put(table, key, {"at": ABROAD, "list": [{"at": ABROAD}]})
        document = (await read(kv, table, key)).document
        assert_same(document, {"at": NEW_YEAR, "list": [{"at": NEW_YEAR}]})

    @pytest.mark.parametrize("what", NOT_VALUES)
    async def test_what_cannot_be_stored_exactly_is_refused_before_sending(
        self, watched: Watched, what: str
    ) -> None:
        kv, value, table = watched.kv, NOT_VALUES[what], self.fresh_name("table")
        for document in ({"a": value}, {"a": [{"b": value}]}):
            with pytest.raises(ValidationError):
                await kv.put(table, "key", document)
            with pytest.raises(ValidationError):
                await kv.update(table, "key", set=document)
            with pytest.raises(ValidationError):
                Put(key="key", document=document)
        assert watched.faults.count() == 0

    @pytest.mark.parametrize("document", [None, [], "text", {1: "a"}, {"": 1}, {"_cloudkit_a": 1}])
    async def test_what_is_no_document_is_refused_before_sending(
        self, watched: Watched, document: Any
    ) -> None:
        with pytest.raises(ValidationError):
            await watched.kv.put(self.fresh_name("table"), "key", document)
        assert watched.faults.count() == 0

    async def test_what_is_refused_leaves_the_item_as_it_was(
        self, kv: KeyValueStore, table: str
    ) -> None:
        key = self.fresh_name("item")
        await kv.put(table, key, {"a": 1})
        before = await read(kv, table, key)
        with pytest.raises(ValidationError):
            await kv.put(table, key, {"a": 2, "b": float("nan")})
        with pytest.raises(ValidationError):
            await kv.update(table, key, set={"a": 2, "b": 2**63})
        await assert_unchanged(kv, table, before)

    async def test_a_large_item_is_kept_whole(self, kv: KeyValueStore, table: str) -> None:
        limit = kv.capabilities.max_item_bytes or 400 * KIB
        size = min(300 * KIB, limit // 2)
        document = {"text": "x" * (size // 2), "bytes": bytes(range(256)) * (size // 2 // 256)}
        key = self.fresh_name("item")
        await kv.put(table, key, document)
        assert_same((await read(kv, table, key)).document, document)

    async def test_an_item_that_is_too_large_is_refused_before_sending(
        self, watched: Watched
    ) -> None:
        limit = watched.kv.capabilities.max_item_bytes
        if limit is None:
            unsupported("kv.max_item_bytes", "items of any size are taken")
        document = {"text": "x" * (limit + 1)}
        with pytest.raises(PayloadTooLargeError) as caught:
            await watched.kv.put(self.fresh_name("table"), "key", document)
        assert f"{limit:,}" in str(caught.value)
        assert watched.faults.count() == 0

    async def test_documents_are_copied_on_the_way_in_and_out(
        self, kv: KeyValueStore, table: str
    ) -> None:
        key = self.fresh_name("item")
        document: dict[str, Any] = {"list": [1], "dict": {"a": 1}}
        await kv.put(table, key, document)
        document["list"].append(2)
        document["dict"]["b"] = 2
        first = await read(kv, table, key)
        assert_same(first.document, {"list": [1], "dict": {"a": 1}})
        first.document["list"].append(3)
        first.document["dict"].clear()
        assert_same((await read(kv, table, key)).document, {"list": [1], "dict": {"a": 1}})

    async def test_putting_replaces_the_whole_document(self, kv: KeyValueStore, table: str) -> None:
        key = self.fresh_name("item")
        await kv.put(table, key, {"a": 1, "b": {"c": 1, "d": 2}})
        await kv.put(table, key, {"b": {"c": 3}})
        assert_same((await read(kv, table, key)).document, {"b": {"c": 3}})
