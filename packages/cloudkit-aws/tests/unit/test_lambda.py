"""Payloads of Lambda, and what it says of failures."""

import base64
import json

import pytest
from cloudkit.common import NotFoundError, PayloadTooLargeError, RateLimitedError, ValidationError

pytestmark = pytest.mark.anyio


def sent(wire):
    return wire.requests[-1].body


@pytest.mark.parametrize("payload", [b"{}", b"null", b'"a"', b" [1, 2.0]\n", '{"ä": 1}'.encode()])
async def test_json_is_sent_as_it_is(make_cloud, wire, payload):
    wire.reply(b"1")
    async with make_cloud() as cloud:
        await cloud.functions.invoke("f", payload)
    assert sent(wire) == payload


@pytest.mark.parametrize("payload", [b"text", b"\xff", b"{", b"NaN", b"\xef\xbb\xbf1", b"'a'"])
async def test_what_is_no_json_is_sent_as_base64(make_cloud, wire, payload):
    wire.reply(b"1")
    async with make_cloud() as cloud:
        await cloud.functions.invoke("f", payload)
    event = json.loads(sent(wire))
    assert event == {"isBase64Encoded": True, "body": base64.b64encode(payload).decode()}


async def test_no_payload_is_none_and_says_so(make_cloud, wire):
    wire.reply(b"1")
    async with make_cloud() as cloud:
        await cloud.functions.invoke("f")
        context = json.loads(base64.b64decode(wire.requests[-1].headers["x-amz-client-context"]))
        assert context == {"custom": {"cloudkit.payload": "none"}}
        assert sent(wire) == b""
        await cloud.functions.invoke("f", b"{}")
    assert "x-amz-client-context" not in wire.requests[-1].headers


@pytest.mark.parametrize(
    ("answer", "payload"),
    [
        (b'{"isBase64Encoded": true, "body": "/w=="}', b"\xff"),
        (b'{"isBase64Encoded": true, "body": ""}', b""),
        (b'{"isBase64Encoded": false, "body": "/w=="}', None),
        (b'{"isBase64Encoded": true, "body": "/w==", "statusCode": 200}', None),
        (b'{"isBase64Encoded": true, "body": "no base64"}', None),
        (b'{"isBase64Encoded": true, "body": 1}', None),
        (b'"isBase64Encoded"', None),
        (b"isBase64Encoded", None),
    ],
)
async def test_only_the_exact_form_of_bytes_is_taken_for_it(make_cloud, wire, answer, payload):
    wire.reply(answer)
    async with make_cloud() as cloud:
        result = await cloud.functions.invoke("f", b"1")
    assert result.payload == (answer if payload is None else payload)


@pytest.mark.parametrize(
    ("answer", "message", "kind", "trace"),
    [
        (
            b'{"errorMessage": "no", "errorType": "ValueError", "stackTrace": ["  a\\n", "  b\\n"]}',
            *("no", "ValueError", "  a\n  b"),
        ),
        (b'{"errorType": "Error", "errorMessage": "no", "trace": ["a"]}', "no", "Error", "a"),
        (b'{"errorMessage": "2026 Task timed out after 3.00 seconds"}', None, None, None),
        (b"no JSON", "no JSON", None, None),
    ],
)
async def test_a_failure_is_a_result(make_cloud, wire, answer, message, kind, trace):
    wire.reply(answer, headers={"X-Amz-Function-Error": "Unhandled"})
    async with make_cloud() as cloud:
        result = await cloud.functions.invoke("f", b"1")
    assert result.error is not None
    assert result.error.message == (message or "2026 Task timed out after 3.00 seconds")
    assert (result.error.kind, result.error.trace) == (kind, trace)
    assert result.payload == answer


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (404, "ResourceNotFoundException", NotFoundError),
        (413, "RequestTooLargeException", PayloadTooLargeError),
        (429, "TooManyRequestsException", RateLimitedError),
        (400, "InvalidRequestContentException", ValidationError),
    ],
)
async def test_a_refusal_is_an_error(make_cloud, wire, status, code, error):
    wire.reply(b'{"Message": "no"}', status=status, headers={"x-amzn-ErrorType": code})
    async with make_cloud() as cloud:
        with pytest.raises(error) as caught:
            await cloud.functions.invoke("f", b"1")
    assert (caught.value.code, caught.value.status) == (code, status)
    assert caught.value.__cause__ is not None


async def test_limits_hold_for_what_is_sent(make_cloud, wire):
    async with make_cloud() as cloud:
        limits = cloud.capabilities.functions
        for call, limit in (
            (cloud.functions.invoke, limits.max_payload_bytes),
            (cloud.functions.invoke_async, limits.max_async_payload_bytes),
        ):
            with pytest.raises(PayloadTooLargeError):
                await call("f", b"\xff" * limit)
    assert wire.requests == []
