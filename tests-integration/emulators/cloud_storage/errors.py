"""The errors of Cloud Storage: one fault, shown as JSON, as text or as XML."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape

from emulators.google import GoogleError
from emulators.web import Response


class StorageError(GoogleError):
    """A fault.

    Attributes:
        code: Of the XML API: ``"NoSuchKey"``.
        details: More elements of the XML answer.
        extra_headers: Headers of the answer.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        code: str = "InvalidArgument",
        details: Mapping[str, str] | None = None,
        location: str = "",
        location_type: str = "parameter",
        extra_headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, reason, message, location=location, location_type=location_type)
        self.code = code
        self.details = details or {}
        self.extra_headers = extra_headers or {}

    def headers(self) -> dict[str, str]:
        return {**super().headers(), **self.extra_headers}


def invalid(message: str, *, location: str = "", code: str = "InvalidArgument") -> StorageError:
    """What was sent makes no sense (400)."""
    return StorageError(400, "invalid", message, location=location, code=code)


def missing(parameter: str) -> StorageError:
    """A parameter that must be there (400)."""
    return StorageError(400, "required", f"Required parameter: {parameter}", location=parameter)


def no_bucket() -> StorageError:
    """404."""
    message = "The specified bucket does not exist."
    return StorageError(404, "notFound", message, code="NoSuchBucket")


def no_object(bucket: str, name: str) -> StorageError:
    """404."""
    message = f"No such object: {bucket}/{name}"
    return StorageError(404, "notFound", message, code="NoSuchKey")


def precondition_failed(location: str = "If-Match") -> StorageError:
    """412."""
    return StorageError(
        412,
        "conditionNotMet",
        "At least one of the pre-conditions you specified did not hold.",
        code="PreconditionFailed",
        location=location,
        location_type="header",
    )


def not_modified() -> StorageError:
    """304, which has no body."""
    return StorageError(304, "notModified", "", code="NotModified")


def wrong_digest(kind: str, told: str, found: str) -> StorageError:
    """The content is not what the client says it is (400)."""
    message = f'Provided {kind} "{told}" doesn\'t match calculated {kind} "{found}".'
    return StorageError(400, "invalid", message, code="BadDigest")


def not_doubled(what: str) -> StorageError:
    """The service has it, this double has not: said aloud, so that no test believes otherwise."""
    message = f"The double of Cloud Storage does not do: {what}"
    return StorageError(501, "notImplemented", message, code="NotImplemented")


def text_response(error: GoogleError) -> Response:
    """The answer to a download."""
    if error.status == 304:
        return Response(304, b"", error.headers())
    content_type = {"Content-Type": "text/html; charset=UTF-8"}
    return Response(error.status, error.message.encode(), {**content_type, **error.headers()})


def xml_response(error: GoogleError) -> Response:
    """The answer of the XML API."""
    if error.status == 304:
        return Response(304, b"", error.headers())
    code, details = _xml_code(error)
    elements = {"Code": code, "Message": error.message, **details}
    inner = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in elements.items())
    body = f"<?xml version='1.0' encoding='UTF-8'?><Error>{inner}</Error>"
    content_type = {"Content-Type": "application/xml; charset=UTF-8"}
    return Response(error.status, body.encode(), {**content_type, **error.headers()})


def _xml_code(error: GoogleError) -> tuple[str, Mapping[str, str]]:
    if not isinstance(error, StorageError):
        return ("AuthenticationRequired" if error.status == 401 else "AccessDenied"), {}
    if error.code == "NoSuchKey":
        return error.code, {"Details": error.message}
    return error.code, error.details
