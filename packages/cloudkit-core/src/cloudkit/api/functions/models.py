"""What Functions gives."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import field, frozen
from cloudkit.api.json import from_json


@frozen(kw_only=True)
class FunctionInfo:
    """A function.

    Attributes:
        name: What it is invoked by.
        runtime: As the service names it, where it tells.
        modified_at: When it was last changed (aware UTC), where the service tells.
    """

    name: str
    runtime: str | None = None
    modified_at: datetime | None = None


@frozen(kw_only=True)
class FunctionFault:
    """How a function itself failed.

    Attributes:
        message: What it said.
        kind: Name of the error, for example of the exception's class, where that is known.
        trace: Its stack trace, where the service gives one.
    """

    message: str
    kind: str | None = None
    trace: str | None = None

    def __str__(self) -> str:
        return self.message if self.kind is None else f"{self.kind}: {self.message}"


@frozen(kw_only=True)
class InvokeResult:
    """What an invocation came to.

    Attributes:
        payload: What the function returned.
        error: How it failed, or None. A failure of the call itself is raised instead.
        status: HTTP status of the answer, where there is one.
        request_id: The service's identifier of the invocation.
        logs: The tail of the function's log, where it was asked for.
    """

    payload: bytes = b""
    error: FunctionFault | None = None
    status: int | None = None
    request_id: str | None = None
    logs: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the function succeeded."""
        return self.error is None

    def json(self) -> Any:
        """The payload as JSON.

        Raises:
            SerializationError: It is no JSON.
        """
        return from_json(self.payload, "the function's answer")


@frozen(kw_only=True)
class Invocation:
    """An invocation that was begun.

    Attributes:
        request_id: The service's identifier of it, where it gives one.
        status_url: Where its outcome can be asked for, where the function offers that.
    """

    request_id: str | None = None
    status_url: str | None = field(default=None, repr=False)  # may hold a key
