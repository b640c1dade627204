"""What the client of Cosmos DB never sends: refused by the double all the same."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Mapping
from email.utils import formatdate
from hashlib import sha256
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote

import pytest
from azure.cosmos import ContainerProxy
from emulators.cosmos import KEY, TOKEN
from emulators.process import Server


def send(
    server: Server,
    method: str,
    link: str,
    headers: Mapping[str, str],
    body: Any = None,
    *,
    kind: str = "docs",
    seconds_ago: float = 0,
) -> tuple[int, dict[str, str], Any]:
    """A signed request for the items of a container, say; an empty header is left out."""
    date = formatdate(time.time() - seconds_ago, usegmt=True)
    text = f"{method.lower()}\n{kind}\n{link}\n{date.lower()}\n\n"
    digest = hmac.new(base64.b64decode(KEY), text.encode(), sha256).digest()
    signature = quote(f"type=master&ver=1.0&sig={base64.b64encode(digest).decode()}", safe="")
    sent = {"x-ms-date": date, "authorization": signature, **headers}
    connection = HTTPConnection(server.url.removeprefix("http://"), timeout=10)
    connection.request(
        method,
        f"/{link}/{kind}",
        None if body is None else json.dumps(body),
        {name: value for name, value in sent.items() if value},
    )
    response = connection.getresponse()
    content = response.read()
    found = {name.lower(): value for name, value in response.headers.items()}
    connection.close()
    return response.status, found, json.loads(content) if content else None


KEY_A = {"x-ms-documentdb-partitionkey": '["a"]'}


@pytest.mark.parametrize(
    ("key", "substatus"),
    [
        ({}, None),
        ({"x-ms-documentdb-partitionkey": '["b"]'}, "1001"),
        ({"x-ms-documentdb-partitionkey": "[]"}, None),
        ({"x-ms-documentdb-partitionkey": '["a", "b"]'}, None),
        ({"x-ms-documentdb-partitionkey": "a"}, None),
        ({"x-ms-documentdb-partitionkey": '[["a"]]'}, None),
    ],
)
def test_the_partition_key_must_fit(
    cosmos_server: Server, container: ContainerProxy, key: dict[str, str], substatus: str | None
) -> None:
    link, item = container.container_link, {"id": "1", "pk": "a"}
    status, headers, body = send(cosmos_server, "POST", link, key, item)
    assert (status, headers.get("x-ms-substatus")) == (400, substatus)
    assert body["code"] == "BadRequest"
    assert send(cosmos_server, "POST", link, KEY_A, item)[0] == 201


@pytest.mark.parametrize("name", ["a/b", "a\\b", "a?b", "a#b", "a ", None, 5])
def test_ids(cosmos_server: Server, container: ContainerProxy, name: Any) -> None:
    item = {"id": name, "pk": "a"}
    assert send(cosmos_server, "POST", container.container_link, KEY_A, item)[0] == 400


@pytest.mark.parametrize("body", [b"x", [1], "x", {"id": "1", "pk": "a", "n": float("nan")}])
def test_bodies(cosmos_server: Server, container: ContainerProxy, body: Any) -> None:
    sent = body.decode() if isinstance(body, bytes) else body
    assert send(cosmos_server, "POST", container.container_link, KEY_A, sent)[0] == 400


def test_signatures(cosmos_server: Server, container: ContainerProxy) -> None:
    link = container.container_link
    assert send(cosmos_server, "GET", link, KEY_A)[0] == 200
    status, _, body = send(cosmos_server, "GET", link, {**KEY_A, "authorization": ""})
    assert (status, body["code"]) == (401, "Unauthorized")
    assert send(cosmos_server, "GET", link, {**KEY_A, "authorization": "nonsense"})[0] == 401
    other = formatdate(time.time() - 5, usegmt=True)
    assert send(cosmos_server, "GET", link, {**KEY_A, "x-ms-date": other})[0] == 401
    status, _, body = send(cosmos_server, "GET", link, KEY_A, seconds_ago=3600)
    assert (status, body["code"]) == (403, "Forbidden")


def test_answers_name_the_range_of_the_partition(
    cosmos_server: Server, container: ContainerProxy
) -> None:
    link, named = container.container_link, set[str]()
    for number in range(20):
        key = {"x-ms-documentdb-partitionkey": f'["{number}"]'}
        body = {"id": "1", "pk": str(number)}
        _, headers, _ = send(cosmos_server, "POST", link, key, body)
        token, name = headers["x-ms-session-token"], headers["x-ms-documentdb-partitionkeyrangeid"]
        assert token.startswith(f"{name}:")
        named.add(name)
    assert named == {"0", "1"}


def test_tokens_are_for_items(cosmos_server: Server, container: ContainerProxy) -> None:
    headers = {**KEY_A, "authorization": quote(f"type=aad&ver=1.0&sig={TOKEN}", safe="")}
    link, item = container.container_link, {"id": "1", "pk": "a"}
    assert send(cosmos_server, "POST", link, headers, item)[0] == 201
    assert len(send(cosmos_server, "GET", link, headers)[2]["Documents"]) == 1
    status, answered, _ = send(cosmos_server, "POST", "dbs/tests", headers, item, kind="colls")
    assert (status, answered["x-ms-substatus"]) == (403, "5300")
    wrong = {**KEY_A, "authorization": quote("type=aad&ver=1.0&sig=another", safe="")}
    assert send(cosmos_server, "GET", link, wrong)[0] == 401
