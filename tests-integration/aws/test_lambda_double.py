"""The double of Lambda by itself, driven by boto3 alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session
from emulators.process import Server


def make_client(url: str, secret: str = "the-secret-of-the-tests", **options: Any) -> Any:
    session = Session()
    session.set_credentials("test", secret)
    config = Config(retries={"total_max_attempts": 1}, **options)
    return session.create_client("lambda", "eu-west-1", endpoint_url=url, config=config)


@pytest.fixture
def client(lambda_double: Server) -> Iterator[Any]:
    client = make_client(lambda_double.url)
    yield client
    client.close()


def refusal(call: Any, **parameters: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    response: Any = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_an_answer(client):
    answer = client.invoke(FunctionName="add", Payload=b'{"numbers": [1, 2]}')
    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in answer
    assert "LogResult" not in answer
    assert json.loads(answer["Payload"].read()) == {"sum": 3}
    assert answer["ResponseMetadata"]["RequestId"]


def test_a_failure_is_an_answer(client):
    answer = client.invoke(FunctionName="fail", Payload=b"{}")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    error = json.loads(answer["Payload"].read())
    assert error["errorType"] == "ValueError"
    assert error["errorMessage"] == "the function fails on purpose"
    assert any("deployed.py" in line for line in error["stackTrace"])


def test_the_log_comes_when_asked_for(client):
    answer = client.invoke(FunctionName="log", Payload=b"{}", LogType="Tail")
    log = base64.b64decode(answer["LogResult"]).decode()
    assert "this is a line of the function's log" in log
    assert log.startswith("START RequestId:")


def test_events_and_dry_runs(client):
    answer = client.invoke(FunctionName="slow", InvocationType="Event", Payload=b"1")
    assert answer["StatusCode"] == 202
    answer = client.invoke(FunctionName="fail", InvocationType="DryRun", Payload=b"{}")
    assert (answer["StatusCode"], answer["Payload"].read()) == (204, b"")
    assert refusal(client.invoke, FunctionName="none", InvocationType="DryRun") == (
        404,
        "ResourceNotFoundException",
    )


def test_what_is_missing(client):
    missing = (404, "ResourceNotFoundException")
    assert refusal(client.invoke, FunctionName="none") == missing
    assert refusal(client.get_function, FunctionName="none") == missing
    assert refusal(client.invoke, FunctionName="echo", Qualifier="none") == missing
    assert refusal(client.invoke, FunctionName="echo:none") == missing
    assert client.invoke(FunctionName="echo:live", Payload=b"1")["StatusCode"] == 200
    arn = client.get_function(FunctionName="echo")["Configuration"]["FunctionArn"]
    assert client.invoke(FunctionName=arn, Payload=b"1")["StatusCode"] == 200


def test_limits_of_payloads(client):
    too_large = (413, "RequestTooLargeException")
    payload = b'"' + b"x" * (1024 * 1024) + b'"'
    assert (
        refusal(client.invoke, FunctionName="echo", InvocationType="Event", Payload=payload)
        == too_large
    )
    assert client.invoke(FunctionName="echo", Payload=payload)["Payload"].read() == payload
    assert refusal(client.invoke, FunctionName="echo", Payload=payload * 6) == too_large


@pytest.mark.parametrize("payload", [b"text", b"\xff", b"{", b"NaN"])
def test_a_payload_is_json(client, payload):
    assert refusal(client.invoke, FunctionName="echo", Payload=payload) == (
        400,
        "InvalidRequestContentException",
    )


def test_all_functions_are_listed_in_pages(client):
    first = client.list_functions(MaxItems=2)
    assert len(first["Functions"]) == 2
    pages = client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2})
    names = [function["FunctionName"] for page in pages for function in page["Functions"]]
    assert {"echo", "add", "fail"} <= set(names)
    assert len(names) == len(set(names))


def test_requests_must_be_signed(lambda_double):
    from botocore import UNSIGNED

    for client, code in (
        (make_client(lambda_double.url, "another secret"), "InvalidSignatureException"),
        (
            make_client(lambda_double.url, signature_version=UNSIGNED),
            "MissingAuthenticationTokenException",
        ),
    ):
        assert refusal(client.list_functions) == (403, code)
        client.close()
