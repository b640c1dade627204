"""The client of Cloud Storage: the SDK's, and requests of our own over its session.

The SDK's calls for objects read bodies whole or by its own loops, take two requests for one, and hide
headers. So requests about objects are made here, and google-auth's session signs and sends them.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    import requests
    from cloudkit.gcp.transport import ClientSettings, SigningSession

SENT_AT_ONCE = 256 * 1024
"""Bytes of a body that are handed to the connection at once. No more, because they must have gone
within the time limit for connecting."""


class SentBody(io.RawIOBase):
    """A body that is sent in pieces, without being copied together first.

    Args:
        *parts: What it is made of.
    """

    def __init__(self, *parts: bytes | memoryview) -> None:
        super().__init__()
        self._parts = [memoryview(part) for part in parts if part]
        self._size = sum(len(part) for part in self._parts)

    def __len__(self) -> int:
        return self._size

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes, at most so many as are sent at once; fewer at the end of a part."""
        while self._parts:
            part = self._parts[0]
            if part:
                piece, self._parts[0] = part[:SENT_AT_ONCE], part[SENT_AT_ONCE:]
                return bytes(piece)
            del self._parts[0]
        return b""


class StorageClient:
    """Sends requests to Cloud Storage.

    Args:
        settings: Where it is, and who signs.
        session: Signs and sends.
        service: The SDK's client, over the same session.
    """

    def __init__(self, settings: ClientSettings, session: SigningSession, service: Any) -> None:
        self.settings = settings
        self.session = session
        self.service = service
        self.url = settings.url
        self._timeout: Any = (settings.config.connect_timeout, settings.config.timeout)

    @property
    def project(self) -> str:
        """The project of the buckets.

        Raises:
            ConfigurationError: Nobody names one.
        """
        return self.settings.named_project

    def json(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Call a method of the JSON API.

        Args:
            method: HTTP's.
            path: Behind ``/storage/v1``; see ``bucket_path`` and ``object_path``.
            query: Parameters.
            body: A resource.

        Raises:
            GoogleAPICallError: The service refused.
            requests.RequestException: The connection failed.
        """
        headers = {} if body is None else {"Content-Type": "application/json"}
        # An empty resource is another thing than none: it would take attributes away.
        data = None if body is None else json.dumps(body).encode()
        response = self.send(method, f"/storage/v1{path}", query, headers, data)
        answer: dict[str, Any] = response.json() if response.content else {}
        return answer

    def send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | SentBody | None = None,
        *,
        stream: bool = False,
        accepted: Sequence[int] = (),
    ) -> requests.Response:
        """Send a request and wait for the answer. Blocks.

        Args:
            method: HTTP's.
            path: Percent-encoded; or a whole URL.
            query: Parameters.
            headers: Further headers.
            body: What to send along.
            stream: Leave the body of the answer to be read.
            accepted: Statuses that are no errors here, although they are no success.

        Raises:
            GoogleAPICallError: The service refused.
            requests.RequestException: The connection failed.
        """
        url = path if "://" in path else f"{self.url}{path}"
        if query:
            url += f"?{urlencode(query, quote_via=quote)}"
        data: Any = body
        response: requests.Response = self.session.request(  # type: ignore[no-untyped-call]
            method,
            url,
            data=data,
            headers=dict(headers or {}),
            timeout=self._timeout,
            stream=stream,
            allow_redirects=False,
        )
        if response.status_code >= 300 and response.status_code not in accepted:
            raise refused(response)
        return response

    def close(self) -> None:
        """Close the connections."""
        self.service.close()
        self.session.close()


def make_client(settings: ClientSettings) -> StorageClient:
    """The client of Cloud Storage. Blocks: imports the SDK.

    Args:
        settings: What it is made of.
    """
    from cloudkit.gcp.transport import make_session
    from google.cloud.storage import Client  # type: ignore[import-untyped]

    session = make_session(settings)
    service = Client(
        project=settings.project or None,
        credentials=settings.credentials,
        _http=session,
        client_options={"api_endpoint": settings.url},
    )
    return StorageClient(settings, session, service)


def bucket_path(bucket: str) -> str:
    """Path of a bucket in the JSON API."""
    return f"/b/{quote(bucket, safe='')}"


def object_path(bucket: str, name: str) -> str:
    """Path of an object in the JSON API."""
    return f"{bucket_path(bucket)}/o/{quote(name, safe='')}"


def xml_path(bucket: str, name: str | None = None) -> str:
    """Path of a bucket or object in the XML API. Slashes are encoded: no library tidies them up."""
    path = f"/{quote(bucket, safe='')}"
    return path if name is None else f"{path}/{quote(name, safe='')}"


def upload_path(bucket: str) -> str:
    """Path of uploads to a bucket in the JSON API."""
    return f"/upload/storage/v1{bucket_path(bucket)}/o"


def refused(response: requests.Response) -> Exception:
    """The SDK's error for an answer, with the service's code.

    Args:
        response: An answer; its body is read.
    """
    from google.api_core import exceptions

    with response:
        code, message = _explanation(response)
        error: Exception = exceptions.from_http_status(  # type: ignore[no-untyped-call]
            response.status_code,
            message,
            errors=[{"reason": code}] if code else (),
            response=response,
        )
        return error


def _explanation(response: requests.Response) -> tuple[str | None, str]:
    """What the XML API says; the other one's is found in the answer itself."""
    text = response.text
    if not text.lstrip().startswith("<?xml"):
        return None, text or response.reason or "the service refused"
    try:
        root = ET.fromstring(text)  # noqa: S314  # who is asked over TLS sends no bombs
    except ET.ParseError:
        return None, text
    details = root.findtext("Details")
    message = root.findtext("Message") or response.reason
    return root.findtext("Code"), f"{message} {details}" if details else str(message)
