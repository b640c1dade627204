"""Errors of Google Cloud as CloudErrors."""

from __future__ import annotations

import json
import socket
import threading

import grpc
import pytest
import requests
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
from cloudkit.gcp.config import GcpConfig
from cloudkit.gcp.errors import code_of, from_answer, is_refusal, translate
from cloudkit.gcp.storage.client import refused
from cloudkit.gcp.transport import plain_session
from google.api_core import exceptions
from google.auth import exceptions as auth_errors
from google.cloud.storage.exceptions import DataCorruption
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RequestInfo, RetryInfo


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (304, "notModified", "m", PreconditionFailedError),
        (400, "INVALID_ARGUMENT", "m", ValidationError),
        (400, "FAILED_PRECONDITION", "m", PreconditionFailedError),
        (400, "OUT_OF_RANGE", "m", ValidationError),
        (400, "invalid", "Provided CRC32C a doesn't match calculated b.", IntegrityError),
        (400, "invalid", "no good", ValidationError),
        (400, "BadDigest", "m", IntegrityError),
        (401, "UNAUTHENTICATED", "m", InvalidCredentialsError),
        (401, "authError", "m", InvalidCredentialsError),
        (401, "required", "Anonymous caller does not have access.", MissingCredentialsError),
        (403, "PERMISSION_DENIED", "m", PermissionDeniedError),
        (403, "forbidden", "m", PermissionDeniedError),
        (403, "rateLimitExceeded", "m", RateLimitedError),
        (404, "NOT_FOUND", "m", NotFoundError),
        (404, "NoSuchUpload", "m", NotFoundError),
        (409, "ALREADY_EXISTS", "m", AlreadyExistsError),
        (409, "conflict", "and you already own it.", AlreadyExistsError),
        (409, "conflict", "The requested bucket name is not available.", AlreadyExistsError),
        (409, "conflict", "The bucket you tried to delete is not empty.", ConflictError),
        (409, "ABORTED", "m", ConflictError),
        (412, "conditionNotMet", "m", PreconditionFailedError),
        (416, "requestedRangeNotSatisfiable", "m", ValidationError),
        (429, "RESOURCE_EXHAUSTED", "Quota exceeded", RateLimitedError),
        (429, "RESOURCE_EXHAUSTED", "Received message larger than max", PayloadTooLargeError),
        (500, "INTERNAL", "m", ServiceUnavailableError),
        (501, "UNIMPLEMENTED", "m", UnsupportedOperationError),
        (503, "UNAVAILABLE", "try again", ServiceUnavailableError),
        (503, "UNAVAILABLE", "failed to connect to all addresses", ConnectionFailedError),
        (503, "UNAVAILABLE", "DNS resolution failed for x", DnsError),
        (503, "UNAVAILABLE", "errors resolving host:443: [address lookup failed]", DnsError),
        (503, "UNAVAILABLE", "Socket closed", NetworkError),
        (503, "UNAVAILABLE", "Ssl handshake failed", TlsError),
        (
            503,
            "UNAVAILABLE",
            "failed to connect to all addresses; last error: Hostname Verification Check failed.",
            TlsError,
        ),
        (504, "DEADLINE_EXCEEDED", "m", OperationTimeoutError),
        # Without a code that is known, the status tells.
        (401, None, "m", InvalidCredentialsError),
        (403, "somethingNew", "m", PermissionDeniedError),
        (404, "somethingNew", "m", NotFoundError),
        (405, None, "m", UnsupportedOperationError),
        (408, None, "m", OperationTimeoutError),
        (410, None, "m", NotFoundError),
        (413, None, "m", PayloadTooLargeError),
        (429, None, "m", RateLimitedError),
        (502, None, "m", ServiceUnavailableError),
        (418, None, "m", ProviderError),
        (None, None, "m", ProviderError),
    ],
)
def test_status_code_and_message_tell_the_class(status, code, message, kind):
    error = from_answer(status, code, message)
    assert type(error) is kind
    assert (error.status, error.code, error.message) == (status, code, message)


def test_what_lost_against_another_writer_may_be_tried_again():
    error = from_answer(409, "ABORTED", "contention")
    assert error.retryable
    assert error.unprocessed
    assert not from_answer(409, "conflict", "not empty").retryable


def test_secrets_in_explanations_are_left_out():
    told = str(
        from_answer(
            403,
            None,
            "PUT /o?upload_id=AB-c_1 with ya29.a0AfH6SMB_x and X-Goog-Signature=ab12 "
            "and eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
        )
    )
    for secret in ("AB-c_1", "a0AfH6SMB_x", "ab12", "eyJhbGci"):
        assert secret not in told


def answer(status, body, **headers):
    response = requests.Response()
    response.status_code = status
    response._content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    response.request = requests.Request("GET", "https://host/path").prepare()
    response.url = "https://host/path"
    return response


def json_error(status, reason, message):
    errors = [{"reason": reason, "message": message, "domain": "global"}]
    return {"error": {"code": status, "message": message, "errors": errors}}


def test_an_answer_of_a_json_api_gives_all_its_facts():
    body = json_error(404, "notFound", "No such object: b/k")
    native = exceptions.from_http_response(
        answer(404, body, X_GUploader_UploadID="r-1", Retry_After="2")
    )
    error = translate(native)
    assert isinstance(error, NotFoundError)
    assert error.message == "No such object: b/k"
    assert (error.code, error.status, error.request_id) == ("notFound", 404, "r-1")
    assert error.retry_after == 2


def test_an_answer_of_the_newer_json_apis():
    body = {"error": {"code": 403, "message": "denied", "status": "PERMISSION_DENIED"}}
    native = exceptions.from_http_response(answer(403, body))
    error = translate(native)
    assert isinstance(error, PermissionDeniedError)
    assert (error.code, error.message) == ("PERMISSION_DENIED", "denied")


def test_an_answer_of_the_xml_api():
    body = (
        b"<?xml version='1.0'?><Error><Code>NoSuchUpload</Code>"
        b"<Message>The requested upload was not found.</Message></Error>"
    )
    native = refused(answer(404, body))
    error = translate(native)
    assert isinstance(error, NotFoundError)
    assert (error.code, error.message) == ("NoSuchUpload", "The requested upload was not found.")


def test_an_answer_in_plain_text():
    error = translate(refused(answer(503, b"Service Unavailable")))
    assert isinstance(error, ServiceUnavailableError)
    assert error.status == 503


def test_grpc_says_when_to_try_again_and_what_it_was():
    details = [
        RetryInfo(retry_delay=Duration(seconds=1, nanos=500_000_000)),
        RequestInfo(request_id="r-2"),
    ]
    native = exceptions.ResourceExhausted("quota", details=details)
    error = translate(native)
    assert isinstance(error, RateLimitedError)
    assert (error.code, error.status) == ("RESOURCE_EXHAUSTED", 429)
    assert (error.retry_after, error.request_id) == (1.5, "r-2")


class RawError(grpc.RpcError):
    """What gRPC raises where nothing wraps it."""

    def code(self):
        return grpc.StatusCode.NOT_FOUND

    def details(self):
        return "no such topic"


def test_an_error_that_nobody_wrapped():
    error = translate(RawError())
    assert isinstance(error, NotFoundError)
    assert (error.code, error.message) == ("NOT_FOUND", "no such topic")


@pytest.mark.parametrize(
    ("native", "kind"),
    [
        (auth_errors.DefaultCredentialsError("none"), MissingCredentialsError),
        (auth_errors.RefreshError("invalid_grant"), InvalidCredentialsError),
        (auth_errors.ReauthFailError("again"), ExpiredCredentialsError),
        (auth_errors.InvalidOperation("cannot be refreshed"), MissingCredentialsError),
        (auth_errors.MalformedError("no key"), ConfigurationError),
        (auth_errors.TransportError("broke"), NetworkError),
        (auth_errors.MutualTLSChannelError("no"), TlsError),
        (auth_errors.GoogleAuthError("no"), AuthenticationError),
        (DataCorruption(None, "crc"), IntegrityError),
        (exceptions.RetryError("late", cause=None), OperationTimeoutError),
        (requests.ConnectTimeout("m"), ConnectionFailedError),
        (requests.ReadTimeout("m"), OperationTimeoutError),
        (requests.exceptions.ChunkedEncodingError("m"), NetworkError),
        (requests.exceptions.SSLError("m"), TlsError),
        (requests.ConnectionError("m"), NetworkError),
    ],
    ids=lambda value: type(value).__name__,
)
def test_classes_of_the_sdks(native, kind):
    error = translate(native)
    assert type(error) is kind
    assert error.code == type(native).__name__


def test_what_is_not_googles_is_left_alone():
    assert translate(KeyError("google")) is None
    assert translate(ValueError("m")) is None


def test_what_other_credentials_might_change():
    assert is_refusal(exceptions.Unauthorized("m"))
    assert is_refusal(exceptions.Unauthenticated("m"))
    assert is_refusal(auth_errors.RefreshError("m"))
    assert not is_refusal(exceptions.Forbidden("m"))
    assert not is_refusal(KeyError())
    assert code_of(KeyError()) is None


def failure(url: str, **settings) -> CloudError:
    """What comes of a GET over the provider's own session."""
    config = GcpConfig(connect_timeout=2, **{"timeout": 2, **settings})
    with plain_session(config) as session:
        with pytest.raises(Exception) as caught:  # noqa: PT011  # what it is, is tested below
            session.get(url, timeout=(config.connect_timeout, config.timeout))
        error = translate(caught.value)
        assert error is not None
        return error


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def url_of(listener, scheme="http"):
    return f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/"


def test_a_refused_connection_sent_nothing():
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = url_of(server)
    error = failure(url)
    assert type(error) is ConnectionFailedError
    assert error.unprocessed
    assert error.message == "no connection could be made"


def test_a_name_that_is_not_known():
    error = failure("http://no-such-host.invalid/")
    assert type(error) in {DnsError, ConnectionFailedError}, "a proxy may say it first"
    assert error.unprocessed


def test_an_answer_that_does_not_come_is_ambiguous(listener):
    error = failure(url_of(listener), timeout=0.2)
    assert type(error) is OperationTimeoutError
    assert not error.unprocessed


def test_a_connection_that_is_closed_before_the_answer_is_ambiguous(listener):
    def hang_up():
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.close()

    thread = threading.Thread(target=hang_up)
    thread.start()
    error = failure(url_of(listener))
    thread.join()
    assert type(error) is NetworkError
    assert not error.unprocessed


def test_a_server_without_tls(listener):
    def answer_plainly():
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        connection.close()

    thread = threading.Thread(target=answer_plainly)
    thread.start()
    error = failure(url_of(listener, "https"))
    thread.join()
    assert type(error) is TlsError
    assert not error.retryable
