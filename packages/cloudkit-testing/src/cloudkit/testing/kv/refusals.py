"""How to ask KeyValueStore for what each of its capabilities stands for."""

from __future__ import annotations

from collections.abc import Mapping

from cloudkit.api.kv import Key, KeyValueStore, Put, attr
from cloudkit.testing.common.suite import ContractSuite
from cloudkit.testing.suite import Refusal

_TABLE = "ck-never-sent"
_OTHER = "ck-never-sent-either"


async def _put_on_condition(kv: KeyValueStore) -> None:
    await kv.put(_TABLE, "key", {}, condition=attr("a") == 1)


async def _put_with_an_end(kv: KeyValueStore) -> None:
    await kv.put(_TABLE, "key", {}, expires_in=60)


async def _scan(kv: KeyValueStore) -> None:
    await kv.scan(_TABLE).to_list()


async def _transact(kv: KeyValueStore) -> None:
    await kv.transact(_TABLE, [Put(key="key", document={})])


async def _transact_over_partitions(kv: KeyValueStore) -> None:
    ContractSuite.restrict(kv, transactions=True)  # or that would be refused first
    await kv.transact(_TABLE, [Put(key=Key(name, "s"), document={}) for name in ("a", "b")])


async def _transact_over_tables(kv: KeyValueStore) -> None:
    ContractSuite.restrict(kv, transactions=True)
    writes = [Put(key="key", document={}, table=table) for table in (None, _OTHER)]
    await kv.transact(_TABLE, writes)


REFUSALS: Mapping[str, Refusal] = {
    "conditions": _put_on_condition,
    "ttl": _put_with_an_end,
    "scan": _scan,
    "transactions": _transact,
    "cross_partition_transactions": _transact_over_partitions,
    "cross_table_transactions": _transact_over_tables,
}
"""Capability flag → a call that needs it."""
