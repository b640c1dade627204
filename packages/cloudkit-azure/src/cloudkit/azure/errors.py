"""Errors of Azure and of its SDKs as CloudErrors: the only place where they are translated.

What a service says is looked up by its code, then by its status, so that the translation works from
status, code and message alone. Errors of the SDKs and of the connection are looked up by the names
of their classes, so that nothing is imported here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from cloudkit.azure.conditions import from_amqp
from cloudkit.common import (
    AlreadyExistsError,
    AuthenticationError,
    CloudError,
    ConfigurationError,
    ConflictError,
    ConnectionFailedError,
    DnsError,
    IntegrityError,
    InvalidCredentialsError,
    MissingCredentialsError,
    NetworkError,
    NotFoundError,
    OperationTimeoutError,
    PayloadTooLargeError,
    PermissionDeniedError,
    PreconditionFailedError,
    ProviderError,
    RateLimitedError,
    SerializationError,
    ServiceUnavailableError,
    TlsError,
    UnsupportedOperationError,
    ValidationError,
    utc_now,
)

Kind = type[CloudError]

CODES: dict[Kind, str] = {
    InvalidCredentialsError: """
        AuthenticationFailed InvalidAuthenticationInfo Unauthorized InvalidAuthorizationToken""",
    MissingCredentialsError: "NoAuthenticationInformation",
    PermissionDeniedError: """
        AccountIsDisabled AuthorizationFailure AuthorizationPermissionMismatch
        AuthorizationProtocolMismatch AuthorizationResourceTypeMismatch
        AuthorizationServiceMismatch AuthorizationSourceIPMismatch
        DelegatedAuthorizationFailure Forbidden InsufficientAccountPermissions
        KeyBasedAuthenticationNotPermitted PublicAccessNotPermitted""",
    NotFoundError: """
        BlobNotFound ContainerNotFound ResourceNotFound NotFound MessagingEntityNotFound
        EntityNotFound""",
    AlreadyExistsError: "ContainerAlreadyExists ResourceAlreadyExists AccountAlreadyExists",
    PreconditionFailedError: """
        BlobAlreadyExists ConditionNotMet PreconditionFailed SourceConditionNotMet
        TargetConditionNotMet AppendPositionConditionNotMet SequenceNumberConditionNotMet
        MaxBlobSizeConditionNotMet""",
    ConflictError: """
        ContainerBeingDeleted ContainerDisabled BlobArchived BlobBeingRehydrated
        BlobImmutableDueToPolicy BlobModifiedWhileReading BlobOverwritten LeaseAlreadyPresent
        LeaseIdMismatchWithBlobOperation LeaseIdMismatchWithContainerOperation LeaseIdMissing
        LeaseLost PendingCopyOperation SnapshotsPresent RetryWith""",
    PayloadTooLargeError: """
        MetadataTooLarge RequestBodyTooLarge BlockCountExceedsLimit BlockListTooLong
        ContentLengthLargerThanTierLimit RequestEntityTooLarge""",
    RateLimitedError: "ServerBusy TooManyRequests AccountIopsLimitExceeded",
    ServiceUnavailableError: """
        InternalError InternalServerError OperationTimedOut ServiceUnavailable Gone""",
    IntegrityError: "Md5Mismatch Crc64Mismatch",
    UnsupportedOperationError: """
        FeatureNotYetSupportedForHierarchicalNamespaceAccounts UnsupportedHttpVerb
        BlobAccessTierNotSupportedForAccountType BlobTierInadequateForContentLength
        CopyAcrossAccountsNotSupported""",
    ValidationError: "InvalidRange InvalidMd5 InvalidBlockList InvalidBlobTier",
}
"""What the services' codes stand for."""

STATUSES: dict[int, Kind] = {
    304: PreconditionFailedError,
    400: ValidationError,
    401: InvalidCredentialsError,
    403: PermissionDeniedError,
    404: NotFoundError,
    405: UnsupportedOperationError,
    408: OperationTimeoutError,
    409: ConflictError,
    410: ServiceUnavailableError,
    412: PreconditionFailedError,
    413: PayloadTooLargeError,
    416: ValidationError,
    429: RateLimitedError,
    449: ConflictError,
    501: UnsupportedOperationError,
    503: ServiceUnavailableError,
}
"""What a status stands for when the code is none of the above."""

SUBSTATUSES: dict[tuple[int | None, int | None], tuple[Kind, Mapping[str, Any]]] = {
    # Not a missing item: a replica has yet to hear of what this client has written.
    (404, 1002): (ServiceUnavailableError, {"retryable": True, "unprocessed": True}),
    (404, 1013): (ServiceUnavailableError, {"retryable": True, "unprocessed": True}),
    # Another region has become the one that writes.
    (403, 3): (ServiceUnavailableError, {"retryable": True, "unprocessed": True}),
    (403, 1014): (ConflictError, {"hint": "A partition key holds 20 GB at most: use finer ones."}),
    (403, 5300): (
        PermissionDeniedError,
        {
            "hint": "Entra ID does not let anybody manage databases and containers of Cosmos DB "
            "here: create them with a key, or by Azure Resource Manager."
        },
    ),
}
"""What Cosmos DB's pairs of status and substatus stand for, before their code is looked at:
https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb"""

TRAITS: dict[str, Mapping[str, Any]] = {
    # The name is free again after half a minute or more.
    "ContainerBeingDeleted": {"retryable": True, "unprocessed": True},
    # Two requests met: the documentation of each says to try again.
    "BlobModifiedWhileReading": {"retryable": True, "unprocessed": True},
    "RetryWith": {"retryable": True, "unprocessed": True},
    # The body was damaged on its way: sending it again may do.
    "Md5Mismatch": {"retryable": True, "unprocessed": True},
    "Crc64Mismatch": {"retryable": True, "unprocessed": True},
    "InvalidRange": {"status": 416},
}
"""What a code says about the error, beyond its class."""

HINTS: dict[str, str] = {
    "AuthenticationFailed": "The key or signature may be wrong or expired, or this machine's clock.",
    "AuthorizationPermissionMismatch": "Who signs in needs a data role of the service, such as "
    "Storage Blob Data Contributor.",
    "KeyBasedAuthenticationNotPermitted": "The account takes tokens only: give no key.",
    "ContainerBeingDeleted": "A container that was deleted keeps its name for at least 30 seconds.",
    "PublicAccessNotPermitted": "The account allows no anonymous reading.",
    "BlobArchived": "Bring the object back from the archive tier first.",
}

_BY_CODE: dict[str, Kind] = {code: kind for kind, codes in CODES.items() for code in codes.split()}

_NATIVE: dict[str, tuple[Kind, str]] = {
    # Credentials
    "CredentialUnavailableError": (MissingCredentialsError, "there is no identity to sign in as"),
    "AzureSigningError": (InvalidCredentialsError, "the account key is not a key"),
    "ClientAuthenticationError": (AuthenticationError, "signing in failed"),
    "ServiceBusAuthenticationError": (InvalidCredentialsError, "Service Bus refused to sign in"),
    "ServiceBusAuthorizationError": (PermissionDeniedError, "Service Bus does not allow this"),
    # Service Bus
    "MessagingEntityNotFoundError": (NotFoundError, "there is no such queue or topic"),
    "MessagingEntityAlreadyExistsError": (AlreadyExistsError, "it exists already"),
    "MessagingEntityDisabledError": (ConflictError, "the queue or topic is disabled"),
    "MessageNotFoundError": (NotFoundError, "there is no such message"),
    "MessageLockLostError": (PreconditionFailedError, "the lease of the message has ended"),
    "SessionLockLostError": (PreconditionFailedError, "the lease of the session has ended"),
    "SessionCannotBeLockedError": (ConflictError, "another receiver has the session"),
    "MessageAlreadySettled": (ConflictError, "the message has been settled already"),
    "MessageSizeExceededError": (PayloadTooLargeError, "the message is too large"),
    "ServiceBusQuotaExceededError": (ConflictError, "the queue or topic is full"),
    "ServiceBusServerBusyError": (RateLimitedError, "Service Bus is busy"),
    "ServiceBusCommunicationError": (ServiceUnavailableError, "Service Bus cannot answer now"),
    "ServiceBusConnectionError": (NetworkError, "the connection to Service Bus broke"),
    "ServiceBusError": (ServiceUnavailableError, "Service Bus could not carry it out"),
    # The connection: the more exact classes stand first in the order of inheritance
    "NameResolutionError": (DnsError, "the name of the endpoint is not known"),
    "ConnectTimeoutError": (ConnectionFailedError, "no connection was made in time"),
    "ProxyError": (ConnectionFailedError, "the proxy cannot be reached"),
    "NewConnectionError": (ConnectionFailedError, "no connection could be made"),
    "SSLError": (TlsError, "the secure connection could not be set up"),
    "ReadTimeoutError": (OperationTimeoutError, "no answer came in time"),
    "ProtocolError": (NetworkError, "the connection broke before the answer was complete"),
    "ServiceRequestTimeoutError": (ConnectionFailedError, "no connection was made in time"),
    "ServiceResponseTimeoutError": (OperationTimeoutError, "no answer came in time"),
    "IncompleteReadError": (NetworkError, "the connection ended in the middle of the answer"),
    "CosmosClientTimeoutError": (OperationTimeoutError, "no answer came in time"),
    # azure-core says that nothing was sent, but also of connections that broke later.
    "ServiceRequestError": (NetworkError, "the connection failed"),
    "ServiceResponseError": (NetworkError, "the connection broke before the answer was complete"),
    "RequestException": (NetworkError, "the connection failed"),
    "HTTPError": (NetworkError, "the connection failed"),
    # What comes back, and what is sent
    "DecodeError": (ServiceUnavailableError, "the answer is not what the service sends"),
    "DeserializationError": (ServiceUnavailableError, "the answer is not what the service sends"),
    "SerializationError": (SerializationError, "the SDK cannot send this"),
    "TooManyRedirectsError": (ConfigurationError, "the endpoint sends the request elsewhere"),
    # Raised without an answer by the client that manages Service Bus
    "ResourceNotFoundError": (NotFoundError, "it does not exist"),
    "AzureError": (ProviderError, "the SDK could not make the call"),
}
"""Classes of the SDKs, requests and urllib3, by name, and what happened."""

_SIGN_IN = "Sign in with the Azure command line, or give a connection string, a key, 'client_secret' or 'auth'."

_NATIVE_HINTS: dict[str, str] = {
    "CredentialUnavailableError": _SIGN_IN,
    "ClientAuthenticationError": _SIGN_IN,
    "NewConnectionError": "See that the endpoint is right and that its server runs.",
    "NameResolutionError": "See that the account's name or the endpoint is right.",
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

_REFUSALS = frozenset(
    {"AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation"}
)
_PACKAGES = frozenset({"azure", "requests", "urllib3"})

# Values of credentials that a service repeats in its answer: signatures, keys, tokens.
_SECRETS = re.compile(
    r"(?<![A-Za-z0-9/+=_-])(?:[A-Za-z0-9/+=_-]{40,}|eyJ[\w.-]+)(?![A-Za-z0-9/+=_-])|(?<=sig=)[^&\s'\"]+"
)
_DETAILS = re.compile(r"\s*(?:RequestId:|Time:|ErrorCode:|ActivityId:|Content:)")


def translate(error: Exception) -> CloudError | None:
    """The CloudError for an error of an SDK or of its connections.

    Args:
        error: What was raised.

    Returns:
        None when the error is of another kind.
    """
    failure = from_amqp(error)
    if failure is not None or not any(_is_native(kind) for kind in type(error).__mro__):
        return failure
    status = getattr(error, "status_code", None)
    if isinstance(status, int) and status:
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
    substatus: int | None = None,
) -> CloudError:
    """The CloudError for what a service answered, or for what it says of one item of a batch.

    Args:
        status: HTTP status; None where the item has none.
        code: The service's code.
        message: The service's explanation.
        request_id: Its name for the request.
        retry_after: Seconds that it asks to wait.
        substatus: What Cosmos DB adds to the status.
    """
    found = SUBSTATUSES.get((status, substatus))
    kind = found[0] if found else _BY_CODE.get(code or "") or _by_status(status)
    context: dict[str, Any] = {
        "status": status,
        "code": code or None,
        "request_id": request_id,
        "retry_after": retry_after,
        "hint": HINTS.get(code or ""),
        **TRAITS.get(code or "", {}),
        **(found[1] if found else {}),
    }
    return kind(_without_secrets(message) or "the service refused without a reason", **context)


def code_of(error: Exception) -> str | None:
    """The service's code in an error of an SDK; None when it has none."""
    code = getattr(error, "error_code", None)
    code = getattr(code, "value", code)
    if code is None:
        code = _headers(error).get("x-ms-error-code")
    if code is None:
        code = getattr(getattr(error, "error", None), "code", None)  # an error as OData has it
    return None if code is None else str(code)


def status_of(error: Exception) -> int | None:
    """The HTTP status in an error of an SDK; None when there was no answer."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def is_refusal(error: Exception) -> bool:
    """Whether other credentials might do better."""
    return (
        status_of(error) == 401
        or code_of(error) in _REFUSALS
        or type(error).__name__ == "ServiceBusAuthenticationError"
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks to wait.

    Args:
        headers: Headers of the answer.
    """
    for name in ("x-ms-retry-after-ms", "retry-after-ms"):
        if name in headers:
            milliseconds = _number(headers[name])
            return None if milliseconds is None else milliseconds / 1000
    text = headers.get("Retry-After") or headers.get("retry-after")
    return None if text is None else _number(text) or _until(text)


def _from_response(error: Exception, status: int) -> CloudError:
    headers = _headers(error)
    message = str(getattr(error, "message", "") or "")
    return from_answer(
        status,
        code_of(error),
        _DETAILS.split(message, maxsplit=1)[0],
        request_id=headers.get("x-ms-request-id") or headers.get("x-ms-activity-id"),
        retry_after=retry_after(headers),
        substatus=getattr(error, "sub_status", None),
    )


def _headers(error: Exception) -> Mapping[str, str]:
    found = getattr(getattr(error, "response", None), "headers", None)
    if found is None:
        found = getattr(error, "headers", None)  # Cosmos DB's keep their own
    return {} if found is None else found


def _by_status(status: int | None) -> Kind:
    if status in STATUSES:
        return STATUSES[status]
    return ServiceUnavailableError if status is not None and status >= 500 else ProviderError


def _number(text: object) -> float | None:
    try:
        return max(0.0, float(str(text)))
    except ValueError:
        return None


def _until(text: str) -> float | None:
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(0.0, (at - utc_now()).total_seconds())


def _names(error: Exception) -> Iterator[str]:
    """Names to look up: what the connection said, then the classes of the error itself."""
    causes = {name for cause in _causes(error) for name in _class_names(cause)}
    yield from (name for name in _CONNECTION if name in causes)
    yield from _class_names(error)


def _class_names(error: BaseException) -> list[str]:
    return [kind.__name__ for kind in type(error).__mro__ if _is_native(kind)]


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it was raised for, as the SDK, requests and urllib3 hand it on."""
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        linked = (
            getattr(current, "inner_exception", None),
            getattr(current, "reason", None),
            current.__cause__,
            *current.args,
        )
        waiting += [found for found in linked if isinstance(found, BaseException)]


def _is_native(kind: type) -> bool:
    return kind.__module__.partition(".")[0] in _PACKAGES


def _without_secrets(message: object) -> str:
    return _SECRETS.sub("…", " ".join(str(message or "").split()))
