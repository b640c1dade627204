"""Whose answer it is that a call of a function gets."""

from __future__ import annotations

from types import SimpleNamespace
from unittest.mock import Mock

import pytest
import requests
from cloudkit.api.functions.operations import Invoke
from cloudkit.gcp.config import GcpConfig
from cloudkit.gcp.functions.invoking import invoke
from google.api_core.exceptions import GoogleAPICallError

PAGE = "<html><head>\n<title>{} Something</title>\n</head></html>"


def client_that_gets(status: int, body: str) -> Mock:
    response = requests.Response()
    response.status_code = status
    response._content = body.encode()
    settings = SimpleNamespace(config=GcpConfig(), user_agent="tests")
    session = Mock(post=Mock(return_value=response))
    return Mock(settings=settings, session=session, url_of=Mock(return_value="https://f/"))


@pytest.mark.parametrize("status", [401, 429])
@pytest.mark.parametrize("body", ['{"error": "not now"}', "", "<title>My page</title>"])
def test_a_function_that_refuses_has_run_and_is_not_called_again(status: int, body: str) -> None:
    result = invoke(client_that_gets(status, body), Invoke(function="f", payload=b""))
    assert result.status == status
    assert result.error is not None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, PAGE.format(401)),
        (429, PAGE.format(429)),
        (429, "Rate exceeded."),
        (404, PAGE.format(404)),
        (503, "Service Unavailable"),
    ],
)
def test_what_the_front_end_refuses_is_an_error(status: int, body: str) -> None:
    client = client_that_gets(status, body)
    with pytest.raises(GoogleAPICallError) as caught:
        invoke(client, Invoke(function="f", payload=b""))
    assert caught.value.code == status
    client.forget.assert_called_once_with("f")
