"""Errors of Oracle Cloud and of its SDK as CloudErrors: the only place where they are translated.

What a service says is looked up by its code, then by its status, so that the translation works from
status, code and message alone. Errors of the SDK and of the connection are looked up by the names
of their classes, so that nothing is imported here. Codes:
https://docs.oracle.com/en-us/iaas/Content/API/References/apierrors.htm
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from cloudkit.common import (
    AlreadyExistsError,
    CloudError,
    ConfigurationError,
    ConflictError,
    ConnectionFailedError,
    DnsError,
    IntegrityError,
    InvalidCredentialsError,
    NetworkError,
    NotFoundError,
    OperationTimeoutError,
    PayloadTooLargeError,
    PermissionDeniedError,
    PreconditionFailedError,
    ProviderError,
    RateLimitedError,
    ServiceUnavailableError,
    TlsError,
    UnsupportedOperationError,
    ValidationError,
    utc_now,
)

Kind = type[CloudError]

CODES: dict[Kind, str] = {
    InvalidCredentialsError: "NotAuthenticated",
    PermissionDeniedError: "NotAuthorized Forbidden SignUpRequired InsufficientServicePermissions",
    NotFoundError: """
        NotAuthorizedOrNotFound NotFound BucketNotFound ObjectNotFound NamespaceNotFound
        NoSuchUpload TableNotFound IndexNotFound""",
    AlreadyExistsError: """
        BucketAlreadyExists NotAuthorizedOrResourceAlreadyExists TableAlreadyExists
        ResourceAlreadyExists""",
    PreconditionFailedError: "IfMatchFailed IfNoneMatchFailed NoEtagMatch",
    ConflictError: """
        BucketNotEmpty NotRestored ConcurrentObjectUpdate IncorrectState InvalidatedRetryToken
        Conflict LockConflict ExternalServerIncorrectState""",
    PayloadTooLargeError: """
        RequestEntityTooLarge EntityTooLarge FunctionInvokeRequestContentTooLarge""",
    RateLimitedError: "TooManyRequests",
    ServiceUnavailableError: """
        InternalServerError InternalError ServiceUnavailable FunctionInvokeServiceUnavailable""",
    IntegrityError: "UnmatchedContentMD5",
    UnsupportedOperationError: "NotImplemented MethodNotImplemented",
    ValidationError: "InvalidRange InvalidUploadPart",
}
"""What the services' codes stand for."""

STATUSES: dict[int, Kind] = {
    304: PreconditionFailedError,
    400: ValidationError,
    401: InvalidCredentialsError,
    402: PermissionDeniedError,
    403: PermissionDeniedError,
    404: NotFoundError,
    405: UnsupportedOperationError,
    408: OperationTimeoutError,
    409: ConflictError,
    412: PreconditionFailedError,
    413: PayloadTooLargeError,
    416: ValidationError,
    422: ValidationError,
    429: RateLimitedError,
    431: PayloadTooLargeError,
    501: UnsupportedOperationError,
    503: ServiceUnavailableError,
}
"""What a status stands for when the code is none of the above; an answer to HEAD has no code."""

TRAITS: dict[str, Mapping[str, Any]] = {
    # The state changes by itself, and the documentation says to try again.
    "IncorrectState": {"retryable": True, "unprocessed": True},
    "ConcurrentObjectUpdate": {"retryable": True, "unprocessed": True},
    # The body was damaged on its way: sending it again may do.
    "UnmatchedContentMD5": {"retryable": True, "unprocessed": True},
    # There was nobody to run it.
    "FunctionInvokeServiceUnavailable": {"unprocessed": True},
}
"""What a code says about the error, beyond its class."""

HINTS: dict[str, str] = {
    "NotAuthenticated": "The key may be wrong, unknown to the service, or this machine's clock off.",
    "NotAuthorizedOrNotFound": "The service does not tell what is missing from what is not allowed.",
    "NotRestored": "Bring the object back from the archive tier first.",
    "NotAuthorizedOrResourceAlreadyExists": "The name may be taken, or a policy may be missing.",
}

_BY_CODE: dict[str, Kind] = {code: kind for kind, codes in CODES.items() for code in codes.split()}

_NATIVE: dict[str, tuple[Kind, str]] = {
    # The connection: the more exact classes stand first in the order of inheritance
    "NameResolutionError": (DnsError, "the name of the endpoint is not known"),
    "ConnectTimeoutError": (ConnectionFailedError, "no connection was made in time"),
    "ProxyError": (ConnectionFailedError, "the proxy cannot be reached"),
    "NewConnectionError": (ConnectionFailedError, "no connection could be made"),
    "SSLError": (TlsError, "the secure connection could not be set up"),
    "ReadTimeoutError": (OperationTimeoutError, "no answer came in time"),
    "ProtocolError": (NetworkError, "the connection broke before the answer was complete"),
    "ConnectTimeout": (ConnectionFailedError, "no connection was made in time"),
    "ReadTimeout": (OperationTimeoutError, "no answer came in time"),
    "RequestException": (NetworkError, "the connection failed"),
    "HTTPError": (NetworkError, "the connection failed"),
    # Signing in
    "ConfigFileNotFound": (ConfigurationError, "the configuration file cannot be found"),
    "ProfileNotFound": (ConfigurationError, "the configuration file has no such profile"),
    "InvalidConfig": (ConfigurationError, "the configuration is not complete"),
    "InvalidKeyFilePath": (ConfigurationError, "the configuration names no file as its key"),
    "MissingPrivateKeyPassphrase": (ConfigurationError, "the private key wants its passphrase"),
    "InvalidPrivateKey": (ConfigurationError, "the private key cannot be read"),
    "ClientError": (ConfigurationError, "the SDK could not make the call"),
}
"""Classes of the SDK and urllib3, by name, and what happened."""

_NATIVE_HINTS: dict[str, str] = {
    "NewConnectionError": "See that the endpoint is right and that its server runs.",
    "NameResolutionError": "See that the region or the endpoint is right.",
    "InvalidConfig": "See that 'tenancy', 'user' and 'fingerprint' are whole.",
}

_CONNECTION = (
    "NameResolutionError",
    "ConnectTimeoutError",
    "ProxyError",
    "NewConnectionError",
    "SSLError",
    "ReadTimeoutError",
    "ProtocolError",
)
"""Classes of urllib3 that tell more than what the SDK wraps them in."""

_PACKAGES = frozenset({"oci", "urllib3"})

# What lets in whoever has it: links to objects, signatures.
_SECRETS = re.compile(r"(?<=/p/)[^/\s]+|(?<=signature=\")[^\"]+")


def translate(error: Exception) -> CloudError | None:
    """The CloudError for an error of the SDK or of its connections.

    Args:
        error: What was raised.

    Returns:
        None when the error is of another kind.
    """
    if not any(_is_native(kind) for kind in type(error).__mro__):
        return None
    status = status_of(error)
    if status is not None:
        return _from_response(error, status)
    for name in _names(error):
        if name in _NATIVE:
            kind, message = _NATIVE[name]
            return kind(message, code=type(error).__name__, hint=_NATIVE_HINTS.get(name))
    return None


def from_answer(
    status: int | None,
    code: str | None,
    message: str | None,
    *,
    request_id: str | None = None,
    retry_after: float | None = None,
) -> CloudError:
    """The CloudError for what a service answered, or for what it says of one item of a batch.

    Args:
        status: HTTP status; None where the item has none.
        code: The service's code.
        message: The service's explanation.
        request_id: Its name for the request.
        retry_after: Seconds that it asks to wait.
    """
    kind = _BY_CODE.get(code or "") or _by_status(status)
    context: dict[str, Any] = {
        "status": status,
        "code": code or None,
        "request_id": request_id,
        "retry_after": retry_after,
        "hint": HINTS.get(code or ""),
        **TRAITS.get(code or "", {}),
    }
    return kind(_without_secrets(message) or "the service refused without a reason", **context)


def code_of(error: Exception) -> str | None:
    """The service's code in an error of the SDK; None when it has none, as after HEAD."""
    code = getattr(error, "code", None)
    return None if code is None else str(code)


def status_of(error: Exception) -> int | None:
    """The HTTP status in an error of the SDK; None when there was no answer."""
    status = getattr(error, "status", None)
    return status if isinstance(status, int) else None


def request_id_of(error: Exception) -> str | None:
    """The service's name for the request, in an error of the SDK."""
    headers: Mapping[str, str] = getattr(error, "headers", None) or {}
    return headers.get("opc-request-id")


def is_refusal(error: Exception) -> bool:
    """Whether other credentials might do better."""
    return status_of(error) == 401


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks to wait.

    Args:
        headers: Headers of the answer.
    """
    text = headers.get("Retry-After") or headers.get("retry-after")
    return None if text is None else _seconds(text)


def _from_response(error: Exception, status: int) -> CloudError:
    headers: Mapping[str, str] = getattr(error, "headers", None) or {}
    return from_answer(
        status,
        code_of(error),
        getattr(error, "message", None),
        request_id=request_id_of(error),
        retry_after=retry_after(headers),
    )


def _by_status(status: int | None) -> Kind:
    if status in STATUSES:
        return STATUSES[status]
    return ServiceUnavailableError if status is not None and status >= 500 else ProviderError


def _seconds(text: str) -> float | None:
    try:
        return max(0.0, float(text))
    except ValueError:
        return _until(text)


def _until(text: str) -> float | None:
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(0.0, (at - utc_now()).total_seconds())


def _names(error: Exception) -> Iterator[str]:
    """Names to look up: what the connection said, then the classes of the error itself."""
    causes = list(_causes(error))
    names = {name for cause in causes for name in _class_names(cause)}
    yield from (name for name in _CONNECTION if name in names)
    yield from _class_names(error)
    for cause in causes:
        yield from _class_names(cause)


def _class_names(error: BaseException) -> list[str]:
    return [kind.__name__ for kind in type(error).__mro__ if _is_native(kind)]


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it was raised for, as the SDK, its requests and urllib3 hand it on."""
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        # The SDK's requests keep the text of what they were raised for, and not the error itself.
        around = (current.__cause__, current.__context__)
        linked = (getattr(current, "reason", None), *around, *current.args)
        waiting += [found for found in linked if isinstance(found, BaseException)]


def _is_native(kind: type) -> bool:
    return kind.__module__.partition(".")[0] in _PACKAGES


def _without_secrets(message: object) -> str:
    return _SECRETS.sub("…", " ".join(str(message or "").split()))
