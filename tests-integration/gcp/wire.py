"""Plain HTTP to a double, to see what no client shows."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from xml.etree import ElementTree as ET

import google_crc32c


@dataclass(frozen=True)
class Answer:
    """An answer: its headers by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def reason(self) -> str:
        """Of an error of a JSON API."""
        return str(self.json["error"]["errors"][0]["reason"])

    def xml(self, name: str) -> str:
        """Text of the first element of this name, whatever its namespace is."""
        found = ET.fromstring(self.body).find(f".//{{*}}{name}")
        assert found is not None, self.body
        return found.text or ""


class Wire:
    """One connection that is kept."""

    def __init__(self, connection: HTTPConnection, token: str | None) -> None:
        self._connection = connection
        self._token = token

    def send(
        self,
        method: str,
        target: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        /,
        **query: object,
    ) -> Answer:
        """Send a request, with the token unless there is none; a body that is no bytes is JSON."""
        sent = dict(headers or {})
        if self._token is not None:
            sent.setdefault("Authorization", f"Bearer {self._token}")
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        if data is not body:
            sent.setdefault("Content-Type", "application/json")
        url = urlsplit(target)
        query_text = "&".join(filter(None, [url.query, urlencode(query)]))
        path = f"{url.path}?{query_text}" if query_text else url.path
        self._connection.request(method, path, data, sent)
        response = self._connection.getresponse()
        content = response.read()
        shown = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, shown, content)


@contextmanager
def wire_to(url: str, token: str | None = None) -> Iterator[Wire]:
    """A connection to a server while the block runs."""
    host = urlsplit(url).netloc
    with closing(HTTPConnection(host, timeout=20)) as connection:
        yield Wire(connection, token)


def object_path(bucket: str, name: str) -> str:
    """Path of an object in the JSON API."""
    return f"/storage/v1/b/{bucket}/o/{quote(name, safe='')}"


def upload_path(bucket: str) -> str:
    """Path of uploads to a bucket in the JSON API."""
    return f"/upload/storage/v1/b/{bucket}/o"


def crc32c(data: bytes) -> str:
    """The checksum as the service writes it."""
    return base64.b64encode(google_crc32c.value(data).to_bytes(4)).decode()
