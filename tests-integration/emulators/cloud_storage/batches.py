"""Many calls of the JSON API in one request."""

from __future__ import annotations

import secrets
from http import HTTPStatus
from urllib.parse import urlsplit

from emulators.cloud_storage.errors import invalid
from emulators.cloud_storage.multipart import Part, head_and_body, headers_of, parts_of
from emulators.web import App, Request, Response, request_of

MAX_CALLS = 100
MAX_BYTES = 10_000_000


def batch(app: App, request: Request) -> Response:
    """``POST /batch/storage/v1``.

    Args:
        app: Answers the calls in it.
        request: The batch.

    Raises:
        StorageError: It is malformed or too large (400).
    """
    parts = parts_of(request.headers.get("content-type", ""), request.body)
    if len(parts) > MAX_CALLS:
        raise invalid(f"The batch request has more than {MAX_CALLS} calls.")
    if len(request.body) > MAX_BYTES:
        raise invalid("The batch request is too large.")
    boundary = f"batch_{secrets.token_urlsafe(18)}"
    answers = [_answer(app, request, part) for part in parts]
    lines = [f"--{boundary}\r\n".encode() + answer + b"\r\n" for answer in answers]
    body = b"".join(lines) + f"--{boundary}--\r\n".encode()
    return Response(200, body, {"Content-Type": f"multipart/mixed; boundary={boundary}"})


def _answer(app: App, outer: Request, part: Part) -> bytes:
    headers, content = part
    lines = ["Content-Type: application/http"]
    if "content-id" in headers:
        lines.append(f"Content-ID: <response-{headers['content-id'].strip('<>')}>")
    response = app(_inner_request(outer, content))
    phrase = HTTPStatus(response.status).phrase
    lines += ["", f"HTTP/1.1 {response.status} {phrase}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    lines += [f"Content-Length: {len(response.body)}", "", ""]
    return "\r\n".join(lines).encode() + response.body


def _inner_request(outer: Request, content: bytes) -> Request:
    """The outer headers hold for each call, but for those on the content."""
    lines, body = head_and_body(content)
    words = lines[0].split() if lines else []
    if len(words) != 3:
        raise invalid("Failed to parse a call of the batch request.")
    inherited = [item for item in outer.headers.items() if not item[0].startswith("content-")]
    url = urlsplit(words[1])
    target = f"{url.path}?{url.query}" if url.query else url.path
    inner = request_of(target, words[0], headers_of(lines[1:]), body.rstrip(b"\r\n"))
    return Request(
        inner.method, inner.path, inner.query, {**dict(inherited), **inner.headers}, inner.body
    )
