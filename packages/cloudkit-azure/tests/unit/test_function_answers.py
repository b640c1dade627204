"""What the answers of functions mean."""

from __future__ import annotations

import pytest
from attrs import field, frozen
from cloudkit.azure.functions.answers import invocation_of, result_of
from cloudkit.azure.functions.client import Deployed, content_type


@frozen
class Answer:
    status_code: int
    content: bytes = b""
    headers: dict = field(factory=dict)


def test_an_answer_is_a_result():
    result = result_of(Answer(200, b"body", {"x-ms-request-id": "r"}))
    assert (result.payload, result.error, result.status, result.request_id) == (
        b"body",
        None,
        200,
        "r",
    )


@pytest.mark.parametrize(
    ("content", "message", "kind"),
    [
        (b'{"error": {"code": "ValueError", "message": "no"}}', "no", "ValueError"),
        (b'{"error": "no"}', "no", None),
        (b'{"message": "no", "type": "Kind"}', "no", "Kind"),
        (b'{"errorMessage": "no", "errorType": "Kind"}', "no", "Kind"),
        (b"a text", "a text", None),
        (b"[1]", "[1]", None),
        (b'{"other": 1}', '{"other": 1}', None),
        (b"\xff", "\ufffd", None),
    ],
)
def test_a_failure_tells_what_its_body_tells(content, message, kind):
    error = result_of(Answer(500, content)).error
    assert (error.message, error.kind) == (message, kind)


def test_a_failure_without_a_body_says_where_to_look():
    assert "log" in result_of(Answer(500)).error.message
    assert result_of(Answer(404)).error.message == "status 404"


def test_an_invocation_that_was_begun_says_where_its_outcome_is():
    invocation = invocation_of(Answer(202, b'{"id": "i", "statusQueryGetUri": "http://s"}'))
    assert (invocation.request_id, invocation.status_url) == ("i", "http://s")
    invocation = invocation_of(Answer(202, b"", {"Location": "http://l"}))
    assert (invocation.request_id, invocation.status_url) == (None, "http://l")
    invocation = invocation_of(Answer(200, b"done", {"Location": "http://l"}))
    assert (invocation.request_id, invocation.status_url) == (None, None)


def test_the_key_in_the_address_of_an_outcome_does_not_show():
    # https://learn.microsoft.com/azure/azure-functions/durable/durable-functions-http-api
    body = b'{"id": "i", "statusQueryGetUri": "https://app/instances/i?code=secret"}'
    invocation = invocation_of(Answer(202, body))
    assert invocation.status_url == "https://app/instances/i?code=secret"
    assert "secret" not in repr(invocation)


def test_where_a_function_is_called():
    described = {
        "name": "f",
        "invoke_url_template": "https://app.azurewebsites.net/api/else/where",
        "language": "python",
        "config": {"bindings": [{"type": "httpTrigger"}, {"type": "http"}]},
    }
    assert Deployed.of(described) == Deployed("f", "/api/else/where", "python", disabled=False)
    assert Deployed.of({**described, "invoke_url_template": None}).path == "/api/f"
    timer = {"name": "t", "config": {"bindings": [{"type": "timerTrigger"}]}, "isDisabled": True}
    assert Deployed.of(timer) == Deployed("t", None, None, disabled=True)


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (b"{}", "application/json"),
        (b"1", "application/json"),
        (b"text", "application/octet-stream"),
        (b"\xff", "application/octet-stream"),
        (b"[" * 100_000, "application/octet-stream"),
    ],
)
def test_what_a_payload_is_said_to_be(payload, kind):
    assert content_type(payload) == kind
