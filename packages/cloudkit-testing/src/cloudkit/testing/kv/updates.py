"""Updates: changing parts of an item, all at once or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from cloudkit.api.kv import KeyValueStore, Update, Value, apply_update, attr
from cloudkit.common import NotFoundError, PreconditionFailedError, ValidationError
from cloudkit.testing.kv.exactness import assert_same
from cloudkit.testing.kv.samples import NEW_YEAR
from cloudkit.testing.kv.suite import KeyValueSuite, Watched, assert_unchanged, read
from cloudkit.testing.outcome import behaviour

DOCUMENT: Mapping[str, Value] = {
    "int": 41,
    "float": 1.0,
    "decimal": Decimal("1.10"),
    "text": "old",
    "flag": True,
    "none": None,
    "list": [1, 2.0, {"a": b"\x00"}],
    "when": NEW_YEAR,
    "dict": {"int": 1, "dict": {"float": -0.0}, "a.b": 1, "text": "old"},
    "a.b": 1,
}

# What an update is given, beside the document above.
CHANGES: dict[str, dict[str, Any]] = {
    "set an attribute": {"set": {"text": "new"}},
    "set a new attribute": {"set": {"new": [1.0, {"a": None}]}},
    "set another type": {"set": {"text": 1, "list": "text", "none": {}, "int": 1.0}},
    "set None": {"set": {"text": None}},
    "set inside a dict": {"set": {"dict.text": "new"}},
    "set a new name inside a dict": {"set": {"dict.dict.new": {"a": [1]}}},
    "set a dict as a whole": {"set": {"dict": {"only": 1.0}}},
    "set a name with a dot": {"set": {("a.b",): 2, ("dict", "a.b"): 3}},
    "set several": {"set": {"text": "new", "dict.int": 2, "dict.dict.float": 0.0, "new": True}},
    "increment": {"increment": {"int": 1}},
    "decrement": {"increment": {"int": -42}},
    "increment by zero": {"increment": {"int": 0, "new": 0}},
    "increment what is absent": {"increment": {"new": 5, "newer": 0.5, "newest": Decimal("1.10")}},
    "increment inside a dict": {"increment": {"dict.int": 2, "dict.dict.new": 1}},
    "increment a float": {"increment": {"float": 1.0}},
    "increment a float by an int": {"increment": {"float": 1}},
    "increment an int by a float": {"increment": {"int": 1.0}},
    "increment an int by a fraction": {"increment": {"int": 0.1}},
    "increment a Decimal": {"increment": {"decimal": Decimal("0.9")}},
    "increment a Decimal by an int": {"increment": {"decimal": 1}},
    "increment an int by a Decimal": {"increment": {"int": Decimal("1.5")}},
    "increment to the largest int": {"increment": {"int": 2**63 - 1 - 41}},
    "increment by much": {"increment": {"float": 1e300, "int": 2**53 + 1}},
    "increment a name with a dot": {"increment": {("a.b",): 1, ("dict", "a.b"): 1}},
    "remove": {"remove": ["text"]},
    "remove what is absent": {"remove": ["absent", "dict.absent", "dict.dict.absent"]},
    "remove inside something absent": {"remove": ["absent.inner", "text.inner"]},
    "remove inside a dict": {"remove": ["dict.dict.float", "dict.text"]},
    "remove a name with a dot": {"remove": [("a.b",), ("dict", "a.b")]},
    "remove all": {"remove": [(name,) for name in DOCUMENT]},
    "all at once": {
        "set": {"text": "new", "dict.text": "new", "newer": 1.0},
        "increment": {"int": 1, "dict.int": 1, "new": 1},
        "remove": ["flag", "dict.dict", "absent"],
    },
}

# What fails only because of what the document holds.
BAD: dict[str, dict[str, Any]] = {
    "increment a text": {"increment": {"text": 1}},
    "increment a flag": {"increment": {"flag": 1}},
    "increment None": {"increment": {"none": 1}},
    "increment a list": {"increment": {"list": 1}},
    "increment a dict": {"increment": {"dict": 1}},
    "increment a datetime": {"increment": {"when": 1}},
    "increment beyond 64 bits": {"increment": {"int": 2**63 - 1}},
    "increment a float by a Decimal": {"increment": {"float": Decimal(1)}},
    "increment a Decimal by a float": {"increment": {"decimal": 1.0}},
    "increment inside a text": {"increment": {"text.inner": 1}},
    "increment inside something absent": {"increment": {"absent.inner": 1}},
    "set inside a text": {"set": {"text.inner": 1}},
    "set inside a list": {"set": {"list.inner": 1}},
    "set inside something absent": {"set": {"absent.inner": 1}},
    "set deep inside something absent": {"set": {"dict.absent.inner": 1}},
}

# What could not be sent for any document.
INVALID: dict[str, dict[str, Any]] = {
    "nothing": {},
    "increment by a text": {"increment": {"int": "1"}},
    "increment by a flag": {"increment": {"int": True}},
    "increment by NaN": {"increment": {"int": float("nan")}},
    "set and remove": {"set": {"a": 1}, "remove": ["a"]},
    "set and increment": {"set": {"a": 1}, "increment": {"a": 1}},
    "set the outer and the inner": {"set": {"a": {}, "a.b": 1}},
    "increment inside what is removed": {"increment": {"a.b": 1}, "remove": ["a"]},
    "an empty path": {"set": {"": 1}},
    "an empty name in a path": {"set": {"a..b": 1}},
    "a path that is no text": {"set": {1: 1}},
    "a reserved name": {"set": {"_cloudkit_version": 1}},
    "remove as one text": {"remove": "text"},
}


class UpdateBehaviours(KeyValueSuite):
    """An update changes what it names, exactly, and nothing else."""

    __test__ = False

    @pytest.mark.parametrize("what", CHANGES)
    async def test_an_update_changes_what_it_names(
        self, kv: KeyValueStore, table: str, what: str
    ) -> None:
        key = self.fresh_name("item")
        version = await kv.put(table, key, DOCUMENT)
        write = Update(key=key, **CHANGES[what])
        expected = apply_update(
            DOCUMENT, set=write.set, increment=write.increment, remove=write.remove
        )
        updated = await kv.update(table, key, **CHANGES[what])
        assert_same(updated.document, expected)
        assert updated.key == write.key
        assert updated.version != version
        await assert_unchanged(kv, table, updated)

    @pytest.mark.parametrize("what", BAD)
    async def test_an_update_that_cannot_be_made_changes_nothing(
        self, kv: KeyValueStore, table: str, what: str
    ) -> None:
        key = self.fresh_name("item")
        await kv.put(table, key, DOCUMENT)
        before = await read(kv, table, key)
        with pytest.raises(ValidationError):
            await kv.update(table, key, **BAD[what])
        await assert_unchanged(kv, table, before)
        also_good = {**BAD[what], "set": {**BAD[what].get("set", {}), "other": 1}}
        with pytest.raises(ValidationError):
            await kv.update(table, key, **also_good)
        await assert_unchanged(kv, table, before)

    @pytest.mark.parametrize("what", INVALID)
    async def test_an_update_that_makes_no_sense_is_refused_before_sending(
        self, watched: Watched, what: str
    ) -> None:
        with pytest.raises(ValidationError):
            await watched.kv.update(self.fresh_name("table"), "key", **INVALID[what])
        assert watched.faults.count() == 0

    @pytest.mark.parametrize(
        "changes", [{"set": {"a": 1}}, {"increment": {"a": 1}}, {"remove": ["a"]}], ids=str
    )
    async def test_updating_a_missing_item_fails_and_creates_none(
        self, kv: KeyValueStore, table: str, changes: dict[str, Any]
    ) -> None:
        key = self.fresh_name("item")
        with pytest.raises(NotFoundError) as caught:
            await kv.update(table, key, **changes)
        assert key in str(caught.value)
        assert table in str(caught.value)
        assert not await kv.exists(table, key)

    @behaviour("conditions")
    async def test_updating_a_missing_item_on_a_condition_is_not_found(
        self, kv: KeyValueStore, table: str
    ) -> None:
        key = self.fresh_name("item")
        for condition in (attr("a").exists(), attr("a").not_exists()):
            with pytest.raises(NotFoundError):
                await kv.update(table, key, set={"a": 1}, condition=condition)
        assert not await kv.exists(table, key)

    @behaviour("conditions")
    async def test_an_update_sees_the_condition_on_what_was_there(
        self, kv: KeyValueStore, table: str
    ) -> None:
        key = self.fresh_name("item")
        await kv.put(table, key, {"count": 1})
        below = attr("count") < 2
        await kv.update(table, key, increment={"count": 1}, condition=below)
        before = await read(kv, table, key)
        assert before["count"] == 2
        with pytest.raises(PreconditionFailedError) as caught:
            await kv.update(table, key, increment={"count": 1}, condition=below)
        assert key in str(caught.value)
        await assert_unchanged(kv, table, before)

    async def test_repeated_increments_add_up_exactly(self, kv: KeyValueStore, table: str) -> None:
        key = self.fresh_name("item")
        await kv.put(table, key, {"int": 2**53, "float": 0.0, "decimal": Decimal(0)})
        steps: dict[Any, Value] = {"int": 1, "float": 0.1, "decimal": Decimal("0.1")}
        expected = {"int": 2**53, "float": 0.0, "decimal": Decimal(0)}
        for _ in range(10):
            expected = {name: expected[name] + steps[name] for name in steps}
            assert_same((await kv.update(table, key, increment=steps)).document, expected)

    async def test_updates_of_one_item_leave_the_others(
        self, kv: KeyValueStore, sorted_table: str
    ) -> None:
        partition = self.fresh_name("item")
        for sort in ("a", "b"):
            await kv.put(sorted_table, (partition, sort), {"n": 1})
        before = await read(kv, sorted_table, (partition, "b"))
        await kv.update(sorted_table, (partition, "a"), increment={"n": 1}, set={"m": 1})
        await assert_unchanged(kv, sorted_table, before)

    async def test_an_updated_item_is_the_callers_own(self, kv: KeyValueStore, table: str) -> None:
        key = self.fresh_name("item")
        given: dict[str, Any] = {"list": [1]}
        await kv.put(table, key, {})
        updated = await kv.update(table, key, set={"dict": given})
        given["list"].append(2)
        updated.document["dict"]["list"].append(3)
        assert_same((await read(kv, table, key)).document, {"dict": {"list": [1]}})
