"""The local KeyValueStore against a dict, with random operations."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from anyio.from_thread import start_blocking_portal
from attrs import evolve, frozen
from cloudkit.api.kv import (
    Check,
    Delete,
    Key,
    KeyValueStore,
    Put,
    SortCondition,
    Update,
    apply_update,
    attr,
    sort,
)
from cloudkit.common import CloudError, NotFoundError, PreconditionFailedError, ValidationError
from cloudkit.local import LocalCloud
from cloudkit.local.kv import LocalKeyValueStore
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

T = TypeVar("T")

PARTITIONS = st.sampled_from(["p", "p\x00", "é"])
SORTS = st.sampled_from(["a", "a\x00", "ab", "b", "é", "\uffff", "\U0001f600"])
KEYS = st.builds(Key, PARTITIONS, SORTS)
NAMES = st.sampled_from(["n", "x", "inner"])
VALUES = st.one_of(
    st.integers(-3, 3), st.sampled_from([1.0, "t", b"b", None, True, {"n": 1}, {"$int": "1"}, [1]])
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=3)
EXPIRIES = st.sampled_from([None, None, None, 1.5, 10.0])
CONDITIONS = st.one_of(
    st.builds(lambda name, value: attr(name) == value, NAMES, VALUES),
    st.builds(lambda name, value: attr(name) != value, NAMES, VALUES),
    st.builds(lambda value: attr("n") >= value, st.integers(-3, 3)),
    st.builds(lambda name: attr(name).not_exists(), NAMES),
)
UPDATES = st.one_of(
    st.builds(lambda d: {"set": d}, st.dictionaries(NAMES, VALUES, min_size=1)),
    st.builds(lambda name, n: {"increment": {name: n}}, NAMES, st.integers(-3, 3)),
    st.builds(lambda n: {"increment": {"inner.n": n}, "remove": ["x"]}, st.integers(-3, 3)),
    st.builds(lambda name: {"remove": [name]}, NAMES),
    st.builds(lambda value: {"set": {"inner.y": value}, "expires_in": 10.0}, VALUES),
    st.just({"expires_in": None}),
)
SORT_CONDITIONS = st.one_of(
    st.none(),
    st.builds(SortCondition, st.sampled_from(["=", "<", "<=", ">", ">=", "begins_with"]), SORTS),
    st.builds(lambda one, two: sort.between(*sorted([one, two])), SORTS, SORTS),
)


@frozen
class Stored:
    document: dict[str, Any]
    version: str
    expires_at: float | None


class Machine(RuleBasedStateMachine):
    """Does each thing to the store and to a dict, and compares what comes of it."""

    in_memory = True

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000_000.0
        self.items: dict[Key, Stored] = {}
        self.versions: set[str] = set()
        self.folder = None if self.in_memory else Path(tempfile.mkdtemp())
        self._portal_manager = start_blocking_portal()
        self._portal = self._portal_manager.__enter__()

    @initialize()
    def open(self) -> None:
        options = {} if self.folder is None else {"path": self.folder}
        self.cloud = LocalCloud(**options)  # type: ignore[arg-type]
        data, limits = self.cloud.native.data, self.cloud.capabilities.kv
        self.kv: KeyValueStore = LocalKeyValueStore(
            self.cloud._runner, limits, data, lambda: self.now
        )
        self.call(lambda: self.kv.create_table("t", sort_key="sk"))

    def teardown(self) -> None:
        self._portal.call(self.cloud.aclose)
        self._portal_manager.__exit__(None, None, None)
        if self.folder is not None:
            shutil.rmtree(self.folder)

    def call(self, func: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return self._portal.call(func)

    def outcome(self, func: Callable[[], Any]) -> Any:
        """What a call gives, or the class of its error."""
        try:
            return self.call(func)
        except CloudError as error:
            return type(error)

    # The model

    def find(self, key: Key) -> Stored | None:
        stored = self.items.get(key)
        if stored is None or (stored.expires_at is not None and stored.expires_at <= self.now):
            return None
        return stored

    def visible(self) -> list[Key]:
        keys = [key for key in self.items if self.find(key)]
        return sorted(keys, key=lambda key: (key.partition.encode(), (key.sort or "").encode()))

    def expiry(self, expires_in: float | None) -> float | None:
        return None if expires_in is None else self.now + expires_in

    def refusal(self, write: Put | Delete | Update | Check) -> type[CloudError] | None:
        """The error that a write must end with, whatever it would do."""
        stored = self.find(write.key)
        wants_item = isinstance(write, Update) or (
            isinstance(write, Delete) and not write.missing_ok
        )
        if stored is None and wants_item:
            return NotFoundError
        if isinstance(write, Put) and write.if_absent and stored:
            return PreconditionFailedError
        if isinstance(write, Check) and write.exists is not None and write.exists != bool(stored):
            return PreconditionFailedError
        if write.if_version is not None and (not stored or stored.version != write.if_version):
            return PreconditionFailedError
        if write.condition is not None and not write.condition.matches(
            stored.document if stored else {}
        ):
            return PreconditionFailedError
        return None

    def new_version(self, version: Any) -> str:
        assert isinstance(version, str)
        assert version not in self.versions
        self.versions.add(version)
        return version

    def version_for(self, key: Key, wanted: str) -> str | None:
        stored = self.items.get(key)
        if wanted == "right" and stored:
            return stored.version
        return "stale" if wanted == "stale" else None

    # What is done

    @rule(seconds=st.sampled_from([0.5, 1.0, 9.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(
        key=KEYS,
        document=DOCUMENTS,
        expires_in=EXPIRIES,
        asked=st.sampled_from(["nothing", "nothing", "absent", "right", "stale"]),
        condition=st.none() | CONDITIONS,
    )
    def put(self, key, document, expires_in, asked, condition) -> None:
        options = {
            "if_absent": asked == "absent",
            "if_version": self.version_for(key, asked),
            "condition": condition,
            "expires_in": expires_in,
        }
        write = Put(key=key, document=document, **options)
        result = self.outcome(lambda: self.kv.put("t", key, document, **options))
        refusal = self.refusal(write)
        if refusal:
            assert result is refusal
        else:
            self.items[key] = Stored(document, self.new_version(result), self.expiry(expires_in))

    @rule(
        key=KEYS,
        asked=st.sampled_from(["nothing", "right", "stale"]),
        condition=st.none() | CONDITIONS,
        missing_ok=st.booleans(),
    )
    def delete(self, key, asked, condition, missing_ok) -> None:
        options = {
            "if_version": self.version_for(key, asked),
            "condition": condition,
            "missing_ok": missing_ok,
        }
        result = self.outcome(lambda: self.kv.delete("t", key, **options))
        assert result is self.refusal(Delete(key=key, **options))
        if result is None:
            self.items.pop(key, None)

    @rule(
        key=KEYS,
        changes=UPDATES,
        asked=st.sampled_from(["nothing", "nothing", "right", "stale"]),
        condition=st.none() | CONDITIONS,
    )
    def update(self, key, changes, asked, condition) -> None:
        options = {"if_version": self.version_for(key, asked), "condition": condition, **changes}
        write = Update(key=key, **options)
        result = self.outcome(lambda: self.kv.update("t", key, **options))
        refusal = self.refusal(write)
        if refusal:
            assert result is refusal
            return
        stored = self.items[key]
        try:
            document = apply_update(
                stored.document, set=write.set, increment=write.increment, remove=write.remove
            )
        except ValidationError:
            assert result is ValidationError
            return
        assert result.document == document
        expires_at = stored.expires_at
        if "expires_in" in changes:
            expires_at = self.expiry(changes["expires_in"])
        self.items[key] = Stored(document, self.new_version(result.version), expires_at)

    @rule(data=st.data(), count=st.integers(1, 6))
    def batch_write(self, data, count) -> None:
        writes: list[Put | Delete] = []
        for _ in range(count):
            key, document = data.draw(KEYS), data.draw(st.none() | DOCUMENTS)
            expires_in = data.draw(EXPIRIES)
            writes.append(
                Delete(key=key)
                if document is None
                else Put(key=key, document=document, expires_in=expires_in)
            )
        results = self.call(lambda: self.kv.batch_write("t", writes))
        for write, result in zip(writes, results, strict=True):
            if isinstance(write, Put):
                version = self.new_version(result.value)
                self.items[write.key] = Stored(
                    dict(write.document), version, self.expiry(write.expires_in)
                )
            else:
                assert result.value is None
                self.items.pop(write.key, None)

    @rule(
        keys=st.lists(KEYS, min_size=1, max_size=4, unique=True),
        condition=st.none() | CONDITIONS,
        n=st.integers(-3, 3),
        exists=st.booleans(),
    )
    def transact(self, keys, condition, n, exists) -> None:
        makers: list[Callable[[Key], Put | Update | Delete | Check]] = [
            lambda key: Put(key=key, document={"n": n}),
            lambda key: Update(key=key, set={"x": n}, condition=condition),
            lambda key: Check(key=key, exists=exists),
            lambda key: Delete(key=key),
        ]
        writes = [make(key) for make, key in zip(makers, keys, strict=False)]
        results = self.outcome(lambda: self.kv.transact("t", writes))
        refusals = [refusal for refusal in map(self.refusal, writes) if refusal]
        if refusals:
            assert results is refusals[0]
            return
        for write, version in zip(writes, results, strict=True):
            match write:
                case Put():
                    self.items[write.key] = Stored({"n": n}, self.new_version(version), None)
                case Update():
                    stored = self.items[write.key]
                    self.items[write.key] = evolve(
                        stored,
                        document={**stored.document, "x": n},
                        version=self.new_version(version),
                    )
                case Delete():
                    self.items.pop(write.key, None)
                case Check():
                    assert version is None

    @rule()
    def open_again(self) -> None:
        if self.folder is not None:
            self._portal.call(self.cloud.aclose)
            self.cloud = LocalCloud(path=self.folder)
            data, limits = self.cloud.native.data, self.cloud.capabilities.kv
            self.kv = LocalKeyValueStore(self.cloud._runner, limits, data, lambda: self.now)

    # What is seen

    def compare(self, item: Any, key: Key) -> None:
        stored = self.items[key]
        assert item.key == key
        assert item.document == stored.document
        assert item.version == stored.version
        moment = None if item.expires_at is None else item.expires_at.timestamp()
        assert moment == stored.expires_at

    @rule(
        partition=PARTITIONS,
        condition=SORT_CONDITIONS,
        filter_=st.none() | CONDITIONS,
        descending=st.booleans(),
        page_size=st.none() | st.integers(1, 4),
        limit=st.none() | st.integers(1, 4),
    )
    def query(self, partition, condition, filter_, descending, page_size, limit) -> None:
        pager = self.kv.query(
            "t",
            partition,
            sort=condition,
            filter=filter_,
            descending=descending,
            page_size=page_size,
            limit=limit,
        )
        found = self.call(pager.to_list)
        keys = [key for key in self.visible() if key.partition == partition]
        keys = [key for key in keys if condition is None or condition.matches(key.sort or "")]
        keys = [k for k in keys if filter_ is None or filter_.matches(self.items[k].document)]
        keys = (keys[::-1] if descending else keys)[:limit]
        assert [item.key for item in found] == keys
        for item, key in zip(found, keys, strict=True):
            self.compare(item, key)

    @rule(keys=st.lists(KEYS, max_size=5))
    def batch_get(self, keys) -> None:
        results = self.call(lambda: self.kv.batch_get("t", keys))
        for result, key in zip(results, keys, strict=True):
            assert (result.value is None) == (self.find(key) is None)
            if result.value is not None:
                self.compare(result.value, key)

    @rule(key=KEYS)
    def get(self, key) -> None:
        item = self.call(lambda: self.kv.get("t", key))
        assert (item is None) == (self.find(key) is None)
        if item is not None:
            self.compare(item, key)

    @invariant()
    def a_scan_shows_everything(self) -> None:
        found = self.call(self.kv.scan("t", page_size=3).to_list)
        keys = self.visible()
        assert [item.key for item in found] == keys
        for item, key in zip(found, keys, strict=True):
            self.compare(item, key)


class FileMachine(Machine):
    in_memory = False


@pytest.mark.parametrize("machine", [Machine, FileMachine])
def test_store_does_what_a_dict_does(machine):
    from hypothesis.stateful import run_state_machine_as_test

    examples = 100 if machine.in_memory else 30
    run_state_machine_as_test(
        machine, settings=settings(max_examples=examples, stateful_step_count=30, deadline=None)
    )
