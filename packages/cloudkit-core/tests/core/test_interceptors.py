from __future__ import annotations

import attrs
import pytest
from cloudkit.common import NotFoundError, OperationTimeoutError, ServiceUnavailableError
from cloudkit.spi import FixedDelay, Interceptor

pytestmark = pytest.mark.anyio


class Tracer(Interceptor):
    def __init__(self, name, trace):
        self.name = name
        self.trace = trace

    async def around_operation(self, operation, proceed):
        return await self.note("operation", operation, proceed)

    async def around_attempt(self, operation, proceed):
        return await self.note("attempt", operation, proceed)

    async def note(self, what, operation, proceed):
        self.trace.append(f"{self.name}>{what}")
        try:
            return await proceed(operation)
        except Exception as error:
            self.trace.append(f"{self.name}!{type(error).__name__}")
            raise
        finally:
            self.trace.append(f"{self.name}<{what}")


async def test_the_first_is_the_outermost(executor, ping):
    trace = []

    async def hook(operation):
        trace.append("hook")
        if trace.count("hook") == 1:
            raise ServiceUnavailableError("down")
        return "pong"

    runner = executor(
        interceptors=[Tracer("a", trace), Tracer("b", trace)], retry=FixedDelay(delay=0)
    )
    assert await runner.run(ping(), hook) == "pong"
    attempt = ["a>attempt", "b>attempt", "hook", "b<attempt", "a<attempt"]
    assert [step for step in trace if "!" not in step] == [
        "a>operation",
        "b>operation",
        *attempt,
        *attempt,
        "b<operation",
        "a<operation",
    ]
    assert [step for step in trace if "!" in step] == [
        "b!ServiceUnavailableError",
        "a!ServiceUnavailableError",
    ]


async def test_it_sees_the_translated_error_around_the_operation(executor, ping):
    trace = []

    async def hook(operation):
        raise KeyError("native")

    runner = executor(lambda error, _: NotFoundError("gone"), interceptors=[Tracer("a", trace)])
    with pytest.raises(NotFoundError):
        await runner.run(ping(), hook)
    assert [step for step in trace if "!" in step] == ["a!KeyError", "a!NotFoundError"]


async def test_it_sees_a_timeout(executor, ping):
    import anyio

    trace = []
    runner = executor(interceptors=[Tracer("a", trace)], timeout=0.001)
    with pytest.raises(OperationTimeoutError):
        await runner.run(ping(), lambda _: anyio.sleep_forever())
    assert [step for step in trace if "!" in step] == ["a!OperationTimeoutError"]


async def test_it_may_change_operation_and_result(executor, ping):
    class Renamer(Interceptor):
        async def around_operation(self, operation, proceed):
            return (await proceed(attrs.evolve(operation, target="other"))).upper()

    async def hook(operation):
        return operation.target

    assert await executor(interceptors=[Renamer()]).run(ping(), hook) == "OTHER"


async def test_what_it_raises_around_an_attempt_is_retried(executor, ping):
    class Fault(Interceptor):
        left = 2

        async def around_attempt(self, operation, proceed):
            if self.left:
                self.left -= 1
                raise ServiceUnavailableError("injected")
            return await proceed(operation)

    async def hook(operation):
        return "pong"

    runner = executor(interceptors=[Fault()], retry=FixedDelay(delay=0))
    assert await runner.run(ping(), hook) == "pong"


async def test_what_it_raises_around_the_operation_goes_to_the_caller(executor, ping):
    class Guard(Interceptor):
        async def around_operation(self, operation, proceed):
            raise PermissionError("not today")

    async def hook(operation):
        raise AssertionError("must not be called")

    with pytest.raises(PermissionError, match="not today"):
        await executor(interceptors=[Guard()]).run(ping(), hook)


async def test_one_that_overrides_nothing_is_not_called(executor, ping):
    runner = executor(interceptors=[Interceptor()])

    async def hook(operation):
        return "pong"

    assert await runner.run(ping(), hook) == "pong"
    assert (runner._around_operation, runner._around_attempt) == ((), ())


async def test_what_an_interceptor_has_carried_out_again_has_all_its_attempts_again(executor, ping):
    class Twice(Interceptor):
        async def around_operation(self, operation, proceed):
            try:
                return await proceed(operation)
            except ServiceUnavailableError:
                return await proceed(operation)

    attempts = []

    async def hook(operation):
        attempts.append(operation)
        raise ServiceUnavailableError("down")

    runner = executor(interceptors=[Twice()], retry=FixedDelay(max_attempts=3, delay=0))
    with pytest.raises(ServiceUnavailableError):
        await runner.run(ping(), hook)
    assert len(attempts) == 6
