"""Errors of AMQP as CloudErrors: what Service Bus says on its links, and why there is no connection."""

from __future__ import annotations

import re
import ssl
from socket import gaierror
from typing import Any

from cloudkit.common import (
    AlreadyExistsError,
    CloudError,
    ConflictError,
    ConnectionFailedError,
    DnsError,
    InvalidCredentialsError,
    NetworkError,
    NotFoundError,
    OperationTimeoutError,
    PayloadTooLargeError,
    PermissionDeniedError,
    PreconditionFailedError,
    RateLimitedError,
    ServiceUnavailableError,
    TlsError,
    UnsupportedOperationError,
    ValidationError,
)

CONDITIONS: dict[type[CloudError], str] = {
    PermissionDeniedError: "amqp:unauthorized-access com.microsoft:auth-failed",
    NotFoundError: "amqp:not-found com.microsoft:message-not-found amqp:resource-deleted",
    AlreadyExistsError: "com.microsoft:entity-already-exists",
    PreconditionFailedError: """
        com.microsoft:message-lock-lost com.microsoft:session-lock-lost
        com.microsoft:precondition-failed""",
    ConflictError: """
        amqp:not-allowed amqp:resource-limit-exceeded com.microsoft:entity-disabled
        com.microsoft:session-cannot-be-locked""",
    PayloadTooLargeError: "amqp:link:message-size-exceeded",
    RateLimitedError: "com.microsoft:server-busy",
    ServiceUnavailableError: """
        amqp:internal-error com.microsoft:internal-server-error com.microsoft:operation-cancelled
        com.microsoft:container-close com.microsoft:timeout""",
    UnsupportedOperationError: "amqp:not-implemented",
    ValidationError: """
        amqp:invalid-field amqp:decode-error com.microsoft:argument-error
        com.microsoft:argument-out-of-range""",
}
"""What the conditions of AMQP errors stand for; any other one is a broken link."""

_BY_CONDITION = {name: kind for kind, names in CONDITIONS.items() for name in names.split()}
_TRACKING = re.compile(r"\s*(?:TrackingId:(?P<id>[^\s,]+)|Reference:).*", re.DOTALL)
_MODULE = "azure.servicebus._pyamqp"


def from_amqp(error: Exception) -> CloudError | None:
    """The CloudError for an error of AMQP; None when it is of another kind.

    Args:
        error: What the library of AMQP raised.
    """
    if type(error).__module__.startswith(_MODULE) and hasattr(error, "condition"):
        return _from_condition(error)
    if isinstance(error, TimeoutError) and not isinstance(error, CloudError) and not error.errno:
        return OperationTimeoutError("no answer came in time")
    return None


def from_connecting(error: Exception) -> CloudError:
    """The CloudError for a connection that could not be made; nothing was sent over it.

    Args:
        error: What the library of AMQP or the socket raised.
    """
    reason = getattr(error, "inner_error", None) or error
    if isinstance(reason, gaierror):
        return DnsError(
            "the name of the namespace is not known",
            hint="It is the host's whole name: name.servicebus.windows.net",
        )
    if isinstance(reason, ssl.SSLError):
        return TlsError("the secure connection could not be set up")
    return ConnectionFailedError(
        "no connection to Service Bus could be made",
        hint="See that the namespace is right and that it can be reached.",
    )


def _from_condition(error: Any) -> CloudError:
    if getattr(error, "status_code", None) is not None:  # of an answer to a token
        return InvalidCredentialsError(
            "Service Bus refused to sign in", status=error.status_code, code="TokenAuthFailure"
        )
    code = _text(getattr(error.condition, "value", error.condition))
    description = _text(error.description)
    tracking = _TRACKING.search(description)
    kind = _BY_CONDITION.get(code, NetworkError)
    facts: dict[str, Any] = {"code": code}
    if tracking is not None and tracking["id"]:
        facts["request_id"] = tracking["id"]
    message = _TRACKING.sub("", description) or "the link to Service Bus broke"
    return kind(message, **facts)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return "" if value is None else str(value)
