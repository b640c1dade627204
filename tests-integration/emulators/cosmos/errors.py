"""The errors of Cosmos DB."""

from __future__ import annotations

import json
from collections.abc import Mapping

from emulators.web import Response

_CODES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    410: "Gone",
    412: "PreconditionFailed",
    413: "RequestEntityTooLarge",
    429: "TooManyRequests",
    449: "RetryWith",
    501: "NotImplemented",
    503: "ServiceUnavailable",
}


class CosmosError(Exception):
    """A fault.

    Attributes:
        status: Of the answer.
        substatus: Tells what it is about, 0 when the status says all.
        details: More members of the body.
        headers: More headers of the answer.
    """

    def __init__(
        self,
        status: int,
        message: str,
        substatus: int = 0,
        *,
        details: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.substatus = substatus
        self.details = details or {}
        self.headers = headers or {}

    def response(self, headers: Mapping[str, str]) -> Response:
        """The answer.

        Args:
            headers: Those of every answer.
        """
        body = {
            "code": _CODES.get(self.status, "Error"),
            "message": f"{self}\r\nActivityId: {headers['x-ms-activity-id']}",
            **self.details,
        }
        substatus = {"x-ms-substatus": str(self.substatus)} if self.substatus else {}
        own = {"Content-Type": "application/json", **headers, **substatus, **self.headers}
        return Response(self.status, json.dumps(body).encode(), own)


def errors_of(text: str) -> str:
    """How the storage behind the gateway words its messages."""
    return f"Message: {json.dumps({'Errors': [text]})}"


def invalid(message: str, substatus: int = 0) -> CosmosError:
    """400."""
    return CosmosError(400, message, substatus)


def missing() -> CosmosError:
    """404: there is no such item, container or database."""
    return CosmosError(404, errors_of("Resource Not Found."))


def no_owner() -> CosmosError:
    """404: there is no container or database to look in."""
    return CosmosError(404, errors_of("Owner resource does not exist"), 1003)


def taken() -> CosmosError:
    """409."""
    text = "Resource with specified id or name already exists."
    return CosmosError(409, f"Entity with the specified id already exists in the system., {text}")


def changed() -> CosmosError:
    """412."""
    return CosmosError(412, errors_of("One of the specified pre-condition is not met"))


def too_large() -> CosmosError:
    """413."""
    return CosmosError(413, errors_of("Request size is too large"))


def unsupported(what: str) -> CosmosError:
    """501: the service can do this, the double cannot. Never seen from the service."""
    return CosmosError(501, f"The double of Cosmos DB does not know {what}.")
