"""Conditions on entity tags."""

from __future__ import annotations

from emulators.oracle.errors import OracleError, invalid
from emulators.oracle.object_storage.store import Content
from emulators.web import Request, Response


def check_write(current: Content | None, if_match: str | None, if_none_match: str | None) -> None:
    """Refuse to write where the condition does not hold.

    Raises:
        OracleError: It does not, or is none that writes may have.
    """
    if if_none_match is not None:
        if if_none_match != "*":
            raise invalid("The only valid value of If-None-Match is '*'")
        if current is not None:
            message = "The If-None-Match header is '*' but there is an existing entity tag"
            raise OracleError(412, "IfNoneMatchFailed", message)
    check_match(current, if_match)


def check_match(current: Content | None, if_match: str | None) -> None:
    """Refuse when the entity tag is another than told, or there is none."""
    if if_match is None:
        return
    if current is None or if_match not in {"*", current.etag}:
        message = "The If-Match header does not match the entity tag of the object"
        raise OracleError(412, "IfMatchFailed", message)


def check_headers(current: Content | None, request: Request) -> None:
    """Refuse to write where the request's headers forbid it."""
    headers = request.headers
    check_write(current, headers.get("if-match"), headers.get("if-none-match"))


def not_modified(current: Content, request: Request) -> Response | None:
    """The answer to a reader who has this version already.

    Raises:
        OracleError: The reader wants another version.
    """
    check_match(current, request.headers.get("if-match"))
    unwanted = request.headers.get("if-none-match")
    if unwanted == "*":
        raise invalid("If-None-Match must not be '*' here")
    return Response(304, headers={"ETag": current.etag}) if unwanted == current.etag else None
