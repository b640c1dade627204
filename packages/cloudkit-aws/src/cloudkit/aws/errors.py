"""Errors of AWS and of boto3 as CloudErrors: the only place where they are translated.

What a service says is looked up by its code, then by its status, so that the translation works from
status, code and message alone. Errors of boto3 and of the connection are looked up by the names of
their classes, so that nothing is imported here.
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

Kind = type[CloudError]

CODES: dict[Kind, str] = {
    ExpiredCredentialsError: """
        ExpiredToken ExpiredTokenException RequestExpired TokenRefreshRequired
        KMSExpiredTokenException""",
    InvalidCredentialsError: """
        InvalidAccessKeyId InvalidClientTokenId InvalidToken InvalidSignature
        InvalidSignatureException SignatureDoesNotMatch UnrecognizedClientException
        IncompleteSignature IncompleteSignatureException AuthFailure NotSignedUp OptInRequired
        SubscriptionRequiredException AuthorizationHeaderMalformed InvalidSecurity""",
    MissingCredentialsError: "MissingAuthenticationToken MissingAuthenticationTokenException",
    PermissionDeniedError: """
        AccessDenied AccessDeniedException AccountProblem AllAccessDisabled AuthorizationError
        AuthorizationErrorException Forbidden InvalidPayer KMSAccessDenied KMSAccessDeniedException
        OverLimitAccess UnauthorizedOperation UnauthorizedAccess AccessForbidden EC2AccessDeniedException
        """,
    NotFoundError: """
        NoSuchBucket NoSuchKey NoSuchUpload NoSuchVersion NotFound NotFoundException
        ResourceNotFoundException ResourceNotFoundFault TableNotFoundException
        AWS.SimpleQueueService.NonExistentQueue QueueDoesNotExist
        com.amazonaws.sqs#QueueDoesNotExist com.amazonaws.sqs#ResourceNotFoundException""",
    AlreadyExistsError: """
        BucketAlreadyExists BucketAlreadyOwnedByYou QueueAlreadyExists QueueNameExists
        TableAlreadyExistsException ResourceConflictException""",
    PreconditionFailedError: """
        PreconditionFailed ConditionalCheckFailed ConditionalCheckFailedException NotModified
        ReceiptHandleIsInvalid MessageNotInflight AWS.SimpleQueueService.MessageNotInflight""",
    ConflictError: """
        BucketNotEmpty InvalidBucketState InvalidObjectState ObjectNotInActiveTierError
        ResourceInUseException TransactionCanceledException TransactionConflictException
        ReplicatedWriteConflictException ConcurrentAccess ConcurrentAccessException StaleTag
        StaleTagException AWS.SimpleQueueService.QueueDeletedRecently QueueDeletedRecently
        OperationNotPageable ResourceNotReadyException""",
    PayloadTooLargeError: """
        EntityTooLarge MaxMessageLengthExceeded MetadataTooLarge RequestTooLargeException
        RequestEntityTooLargeException BatchRequestTooLong
        AWS.SimpleQueueService.BatchRequestTooLong ItemCollectionSizeLimitExceededException""",
    RateLimitedError: """
        BandwidthLimitExceeded EC2ThrottledException KMSThrottled KMSThrottlingException
        LimitExceededException PriorRequestNotComplete ProvisionedThroughputExceeded
        ProvisionedThroughputExceededException RequestLimitExceeded RequestThrottled
        RequestThrottledException SlowDown ThrottledException Throttling ThrottlingError
        ThrottlingException TooManyRequestsException TransactionInProgressException OverLimit
        FilterPolicyLimitExceeded SubscriptionLimitExceeded TopicLimitExceeded
        PurgeQueueInProgress AWS.SimpleQueueService.PurgeQueueInProgress""",
    ServiceUnavailableError: """
        InternalError InternalErrorException InternalFailure InternalServerError
        InternalServerException ServiceException ServiceUnavailable ServiceUnavailableException
        Busy RequestTimeout RequestTimeoutException OperationAborted
        ENILimitReachedException EFSIOException EFSMountTimeoutException""",
    IntegrityError: "BadDigest InvalidDigest XAmzContentChecksumMismatch XAmzContentSHA256Mismatch",
    UnsupportedOperationError: """
        NotImplemented UnsupportedOperation AWS.SimpleQueueService.UnsupportedOperation
        UnknownOperationException""",
    ConfigurationError: """
        PermanentRedirect IllegalLocationConstraintException InvalidEndpointException""",
    ValidationError: """
        InvalidRange InvalidArgument InvalidBucketName InvalidRequest InvalidParameter
        InvalidParameterException InvalidParameterValue InvalidParameterValueException
        InvalidPart InvalidPartOrder InvalidStorageClass KeyTooLong KeyTooLongError MalformedXML
        EntityTooSmall ValidationError ValidationException SerializationException
        InvalidMessageContents InvalidAttributeName InvalidAttributeValue InvalidBatchEntryId
        EmptyBatchRequest TooManyEntriesInBatchRequest BatchEntryIdsNotDistinct
        AWS.SimpleQueueService.EmptyBatchRequest
        AWS.SimpleQueueService.TooManyEntriesInBatchRequest
        AWS.SimpleQueueService.BatchEntryIdsNotDistinct
        AWS.SimpleQueueService.InvalidBatchEntryId
        IdempotentParameterMismatchException DuplicateItemException
        InvalidRequestContentException UnsupportedMediaTypeException""",
}
"""What the services' codes stand for."""

STATUSES: dict[int, Kind] = {
    304: PreconditionFailedError,
    400: ValidationError,
    401: InvalidCredentialsError,
    403: PermissionDeniedError,
    404: NotFoundError,
    405: UnsupportedOperationError,
    409: ConflictError,
    412: PreconditionFailedError,
    413: PayloadTooLargeError,
    416: ValidationError,
    429: RateLimitedError,
    501: UnsupportedOperationError,
    503: ServiceUnavailableError,
}
"""What a status stands for when the code is none of the above."""

_MINUTE: Mapping[str, Any] = {"retry_after": 60.0, "retryable": True, "unprocessed": True}

TRAITS: dict[str, Mapping[str, Any]] = {
    # Another write to the same key was under way: the documentation says to try again.
    "ConditionalRequestConflict": {"retryable": True, "unprocessed": True},
    "OperationAborted": {"unprocessed": True},
    "TransactionConflictException": {"retryable": True, "unprocessed": True},
    "ReplicatedWriteConflictException": {"retryable": True, "unprocessed": True},
    # The body did not arrive in time, so it was not stored.
    "RequestTimeout": {"unprocessed": True},
    # The body was damaged on its way: sending it again may do.
    "BadDigest": {"retryable": True, "unprocessed": True},
    "XAmzContentChecksumMismatch": {"retryable": True, "unprocessed": True},
    # A limit on how many things there may be; waiting does not change it.
    "FilterPolicyLimitExceeded": {"retryable": False},
    "SubscriptionLimitExceeded": {"retryable": False},
    "TopicLimitExceeded": {"retryable": False},
    "InvalidRange": {"status": 416},
    # A queue is purged once a minute, and its name is free a minute after it was deleted.
    "PurgeQueueInProgress": {"retry_after": 60.0},
    "AWS.SimpleQueueService.PurgeQueueInProgress": {"retry_after": 60.0},
    "QueueDeletedRecently": _MINUTE,
    "AWS.SimpleQueueService.QueueDeletedRecently": _MINUTE,
}
"""What a code says about the error, beyond its class."""

HINTS: dict[str, str] = {
    "PermanentRedirect": "The bucket is in another region: set the option 'region' to it.",
    "AuthorizationHeaderMalformed": "The option 'region' may be another than the bucket's.",
    "IllegalLocationConstraintException": "The option 'region' may be another than the endpoint's.",
    "RequestTimeTooSkewed": "Set this machine's clock.",
    "InvalidPayer": "The bucket's owner lets its users pay: set the option 'request_payer'.",
    "SignatureDoesNotMatch": "The secret access key may be wrong.",
}

_BY_CODE: dict[str, Kind] = {
    "RequestTimeTooSkewed": InvalidCredentialsError,
    "ConditionalRequestConflict": ConflictError,
    **{code: kind for kind, codes in CODES.items() for code in codes.split()},
}

_NATIVE: dict[str, tuple[Kind, str]] = {
    # Credentials
    "NoCredentialsError": (MissingCredentialsError, "boto3 found no credentials anywhere"),
    "PartialCredentialsError": (MissingCredentialsError, "the credentials are incomplete"),
    "NoAuthTokenError": (MissingCredentialsError, "there is no token to sign in with"),
    "CredentialRetrievalError": (AuthenticationError, "the credentials could not be fetched"),
    "MetadataRetrievalError": (AuthenticationError, "the credentials could not be fetched"),
    "RefreshWithMFAUnsupportedError": (ExpiredCredentialsError, "the credentials have expired"),
    "TokenRetrievalError": (ExpiredCredentialsError, "the single sign-on token is not valid"),
    "UnauthorizedSSOTokenError": (ExpiredCredentialsError, "the single sign-on has expired"),
    "SSOTokenLoadError": (MissingCredentialsError, "nobody has signed in by single sign-on"),
    # Configuration
    "ProfileNotFound": (ConfigurationError, "the profile is in none of boto3's files"),
    "ConfigParseError": (ConfigurationError, "boto3's configuration file is not valid"),
    "ConfigNotFound": (ConfigurationError, "boto3's configuration file is missing"),
    "InvalidConfigError": (ConfigurationError, "boto3's configuration is not valid"),
    "NoRegionError": (ConfigurationError, "no region is configured"),
    "InvalidRegionError": (ConfigurationError, "the region is not a valid one"),
    "BaseEndpointResolverError": (ConfigurationError, "there is no endpoint for this region"),
    "EndpointProviderError": (ConfigurationError, "there is no endpoint for these settings"),
    "UnsupportedS3ConfigurationError": (ConfigurationError, "the settings contradict each other"),
    "MissingDependencyException": (ConfigurationError, "boto3 lacks a library: botocore[crt]"),
    # Arguments
    "ParamValidationError": (ValidationError, "boto3 refused the arguments"),
    "UnseekableStreamError": (ValidationError, "the body cannot be sent again"),
    # What comes back is damaged
    "FlexibleChecksumError": (IntegrityError, "the content does not match its checksum"),
    "ChecksumError": (IntegrityError, "the content does not match its checksum"),
    "ResponseParserError": (ServiceUnavailableError, "the answer is not what the service sends"),
    # The connection: the more exact classes stand first in the order of inheritance
    "NameResolutionError": (DnsError, "the name of the endpoint is not known"),
    "ConnectTimeoutError": (ConnectionFailedError, "no connection was made in time"),
    "SSLError": (TlsError, "the secure connection could not be set up"),
    "ProxyConnectionError": (ConnectionFailedError, "the proxy cannot be reached"),
    "ProxyError": (ConnectionFailedError, "the proxy cannot be reached"),
    "EndpointConnectionError": (ConnectionFailedError, "no connection could be made"),
    "NewConnectionError": (ConnectionFailedError, "no connection could be made"),
    "ReadTimeoutError": (OperationTimeoutError, "no answer came in time"),
    "ConnectionClosedError": (NetworkError, "the connection was closed before the answer came"),
    "IncompleteReadError": (NetworkError, "the connection ended in the middle of the answer"),
    "ResponseStreamingError": (NetworkError, "the connection broke in the middle of the answer"),
    "ProtocolError": (NetworkError, "the connection broke in the middle of the answer"),
    "HTTPClientError": (NetworkError, "the connection failed"),
    "HTTPError": (NetworkError, "the connection failed"),
    "BotoCoreError": (ProviderError, "boto3 could not make the call"),
}
"""Classes of botocore and urllib3, by name, and what happened."""

_NATIVE_HINTS: dict[str, str] = {
    "NoCredentialsError": "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, sign in with the AWS "
    "command line, or give the option 'auth', 'profile' or 'anonymous'.",
    "NoRegionError": "Set the option 'region' or AWS_REGION.",
    "UnauthorizedSSOTokenError": "Sign in again: aws sso login.",
    "SSOTokenLoadError": "Sign in: aws sso login.",
    "TokenRetrievalError": "Sign in again: aws sso login.",
    "EndpointConnectionError": "See that the endpoint is right and that its server runs.",
    "ProfileNotFound": "See the option 'profile' and AWS_PROFILE.",
}

_QUOTING = frozenset({"ParamValidationError"})
"""Classes whose own text is worth showing, and names no secret."""

# What SQS says, with a code for wrong parameters, about a message that is not leased any more.
_LOST_LEASE = re.compile(
    r"(?i)receipt ?handle.*(?:expired|not available|does not exist)|not inflight"
)

# Values of credentials that a service repeats in its answer.
_SECRETS = re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+=]{40,}(?![A-Za-z0-9/+=])")


def translate(error: Exception) -> CloudError | None:
    """The CloudError for an error of boto3 or of its connections.

    Args:
        error: What was raised.

    Returns:
        None when the error is of another kind.
    """
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return _from_response(response)
    cause = _connection_cause(error)
    names = [kind.__name__ for kind in type(cause or error).__mro__ if _is_native(kind)]
    for name in names:
        if name in _NATIVE:
            kind, message = _NATIVE[name]
            if name in _QUOTING:
                message = f"{message}: {' '.join(str(error).split())}"
            return kind(message, code=type(error).__name__, hint=_NATIVE_HINTS.get(name))
    return None


def code_of(error: Exception) -> str | None:
    """The service's code; None when the error is none that a service has answered."""
    details = _details(error)
    return None if details is None else str(details.get("Code") or "")


def message_of(error: Exception) -> str:
    """The service's explanation; empty when the error is none that a service has answered."""
    return str((_details(error) or {}).get("Message") or "")


def status_of(error: Exception) -> int | None:
    """The HTTP status of the answer, if there was one."""
    response = getattr(error, "response", None)
    metadata = response.get("ResponseMetadata") if isinstance(response, dict) else None
    return None if metadata is None else metadata.get("HTTPStatusCode")


def request_id_of(error: Exception) -> str | None:
    """The service's name for the request, if there was an answer."""
    response = getattr(error, "response", None)
    metadata = response.get("ResponseMetadata") if isinstance(response, dict) else None
    return None if metadata is None else metadata.get("RequestId")


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
        code: The service's code, also with a namespace before it.
        message: The service's explanation.
        request_id: Its name for the request.
        retry_after: Seconds that it asks to wait.
    """
    short = (code or "").rpartition("#")[2]
    kind = _BY_CODE.get(short) or _by_status(status)
    if kind is ValidationError and _LOST_LEASE.search(str(message or "")):
        kind = PreconditionFailedError
    context: dict[str, Any] = {
        "status": status,
        "code": short or None,
        "request_id": request_id,
        "retry_after": retry_after,
        "hint": HINTS.get(short),
        **TRAITS.get(short, {}),
    }
    return kind(_without_secrets(message) or "the service refused without a reason", **context)


def _details(error: Exception) -> Mapping[str, Any] | None:
    response = getattr(error, "response", None)
    return response.get("Error") if isinstance(response, dict) else None


def _from_response(response: Mapping[str, Any]) -> CloudError:
    details = response.get("Error") or {}
    metadata = response.get("ResponseMetadata") or {}
    headers = metadata.get("HTTPHeaders") or {}
    status = metadata.get("HTTPStatusCode")
    return from_answer(
        status,
        str(details.get("Code") or ""),
        details.get("Message"),
        request_id=metadata.get("RequestId") or headers.get("x-amz-request-id"),
        retry_after=_seconds(headers.get("retry-after")),
    )


def _by_status(status: int | None) -> Kind:
    if status in STATUSES:
        return STATUSES[status]
    return ServiceUnavailableError if status is not None and status >= 500 else ProviderError


def _seconds(text: object) -> float | None:
    try:
        return max(0.0, float(str(text)))
    except ValueError:
        return None  # a date, which S3 does not send, or nothing


def _connection_cause(error: Exception) -> Exception | None:
    """What urllib3 said, where botocore's class tells less: a name that is not known."""
    inner = getattr(error, "kwargs", {}).get("error")
    if isinstance(inner, Exception) and type(inner).__name__ == "NameResolutionError":
        return inner
    return None


def _is_native(kind: type) -> bool:
    return kind.__module__.partition(".")[0] in {"botocore", "boto3", "urllib3"}


def _without_secrets(message: object) -> str:
    return _SECRETS.sub("…", " ".join(str(message or "").split()))
