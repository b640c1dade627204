"""Signature version 4, checked as its documentation describes it."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlsplit

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<scope>(?P<date>\d{8})/(?P<region>[^/]+)/"
    r"(?P<service>[^/]+)/aws4_request), ?SignedHeaders=(?P<signed>[^,]+), ?Signature=(?P<value>\w+)"
)


class SignatureError(Exception):
    """A request is not signed as it should be.

    Attributes:
        code: The service's name of the error.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def check(
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes,
    secrets: Mapping[str, str],
) -> None:
    """Check the signature of a request.

    Args:
        method: Its method.
        target: Path and query, as they were sent.
        headers: Lower-case name → value.
        body: Its body.
        secrets: Access key → secret key.

    Raises:
        SignatureError: It is missing or wrong.
    """
    given = headers.get("authorization")
    if given is None:
        raise SignatureError("MissingAuthenticationTokenException", "Missing Authentication Token")
    match = _AUTHORIZATION.fullmatch(given)
    if match is None or match["service"] != "lambda":
        raise SignatureError("IncompleteSignatureException", "the Authorization header is wrong")
    secret = secrets.get(match["key"])
    if secret is None:
        raise SignatureError(
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        )
    signed = match["signed"].split(";")
    request = "\n".join(
        [
            method,
            quote(urlsplit(target).path, safe="/-_.~"),
            _query(target),
            *(f"{name}:{' '.join(headers.get(name, '').split())}" for name in signed),
            "",
            match["signed"],
            headers.get("x-amz-content-sha256") or hashlib.sha256(body).hexdigest(),
        ]
    )
    text = "\n".join(
        [
            "AWS4-HMAC-SHA256",
            headers.get("x-amz-date", ""),
            match["scope"],
            hashlib.sha256(request.encode()).hexdigest(),
        ]
    )
    key = f"AWS4{secret}".encode()
    for part in (match["date"], match["region"], match["service"], "aws4_request", text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(key.hex(), match["value"]):
        raise SignatureError(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided.",
        )


def _query(target: str) -> str:
    pairs = parse_qsl(urlsplit(target).query, keep_blank_values=True)
    quoted = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in quoted)
