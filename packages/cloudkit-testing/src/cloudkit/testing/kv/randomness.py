"""Conditions that nobody thought of: random trees, compared with the reference."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

import anyio.from_thread
import anyio.to_thread
from cloudkit.api.kv import Condition, Document, Key, KeyValueStore
from cloudkit.common import PreconditionFailedError
from cloudkit.testing.cleanup import Cleanup
from cloudkit.testing.kv.expressions import OPERANDS
from cloudkit.testing.kv.suite import KeyValueSuite, seed

DOCUMENTS: list[Document] = [
    *({"v": value, "w": OPERANDS[-1 - i]} for i, value in enumerate(OPERANDS)),
    {},
    {"v": {"v": 1}, "w": {"x": [1, "a"]}},
]


class RandomConditionBehaviours(KeyValueSuite):
    """What holds for the conditions that somebody thought of holds for all.

    Attributes:
        random_conditions: How many are tried in a test.
    """

    __test__ = False

    random_conditions: ClassVar[int] = 25

    async def test_random_conditions_agree_with_the_reference(
        self, kv: KeyValueStore, cleanup: Cleanup
    ) -> None:
        table = await self.new_table(kv, cleanup, sort_key="sk")  # a scan reads all that is there
        partition = self.fresh_name("item")
        keys = [Key(partition, f"{index:03}") for index in range(len(DOCUMENTS))]
        await seed(kv, table, dict(zip(keys, DOCUMENTS, strict=True)))

        async def compare(condition: Condition, place: int) -> None:
            expected = [
                key
                for key, document in zip(keys, DOCUMENTS, strict=True)
                if condition.matches(document)
            ]
            items = kv.query(table, partition, filter=condition)
            assert [item.key async for item in items] == expected
            if kv.capabilities.scan:
                items = kv.scan(table, filter=condition)
                mine = [item.key async for item in items if item.key.partition == partition]
                assert sorted(mine) == expected
            if kv.capabilities.conditions:
                key, document = keys[place], DOCUMENTS[place]
                assert await _written(kv, table, key, document, condition) == (key in expected)

        await anyio.to_thread.run_sync(self._try, compare)

    def _try(self, compare: Callable[[Condition, int], Coroutine[Any, Any, None]]) -> None:
        # In a thread, because Hypothesis drives plain functions.
        from cloudkit.testing.kv.trees import try_random_conditions

        try_random_conditions(
            lambda condition, place: anyio.from_thread.run(compare, condition, place),
            self.random_conditions,
            len(DOCUMENTS),
        )


async def _written(
    kv: KeyValueStore, table: str, key: Key, document: Document, condition: Condition
) -> bool:
    try:
        await kv.put(table, key, document, condition=condition)
    except PreconditionFailedError:
        return False
    return True
