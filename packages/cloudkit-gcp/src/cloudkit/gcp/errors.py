"""Errors of Google Cloud and of its SDKs as CloudErrors: the only place where they are translated.

What a service says is looked up by its code (of gRPC, or the reason of a JSON API), then by its HTTP
status, so that the translation works from status, code and message alone. Errors of the SDKs and
of the connection are looked up by the names of their classes, so that nothing is imported here.

The codes: https://grpc.io/docs/guides/status-codes/ and
https://cloud.google.com/storage/docs/json_api/v1/status-codes
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cloudkit.common import (
    AlreadyExistsError,
    AuthenticationError,
    CloudError,
    ConfigurationError,
    ConflictError,
    ConnectionFailedError,
    DnsError,
    ExpiredCredentialsError,
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
    ServiceUnavailableError,
    TlsError,
    UnsupportedOperationError,
    ValidationError,
)
from cloudkit.core.errors import (
    CONNECTION,
    REQUESTS,
    Kind,
    NativeErrors,
    ServiceErrors,
    retry_after,
)

MESSAGES: tuple[tuple[re.Pattern[str], frozenset[str | None], Kind], ...] = (
    # One code stands for several things; only the message tells them apart.
    (re.compile("already own|not available|already exists"), frozenset({"conflict"}), AlreadyExistsError),
    (re.compile("doesn't match calculated"), frozenset({"invalid"}), IntegrityError),
    (re.compile("Anonymous caller"), frozenset({"required", None}), MissingCredentialsError),
    (re.compile("DNS resolution|[Nn]ame resolution|errors resolving|address lookup"), frozenset({"UNAVAILABLE"}), DnsError),
    (re.compile("[Hh]andshak|[Ss][Ss][Ll]|certificate|[Vv]erification [Cc]heck"), frozenset({"UNAVAILABLE"}), TlsError),
    (
        re.compile("failed to connect|Connection refused|connect timeout|No route"),
        frozenset({"UNAVAILABLE"}),
        ConnectionFailedError,
    ),
    (
        re.compile("[Ss]ocket closed|[Cc]onnection reset|recvmsg|GOAWAY|Stream removed|Broken pipe"),
        frozenset({"UNAVAILABLE"}),
        NetworkError,
    ),
    (re.compile("larger than max"), frozenset({"RESOURCE_EXHAUSTED"}), PayloadTooLargeError),
)  # fmt: skip
"""What a message makes of a code: (pattern, codes, kind)."""

SERVICE = ServiceErrors(
    codes={
        InvalidCredentialsError: "UNAUTHENTICATED authError",
        PermissionDeniedError: """
        PERMISSION_DENIED accountDisabled forbidden insufficientPermissions
        objectUnderActiveHold retentionPolicyNotMet userProjectAccessDenied""",
        NotFoundError: "NOT_FOUND notFound NoSuchBucket NoSuchKey NoSuchUpload",
        AlreadyExistsError: "ALREADY_EXISTS",
        PreconditionFailedError: "FAILED_PRECONDITION conditionNotMet notModified",
        ConflictError: "ABORTED",
        PayloadTooLargeError: "uploadTooLarge",
        RateLimitedError: """
        RESOURCE_EXHAUSTED rateLimitExceeded userRateLimitExceeded quotaExceeded
        dailyLimitExceeded""",
        ServiceUnavailableError: "UNAVAILABLE INTERNAL UNKNOWN CANCELLED backendError internalError",
        OperationTimeoutError: "DEADLINE_EXCEEDED",
        IntegrityError: "DATA_LOSS BadDigest",
        UnsupportedOperationError: "UNIMPLEMENTED",
        ValidationError: "INVALID_ARGUMENT OUT_OF_RANGE requestedRangeNotSatisfiable",
    },
    traits={
        # Two writers met and this one lost: the documentation says to begin again.
        "ABORTED": {"retryable": True, "unprocessed": True},
    },
    hints={
        "UNAUTHENTICATED": "The credentials may be wrong or expired, or this machine's clock.",
        "authError": "The credentials may be wrong or expired, or this machine's clock.",
        "required": "Sign in: give credentials, and not anonymous=True.",
        "insufficientPermissions": "The credentials lack a scope or a role for this.",
        "forbidden": "Who signs in needs a role on the resource, such as Storage Object User.",
    },
    # Signatures, keys, tokens.
    secrets=re.compile(
        r"(?<![A-Za-z0-9/+=_-])(?:[A-Za-z0-9/+=_-]{40,}|eyJ[\w.-]+|ya29\.[\w.-]+)(?![A-Za-z0-9/+=_-])"
        r"|(?<=upload_id=)[^&\s'\"]+|(?<=X-Goog-Signature=)[^&\s'\"]+"
    ),
)
"""What the services answer: codes of gRPC, and reasons of JSON APIs."""

_SIGN_IN = (
    "Run 'gcloud auth application-default login', or give 'credentials_file', "
    "'service_account_info' or 'auth'."
)

NATIVE = NativeErrors(
    packages=frozenset({"google", "grpc", "requests", "urllib3"}),
    kinds={
        **REQUESTS,
        # The connection
        "ChunkedEncodingError": (NetworkError, "the connection ended in the middle of the answer"),
        "IncompleteRead": (NetworkError, "the connection ended in the middle of the answer"),
        "InvalidURL": (ConfigurationError, "the endpoint is not a URL"),
        "TooManyRedirects": (ConfigurationError, "the endpoint sends the request elsewhere"),
        "JSONDecodeError": (ServiceUnavailableError, "the answer is not what the service sends"),
        # Credentials
        "ReauthFailError": (ExpiredCredentialsError, "the sign-in has to be repeated"),
        "RefreshError": (InvalidCredentialsError, "the credentials gave no token"),
        "UserAccessTokenError": (MissingCredentialsError, "gcloud has nobody signed in"),
        "ClientCertError": (TlsError, "the client's certificate cannot be used"),
        "MutualTLSChannelError": (TlsError, "the client's certificate cannot be used"),
        # Anonymous credentials were refused, and the SDK tried to renew them.
        "InvalidOperation": (MissingCredentialsError, "the service wants credentials"),
        "MalformedError": (ConfigurationError, "the credentials are not what they should be"),
        "InvalidValue": (ConfigurationError, "the credentials are not what they should be"),
        "DefaultCredentialsError": (MissingCredentialsError, "there are no credentials"),
        "TransportError": (NetworkError, "the connection to the sign-in failed"),
        "GoogleAuthError": (AuthenticationError, "signing in failed"),
        # What comes back
        "DataCorruption": (IntegrityError, "what came does not match its checksum"),
        "InvalidResponse": (ServiceUnavailableError, "the answer is not what the service sends"),
        "RetryError": (OperationTimeoutError, "no answer came in time"),
        "GoogleAPIError": (ProviderError, "the SDK could not make the call"),
    },
    hints={
        "DefaultCredentialsError": _SIGN_IN,
        "RefreshError": "The key may have been deleted, or this machine's clock may be wrong.",
        "ReauthFailError": "Run 'gcloud auth application-default login' again.",
        "NewConnectionError": "See that the endpoint is right and that its server runs.",
        "NameResolutionError": "See that the endpoint is right.",
    },
)
"""What the SDKs, requests and urllib3 raise."""

_SIGN_IN_FAILED = re.compile(r"sign-in failed \((\w+), (\w+)\): (.*)", re.DOTALL)
_KINDS: Mapping[str, Kind] = {
    kind.__name__: kind for kind, _ in (*NATIVE.kinds.values(), *CONNECTION.values())
}

# The SDK puts the request before the message: "GET https://...: ".
_REQUEST = re.compile(r"[A-Z]+ https?://\S+: ")


def translate(error: Exception) -> CloudError | None:
    """The CloudError for an error of an SDK or of its connections.

    Args:
        error: What was raised.

    Returns:
        None when the error is of another kind.
    """
    if not NATIVE.owns(error):
        return None
    if code_of(error) is not None or status_of(error) is not None:
        return _told_by_grpc(error) or _from_service(error)
    if _is_refresh(error) and getattr(error, "retryable", False):
        # A token that cannot be had now says nothing against the credentials.
        return ServiceUnavailableError(
            "the sign-in cannot answer now", code=type(error).__name__, unprocessed=True
        )
    return NATIVE.translate(error)


def sign_in_failure(error: Exception) -> Exception | None:
    """What gRPC is told when a call could not be signed; ``translate`` reads it again.

    Args:
        error: What was raised.

    Returns:
        None when the error is of another kind.
    """
    failure = error if isinstance(error, CloudError) else translate(error)
    if failure is None:
        return None
    code = failure.code or type(failure).__name__
    kind = next((k.__name__ for k in type(failure).__mro__ if k.__name__ in _KINDS), "")
    return RuntimeError(
        f"sign-in failed ({kind or ProviderError.__name__}, {code}): {failure.message}"
    )


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
        status: HTTP status; None where there is none.
        code: The service's code: of gRPC (``NOT_FOUND``), or a reason (``notFound``).
        message: The service's explanation.
        request_id: Its name for the request.
        retry_after: Seconds that it asks to wait.
    """
    kind = _by_message(code, SERVICE.without_secrets(message)) or SERVICE.kind(status, code)
    # A body that was damaged on its way: sending it again may do.
    damaged = (
        {"retryable": True, "unprocessed": True} if kind is IntegrityError and status == 400 else {}
    )
    return SERVICE.error(
        status,
        code,
        message,
        kind=kind,
        request_id=request_id,
        retry_after=retry_after,
        **damaged,
    )


def code_of(error: Exception) -> str | None:
    """The service's code in an error of an SDK: of gRPC or, of a JSON API, the reason."""
    grpc_code = getattr(error, "grpc_status_code", None)
    response = getattr(error, "response", None)
    if grpc_code is None and callable(getattr(error, "code", None)):
        grpc_code = error.code()  # type: ignore[attr-defined]  # gRPC's own error, not wrapped
    answer = _json(response)
    for item in (*answer.get("errors", ()), *_given(error)):
        if isinstance(item, Mapping) and item.get("reason"):
            return str(item["reason"])
    if grpc_code is not None and not answer:
        return str(grpc_code.name)
    return str(answer["status"]) if answer.get("status") else None


def status_of(error: Exception) -> int | None:
    """The HTTP status in an error of an SDK, or what gRPC's code would be; None without an answer."""
    for value in (
        getattr(error, "code", None),
        getattr(getattr(error, "response", None), "status_code", None),
    ):
        if isinstance(value, int):
            return int(value)
    return None


def is_refusal(error: Exception) -> bool:
    """Whether other credentials might do better."""
    return (
        status_of(error) == 401
        or code_of(error) == "UNAUTHENTICATED"
        or isinstance(_told_by_grpc(error), AuthenticationError)
        or _is_refresh(error)
    )


def _is_refresh(error: Exception) -> bool:
    return any(kind.__name__ == "RefreshError" for kind in type(error).__mro__)


def _told_by_grpc(error: Exception) -> CloudError | None:
    """Why a call of gRPC could not be signed, and so was not sent; None when it was."""
    if code_of(error) not in {"UNAVAILABLE", "UNAUTHENTICATED", "INTERNAL"}:
        return None
    found = _SIGN_IN_FAILED.search(_message(error))
    if found is None:
        return None
    kind, code, message = _KINDS.get(found[1], ProviderError), found[2], found[3]
    return kind(message, code=code, hint=NATIVE.hints.get(code), unprocessed=True)


def _from_service(error: Exception) -> CloudError:
    headers = _headers(error)
    request_id = headers.get("X-GUploader-UploadID") or headers.get("X-Cloud-Trace-Context")
    delay = retry_after(headers)
    for detail in _details(error):
        name = type(detail).__name__
        if name == "RetryInfo":
            delay = detail.retry_delay.seconds + detail.retry_delay.nanos / 1e9
        elif name == "RequestInfo":
            request_id = detail.request_id
    return from_answer(
        status_of(error), code_of(error), _message(error), request_id=request_id, retry_after=delay
    )


def _message(error: Exception) -> str:
    answer = _json(getattr(error, "response", None))
    if isinstance(answer.get("message"), str):
        return str(answer["message"])
    details = getattr(error, "details", None)
    if callable(details):  # gRPC's own error, not wrapped
        return str(details() or "")
    return _REQUEST.sub("", str(getattr(error, "message", "") or error), count=1)


def _json(response: Any) -> Mapping[str, Any]:
    """The error in the answer of a JSON API; empty when it is of another form."""
    if not hasattr(response, "headers") or not hasattr(response, "json"):
        return {}
    try:
        body = response.json()
    except (ValueError, RuntimeError):  # no JSON, or a stream that was read already
        return {}
    found = body.get("error") if isinstance(body, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _headers(error: Exception) -> Mapping[str, str]:
    found = getattr(getattr(error, "response", None), "headers", None)
    return {} if found is None else found


def _details(error: Exception) -> list[Any]:
    found = getattr(error, "details", ())
    return [] if callable(found) else list(found or ())


def _given(error: Exception) -> list[Any]:
    """The codes that were put into an error by hand, where the answer is no JSON."""
    found = getattr(error, "errors", ())
    return [] if callable(found) else list(found or ())


def _by_message(code: str | None, text: str) -> Kind | None:
    for pattern, codes, kind in MESSAGES:
        if code in codes and pattern.search(text):
            return kind
    return None
