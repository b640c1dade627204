from __future__ import annotations

import pytest
from attrs import fields
from cloudkit.common import (
    Capabilities,
    PayloadTooLargeError,
    QueueCapabilities,
    StorageCapabilities,
    UnsupportedOperationError,
    ValidationError,
)


def test_a_flag_that_says_no_is_an_error_with_its_reason():
    queue = QueueCapabilities(fifo=False, reasons={"fifo": "Use ordering keys of pubsub."})
    queue.require("delay", "a delay")
    with pytest.raises(UnsupportedOperationError, match="a fifo queue is not supported") as caught:
        queue.require("fifo", "a fifo queue")
    assert caught.value.capability == "queue.fifo"
    assert "Use ordering keys" in str(caught.value)


def test_a_limit_is_inclusive_and_none_is_no_limit():
    storage = StorageCapabilities(max_put_size=10, max_object_size=None)
    storage.require_size("max_put_size", 10, "the body")
    storage.require_size("max_object_size", 1 << 60, "the body")
    with pytest.raises(PayloadTooLargeError, match=r"11 bytes; the limit is 10.*max_put_size"):
        storage.require_size("max_put_size", 11, "the body")


@pytest.mark.parametrize("name", ["abc", "a-b", "a" * 63])
def test_good_bucket_names(name):
    StorageCapabilities().bucket_name.check(name, "bucket")


@pytest.mark.parametrize("name", ["ab", "-ab", "ab-", "A-b", "a.b", "a" * 64, "abc\n", "äbc", ""])
def test_bad_bucket_names(name):
    with pytest.raises(ValidationError, match="not a valid bucket name: 3 to 63"):
        StorageCapabilities().bucket_name.check(name, "bucket")


def test_every_flag_and_limit_is_documented_for_the_tables():
    for contract in Capabilities().contracts():
        rows = contract.describe()
        names = {name for name, *_ in rows}
        assert names == {a.name for a in fields(type(contract))} - {"reasons"}
        assert all(doc for *_, doc in rows)
        assert {kind for _, kind, *_ in rows} <= {"flag", "limit", "name"}


def test_the_five_contracts():
    names = [contract.contract for contract in Capabilities().contracts()]
    assert names == ["storage", "kv", "queue", "pubsub", "functions"]
