"""Errors of Oracle Cloud and of its SDK as CloudErrors: the only place where they are translated.

What a service says is looked up by its code, then by its status, so that the translation works from
status, code and message alone. Errors of the SDK and of the connection are looked up by the names
of their classes, so that nothing is imported here. Codes:
https://docs.oracle.com/en-us/iaas/Content/API/References/apierrors.htm
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from cloudkit.common import (
    AlreadyExistsError,
    CloudError,
    ConfigurationError,
    ConflictError,
    IntegrityError,
    InvalidCredentialsError,
    NotFoundError,
    PayloadTooLargeError,
    PermissionDeniedError,
    PreconditionFailedError,
    RateLimitedError,
    ServiceUnavailableError,
    UnsupportedOperationError,
    ValidationError,
)
from cloudkit.core.errors import REQUESTS, NativeErrors, ServiceErrors, retry_after

SERVICE = ServiceErrors(
    codes={
        InvalidCredentialsError: "NotAuthenticated",
        PermissionDeniedError: "NotAuthorized Forbidden SignUpRequired InsufficientServicePermissions",
        NotFoundError: """
        NotAuthorizedOrNotFound NotFound BucketNotFound ObjectNotFound NamespaceNotFound
        NoSuchUpload TableNotFound IndexNotFound""",
        AlreadyExistsError: """
        BucketAlreadyExists NotAuthorizedOrResourceAlreadyExists TableAlreadyExists
        ResourceAlreadyExists ResourceAleadyExists""",
        PreconditionFailedError: "IfMatchFailed IfNoneMatchFailed NoEtagMatch ETagMismatch",
        ConflictError: """
        BucketNotEmpty NotRestored ConcurrentObjectUpdate IncorrectState InvalidatedRetryToken
        Conflict LockConflict ExternalServerIncorrectState""",
        PayloadTooLargeError: """
        RequestEntityTooLarge EntityTooLarge FunctionInvokeRequestContentTooLarge
        RowSizeLimitExceeded RequestSizeLimitExceeded""",
        RateLimitedError: "TooManyRequests",
        ServiceUnavailableError: """
        InternalServerError InternalError ServiceUnavailable FunctionInvokeServiceUnavailable""",
        IntegrityError: "UnmatchedContentMD5",
        UnsupportedOperationError: "NotImplemented MethodNotImplemented",
        ValidationError: "InvalidRange InvalidUploadPart KeySizeLimitExceeded",
    },
    traits={
        # The state changes by itself, and the documentation says to try again.
        "IncorrectState": {"retryable": True, "unprocessed": True},
        "ConcurrentObjectUpdate": {"retryable": True, "unprocessed": True},
        # The body was damaged on its way: sending it again may do.
        "UnmatchedContentMD5": {"retryable": True, "unprocessed": True},
        # There was nobody to run it.
        "FunctionInvokeServiceUnavailable": {"unprocessed": True},
    },
    hints={
        "NotAuthenticated": "The key may be wrong, unknown to the service, or this machine's clock off.",
        "NotAuthorizedOrNotFound": "The service does not tell what is missing from what is not allowed.",
        "NotRestored": "Bring the object back from the archive tier first.",
        "NotAuthorizedOrResourceAlreadyExists": "The name may be taken, or a policy may be missing.",
    },
    # What lets in whoever has it: links to objects, signatures.
    secrets=re.compile(r"(?<=/p/)[^/\s]+|(?<=signature=\")[^\"]+"),
)
"""What the services answer. An answer to HEAD has no code."""


def _links(error: BaseException) -> tuple[object, ...]:
    # The SDK's requests keep the text of what they were raised for, and not the error itself.
    around = (error.__cause__, error.__context__)
    return (getattr(error, "reason", None), *around, *error.args)


NATIVE = NativeErrors(
    packages=frozenset({"oci", "urllib3"}),
    kinds={
        **REQUESTS,
        # Signing in
        "ConfigFileNotFound": (ConfigurationError, "the configuration file cannot be found"),
        "ProfileNotFound": (ConfigurationError, "the configuration file has no such profile"),
        "InvalidConfig": (ConfigurationError, "the configuration is not complete"),
        "InvalidKeyFilePath": (ConfigurationError, "the configuration names no file as its key"),
        "MissingPrivateKeyPassphrase": (ConfigurationError, "the private key wants its passphrase"),
        "InvalidPrivateKey": (ConfigurationError, "the private key cannot be read"),
        "ClientError": (ConfigurationError, "the SDK could not make the call"),
    },
    hints={
        "NewConnectionError": "See that the endpoint is right and that its server runs.",
        "NameResolutionError": "See that the region or the endpoint is right.",
        "InvalidConfig": "See that 'tenancy', 'user' and 'fingerprint' are whole.",
    },
    links=_links,
)
"""What the SDK and urllib3 raise."""


def translate(error: Exception) -> CloudError | None:
    """The CloudError for an error of the SDK or of its connections.

    Args:
        error: What was raised.

    Returns:
        None when the error is of another kind.
    """
    if not NATIVE.owns(error):
        return None
    status = status_of(error)
    return NATIVE.translate(error) if status is None else _from_response(error, status)


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
    return SERVICE.error(status, code, message, request_id=request_id, retry_after=retry_after)


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


def _from_response(error: Exception, status: int) -> CloudError:
    headers: Mapping[str, str] = getattr(error, "headers", None) or {}
    return from_answer(
        status,
        code_of(error),
        getattr(error, "message", None),
        request_id=request_id_of(error),
        retry_after=retry_after(headers),
    )
