"""Faults, waiting and cleaning up."""

import math
from typing import Any

import anyio
import pytest
from cloudkit.common import ConnectionFailedError, NetworkError, NotFoundError
from cloudkit.spi import AnyOperation, Operation
from cloudkit.testing import Cleanup, Faults, eventually

pytestmark = pytest.mark.anyio


class Get(Operation[str]):
    contract, name = "things", "get"


class Put(Operation[str]):
    contract, name = "things", "put"


class Service:
    def __init__(self) -> None:
        self.done: list[str] = []

    async def carry_out(self, operation: AnyOperation) -> str:
        self.done.append(operation.name)
        return "done"


@pytest.fixture
def service() -> Service:
    return Service()


async def test_a_lost_request_never_arrives(service: Service):
    faults = Faults()
    error = ConnectionFailedError("refused")
    faults.lose_request("get", error, times=2)
    for _ in range(2):
        with pytest.raises(ConnectionFailedError) as caught:
            await faults.around_attempt(Get(), service.carry_out)
        assert caught.value is error
    assert await faults.around_attempt(Get(), service.carry_out) == "done"
    assert service.done == ["get"]
    assert faults.count() == faults.count("get") == 3


async def test_a_lost_answer_was_carried_out(service: Service):
    faults = Faults()
    faults.lose_answer("*", lambda: NetworkError("broken"))
    with pytest.raises(NetworkError):
        await faults.around_attempt(Put(), service.carry_out)
    assert service.done == ["put"]


async def test_faults_strike_only_what_they_name_and_can_be_healed(service: Service):
    faults = Faults()
    faults.lose_request("get", NetworkError("broken"), times=math.inf)
    assert await faults.around_attempt(Put(), service.carry_out) == "done"
    with pytest.raises(NetworkError):
        await faults.around_attempt(Get(), service.carry_out)
    faults.heal()
    assert await faults.around_attempt(Get(), service.carry_out) == "done"
    assert (faults.count("get"), faults.count("put")) == (2, 1)


async def test_an_endless_delay_ends_with_cancellation(service: Service):
    faults = Faults()
    faults.delay("get", math.inf)
    with anyio.move_on_after(0.01) as scope:
        await faults.around_attempt(Get(), service.carry_out)
    assert scope.cancelled_caught
    assert service.done == []


async def test_eventually_gives_the_first_true_value():
    answers = iter([0, None, "", 7, 8])
    assert await eventually(lambda: next(answers), poll=0) == 7

    async def ask() -> Any:
        return next(answers)

    assert await eventually(ask) == 8


async def test_eventually_gives_up_with_the_last_value():
    with pytest.raises(AssertionError, match=r"not true within 0\.01 s; the last value was 0"):
        await eventually(lambda: 0, 0.01, poll=0)


async def test_everything_is_cleaned_up_the_last_first():
    calls: list[str] = []

    async def note(name: str, error: Exception | None = None) -> None:
        calls.append(name)
        if error is not None:
            raise error

    cleanup = Cleanup()
    cleanup.later(note, "first")
    cleanup.later(note, "gone", NotFoundError("gone already"))
    cleanup.later(note, "bad", RuntimeError("cannot be removed"))
    with pytest.raises(ExceptionGroup) as caught:
        await cleanup.run()
    assert calls == ["bad", "gone", "first"]
    assert [type(error) for error in caught.value.exceptions] == [RuntimeError]


async def test_a_cancelled_test_is_cleaned_up():
    done = []

    async def remove() -> None:
        await anyio.lowlevel.checkpoint()
        done.append(True)

    cleanup = Cleanup()
    cleanup.later(remove)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await cleanup.run()
    assert done == [True]
