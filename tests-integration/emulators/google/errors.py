"""Errors in the shape of Google's JSON APIs."""

from __future__ import annotations

from typing import Any

from emulators.web import Response

UNAUTHENTICATED = 401


class GoogleError(Exception):
    """An error that is answered.

    Attributes:
        status: The HTTP status.
        reason: Of the JSON API: ``"conditionNotMet"``.
        message: For people.
        location: Name of the parameter or header that is wrong.
        location_type: ``"parameter"`` or ``"header"``.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        location: str = "",
        location_type: str = "parameter",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.location = location
        self.location_type = location_type

    def response(self) -> Response:
        """The answer of a JSON API."""
        detail: dict[str, Any] = {
            "message": self.message,
            "domain": "global",
            "reason": self.reason,
        }
        if self.location:
            detail |= {"locationType": self.location_type, "location": self.location}
        error = {"code": self.status, "message": self.message, "errors": [detail]}
        return Response.of_json({"error": error}, self.status, self.headers())

    def headers(self) -> dict[str, str]:
        """Headers that every form of the answer has."""
        if self.status != UNAUTHENTICATED:
            return {}
        return {"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/"'}
