"""Schemas that are remembered, and doubted."""

from __future__ import annotations

import math

import pytest
from cloudkit.common import NotFoundError
from cloudkit.core.schemas import SchemaCache

pytestmark = pytest.mark.anyio


class DoubtError(Exception):
    """May come of an old schema."""


class ReplacedError(DoubtError):
    """Certainly does."""


class Tables(SchemaCache[str]):
    """Tables whose schemas are texts."""

    def __init__(self, seconds: float = math.inf) -> None:
        super().__init__(seconds)
        self.now = "first"
        self.asked = 0

    async def _find(self, table: str) -> str:
        self.asked += 1
        if not self.now:
            raise NotFoundError(f"there is no table {table!r}")
        return self.now

    def _is_doubtful(self, error: Exception) -> bool:
        return isinstance(error, DoubtError)

    def _is_replaced(self, error: Exception) -> bool:
        return isinstance(error, ReplacedError)


class Calls:
    """Fails as long as there is something to fail with."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.seen: list[str] = []

    async def __call__(self, schema: str) -> str:
        self.seen.append(schema)
        if self.errors:
            raise self.errors.pop(0)
        return schema


async def test_a_schema_is_asked_for_once():
    tables = Tables()
    for _ in range(3):
        assert await tables.using("t", Calls()) == "first"
    assert tables.asked == 1
    tables.forget("t")
    tables.remember("t", "told")
    assert await tables.using("t", Calls()) == "told"
    assert tables.asked == 1


async def test_a_schema_is_believed_for_a_while_only(monkeypatch):
    tables = Tables(seconds=30)
    await tables.using("t", Calls())
    clock = 10.0**9
    monkeypatch.setattr("cloudkit.core.schemas.time.monotonic", lambda: clock)
    tables.now = "second"
    assert await tables.using("t", Calls()) == "second"


async def test_a_doubt_is_settled_by_the_schema_of_now():
    tables, calls = Tables(), Calls(DoubtError())
    await tables.using("t", Calls())
    tables.now = "second"
    assert await tables.using("t", calls) == "second"
    assert calls.seen == ["first", "second"]


async def test_a_doubt_without_a_reason_is_raised():
    tables, calls = Tables(), Calls(DoubtError())
    await tables.using("t", Calls())
    with pytest.raises(DoubtError):
        await tables.using("t", calls)
    assert (calls.seen, tables.asked) == (["first"], 2)


async def test_another_table_of_the_same_schema_is_tried():
    tables, calls = Tables(), Calls(ReplacedError())
    await tables.using("t", Calls())
    assert await tables.using("t", calls) == "first"
    assert calls.seen == ["first", "first"]


async def test_what_has_just_been_asked_for_is_not_doubted():
    tables = Tables()
    with pytest.raises(DoubtError):
        await tables.using("t", Calls(DoubtError()))
    assert tables.asked == 1


async def test_other_errors_cast_no_doubt():
    tables = Tables()
    await tables.using("t", Calls())
    with pytest.raises(KeyError):
        await tables.using("t", Calls(KeyError("x")))
    assert tables.asked == 1


async def test_a_table_that_is_gone_is_not_remembered():
    tables = Tables()
    await tables.using("t", Calls())
    tables.now = ""
    with pytest.raises(NotFoundError):
        await tables.using("t", Calls(DoubtError()))
    tables.now = "second"
    assert await tables.using("t", Calls()) == "second"
