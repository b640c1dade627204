"""The host of Azure Functions by itself, driven by plain HTTP."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from emulators.azure_functions import FUNCTION_KEY, HOST_KEY, MASTER_KEY, TOKEN, azure_functions
from emulators.process import Server

_opener = build_opener(ProxyHandler({}))


def call(
    server: Server, path: str, body: bytes | None = b"", method: str = "POST", **headers: str
) -> tuple[int, bytes, Any]:
    """Status, body and headers of an answer."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    request = Request(f"{server.url}{path}", body, names, method=method)
    try:
        with _opener.open(request, timeout=10) as response:
            return response.status, response.read(), response.headers
    except HTTPError as error:
        return error.code, error.read(), error.headers


@pytest.mark.parametrize("key", [FUNCTION_KEY, HOST_KEY, MASTER_KEY])
def test_a_function_is_opened_by_three_keys(functions_server, key):
    assert call(functions_server, "/api/echo", b"body", x_functions_key=key)[:2] == (200, b"body")
    assert call(functions_server, f"/api/ECHO?code={key}", b"body")[:2] == (200, b"body")


def test_without_a_key_only_what_is_open_to_anybody_is_called(functions_server):
    assert call(functions_server, "/api/echo")[:2] == (401, b"")
    assert call(functions_server, "/api/echo", x_functions_key="wrong")[0] == 401
    assert call(functions_server, "/api/anybody", b"body")[:2] == (200, b"body")


def test_what_is_not_there_is_not_found(functions_server):
    assert call(functions_server, "/api/none", x_functions_key=HOST_KEY)[:2] == (404, b"")
    assert call(functions_server, "/api/echo", None, "GET", x_functions_key=HOST_KEY)[0] == 404
    assert call(functions_server, "/elsewhere")[0] == 404


def test_routes_are_those_of_the_app(functions_server):
    status, body, _ = call(functions_server, "/api/else/where", x_functions_key=HOST_KEY)
    assert (status, body) == (200, b"type=application/x-www-form-urlencoded")
    assert call(functions_server, "/api/routed", x_functions_key=HOST_KEY)[0] == 404


def test_what_a_function_raises_stays_in_the_log(functions_server):
    before = functions_server.log_size
    assert call(functions_server, "/api/crash", x_functions_key=HOST_KEY)[:2] == (500, b"")
    assert "only the log is told this" in functions_server.log_tail(before)


def test_the_admin_endpoint_takes_the_master_key_only(functions_server):
    for key in (FUNCTION_KEY, HOST_KEY, ""):
        path = "/admin/functions"
        assert call(functions_server, path, None, "GET", x_functions_key=key)[0] == 401
    _, body, _ = call(functions_server, "/admin/functions", None, "GET", x_functions_key=MASTER_KEY)
    found = {item["name"]: item for item in json.loads(body)}
    assert {"echo", "routed", "queued"} <= set(found)
    assert found["routed"]["invoke_url_template"].endswith("/api/else/where")
    assert found["queued"]["config"]["bindings"][0]["type"] == "queueTrigger"
    path = "/admin/functions/echo"
    _, body, _ = call(functions_server, path, None, "GET", x_functions_key=MASTER_KEY)
    assert json.loads(body) == found["echo"]
    path = "/admin/functions/none"
    assert call(functions_server, path, None, "GET", x_functions_key=MASTER_KEY)[0] == 404


def test_a_function_that_is_not_triggered_by_http_is_started(functions_server):
    body = json.dumps({"input": "from the test of the host"}).encode()
    path = "/admin/functions/queued"
    assert call(functions_server, path, body, x_functions_key=MASTER_KEY)[0] == 202
    assert call(functions_server, path, b"{}", x_functions_key=MASTER_KEY)[0] == 400
    deadline = time.monotonic() + 10
    payload = b"from the test of the host"
    while call(functions_server, "/api/witnessed", payload, x_functions_key=HOST_KEY)[1] != b"true":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_answer_with_202_says_where_the_outcome_is(functions_server):
    status, body, headers = call(
        functions_server, "/api/echo", b"body", x_functions_key=HOST_KEY, prefer="respond-async"
    )
    url = json.loads(body)["statusQueryGetUri"]
    assert (status, headers["Location"]) == (202, url)
    path = url.removeprefix(functions_server.url)
    deadline = time.monotonic() + 10
    while (answer := call(functions_server, path, None, "GET"))[0] == 202:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert answer[:2] == (200, b"body")


def test_app_service_can_ask_for_a_token_first():
    with azure_functions(sign_in=True) as server:
        assert call(server, "/api/anybody", b"body")[0] == 401
        assert call(server, "/api/anybody", b"body", authorization="Bearer wrong")[0] == 401
        token = f"Bearer {TOKEN}"
        assert call(server, "/api/anybody", b"body", authorization=token)[:2] == (200, b"body")
        assert call(server, "/api/echo", b"body", authorization=token)[0] == 401
