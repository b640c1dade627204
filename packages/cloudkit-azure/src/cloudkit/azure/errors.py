"""Errors of Azure and of its SDKs as CloudErrors: the only place where they are translated.

What a service says is looked up by its code, then by its status, so that the translation works from
status, code and message alone. Errors of the SDKs and of the connection are looked up by the names
of their classes, so that nothing is imported here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cloudkit.azure.conditions import from_amqp
from cloudkit.common import (
    AlreadyExistsError,
    AuthenticationError,
    CloudError,
    ConfigurationError,
    ConflictError,
    ConnectionFailedError,
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
    UnsupportedOperationError,
    ValidationError,
)
from cloudkit.core.errors import REQUESTS, Kind, NativeErrors, ServiceErrors, number
from cloudkit.core.errors import retry_after as standard_retry_after

SUBSTATUSES: Mapping[tuple[int | None, int | None], tuple[Kind, Mapping[str, Any]]] = {
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

SERVICE = ServiceErrors(
    codes={
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
    },
    statuses={410: ServiceUnavailableError, 449: ConflictError},
    traits={
        # The name is free again after half a minute or more.
        "ContainerBeingDeleted": {"retryable": True, "unprocessed": True},
        # Two requests met: the documentation of each says to try again.
        "BlobModifiedWhileReading": {"retryable": True, "unprocessed": True},
        "RetryWith": {"retryable": True, "unprocessed": True},
        # The body was damaged on its way: sending it again may do.
        "Md5Mismatch": {"retryable": True, "unprocessed": True},
        "Crc64Mismatch": {"retryable": True, "unprocessed": True},
        "InvalidRange": {"status": 416},
    },
    hints={
        "AuthenticationFailed": "The key or signature may be wrong or expired, or this machine's clock.",
        "AuthorizationPermissionMismatch": "Who signs in needs a data role of the service, such as "
        "Storage Blob Data Contributor.",
        "KeyBasedAuthenticationNotPermitted": "The account takes tokens only: give no key.",
        "ContainerBeingDeleted": "A container that was deleted keeps its name for at least 30 seconds.",
        "PublicAccessNotPermitted": "The account allows no anonymous reading.",
        "BlobArchived": "Bring the object back from the archive tier first.",
    },
    # Signatures, keys, tokens.
    secrets=re.compile(
        r"(?<![A-Za-z0-9/+=_-])(?:[A-Za-z0-9/+=_-]{40,}|eyJ[\w.-]+)(?![A-Za-z0-9/+=_-])|(?<=sig=)[^&\s'\"]+"
    ),
)
"""What the services answer."""

_SIGN_IN = "Sign in with the Azure command line, or give a connection string, a key, 'client_secret' or 'auth'."


def _links(error: BaseException) -> tuple[object, ...]:
    inner = getattr(error, "inner_exception", None)
    return (inner, getattr(error, "reason", None), error.__cause__, *error.args)


NATIVE = NativeErrors(
    packages=frozenset({"azure", "requests", "urllib3"}),
    kinds={
        **REQUESTS,
        # Credentials
        "CredentialUnavailableError": (
            MissingCredentialsError,
            "there is no identity to sign in as",
        ),
        "AzureSigningError": (InvalidCredentialsError, "the account key is not a key"),
        "ClientAuthenticationError": (AuthenticationError, "signing in failed"),
        "ServiceBusAuthenticationError": (
            InvalidCredentialsError,
            "Service Bus refused to sign in",
        ),
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
        # The connection
        "ServiceRequestTimeoutError": (ConnectionFailedError, "no connection was made in time"),
        "ServiceResponseTimeoutError": (OperationTimeoutError, "no answer came in time"),
        "IncompleteReadError": (NetworkError, "the connection ended in the middle of the answer"),
        "CosmosClientTimeoutError": (OperationTimeoutError, "no answer came in time"),
        # azure-core says that nothing was sent, but also of connections that broke later.
        "ServiceRequestError": (NetworkError, "the connection failed"),
        "ServiceResponseError": (
            NetworkError,
            "the connection broke before the answer was complete",
        ),
        # What comes back, and what is sent
        "DecodeError": (ServiceUnavailableError, "the answer is not what the service sends"),
        "DeserializationError": (
            ServiceUnavailableError,
            "the answer is not what the service sends",
        ),
        "SerializationError": (SerializationError, "the SDK cannot send this"),
        "TooManyRedirectsError": (ConfigurationError, "the endpoint sends the request elsewhere"),
        # Raised without an answer by the client that manages Service Bus
        "ResourceNotFoundError": (NotFoundError, "it does not exist"),
        "AzureError": (ProviderError, "the SDK could not make the call"),
    },
    hints={
        "CredentialUnavailableError": _SIGN_IN,
        "ClientAuthenticationError": _SIGN_IN,
        "NewConnectionError": "See that the endpoint is right and that its server runs.",
        "NameResolutionError": "See that the account's name or the endpoint is right.",
    },
    links=_links,
)
"""What the SDKs, requests and urllib3 raise."""

_REFUSALS = frozenset(
    {"AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation"}
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
    if failure is not None or not NATIVE.owns(error):
        return failure
    status = getattr(error, "status_code", None)
    if isinstance(status, int) and status:
        return _from_response(error, status)
    return NATIVE.translate(error)


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
    kind, facts = SUBSTATUSES.get((status, substatus), (None, {}))
    return SERVICE.error(
        status,
        code,
        message,
        kind=kind,
        request_id=request_id,
        retry_after=retry_after,
        **facts,
    )


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
            milliseconds = number(headers[name])
            return None if milliseconds is None else milliseconds / 1000
    return standard_retry_after(headers)


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
