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
    ExpiredCredentialsError,
    IntegrityError,
    InvalidCredentialsError,
    MissingCredentialsError,
    NetworkError,
    NotFoundError,
    PayloadTooLargeError,
    PermissionDeniedError,
    PreconditionFailedError,
    ProviderError,
    RateLimitedError,
    ServiceUnavailableError,
    UnsupportedOperationError,
    ValidationError,
)
from cloudkit.core.errors import REQUESTS, Kind, NativeErrors, ServiceErrors, retry_after

CODES: dict[Kind, str] = {
    ExpiredCredentialsError: """
        ExpiredToken ExpiredTokenException RequestExpired TokenRefreshRequired
        KMSExpiredTokenException""",
    InvalidCredentialsError: """
        RequestTimeTooSkewed InvalidAccessKeyId InvalidClientTokenId InvalidToken InvalidSignature
        InvalidSignatureException SignatureDoesNotMatch UnrecognizedClientException
        IncompleteSignature IncompleteSignatureException AuthFailure NotSignedUp OptInRequired
        SubscriptionRequiredException AuthorizationHeaderMalformed InvalidSecurity
        InvalidIdentityToken IDPRejectedClaim""",
    MissingCredentialsError: "MissingAuthenticationToken MissingAuthenticationTokenException",
    PermissionDeniedError: """
        AccessDenied AccessDeniedException AccountProblem AllAccessDisabled AuthorizationError
        AuthorizationErrorException Forbidden InvalidPayer KMSAccessDenied KMSAccessDeniedException
        OverLimitAccess UnauthorizedOperation UnauthorizedAccess AccessForbidden EC2AccessDeniedException
        KMSOptInRequired KMS.AccessDeniedException KmsAccessDenied KMS.OptInRequired KmsOptInRequired""",
    NotFoundError: """
        NoSuchBucket NoSuchKey NoSuchUpload NoSuchVersion NotFound NotFoundException
        ResourceNotFoundException ResourceNotFoundFault TableNotFoundException
        AWS.SimpleQueueService.NonExistentQueue QueueDoesNotExist
        com.amazonaws.sqs#QueueDoesNotExist com.amazonaws.sqs#ResourceNotFoundException""",
    AlreadyExistsError: """
        BucketAlreadyExists BucketAlreadyOwnedByYou QueueAlreadyExists QueueNameExists
        TableAlreadyExistsException""",
    PreconditionFailedError: """
        PreconditionFailed ConditionalCheckFailed ConditionalCheckFailedException NotModified
        ReceiptHandleIsInvalid MessageNotInflight AWS.SimpleQueueService.MessageNotInflight""",
    ConflictError: """
        ConditionalRequestConflict BucketNotEmpty InvalidBucketState InvalidObjectState ObjectNotInActiveTierError
        ResourceInUseException TransactionCanceledException TransactionConflictException
        ReplicatedWriteConflictException ConcurrentAccess ConcurrentAccessException StaleTag
        StaleTagException AWS.SimpleQueueService.QueueDeletedRecently QueueDeletedRecently
        OperationNotPageable ResourceNotReadyException ResourceConflictException
        SnapStartNotReadyException RestoreAlreadyInProgress
        KMSDisabled KMSDisabledException KMS.DisabledException KmsDisabled
        KMSInvalidState KMSInvalidStateException KMS.KMSInvalidStateException
        KMS.InvalidStateException KmsInvalidState""",
    PayloadTooLargeError: """
        EntityTooLarge MaxMessageLengthExceeded MetadataTooLarge RequestTooLargeException
        RequestEntityTooLargeException BatchRequestTooLong
        AWS.SimpleQueueService.BatchRequestTooLong ItemCollectionSizeLimitExceededException""",
    RateLimitedError: """
        BandwidthLimitExceeded EC2ThrottledException KMSThrottled KMSThrottling
        KMSThrottlingException KMS.ThrottlingException KmsThrottled
        LimitExceededException PriorRequestNotComplete ProvisionedThroughputExceeded
        ProvisionedThroughputExceededException RequestLimitExceeded RequestThrottled
        RequestThrottledException SlowDown ThrottledException Throttling ThrottlingError
        ThrottlingException TooManyRequestsException TransactionInProgressException OverLimit
        FilterPolicyLimitExceeded SubscriptionLimitExceeded TopicLimitExceeded TooManyBuckets
        ServiceQuotaExceededException
        PurgeQueueInProgress AWS.SimpleQueueService.PurgeQueueInProgress""",
    ServiceUnavailableError: """
        InternalError InternalErrorException InternalFailure InternalServerError
        InternalServerException ServiceException ServiceUnavailable ServiceUnavailableException
        Busy RequestTimeout RequestTimeoutException OperationAborted
        ENILimitReachedException EFSIOException EFSMountTimeoutException TemporaryRedirect
        IDPCommunicationError""",
    IntegrityError: """
        BadDigest IncompleteBody InvalidDigest XAmzContentChecksumMismatch XAmzContentSHA256Mismatch""",
    UnsupportedOperationError: """
        NotImplemented UnsupportedOperation AWS.SimpleQueueService.UnsupportedOperation
        UnknownOperationException""",
    ConfigurationError: """
        PermanentRedirect IllegalLocationConstraintException InvalidEndpointException
        KMSNotFound KMSNotFoundException KMS.NotFoundException KmsNotFound
        KMS.InvalidKeyUsageException KmsInvalidKeyUsage""",
    ValidationError: """
        InvalidRange InvalidArgument InvalidBucketName InvalidRequest InvalidParameter
        InvalidParameterException InvalidParameterValue InvalidParameterValueException
        InvalidPart InvalidPartOrder InvalidStorageClass KeyTooLong KeyTooLongError MalformedXML
        EntityTooSmall ValidationError ValidationException SerializationException
        InvalidMessageContents InvalidAttributeName InvalidAttributeValue InvalidBatchEntryId
        InvalidAddress InvalidIdFormat
        EmptyBatchRequest TooManyEntriesInBatchRequest BatchEntryIdsNotDistinct
        AWS.SimpleQueueService.EmptyBatchRequest
        AWS.SimpleQueueService.TooManyEntriesInBatchRequest
        AWS.SimpleQueueService.BatchEntryIdsNotDistinct
        AWS.SimpleQueueService.InvalidBatchEntryId
        IdempotentParameterMismatchException DuplicateItemException
        InvalidRequestContentException UnsupportedMediaTypeException""",
}
"""What the services' codes stand for."""

_AGAIN: Mapping[str, Any] = {"retryable": True, "unprocessed": True}
_MINUTE: Mapping[str, Any] = {"retry_after": 60.0, "retryable": True, "unprocessed": True}

SERVICE = ServiceErrors(
    codes=CODES,
    traits={
        # Another write to the same key was under way: the documentation says to try again.
        "ConditionalRequestConflict": _AGAIN,
        "OperationAborted": {"unprocessed": True},
        "TransactionConflictException": _AGAIN,
        "ReplicatedWriteConflictException": _AGAIN,
        # The function, or the snapshot that it starts from, is being made or changed.
        "ResourceConflictException": _AGAIN,
        "ResourceNotReadyException": _AGAIN,
        "SnapStartNotReadyException": _AGAIN,
        "TemporaryRedirect": _AGAIN,
        "IDPCommunicationError": _AGAIN,
        # The body did not arrive in time, so it was not stored.
        "RequestTimeout": {"unprocessed": True},
        # The body was damaged, or cut, on its way: sending it again may do.
        "IncompleteBody": _AGAIN,
        "XAmzContentSHA256Mismatch": _AGAIN,
        "BadDigest": _AGAIN,
        "XAmzContentChecksumMismatch": _AGAIN,
        # A limit on how many things there may be; waiting does not change it.
        "FilterPolicyLimitExceeded": {"retryable": False},
        "SubscriptionLimitExceeded": {"retryable": False},
        "TopicLimitExceeded": {"retryable": False},
        "TooManyBuckets": {"retryable": False},
        "ServiceQuotaExceededException": {"retryable": False},
        "InvalidRange": {"status": 416},
        # A queue is purged once a minute, and its name is free a minute after it was deleted.
        "PurgeQueueInProgress": {"retry_after": 60.0},
        "AWS.SimpleQueueService.PurgeQueueInProgress": {"retry_after": 60.0},
        "QueueDeletedRecently": _MINUTE,
        "AWS.SimpleQueueService.QueueDeletedRecently": _MINUTE,
    },
    hints={
        # The answer to a HEAD has no body that could tell more.
        "400": "S3 gives no reason here: the credentials may have expired, the object may need its "
        "own key (SSE-C), or the bucket may be in another region.",
        "PermanentRedirect": "The bucket is in another region: set the option 'region' to it.",
        "AuthorizationHeaderMalformed": "The option 'region' may be another than the bucket's.",
        "IllegalLocationConstraintException": "The option 'region' may be another than the endpoint's.",
        "RequestTimeTooSkewed": "Set this machine's clock.",
        "InvalidPayer": "The bucket's owner lets its users pay: set the option 'request_payer'.",
        "SignatureDoesNotMatch": "The secret access key may be wrong.",
    },
    secrets=re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+=]{40,}(?![A-Za-z0-9/+=])"),
)
"""What the services answer."""


def _links(error: BaseException) -> tuple[object, ...]:
    # botocore keeps what urllib3 said: that a name is not known, say.
    return (getattr(error, "kwargs", {}).get("error"), getattr(error, "reason", None))


NATIVE = NativeErrors(
    packages=frozenset({"boto3", "botocore", "urllib3"}),
    kinds={
        **REQUESTS,
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
        "UnsupportedS3ConfigurationError": (
            ConfigurationError,
            "the settings contradict each other",
        ),
        "MissingDependencyException": (ConfigurationError, "boto3 lacks a library: botocore[crt]"),
        # Arguments
        "UnseekableStreamError": (ValidationError, "the body cannot be sent again"),
        # What comes back is damaged
        "FlexibleChecksumError": (IntegrityError, "the content does not match its checksum"),
        "ChecksumError": (IntegrityError, "the content does not match its checksum"),
        "ResponseParserError": (
            ServiceUnavailableError,
            "the answer is not what the service sends",
        ),
        # The connection
        "ProxyConnectionError": (ConnectionFailedError, "the proxy cannot be reached"),
        "EndpointConnectionError": (ConnectionFailedError, "no connection could be made"),
        "ConnectionClosedError": (NetworkError, "the connection was closed before the answer came"),
        "IncompleteReadError": (NetworkError, "the connection ended in the middle of the answer"),
        "ResponseStreamingError": (
            NetworkError,
            "the connection broke in the middle of the answer",
        ),
        "HTTPClientError": (NetworkError, "the connection failed"),
        "BotoCoreError": (ProviderError, "boto3 could not make the call"),
    },
    hints={
        "NoCredentialsError": "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, sign in with the AWS "
        "command line, or give the option 'auth', 'profile' or 'anonymous'.",
        "NoRegionError": "Set the option 'region' or AWS_REGION.",
        "UnauthorizedSSOTokenError": "Sign in again: aws sso login.",
        "SSOTokenLoadError": "Sign in: aws sso login.",
        "TokenRetrievalError": "Sign in again: aws sso login.",
        "EndpointConnectionError": "See that the endpoint is right and that its server runs.",
        "ProfileNotFound": "See the option 'profile' and AWS_PROFILE.",
    },
    links=_links,
)
"""What botocore and urllib3 raise."""

# What SQS says, with a code for wrong parameters, about a message that is not leased any more.
_LOST_LEASE = re.compile(
    r"(?i)receipt ?handle.*(?:expired|not available|does not exist)|not inflight"
)
# What SQS and SNS say, with the same code, of a message above the limit that its queue or topic has.
_TOO_LONG = re.compile(r"(?i)message must be shorter than|message too long")


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
    if type(error).__name__ == "ParamValidationError":
        # Its text is worth showing, and names no secret.
        message = f"boto3 refused the arguments: {' '.join(str(error).split())}"
        return ValidationError(message, code="ParamValidationError")
    return NATIVE.translate(error)


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
    kind = SERVICE.kind(status, short)
    if kind is ValidationError:
        kind = _kind_of_argument(str(message or ""))
    return SERVICE.error(
        status,
        short,
        message,
        kind=kind,
        request_id=request_id,
        retry_after=retry_after,
    )


def _kind_of_argument(message: str) -> Kind:
    """The class of error for a wrong argument; services say more of it in their message alone."""
    if _LOST_LEASE.search(message):
        return PreconditionFailedError
    return PayloadTooLargeError if _TOO_LONG.search(message) else ValidationError


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
        retry_after=retry_after(headers),
    )
