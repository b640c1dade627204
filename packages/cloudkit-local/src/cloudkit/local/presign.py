"""URLs that work without credentials until they expire."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from attrs import frozen
from cloudkit.api.storage import PresignedUrl
from cloudkit.api.storage.operations import PresignGet, PresignPut
from cloudkit.common import PermissionDeniedError
from cloudkit.local.server import PresignServer
from cloudkit.local.store import ObjectStore


@frozen
class Grant:
    """What a URL allows.

    Attributes:
        method: ``"GET"`` (which allows HEAD as well) or ``"PUT"``.
        bucket: Of the object.
        key: Of the object.
        expires: Until when, in milliseconds since 1970.
        content_type: The only one that a PUT may have; empty for any.
    """

    method: str
    bucket: str
    key: str
    expires: int
    content_type: str = ""

    def target(self, secret: bytes) -> str:
        """Path and query of the URL.

        The key is in the query, as clients change paths such as ``/../``.
        """
        fields = {"key": self.key, "expires": str(self.expires), "method": self.method}
        if self.content_type:
            fields["content-type"] = self.content_type
        fields["signature"] = self.sign(secret)
        return f"/{self.bucket}?{urlencode(fields, quote_via=quote)}"

    def sign(self, secret: bytes) -> str:
        """The signature of what is allowed."""
        fields = [self.method, self.bucket, self.key, self.expires, self.content_type]
        return hmac.new(secret, json.dumps(fields).encode(), hashlib.sha256).hexdigest()


def check_target(target: str, method: str, content_type: str | None, secret: bytes) -> Grant:
    """What a request may do.

    Args:
        target: Path and query of the request.
        method: ``"GET"``, ``"HEAD"`` or ``"PUT"``.
        content_type: Header of the request.
        secret: What the URL was signed with.

    Raises:
        PermissionDeniedError: The URL is forged, has expired, or allows something else.
    """
    grant, signature = _parse(target)
    if not hmac.compare_digest(grant.sign(secret), signature):
        raise PermissionDeniedError("the signature does not match the URL")
    if time.time() * 1000 >= grant.expires:
        raise PermissionDeniedError("the URL has expired")
    if grant.method != ("GET" if method == "HEAD" else method):
        raise PermissionDeniedError(f"the URL allows {grant.method}, not {method}")
    if grant.content_type and content_type != grant.content_type:
        raise PermissionDeniedError(
            f"the URL allows the content type {grant.content_type!r}, not {content_type!r}"
        )
    return grant


def _parse(target: str) -> tuple[Grant, str]:
    try:
        parts = urlsplit(target)
        query = parse_qs(parts.query, keep_blank_values=True, strict_parsing=True, errors="strict")
        fields = {name: value for name, (value,) in query.items()}
        grant = Grant(
            method=fields["method"],
            bucket=parts.path.removeprefix("/"),
            key=fields["key"],
            expires=int(fields["expires"]),
            content_type=fields.get("content-type", ""),
        )
        return grant, fields["signature"].encode("ascii").decode()
    except (ValueError, KeyError):
        raise PermissionDeniedError("this is not a signed URL") from None


class Presigner:
    """Makes URLs, and serves them from the first one on.

    The secret belongs to the folder, but the port to this client: a URL works as long as the client
    that made it is open.

    Args:
        store: The objects.
        make_secret: Finds the secret.
    """

    def __init__(self, store: ObjectStore, make_secret: Callable[[], bytes]) -> None:
        self._store = store
        self._make_secret = make_secret
        self._lock = threading.Lock()
        self._server: PresignServer | None = None
        self._secret = b""

    def get_url(self, op: PresignGet) -> PresignedUrl:
        """A URL that reads."""
        return self._url("GET", op, "")

    def put_url(self, op: PresignPut) -> PresignedUrl:
        """A URL that writes."""
        return self._url("PUT", op, op.content_type or "")

    def close(self) -> None:
        """Stop serving. May be called twice."""
        with self._lock:
            if self._server is not None:
                self._server.close()
                self._server = None

    def _url(self, method: str, op: PresignGet | PresignPut, content_type: str) -> PresignedUrl:
        server = self._serve()
        expires = int((time.time() + op.expires_in) * 1000)
        grant = Grant(method, op.bucket, op.key, expires, content_type)
        return PresignedUrl(
            url=server.origin + grant.target(self._secret),
            method=method,
            headers={"content-type": content_type} if content_type else {},
            expires_at=datetime.fromtimestamp(expires / 1000, UTC),
        )

    def _serve(self) -> PresignServer:
        with self._lock:
            if self._server is None:
                self._secret = self._make_secret()
                self._server = PresignServer(self._store, self._check)
            return self._server

    def _check(self, target: str, method: str, content_type: str | None) -> tuple[str, str]:
        grant = check_target(target, method, content_type, self._secret)
        return grant.bucket, grant.key
