"""The errors of Event Grid and of the resource manager: both have them in the form of OData."""

from __future__ import annotations

import uuid

from emulators.web import Response


class EventGridError(Exception):
    """A refusal.

    Attributes:
        status: Of the answer.
        code: The service's name for it.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def response(self) -> Response:
        """The answer."""
        return Response.of_json(
            {
                "error": {
                    "code": self.code,
                    "message": str(self),
                    "timestamp_utc": "2026-01-02T03:04:05.678Z",
                    "tracking_id": str(uuid.uuid4()),
                }
            },
            self.status,
        )


def invalid(message: str) -> EventGridError:
    """400."""
    return EventGridError(400, "BadRequest", message)


def unauthorized(message: str) -> EventGridError:
    """401."""
    return EventGridError(401, "Unauthorized", message)


def missing(what: str) -> EventGridError:
    """404."""
    return EventGridError(404, "NotFound", f"{what} was not found.")


def too_large(message: str) -> EventGridError:
    """413."""
    return EventGridError(413, "RequestEntityTooLarge", message)
