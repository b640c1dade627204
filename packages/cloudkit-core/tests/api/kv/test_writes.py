"""Keys, writes and operations check themselves."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from cloudkit.api.kv import (
    BatchWrite,
    Check,
    Delete,
    Item,
    Key,
    Put,
    TableInfo,
    Update,
    attr,
)
from cloudkit.api.kv.batches import check_batch_write, waves
from cloudkit.api.kv.operations import (
    CreateTable,
    DeleteItem,
    GetItem,
    PutItem,
    QueryItems,
    Transact,
    UpdateItem,
    check_write,
)
from cloudkit.common import (
    KeyValueCapabilities,
    PayloadTooLargeError,
    UnsupportedOperationError,
    ValidationError,
    utc_now,
)
from hypothesis import given
from hypothesis import strategies as st

LIMITS = KeyValueCapabilities()


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("a", Key("a")),
        (("a", "b"), Key("a", "b")),
        (("a", None), Key("a")),
        (Key("a", "b"), Key("a", "b")),
    ],
)
def test_key(value, key):
    assert Key.of(value) == key


@pytest.mark.parametrize(
    "value", ["", ("a", ""), ("", "b"), ("a",), ("a", "b", "c"), 1, None, "\ud800"]
)
def test_bad_key(value):
    with pytest.raises(ValidationError):
        Key.of(value)


def test_key_fits_the_table():
    flat, sorted_ = TableInfo(name="t"), TableInfo(name="t", sort_key="sk")
    flat.check_key(Key("a"))
    sorted_.check_key(Key("a", "b"))
    with pytest.raises(ValidationError, match="has no sort key"):
        flat.check_key(Key("a", "b"))
    with pytest.raises(ValidationError, match="'sk'"):
        sorted_.check_key(Key("a"))


def test_item_reads_like_its_document():
    item = Item(key=Key("a"), document={"x": 1}, version="1")
    assert item["x"] == 1
    assert dict(item) == {"x": 1}
    assert item.get("y", 2) == 2
    assert not item.expired


@pytest.mark.parametrize(
    ("left", "least", "most"),
    [
        (timedelta(hours=1), 3500, 3600),
        (timedelta(seconds=-5), 0.001, 0.001),
        (timedelta(days=40_000), 2.0**31 - 1, 2.0**31 - 1),
    ],
)
def test_what_is_left_of_an_item_is_what_put_takes(left, least, most):
    item = Item(key=Key("a"), document={}, version="1", expires_at=utc_now() + left)
    assert least <= item.expires_in <= most
    assert Put(key="a", document={}, expires_in=item.expires_in).expires_in is not None


def test_an_item_is_true_also_when_its_document_is_empty():
    item = Item(key=Key("a"), document={}, version="1")
    assert item
    assert len(item) == 0


def test_an_item_without_an_end_has_nothing_left():
    assert Item(key=Key("a"), document={}, version="1").expires_in is None


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (Put, {"document": None}),
        (Put, {"document": {}, "if_absent": True, "if_version": "1"}),
        (Put, {"document": {}, "if_version": ""}),
        (Put, {"document": {}, "if_version": 1}),
        (Put, {"document": {}, "table": ""}),
        (Put, {"document": {}, "table": 1}),
        (Put, {"document": {}, "condition": True}),
        (Put, {"document": {}, "condition": attr("a")}),
        (Put, {"document": {}, "expires_in": 0}),
        (Put, {"document": {}, "expires_in": float("nan")}),
        (Put, {"document": {}, "expires_in": timedelta(days=40_000)}),
        (Check, {}),
        (Check, {"exists": False, "if_version": "1"}),
        (Check, {"exists": False, "condition": attr("a") == 1}),
    ],
)
def test_write_that_means_nothing_is_refused(kind, arguments):
    with pytest.raises(ValidationError):
        kind(key="k", **arguments)


def test_conditional():
    condition = attr("a") == 1
    assert not Put(key="k", document={}).conditional
    assert Put(key="k", document={}, if_absent=True).conditional
    assert Put(key="k", document={}, if_version="1").conditional
    assert Put(key="k", document={}, condition=condition).conditional
    assert Delete(key="k", if_version="1").conditional
    assert not Delete(key="k", missing_ok=False).conditional
    assert Put(key="k", document={}, expires_in=timedelta(minutes=1)).expires_in == 60.0


def test_what_may_be_repeated():
    def idempotent(kind, write):
        return kind(table="t", write=write).idempotent

    assert idempotent(PutItem, Put(key="k", document={}))
    assert not idempotent(PutItem, Put(key="k", document={}, if_absent=True))
    assert idempotent(DeleteItem, Delete(key="k"))
    assert not idempotent(DeleteItem, Delete(key="k", missing_ok=False))
    assert not idempotent(DeleteItem, Delete(key="k", if_version="1"))
    assert idempotent(UpdateItem, Update(key="k", set={"a": 1}))
    assert not idempotent(UpdateItem, Update(key="k", increment={"a": 1}))
    assert not idempotent(UpdateItem, Update(key="k", set={"a": 1}, if_version="1"))
    assert not Transact(table="t", writes=[Put(key="k", document={})]).idempotent


def nested(levels):
    value = 1
    for _ in range(levels):
        value = {"in": value}
    return value


@pytest.mark.parametrize(
    "write",
    [
        Put(key="k" * 1025, document={}),
        Put(key=("k", "é" * 513), document={}),
        Put(key="k", document=nested(21)),
        Put(key="k", document={"d": Decimal("1" * 39)}),
        Update(key="k", set={"a": nested(20)}),
        Update(key="k", set={tuple("abcdefghijk"): nested(10)}),
        Update(key="k", increment={"a": Decimal("1" * 39)}),
    ],
)
def test_limits(write):
    with pytest.raises(ValidationError):
        check_write(write, LIMITS)


def test_within_limits():
    check_write(Put(key="k" * 1024, document=nested(20)), LIMITS)
    check_write(Update(key="k", set={tuple("abcdefghijk"): nested(9)}), LIMITS)
    check_write(Put(key="k", document={"d": Decimal("1" * 38 + "0" * 9)}), LIMITS)


def test_size_limit():
    with pytest.raises(PayloadTooLargeError, match="max_item_bytes"):
        check_write(Put(key="k", document={"a": "x" * 410_000}), LIMITS)
    with pytest.raises(PayloadTooLargeError):
        check_write(Update(key="k", set={"a": b"x" * 410_000}), LIMITS)


@pytest.mark.parametrize(
    ("flag", "write"),
    [
        ("ttl", Put(key="k", document={}, expires_in=1)),
        ("ttl", Update(key="k", expires_in=1)),
        ("conditions", Delete(key="k", condition=attr("a") == 1)),
    ],
)
def test_what_the_provider_cannot_do(flag, write):
    with pytest.raises(UnsupportedOperationError) as caught:
        check_write(write, KeyValueCapabilities(**{flag: False}))
    assert caught.value.capability == f"kv.{flag}"


@pytest.mark.parametrize(
    "writes",
    [
        [],
        [object()],
        [Put(key="k", document={}), Delete(key="k")],
        [Put(key="k", document={}), Delete(key="k", table="t")],
    ],
)
def test_bad_transaction(writes):
    with pytest.raises(ValidationError):
        Transact(table="t", writes=writes)


@pytest.mark.parametrize(
    ("flag", "writes"),
    [
        ("transactions", [Put(key="a", document={})]),
        ("cross_table_transactions", [Delete(key="a"), Delete(key="a", table="other")]),
        ("cross_partition_transactions", [Delete(key=("a", "1")), Delete(key=("b", "1"))]),
    ],
)
def test_scope_of_transactions(flag, writes):
    operation = Transact(table="t", writes=writes)
    operation.check(LIMITS)
    with pytest.raises(UnsupportedOperationError) as caught:
        operation.check(KeyValueCapabilities(**{flag: False}))
    assert caught.value.capability == f"kv.{flag}"


def test_transaction_has_a_largest_size():
    writes = [Delete(key=str(number)) for number in range(101)]
    Transact(table="t", writes=writes[:100]).check(LIMITS)
    with pytest.raises(ValidationError, match="at most 100"):
        Transact(table="t", writes=writes).check(LIMITS)


@pytest.mark.parametrize(
    "make",
    [
        lambda: CreateTable(table=""),
        lambda: CreateTable(table="t", sort_key=""),
        lambda: CreateTable(table="t", partition_key="x", sort_key="x"),
        lambda: GetItem(table="t", key=1),
        lambda: QueryItems(table="t", partition=""),
        lambda: QueryItems(table="t", partition="p", sort=attr("a") == 1),
        lambda: QueryItems(table="t", partition="p", filter="a = 1"),
        lambda: QueryItems(table="t", partition="p", page_size=0),
        lambda: QueryItems(table="t", partition="p", page_size=True),
    ],
)
def test_bad_operation(make):
    with pytest.raises(ValidationError):
        make()


def test_table_name_follows_the_rule():
    with pytest.raises(ValidationError, match="table name"):
        CreateTable(table="no spaces").check(LIMITS)
    with pytest.raises(ValidationError, match="table name"):
        Transact(table="t", writes=[Delete(key="k", table="no spaces")]).check(LIMITS)


@pytest.mark.parametrize(
    "write",
    [
        Check(key="k", exists=True),
        Update(key="k", set={"a": 1}),
        Put(key="k", document={}, if_absent=True),
        Delete(key="k", missing_ok=False),
        Delete(key="k", table="other"),
        "k",
    ],
)
def test_batches_know_no_conditions(write):
    with pytest.raises(ValidationError):
        check_batch_write(write)


@given(st.lists(st.sampled_from("abcd")))
def test_waves_keep_the_order_of_each_item(names):
    writes: list[BatchWrite] = [Delete(key=name) for name in names]
    result = waves(writes)
    assert sorted(index for wave in result for index in wave) == list(range(len(names)))
    for wave in result:
        assert wave == sorted(wave)
        assert len({names[index] for index in wave}) == len(wave)
    order = [index for wave in result for index in wave]
    for name in set(names):
        mine = [index for index in order if names[index] == name]
        assert mine == sorted(mine)
    assert len(result) == max((names.count(name) for name in names), default=0)


@pytest.mark.parametrize("writes", [None, 5, "key", b"key", []])
def test_a_transaction_has_several_writes(writes):
    with pytest.raises(ValidationError):
        Transact(table="t", writes=writes)
