"""Checksums that come with a body."""

from __future__ import annotations

import base64
import hashlib

from emulators.oracle.errors import OracleError, not_doubled
from emulators.web import Request


def checked_md5(request: Request) -> bytes:
    """The MD5 of a body, after comparing it and others with what the client says.

    Raises:
        OracleError: The body was changed on its way.
    """
    digest = hashlib.md5(request.body, usedforsecurity=False).digest()
    _compare(request, "content-md5", "MD5", digest)
    for name in ("sha256", "sha384"):
        _compare(
            request, f"opc-content-{name}", name.upper(), hashlib.new(name, request.body).digest()
        )
    if "opc-content-crc32c" in request.headers:
        raise not_doubled(request)
    return digest


def _compare(request: Request, header: str, name: str, digest: bytes) -> None:
    told, actual = request.headers.get(header), base64.b64encode(digest).decode()
    if told is not None and told != actual:
        title = (
            "-".join(word.capitalize() for word in header.split("-")) if name == "MD5" else header
        )
        title = title.replace("Md5", "MD5")
        message = (
            f"The computed {name} of the request body ({actual}) does not match "
            f"the {title} header ({told})"
        )
        raise OracleError(400, f"UnmatchedContent{name}", message)
