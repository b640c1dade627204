from __future__ import annotations

import anyio
import pytest
from cloudkit.common import OperationTimeoutError, ServiceUnavailableError
from cloudkit.spi import CircuitBreaker, FixedDelay, InMemoryMetrics, NoRetry


async def hang(operation):
    await anyio.sleep_forever()


def elapsed(in_virtual_time, body):
    async def main():
        start = anyio.current_time()
        await body()
        return anyio.current_time() - start

    return in_virtual_time(main)


def test_a_hung_service_ends_at_the_limit(executor, ping, in_virtual_time):
    async def body():
        with pytest.raises(OperationTimeoutError) as caught:
            await executor(timeout=5).run(ping(), hang)
        error = caught.value
        assert str(error) == (
            "acme storage.ping bucket/key: took longer than 5 s; the service may still carry it "
            "out. Raise the option 'timeout' if it needs longer."
        )
        assert error.__cause__ is None

    assert elapsed(in_virtual_time, body) == pytest.approx(5)


def test_extra_time_comes_on_top(executor, ping, in_virtual_time):
    async def body():
        with pytest.raises(OperationTimeoutError, match="longer than 25 s"):
            await executor(timeout=5).run(ping(extra=20), hang)

    assert elapsed(in_virtual_time, body) == pytest.approx(25)


def test_the_limit_is_for_all_attempts_together(executor, ping, in_virtual_time):
    attempts = []

    async def slow(operation):
        attempts.append(anyio.current_time())
        await anyio.sleep(2)
        raise ServiceUnavailableError("down", code=str(len(attempts)))

    async def body():
        with pytest.raises(OperationTimeoutError) as caught:
            await executor(timeout=6, retry=FixedDelay(max_attempts=9, delay=0.5)).run(ping(), slow)
        # What went wrong before tells more than the timeout itself.
        assert isinstance(caught.value.__cause__, ServiceUnavailableError)
        assert caught.value.__cause__.code == "2"

    assert elapsed(in_virtual_time, body) == pytest.approx(6)
    assert [time - attempts[0] for time in attempts] == pytest.approx([0, 2.5, 5])


def test_no_limit_at_all(executor, ping, in_virtual_time):
    async def slow(operation):
        await anyio.sleep(50_000)
        return "done"

    async def body():
        assert await executor(timeout=None).run(ping(), slow) == "done"
        with executor(timeout=None).deadline(ping()):
            await anyio.sleep(1)

    assert elapsed(in_virtual_time, body) == pytest.approx(50_001)


def test_an_outer_limit_stays_the_callers_own(executor, ping, in_virtual_time):
    metrics = InMemoryMetrics()

    async def body():
        with pytest.raises(TimeoutError) as caught:
            with anyio.fail_after(1):
                await executor(timeout=5, metrics=metrics).run(ping(), hang)
        assert not isinstance(caught.value, OperationTimeoutError)
        with anyio.move_on_after(1) as scope:
            await executor(timeout=5, metrics=metrics).run(ping(), hang)
        assert scope.cancelled_caught

    assert elapsed(in_virtual_time, body) == pytest.approx(2)
    assert [record.outcome for record in metrics.records] == ["cancelled", "cancelled"]


def test_the_tighter_of_two_equal_sorts_of_limits_wins(executor, ping, in_virtual_time):
    async def body():
        with anyio.fail_after(10):
            with pytest.raises(OperationTimeoutError, match="longer than 1 s"):
                await executor(timeout=1).run(ping(), hang)

    assert elapsed(in_virtual_time, body) == pytest.approx(1)


def test_a_retry_is_not_begun_beyond_an_outer_limit(executor, ping, in_virtual_time):
    async def fails(operation):
        raise ServiceUnavailableError("down")

    async def body():
        with anyio.fail_after(3):
            with pytest.raises(ServiceUnavailableError):
                await executor(retry=FixedDelay(delay=5)).run(ping(), fails)

    assert elapsed(in_virtual_time, body) == pytest.approx(0)


def test_the_retry_policy_hears_of_a_timeout(executor, ping, in_virtual_time):
    async def body():
        runner = executor(timeout=1, retry=CircuitBreaker(NoRetry(), threshold=1))
        with pytest.raises(OperationTimeoutError):
            await runner.run(ping(), hang)
        with pytest.raises(ServiceUnavailableError, match="circuit breaker"):
            await runner.run(ping(), hang)

    assert elapsed(in_virtual_time, body) == pytest.approx(1)


def test_a_block_of_its_own(executor, ping, in_virtual_time):
    async def body():
        runner = executor(timeout=2)
        with runner.deadline(ping()):
            await anyio.sleep(1)
        with pytest.raises(ZeroDivisionError), runner.deadline(ping()):
            raise ZeroDivisionError
        with (
            pytest.raises(OperationTimeoutError, match=r"acme storage\.ping bucket/key"),
            runner.deadline(ping()),
        ):
            await anyio.sleep_forever()

    assert elapsed(in_virtual_time, body) == pytest.approx(3)


def test_a_timeout_of_the_hooks_own_is_not_ours(executor, ping, in_virtual_time):
    async def impatient(operation):
        with anyio.fail_after(1):
            await anyio.sleep_forever()

    async def body():
        with pytest.raises(TimeoutError) as caught:
            await executor(timeout=5).run(ping(), impatient)
        assert type(caught.value) is TimeoutError

    assert elapsed(in_virtual_time, body) == pytest.approx(1)


@pytest.mark.anyio
async def test_cancellation_passes_at_once(executor, ping):
    metrics = InMemoryMetrics()
    runner = executor(metrics=metrics)
    began = anyio.Event()

    async def hook(operation):
        began.set()
        await anyio.sleep_forever()

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(runner.run, ping(), hook)
            await began.wait()
            group.cancel_scope.cancel()
    (record,) = metrics.records
    assert (record.outcome, record.attempts) == ("cancelled", 1)


@pytest.mark.anyio
async def test_cancellation_passes_while_a_retry_is_awaited(executor, ping):
    runner = executor(retry=FixedDelay(delay=4))
    failed = anyio.Event()

    async def hook(operation):
        failed.set()
        raise ServiceUnavailableError("down")

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(runner.run, ping(), hook)
            await failed.wait()
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
