from __future__ import annotations

import anyio
import pytest
from cloudkit.common import (
    ClientClosedError,
    CloudConfig,
    CloudError,
    ConnectionFailedError,
    NetworkError,
    NotFoundError,
    RateLimitedError,
    ServiceUnavailableError,
)
from cloudkit.core import CloudContext, OperationExecutor
from cloudkit.spi import (
    CircuitBreaker,
    ExponentialBackoff,
    FixedDelay,
    InMemoryMetrics,
    NoRetry,
    Retry,
    RetryPolicy,
    Stop,
)


class NativeError(Exception):
    """What an SDK would raise."""


class Hook:
    """Raises the given errors one after the other, then returns; remembers when it was called."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.times: list[float] = []

    async def __call__(self, operation):
        self.times.append(anyio.current_time())
        await anyio.lowlevel.checkpoint()
        if self.errors:
            raise self.errors.pop(0)
        return f"pong {operation.target}"


def down(**options):
    return ServiceUnavailableError("down", **options)


pytestmark = pytest.mark.anyio


async def test_it_returns_what_the_hook_returns(executor, ping):
    assert await executor().run(ping(target="a/b"), Hook()) == "pong a/b"
    assert executor().provider == "acme"


class TestRetries:
    """In virtual time: the delays are exact."""

    def test_delays_follow_the_policy_exactly(self, executor, ping, in_virtual_time):
        hook = Hook(down(), down(), down())
        metrics = InMemoryMetrics()
        policy = ExponentialBackoff(max_attempts=4, base=0.5, cap=60, random=lambda: 1.0)
        runner = executor(retry=policy, metrics=metrics)

        async def main():
            start = anyio.current_time()
            assert await runner.run(ping(), hook) == "pong bucket/key"
            return [time - start for time in hook.times]

        assert in_virtual_time(main) == pytest.approx([0, 0.5, 1.5, 3.5])
        (record,) = metrics.records
        assert (record.attempts, record.outcome, record.waited) == (4, "ok", 3.5)

    def test_retry_after_is_honoured(self, executor, ping, in_virtual_time):
        hook = Hook(RateLimitedError("slow", retry_after=7.25), down(retry_after=2))
        runner = executor(retry=FixedDelay(max_attempts=3, delay=1))

        async def main():
            await runner.run(ping(), hook)
            return [time - hook.times[0] for time in hook.times]

        assert in_virtual_time(main) == pytest.approx([0, 7.25, 9.25])

    def test_it_gives_up_when_the_attempts_are_used_up(self, executor, ping, in_virtual_time):
        hook = Hook(*(down(code=str(n)) for n in range(9)))
        runner = executor(retry=FixedDelay(max_attempts=3, delay=1))

        async def main():
            with pytest.raises(ServiceUnavailableError) as caught:
                await runner.run(ping(), hook)
            return caught.value.code

        assert in_virtual_time(main) == "2"
        assert len(hook.times) == 3

    def test_it_gives_up_when_the_delay_is_longer_than_what_is_left(
        self, executor, ping, in_virtual_time
    ):
        hook = Hook(down(), RateLimitedError("slow", retry_after=100))
        runner = executor(retry=FixedDelay(max_attempts=9, delay=3), timeout=10)

        async def main():
            start = anyio.current_time()
            with pytest.raises(RateLimitedError):
                await runner.run(ping(), hook)
            return anyio.current_time() - start

        assert in_virtual_time(main) == pytest.approx(3)

    def test_no_limit_waits_as_long_as_it_takes(self, executor, ping, in_virtual_time):
        hook = Hook(RateLimitedError("slow", retry_after=86400))
        runner = executor(timeout=None)

        async def main():
            await runner.run(ping(), hook)
            return hook.times[1] - hook.times[0]

        assert in_virtual_time(main) == pytest.approx(86400)

    @pytest.mark.parametrize(
        ("error", "safe", "attempts"),
        [
            (NetworkError("reset"), True, 2),
            (NetworkError("reset"), False, 1),
            (down(), False, 1),
            (ConnectionFailedError("refused"), False, 2),
            (RateLimitedError("slow"), False, 2),
            (down(unprocessed=True), False, 2),
            (NotFoundError("gone"), True, 1),
            (NotFoundError("gone", retryable=True), True, 2),
        ],
    )
    async def test_what_may_be_retried(self, executor, ping, error, safe, attempts):
        hook = Hook(error)
        metrics = InMemoryMetrics()
        runner = executor(retry=FixedDelay(delay=0), metrics=metrics)
        if attempts == 1:
            with pytest.raises(type(error)):
                await runner.run(ping(safe=safe), hook)
        else:
            await runner.run(ping(safe=safe), hook)
        assert len(hook.times) == attempts
        assert metrics.records[0].attempts == attempts

    async def test_the_policy_hears_of_everything_in_order(self, executor, ping):
        heard = []

        class Policy(RetryPolicy):
            def decide(self, error, attempt, operation):
                heard.append(("decide", attempt))
                return Retry(0) if attempt < 2 else Stop()

            def admit(self, operation):
                heard.append("admit")

            def succeeded(self, operation):
                heard.append("succeeded")

            def failed(self, error, operation):
                heard.append(("failed", type(error)))

        runner = executor(retry=Policy())
        await runner.run(ping(), Hook(down()))
        with pytest.raises(NotFoundError):
            await runner.run(ping(), Hook(NotFoundError("gone")))
        assert heard == [
            "admit",
            ("failed", ServiceUnavailableError),
            ("decide", 1),
            "admit",
            "succeeded",
            "admit",
            ("failed", NotFoundError),
        ]

    async def test_an_open_circuit_sends_nothing(self, executor, ping):
        metrics = InMemoryMetrics()
        runner = executor(retry=CircuitBreaker(NoRetry(), threshold=1), metrics=metrics)
        with pytest.raises(ServiceUnavailableError, match="down"):
            await runner.run(ping(), Hook(down()))
        hook = Hook()
        with pytest.raises(ServiceUnavailableError, match=r"acme storage\.ping .*circuit breaker"):
            await runner.run(ping(), hook)
        assert hook.times == []
        assert [record.attempts for record in metrics.records] == [1, 0]

    async def test_wait_to_retry_is_the_same_decision(self, executor, ping):
        runner = executor(retry=FixedDelay(max_attempts=2, delay=0))
        assert await runner.wait_to_retry(down(), 1, ping())
        assert not await runner.wait_to_retry(down(), 2, ping())
        assert not await runner.wait_to_retry(NotFoundError("gone"), 1, ping())
        assert not await runner.wait_to_retry(down(), 1, ping(safe=False))
        assert await runner.wait_to_retry(down(unprocessed=True), 1, ping(safe=False))


class TestErrors:
    async def test_a_native_error_is_translated_and_kept_as_cause(self, executor, ping):
        native = NativeError("boom")
        runner = executor(lambda error, operation: NotFoundError("gone", code="404"))
        with pytest.raises(NotFoundError) as caught:
            await runner.run(ping(), Hook(native))
        error = caught.value
        assert error.__cause__ is native
        assert (error.provider, error.service, error.operation) == ("acme", "storage", "ping")
        assert (error.resource, error.code) == ("bucket/key", "404")

    async def test_the_translation_gets_error_and_operation(self, executor, ping):
        seen = []
        native, operation = NativeError("boom"), ping()
        runner = executor(lambda *given: seen.append(given))
        with pytest.raises(NativeError):
            await runner.run(operation, Hook(native))
        assert seen == [(native, operation)]

    async def test_what_is_not_the_services_doing_comes_back_unchanged(self, executor, ping):
        native = NativeError("a bug")
        with pytest.raises(NativeError) as caught:
            await executor().run(ping(), Hook(native))
        assert caught.value is native
        assert native.__cause__ is None

    async def test_a_cloud_error_of_the_hook_is_completed(self, executor, ping):
        original = NotFoundError("gone", service="s3")
        original.__cause__ = NativeError("boom")
        with pytest.raises(NotFoundError) as caught:
            await executor().run(ping(), Hook(original))
        assert caught.value is original
        assert (original.provider, original.service) == ("acme", "s3")
        assert isinstance(original.__cause__, NativeError)

    async def test_an_operation_without_resource(self, executor, ping):
        with pytest.raises(CloudError, match=r"^acme storage\.ping: gone$"):
            await executor().run(ping(target=""), Hook(NotFoundError("gone")))

    async def test_a_translated_error_is_retried_too(self, executor, ping):
        runner = executor(lambda error, _: down(), retry=FixedDelay(delay=0))
        assert await runner.run(ping(), Hook(NativeError("boom"), NativeError("boom")))


class TestClients:
    async def test_use_after_close(self, ping):
        metrics = InMemoryMetrics()
        context = CloudContext.from_options("acme", CloudConfig, {"metrics": metrics})
        runner = OperationExecutor(context)
        await context.aclose()
        hook = Hook()
        with pytest.raises(ClientClosedError, match=r"acme storage\.ping bucket/key: .*closed"):
            await runner.run(ping(), hook)
        assert hook.times == []
        assert [record.outcome for record in metrics.records] == ["ClientClosedError"]

    async def test_two_clients_share_nothing(self, ping):
        metrics = [InMemoryMetrics(), InMemoryMetrics()]
        contexts = [
            CloudContext.from_options("acme", CloudConfig, {"metrics": one}) for one in metrics
        ]
        first, second = (OperationExecutor(context) for context in contexts)
        assert contexts[0].threads is not contexts[1].threads
        assert contexts[0].retry is not contexts[1].retry
        await contexts[0].aclose()
        with pytest.raises(ClientClosedError):
            await first.run(ping(), Hook())
        assert await second.run(ping(), Hook())
        assert [one.totals().count for one in metrics] == [1, 1]

    async def test_64_operations_at_once(self, executor, ping):
        metrics = InMemoryMetrics()
        runner = executor(metrics=metrics, retry=FixedDelay(delay=0))
        gate, inside, answers = anyio.Event(), [], []

        async def hook(operation):
            inside.append(operation)
            if len(inside) == 64:
                gate.set()
            await gate.wait()
            return operation.target

        async def one(number):
            answers.append((number, await runner.run(ping(target=str(number)), hook)))

        with anyio.fail_after(10):
            async with anyio.create_task_group() as group:
                for number in range(64):
                    group.start_soon(one, number)
        assert sorted(answers) == [(number, str(number)) for number in range(64)]
        assert metrics.totals().count == 64
