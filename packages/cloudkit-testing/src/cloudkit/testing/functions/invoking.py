"""Invoking functions: payloads there and back, failures, deadlines, and not waiting at all."""

from __future__ import annotations

from functools import partial
from typing import Any

import anyio
import pytest
from cloudkit.api.functions import Functions, InvokeResult
from cloudkit.api.tasks import flat_task_group
from cloudkit.common import (
    NotFoundError,
    OperationTimeoutError,
    PayloadTooLargeError,
    SerializationError,
    ValidationError,
)
from cloudkit.testing.faults import Faults
from cloudkit.testing.functions.handlers import FAILURE, LOGGED, UNICODE
from cloudkit.testing.functions.suite import FunctionsBase, Witness
from cloudkit.testing.outcome import behaviour, unsupported
from cloudkit.testing.suite import MakeCloud

MIB = 1024 * 1024
AT_ONCE = 20

PAYLOADS: dict[str, bytes] = {
    "empty": b"",
    "text": "Grüße, 世界 😀".encode(),
    "every byte": bytes(range(256)),
    "NUL": b"\x00",
    "not UTF-8": b"\xff\xfe",
    "JSON": b'{"a": [1, 2.0, null], "b": "\xc3\xa4"}',
    "like base64": b"YWJj",
    "line ends": b"\r\na\n\r",
}
VALUES: list[Any] = [None, True, 0, -1.5, "", "ä😀", [], {}, {"a": [1, {"b": None}], "ä": "ö"}]
NOT_PAYLOADS: list[Any] = [1, 1.5, True, ["a"], {"a": 1}, ..., "\ud800"]


class InvokingBehaviours(FunctionsBase):
    """A call gives what the function answers; what the function itself fails with is no exception."""

    __test__ = False

    @pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
    async def test_a_payload_gets_there_and_back_byte_for_byte(
        self, functions: Functions, payload: bytes
    ) -> None:
        result = await functions.invoke(self.name_of("echo"), payload)
        assert result.error is None
        assert result.ok
        assert result.payload == payload

    @pytest.mark.parametrize("kind", [bytes, bytearray, memoryview], ids=lambda kind: kind.__name__)
    async def test_a_payload_is_taken_in_any_form_of_bytes(
        self, functions: Functions, kind: Any
    ) -> None:
        result = await functions.invoke(self.name_of("echo"), kind(b"payload"))
        assert type(result.payload) is bytes
        assert result.payload == b"payload"

    async def test_a_text_is_sent_as_utf_8(self, functions: Functions) -> None:
        result = await functions.invoke(self.name_of("echo"), UNICODE)
        assert result.payload == UNICODE.encode()

    async def test_no_payload_is_an_empty_one(self, functions: Functions) -> None:
        assert (await functions.invoke(self.name_of("echo"))).payload == b""
        assert (await functions.invoke(self.name_of("echo"), None)).payload == b""

    async def test_an_empty_answer_is_an_answer(self, functions: Functions) -> None:
        result = await functions.invoke(self.name_of("nothing"), b"payload")
        assert result.ok
        assert result.payload == b""
        with pytest.raises(SerializationError):
            result.json()

    async def test_an_answer_outside_ascii_arrives_as_it_is(self, functions: Functions) -> None:
        result = await functions.invoke(self.name_of("unicode"), b"")
        assert result.payload.decode() == UNICODE

    async def test_a_value_is_sent_as_json_and_the_answer_read_as_json(
        self, functions: Functions
    ) -> None:
        result = await functions.invoke_json(self.name_of("add"), {"numbers": [1, 2, 39]})
        assert result.json() == {"sum": 42}

    @pytest.mark.parametrize("value", VALUES, ids=ascii)
    async def test_values_get_there_and_back(self, functions: Functions, value: Any) -> None:
        assert (await functions.invoke_json(self.name_of("echo"), value)).json() == value

    async def test_a_large_payload_gets_there_and_back(self, functions: Functions) -> None:
        size = min(MIB, functions.capabilities.max_payload_bytes)
        payload = (bytes(range(251)) * (size // 251 + 1))[:size]
        assert (await functions.invoke(self.name_of("echo"), payload)).payload == payload

    async def test_a_function_that_raises_gives_a_result_with_the_error(
        self, functions: Functions
    ) -> None:
        result = await functions.invoke(self.name_of("fail"), b"payload")
        assert not result.ok
        assert result.error is not None
        if not self.tells_failures:
            assert result.error.message
            unsupported("what an exception says", "the service does not pass it on")
        assert FAILURE in result.error.message
        assert result.error.kind is None or "ValueError" in result.error.kind
        assert FAILURE in str(result.error)

    async def test_a_function_works_on_after_it_failed(self, functions: Functions) -> None:
        failed = await functions.invoke_json(self.name_of("add"), {"numbers": ["no number"]})
        assert failed.error is not None
        result = await functions.invoke_json(self.name_of("add"), {"numbers": [1]})
        assert result.json() == {"sum": 1}

    async def test_many_calls_at_once_each_get_their_own_answer(self, functions: Functions) -> None:
        results: dict[int, InvokeResult] = {}

        async def call(number: int) -> None:
            results[number] = await functions.invoke(self.name_of("echo"), str(number))

        async with flat_task_group() as tasks:
            for number in range(AT_ONCE):
                tasks.start_soon(call, number)
        assert {n: result.payload for n, result in results.items()} == {
            n: str(n).encode() for n in range(AT_ONCE)
        }

    async def test_a_missing_function_is_not_found_and_named(self, functions: Functions) -> None:
        name = self.fresh_name("missing")
        with pytest.raises(NotFoundError) as caught:
            await functions.invoke(name, b"payload")
        assert name in str(caught.value)
        if functions.capabilities.invoke_async:
            with pytest.raises(NotFoundError) as caught:
                await functions.invoke_async(name, b"payload")
            assert name in str(caught.value)

    async def test_a_call_that_takes_too_long_runs_into_the_deadline(
        self, make_cloud: MakeCloud
    ) -> None:
        async with make_cloud(timeout=self.short_timeout) as cloud:

            async def overrun() -> float:
                began = anyio.current_time()
                with pytest.raises(OperationTimeoutError) as caught:
                    await cloud.functions.invoke(self.name_of("slow"), str(self.slow_seconds))
                assert caught.value.operation == "invoke"
                return anyio.current_time() - began - self.short_timeout

            assert await self.fastest(overrun, self.deadline_slack) <= self.deadline_slack
            result = await cloud.functions.invoke(self.name_of("echo"), b"still there")
            assert result.payload == b"still there"

    async def test_a_call_may_take_its_time_within_the_deadline(self, functions: Functions) -> None:
        result = await functions.invoke(self.name_of("slow"), b"0.2")
        assert result.payload == b"0.2"

    async def test_a_payload_above_the_limit_is_refused_before_sending(
        self, make_cloud: MakeCloud
    ) -> None:
        faults = Faults()
        async with make_cloud(interceptors=[faults]) as cloud:
            functions: Functions = cloud.functions
            self.restrict(functions, max_payload_bytes=1000, max_async_payload_bytes=500)
            with pytest.raises(PayloadTooLargeError) as caught:
                await functions.invoke(self.name_of("echo"), bytes(1001))
            assert "1,000" in str(caught.value)
            if functions.capabilities.invoke_async:
                with pytest.raises(PayloadTooLargeError) as caught:
                    await functions.invoke_async(self.name_of("echo"), bytes(501))
                assert "500" in str(caught.value)
        assert faults.count() == 0

    @pytest.mark.parametrize("payload", NOT_PAYLOADS, ids=ascii)
    async def test_what_is_no_payload_is_refused_before_sending(
        self, make_cloud: MakeCloud, payload: Any
    ) -> None:
        faults = Faults()
        async with make_cloud(interceptors=[faults]) as cloud:
            with pytest.raises(ValidationError):
                await cloud.functions.invoke(self.name_of("echo"), payload)
        assert faults.count() == 0

    async def test_what_json_cannot_say_is_refused_before_sending(
        self, make_cloud: MakeCloud
    ) -> None:
        faults = Faults()
        async with make_cloud(interceptors=[faults]) as cloud:
            for value in (b"bytes", {1, 2}, float("inf")):
                with pytest.raises(SerializationError):
                    await cloud.functions.invoke_json(self.name_of("echo"), value)
        assert faults.count() == 0

    @behaviour("logs")
    async def test_the_log_comes_with_the_result_when_asked_for(self, functions: Functions) -> None:
        with_log = await functions.invoke(self.name_of("log"), b"payload", logs=True)
        assert LOGGED in (with_log.logs or "")
        without = await functions.invoke(self.name_of("log"), b"payload")
        assert without.logs is None
        assert with_log.payload == without.payload == b"payload"

    @behaviour("qualifiers")
    async def test_a_version_of_a_function_is_invoked(self, functions: Functions) -> None:
        if self.qualifier is None:
            unsupported("attribute qualifier", "the suite names no version of echo")
        name = self.name_of("echo")
        result = await functions.invoke(name, b"payload", qualifier=self.qualifier)
        assert result.payload == b"payload"
        with pytest.raises(NotFoundError):
            await functions.invoke(name, b"payload", qualifier="no-such-version")


class AsyncInvokingBehaviours(FunctionsBase):
    """A call that nobody waits for."""

    __test__ = False

    @behaviour("invoke_async")
    async def test_an_async_call_returns_before_the_function_does(
        self, functions: Functions
    ) -> None:
        began = anyio.current_time()
        await functions.invoke_async(self.name_of("slow"), str(self.slow_seconds))
        assert anyio.current_time() - began < self.slow_seconds

    @behaviour("invoke_async")
    async def test_an_async_call_runs_the_function(
        self, functions: Functions, witness: Witness
    ) -> None:
        payloads = [self.fresh_name("payload").encode() for _ in range(3)]
        for payload in payloads:
            await functions.invoke_async(self.name_of("witness"), payload)
        for payload in payloads:
            await self.eventually(partial(witness, payload))

    @behaviour("invoke_async")
    async def test_a_function_that_fails_later_fails_no_async_call(
        self, functions: Functions
    ) -> None:
        await functions.invoke_async(self.name_of("fail"), b"payload")
        result = await functions.invoke(self.name_of("echo"), b"still there")
        assert result.payload == b"still there"

    @behaviour("invoke_async")
    async def test_an_async_call_may_have_no_payload(self, functions: Functions) -> None:
        invocation = await functions.invoke_async(self.name_of("nothing"))
        assert invocation.request_id is None or invocation.request_id
