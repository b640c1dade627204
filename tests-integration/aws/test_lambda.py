"""Functions on Lambda, against the double."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from anyio.to_thread import run_sync
from aws.clouds import AwsClouds, make_aws
from aws.test_lambda_double import make_client
from cloudkit.aws import AwsCloud
from cloudkit.common import (
    AccessKeyCredentials,
    NotFoundError,
    PayloadTooLargeError,
)
from cloudkit.testing import FunctionsSuite
from cloudkit.testing.functions.suite import Witness
from emulators.process import Server


class TestDouble(AwsClouds, FunctionsSuite):
    provider = "aws"
    qualifier = "live"
    slow_seconds = 5.0  # more than short_timeout

    @pytest.fixture
    def server(self, lambda_double: Server) -> Server:
        return lambda_double

    @pytest.fixture
    async def bad_credentials_cloud(self, server: Server) -> AsyncIterator[AwsCloud]:
        wrong = AccessKeyCredentials(access_key_id="test", secret_access_key="no secret")
        async with make_aws(server.url, auth=wrong) as cloud:
            yield cloud

    @pytest.fixture
    def witness(self, server: Server) -> Witness:
        client = make_client(server.url)

        def ask(payload: bytes) -> bool:
            event = {"isBase64Encoded": True, "body": base64.b64encode(payload).decode()}
            answer = client.invoke(FunctionName="witnessed", Payload=json.dumps(event).encode())
            return bool(json.loads(answer["Payload"].read()))

        async def witness(payload: bytes) -> bool:
            return await run_sync(ask, payload)

        return witness

    async def test_a_dry_run_runs_nothing(self, cloud: Any, witness: Witness) -> None:
        payload = self.fresh_name("payload").encode()
        await cloud.functions.check_invoke("witness", payload, qualifier="live")
        assert not await witness(payload)
        with pytest.raises(NotFoundError):
            await cloud.functions.check_invoke(self.fresh_name("missing"), payload)

    async def test_a_failure_has_kind_and_trace(self, cloud: Any) -> None:
        result = await cloud.functions.invoke("fail", b"{}")
        assert result.error.kind == "ValueError"
        assert "deployed.py" in result.error.trace
        assert result.status == 200
        assert result.request_id

    async def test_what_is_too_large_as_base64_is_refused_before_sending(self, cloud: Any) -> None:
        limit = cloud.capabilities.functions.max_async_payload_bytes
        with pytest.raises(PayloadTooLargeError):
            await cloud.functions.invoke_async("echo", b"\xff" * limit)
        text = b'"' + b"x" * (limit - 2) + b'"'
        await cloud.functions.invoke_async("echo", text)

    async def test_a_function_is_invoked_by_its_arn(self, cloud: Any) -> None:
        arn = "arn:aws:lambda:us-east-1:000000000000:function:echo"
        assert (await cloud.functions.invoke(arn, b"1")).payload == b"1"
        assert await cloud.functions.function_exists(arn)
