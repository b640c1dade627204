"""Translation of native errors."""

import pytest
from botocore.session import Session
from cloudkit import common
from cloudkit.aws.errors import CODES, from_answer, translate
from cloudkit.spi import FixedDelay

pytestmark = pytest.mark.anyio

CALLS = {
    "s3": """
        PutObject GetObject HeadObject DeleteObject DeleteObjects CopyObject ListObjectsV2
        CreateMultipartUpload UploadPart UploadPartCopy CompleteMultipartUpload
        AbortMultipartUpload ListMultipartUploads CreateBucket DeleteBucket HeadBucket""",
    "dynamodb": """
        GetItem PutItem DeleteItem UpdateItem Query Scan BatchGetItem BatchWriteItem
        TransactWriteItems CreateTable DeleteTable DescribeTable UpdateTimeToLive""",
    "sqs": """
        SendMessage SendMessageBatch ReceiveMessage DeleteMessageBatch ChangeMessageVisibility
        ChangeMessageVisibilityBatch CreateQueue DeleteQueue GetQueueUrl GetQueueAttributes
        SetQueueAttributes PurgeQueue TagQueue ListQueueTags""",
    "sns": """
        Publish PublishBatch CreateTopic DeleteTopic GetTopicAttributes Subscribe Unsubscribe
        GetSubscriptionAttributes""",
    "lambda": "Invoke GetFunction ListFunctions",
    "sts": "AssumeRole AssumeRoleWithWebIdentity",
}


@pytest.mark.parametrize(
    ("status", "code", "kind", "retryable", "unprocessed"),
    [
        (404, "NoSuchKey", "NotFoundError", False, False),
        (404, "404", "NotFoundError", False, False),
        (403, "AccessDenied", "PermissionDeniedError", False, True),
        (403, "InvalidAccessKeyId", "InvalidCredentialsError", False, True),
        (403, "SignatureDoesNotMatch", "InvalidCredentialsError", False, True),
        (400, "ExpiredToken", "ExpiredCredentialsError", False, True),
        (412, "PreconditionFailed", "PreconditionFailedError", False, False),
        (304, "304", "PreconditionFailedError", False, False),
        (409, "ConditionalRequestConflict", "ConflictError", True, True),
        (409, "BucketNotEmpty", "ConflictError", False, False),
        (409, "BucketAlreadyOwnedByYou", "AlreadyExistsError", False, False),
        (416, "InvalidRange", "ValidationError", False, True),
        (503, "SlowDown", "RateLimitedError", True, True),
        (400, "ThrottlingException", "RateLimitedError", True, True),
        (500, "InternalError", "ServiceUnavailableError", True, False),
        (503, "", "ServiceUnavailableError", True, False),
        (502, "", "ServiceUnavailableError", True, False),
        (501, "NotImplemented", "UnsupportedOperationError", False, True),
        (400, "com.amazonaws.sqs#QueueDoesNotExist", "NotFoundError", False, False),
        (409, "ResourceConflictException", "ConflictError", True, True),
        (409, "SnapStartNotReadyException", "ConflictError", True, True),
        (402, "ServiceQuotaExceededException", "RateLimitedError", False, True),
        (400, "TooManyBuckets", "RateLimitedError", False, True),
        (400, "KMS.ThrottlingException", "RateLimitedError", True, True),
        (400, "KmsThrottled", "RateLimitedError", True, True),
        (400, "KMS.AccessDeniedException", "PermissionDeniedError", False, True),
        (400, "KMSDisabled", "ConflictError", False, False),
        (502, "KMSNotFoundException", "ConfigurationError", False, True),
        (307, "TemporaryRedirect", "ServiceUnavailableError", True, True),
        (400, "IncompleteBody", "IntegrityError", True, True),
        (None, "InvalidIdFormat", "ValidationError", False, True),
        (418, "Teapot", "ProviderError", False, False),
    ],
)
def test_answers_become_errors(status, code, kind, retryable, unprocessed):
    error = from_answer(status, code, "why")
    assert type(error) is getattr(common, kind)
    assert (error.retryable, error.unprocessed) == (retryable, unprocessed)
    assert error.status == status


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "InvalidParameterValue",
            "One or more parameters are invalid. Reason: Message must be shorter than 262144 bytes.",
        ),
        ("InvalidParameter", "Invalid parameter: Message too long"),
    ],
)
def test_a_message_above_the_limit_of_its_own_queue_or_topic_is_too_large(code, message):
    assert type(from_answer(400, code, message)) is common.PayloadTooLargeError


def test_every_error_that_a_call_may_answer_is_known():
    """The descriptions of the services name them; what has a status of its own may go by that."""
    session = Session()
    unknown = {
        f"{service}.{shape.name}"
        for service, calls in CALLS.items()
        for call in calls.split()
        for shape in session.get_service_model(service).operation_model(call).error_shapes
        if "httpStatusCode" not in shape.metadata.get("error", {})
        and type(from_answer(None, shape.name, "")) is common.ProviderError
    }
    assert unknown == set()


def test_no_code_stands_for_two_errors():
    codes = [code for text in CODES.values() for code in text.split()]
    assert len(codes) == len(set(codes))


def test_what_looks_like_a_secret_is_left_out():
    error = from_answer(403, "AccessDenied", f"token {'Ab1/' * 12} is not for you")
    assert "Ab1/" not in str(error)
    assert "is not for you" in str(error)


def test_other_errors_are_left_alone():
    assert translate(KeyError("x")) is None
    assert translate(OSError(5, "disk")) is None


@pytest.mark.parametrize(
    ("host", "kind"),
    [("127.0.0.1:9", common.ConnectionFailedError), ("no-such-host.invalid", common.DnsError)],
)
async def test_an_endpoint_that_is_not_there_is_told_apart(make_cloud, host, kind):
    async with make_cloud(endpoint=f"http://{host}") as cloud:
        with pytest.raises(kind) as caught:
            await cloud.storage.get_object("bucket", "key")
    assert caught.value.unprocessed
    assert caught.value.__cause__ is not None


async def test_a_server_without_tls_is_a_tls_error(make_cloud, wire):
    async with make_cloud(endpoint=wire.url.replace("http:", "https:")) as cloud:
        with pytest.raises(common.TlsError):
            await cloud.storage.get_object("bucket", "key")


async def test_an_error_has_all_that_the_service_tells(make_cloud, wire):
    wire.error(503, "SlowDown", "Please reduce your request rate.", **{"Retry-After": "7"})
    async with make_cloud() as cloud:
        with pytest.raises(common.RateLimitedError) as caught:
            await cloud.storage.put_object("bucket", "key", b"data")
    error = caught.value
    assert (error.status, error.code, error.request_id, error.retry_after) == (
        503,
        "SlowDown",
        "R1",
        7.0,
    )
    assert (error.provider, error.service, error.operation) == ("aws", "storage", "put_object")


async def test_a_conflict_of_writers_is_tried_again(make_cloud, wire):
    wire.error(409, "ConditionalRequestConflict")
    wire.object(b"")
    async with make_cloud(retry=FixedDelay(max_attempts=2, delay=0)) as cloud:
        stored = await cloud.storage.put_object("bucket", "key", b"data", if_none_match="*")
    assert stored.etag == '"e1"'
    assert [request.headers["if-none-match"] for request in wire.requests] == ["*", "*"]


async def test_an_answer_that_is_lost_is_never_asked_for_again_where_that_changes_things(
    make_cloud, wire
):
    wire.reply(silent=True)
    async with make_cloud(retry=FixedDelay(max_attempts=3, delay=0)) as cloud:
        with pytest.raises(common.NetworkError) as caught:
            await cloud.storage.put_object("bucket", "key", b"data", if_none_match="*")
    assert not caught.value.unprocessed
    assert len(wire.requests) == 1
