"""Defects of functions."""

from __future__ import annotations

import anyio
import anyio.lowlevel
from attrs import evolve
from cloudkit.api.functions import FunctionFault, InvokeResult
from cloudkit.common import NotFoundError, ProviderError

from .functions import MemoryFunctions
from .registry import caught_by


@caught_by(
    "test_a_function_that_raises_gives_a_result_with_the_error",
    "test_a_function_works_on_after_it_failed",
)
class FailureRaised(MemoryFunctions):
    async def outcome(self, op):
        result = await super().outcome(op)
        if result.error is not None:
            raise ProviderError(result.error.message)
        return result


@caught_by("test_a_function_that_raises_gives_a_result_with_the_error")
class FailureSwallowed(MemoryFunctions):
    async def outcome(self, op):
        result = await super().outcome(op)
        return evolve(result, error=None, payload=str(result.error or "").encode())


@caught_by(
    "test_a_payload_gets_there_and_back_byte_for_byte[asyncio-not UTF-8]",
    "test_a_payload_gets_there_and_back_byte_for_byte[asyncio-every byte]",
)
class PayloadAsText(MemoryFunctions):
    async def call(self, name, payload):
        return await super().call(name, payload.decode(errors="replace").encode())


@caught_by("test_no_payload_is_an_empty_one")
class NoPayloadIsNull(MemoryFunctions):
    async def call(self, name, payload):
        return await super().call(name, payload or b"null")


@caught_by("test_a_value_is_sent_as_json_and_the_answer_read_as_json")
class AnswerQuoted(MemoryFunctions):
    async def call(self, name, payload):
        answer = await super().call(name, payload)
        return b'"' + answer.replace(b'"', b'\\"') + b'"'


@caught_by("test_a_large_payload_gets_there_and_back")
class AnswerCut(MemoryFunctions):
    async def call(self, name, payload):
        return (await super().call(name, payload))[: 256 * 1024]


@caught_by("test_a_missing_function_is_not_found_and_named")
class MissingIsAFailure(MemoryFunctions):
    async def _invoke(self, op):
        try:
            return await super()._invoke(op)
        except NotFoundError as error:
            return InvokeResult(error=FunctionFault(message=str(error)))


@caught_by("test_a_call_that_takes_too_long_runs_into_the_deadline")
class DeadlineIgnored(MemoryFunctions):
    async def call(self, name, payload):
        with anyio.CancelScope(shield=True):
            answer = await super().call(name, payload)
        if name == "slow":
            await anyio.lowlevel.checkpoint()
        return answer


@caught_by("test_an_async_call_returns_before_the_function_does")
class AsyncWaits(MemoryFunctions):
    async def _invoke_async(self, op):
        invocation = await super()._invoke_async(op)
        await self.call(op.function, op.payload)
        return invocation


@caught_by("test_an_async_call_runs_the_function")
class AsyncForgets(MemoryFunctions):
    async def _invoke_async(self, op):
        invocation = await super()._invoke_async(op)
        self.later.clear()
        return invocation


@caught_by("test_the_log_comes_with_the_result_when_asked_for")
class LogForgotten(MemoryFunctions):
    async def outcome(self, op):
        return evolve(await super().outcome(op), logs=None)


@caught_by("test_a_version_of_a_function_is_invoked")
class VersionsIgnored(MemoryFunctions):
    async def _invoke(self, op):
        return await super()._invoke(evolve(op, qualifier=None))


@caught_by("test_functions_are_listed_page_by_page")
class OnlyOnePage(MemoryFunctions):
    async def _list_functions(self, op):
        return evolve(await super()._list_functions(op), next_token=None)


@caught_by("test_a_deployed_function_exists_and_another_does_not")
class EverythingExists(MemoryFunctions):
    async def _function_exists(self, op):
        return True


@caught_by("test_many_calls_at_once_each_get_their_own_answer")
class AnswersMixedUp(MemoryFunctions):
    async def call(self, name, payload):
        self.last = payload
        await anyio.sleep(0.01)
        return await super().call(name, self.last)
