"""Errors as Oracle's services write them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace

from emulators.web import Request, Response


class OracleError(Exception):
    """A request that is refused.

    Attributes:
        status: Of HTTP.
        code: Name of the error: ``"BucketNotFound"``.
        message: For people.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    @property
    def response(self) -> Response:
        """The answer."""
        return Response.of_json({"code": self.code, "message": self.message}, self.status)


def invalid(message: str) -> OracleError:
    """A parameter or a field is wrong."""
    return OracleError(400, "InvalidParameter", message)


def not_found() -> OracleError:
    """What most services say of what is not there, or not for the caller."""
    return OracleError(
        404, "NotAuthorizedOrNotFound", "Authorization failed or requested resource not found."
    )


def not_doubled(request: Request) -> OracleError:
    """The service may do this, but the double does not."""
    return OracleError(
        501, "NotImplemented", f"The double does not do {request.method} {request.path}"
    )


def traced(request: Request, response: Response) -> Response:
    """The answer with the request's identifiers."""
    given = request.headers.get("opc-request-id") or secrets.token_hex(16).upper()
    headers = {"opc-request-id": f"{given}/{secrets.token_hex(16).upper()}"}
    if told := request.headers.get("opc-client-request-id"):
        headers["opc-client-request-id"] = told
    return replace(response, headers={**headers, **response.headers})


def object_body(request: Request) -> Mapping[str, object]:
    """The body, a JSON object.

    Raises:
        OracleError: It is something else.
    """
    try:
        body = request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise OracleError(400, "CannotParseRequest", "The request body could not be parsed.")
    return body
