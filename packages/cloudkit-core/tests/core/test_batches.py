"""A call for each item, with an outcome of its own."""

from __future__ import annotations

import anyio
import pytest
from cloudkit.common import ClientClosedError, CloudError, NotFoundError
from cloudkit.core.batches import call_each

pytestmark = pytest.mark.anyio


class NativeError(Exception):
    """What an SDK raises."""


class StaleError(NativeError):
    """What is no item's own."""


def translate(error: Exception) -> Exception:
    return error if isinstance(error, (StaleError, CloudError)) else NotFoundError(str(error))


async def test_each_has_its_own_outcome_in_order():
    started = anyio.Event()

    async def call(item: int) -> int:
        if item == 0:
            await started.wait()  # the first ends last
        if item == 2:
            started.set()
        if item == 1:
            raise NativeError("none")
        return item * 10

    results = await call_each([0, 1, 2], call, translate)
    assert [result.ok for result in results] == [True, False, True]
    assert (results[0].value, results[2].value) == (0, 20)
    assert isinstance(results[1].error, NotFoundError)


@pytest.mark.parametrize("error", [StaleError(), ClientClosedError("closed")], ids=repr)
async def test_what_is_nobodys_own_is_raised_when_all_have_ended(error):
    ended = []

    async def call(item: int) -> None:
        if item == 0:
            raise error
        await anyio.lowlevel.checkpoint()
        ended.append(item)

    with pytest.raises(type(error)) as caught:
        await call_each([0, 1, 2], call, translate)
    assert caught.value is error
    assert sorted(ended) == [1, 2]


async def test_cancelling_it_ends_all_calls():
    begun, left = [], []

    async def call(item: int) -> None:
        begun.append(item)
        try:
            await anyio.sleep_forever()
        finally:
            left.append(item)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call_each, [0, 1], call, translate)
        while len(begun) < 2:
            await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
    assert sorted(left) == [0, 1]


async def test_nothing_is_nothing():
    async def call(item: int) -> None:
        raise AssertionError("there is none")

    assert await call_each([], call, translate) == []
