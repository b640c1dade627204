"""The double of Cloud Functions, driven by Google's clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from emulators.cloud_functions import cloud_functions
from emulators.google import create_service_account
from emulators.process import Server
from gcp.wire import Answer, Wire, wire_to
from google.api_core import exceptions
from google.auth.transport.requests import AuthorizedSession, Request
from google.cloud import functions_v2
from google.cloud.functions_v2.services.function_service.transports import (
    FunctionServiceRestTransport,
)
from google.oauth2 import service_account

PROJECT = "tests"
LOCATION = "europe-west1"
PARENT = f"projects/{PROJECT}/locations/{LOCATION}"
CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"

Invoke = Callable[..., Answer]


@pytest.fixture(scope="module")
def gcf() -> Iterator[Server]:
    with cloud_functions(
        PROJECT, LOCATION, "cloudkit.testing.functions.handlers:HANDLERS"
    ) as server:
        yield server


@pytest.fixture(scope="module")
def key_file(gcf: Server) -> dict[str, Any]:
    return create_service_account(gcf.url, PROJECT, "invoker")


@pytest.fixture(scope="module")
def client(gcf: Server, key_file: dict[str, Any]) -> Iterator[functions_v2.FunctionServiceClient]:
    credentials = service_account.Credentials.from_service_account_info(
        key_file, scopes=[CLOUD_PLATFORM]
    )
    transport = FunctionServiceRestTransport(
        host=gcf.url.removeprefix("http://"), url_scheme="http", credentials=credentials
    )
    with functions_v2.FunctionServiceClient(transport=transport) as client:
        yield client


@pytest.fixture
def wire(gcf: Server) -> Iterator[Wire]:
    with wire_to(gcf.url) as connection:
        yield connection


def id_token(key_file: dict[str, Any], audience: str) -> str:
    credentials = service_account.IDTokenCredentials.from_service_account_info(
        key_file, target_audience=audience
    )
    request = Request()
    credentials.refresh(request)
    request.session.close()
    assert isinstance(credentials.token, str)
    return credentials.token


def url_of(client: functions_v2.FunctionServiceClient, name: str) -> str:
    return client.get_function(name=f"{PARENT}/functions/{name}").service_config.uri


def test_functions_are_listed_in_pages(client: functions_v2.FunctionServiceClient) -> None:
    for parent in (PARENT, f"projects/{PROJECT}/locations/-"):
        pager = client.list_functions({"parent": parent, "page_size": 3})
        pages = [[function.name for function in page.functions] for page in pager.pages]
        names = [name.rpartition("/")[2] for page in pages for name in page]
        assert names == sorted({*names, "add", "echo", "fail", "slow"})
        assert {len(page) for page in pages[:-1]} == {3}
    assert not list(client.list_functions(parent=f"projects/{PROJECT}/locations/us-east1"))


def test_a_function_is_described(client: functions_v2.FunctionServiceClient, gcf: Server) -> None:
    function = client.get_function(name=f"{PARENT}/functions/echo")
    assert function.state is functions_v2.Function.State.ACTIVE
    assert function.environment is functions_v2.Environment.GEN_2
    assert function.url == function.service_config.uri
    assert function.url.startswith(gcf.url)
    with pytest.raises(exceptions.NotFound, match="was not found"):
        client.get_function(name=f"{PARENT}/functions/none")
    with pytest.raises(exceptions.Forbidden, match="denied"):
        client.get_function(name=f"projects/others/locations/{LOCATION}/functions/echo")


def test_descriptions_need_an_access_token(wire: Wire) -> None:
    answer = wire.send("GET", f"/v2/{PARENT}/functions")
    assert (answer.status, answer.json["error"]["status"]) == (401, "UNAUTHENTICATED")


def test_functions_are_invoked_with_an_id_token(
    client: functions_v2.FunctionServiceClient, key_file: dict[str, Any]
) -> None:
    url = url_of(client, "echo")
    credentials = service_account.IDTokenCredentials.from_service_account_info(
        key_file, target_audience=url
    )
    with AuthorizedSession(credentials) as session:
        answer = session.post(url, data=b"\x00payload\xff")
        assert (answer.status_code, answer.content) == (200, b"\x00payload\xff")
        assert answer.headers["Function-Execution-Id"]
        assert session.post(url_of(client, "echo"), data=b"").content == b""


def test_functions_that_fail(
    client: functions_v2.FunctionServiceClient, key_file: dict[str, Any], wire: Wire
) -> None:
    url = url_of(client, "fail")
    answer = wire.send("POST", url, b"", bearer(id_token(key_file, url)))
    assert (answer.status, answer.headers["x-google-status"]) == (500, "crash")
    assert b"Internal Server Error" in answer.body
    assert b"on purpose" not in answer.body


def test_callers_are_checked(
    client: functions_v2.FunctionServiceClient, key_file: dict[str, Any], wire: Wire, gcf: Server
) -> None:
    url = url_of(client, "echo")
    assert wire.send("POST", url, b"").status == 403
    forged = wire.send("POST", url, b"", bearer("a.b.c"))
    assert (forged.status, "invalid_token" in forged.headers["www-authenticate"]) == (401, True)
    elsewhere = id_token(key_file, url_of(client, "add"))
    assert wire.send("POST", url, b"", bearer(elsewhere)).status == 401
    stranger = create_service_account(gcf.url, "others", "stranger")
    assert wire.send("POST", url, b"", bearer(id_token(stranger, url))).status == 403
    good = id_token(key_file, url)
    head, claims, signature = good.split(".")
    tampered = ".".join([head, claims, signature[::-1]])
    assert wire.send("POST", url, b"", bearer(tampered)).status == 401
    assert wire.send("POST", url, b"1", bearer(good)).body == b"1"
    assert wire.send("POST", f"{url}-none", b"", bearer(good)).status == 404
    too_large = wire.send("POST", url, bytes(32 * 1024 * 1024 + 1), bearer(good))
    assert too_large.status == 413


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
