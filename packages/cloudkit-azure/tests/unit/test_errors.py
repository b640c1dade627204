"""Errors of Azure as CloudErrors."""

from __future__ import annotations

import socket
import threading
from datetime import timedelta
from email.utils import format_datetime

import pytest
from azure.core import PipelineClient
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.core.rest import HttpRequest
from azure.cosmos.exceptions import CosmosHttpResponseError, CosmosResourceNotFoundError
from azure.identity import CredentialUnavailableError
from azure.servicebus import exceptions as service_bus
from cloudkit.azure.config import AzureConfig
from cloudkit.azure.errors import from_answer, is_refusal, retry_after, translate
from cloudkit.azure.transport import NoRetries, make_transport
from cloudkit.common import (
    AlreadyExistsError,
    AuthenticationError,
    CloudError,
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
    ServiceUnavailableError,
    TlsError,
    UnsupportedOperationError,
    ValidationError,
    utc_now,
)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (304, "ConditionNotMet", PreconditionFailedError),
        (400, "InvalidResourceName", ValidationError),
        (400, "Md5Mismatch", IntegrityError),
        (400, "MetadataTooLarge", PayloadTooLargeError),
        (401, "NoAuthenticationInformation", MissingCredentialsError),
        (403, "AuthenticationFailed", InvalidCredentialsError),
        (403, "AuthorizationPermissionMismatch", PermissionDeniedError),
        (404, "BlobNotFound", NotFoundError),
        (404, "ContainerNotFound", NotFoundError),
        (409, "BlobAlreadyExists", PreconditionFailedError),
        (409, "ContainerAlreadyExists", AlreadyExistsError),
        (409, "ContainerBeingDeleted", ConflictError),
        (409, "SnapshotsPresent", ConflictError),
        (412, "ConditionNotMet", PreconditionFailedError),
        (412, "SourceConditionNotMet", PreconditionFailedError),
        (412, "LeaseIdMissing", ConflictError),
        (413, "RequestBodyTooLarge", PayloadTooLargeError),
        (416, "InvalidRange", ValidationError),
        (500, "InternalError", ServiceUnavailableError),
        (500, "OperationTimedOut", ServiceUnavailableError),
        (503, "ServerBusy", RateLimitedError),
        # Without a code that is known, the status tells.
        (401, None, InvalidCredentialsError),
        (403, "SomethingNew", PermissionDeniedError),
        (404, "SomethingNew", NotFoundError),
        (405, None, UnsupportedOperationError),
        (408, None, OperationTimeoutError),
        (409, "SomethingNew", ConflictError),
        (429, None, RateLimitedError),
        (449, None, ConflictError),
        (502, None, ServiceUnavailableError),
        (418, None, ProviderError),
        (None, None, ProviderError),
    ],
)
def test_status_and_code_tell_the_class(status, code, kind):
    error = from_answer(status, code, "The reason.")
    assert type(error) is kind
    assert (error.status, error.code, error.message) == (status, code, "The reason.")


def test_a_name_that_is_being_given_up_may_be_asked_for_again():
    error = from_answer(409, "ContainerBeingDeleted", "m")
    assert error.retryable
    assert error.unprocessed
    assert not from_answer(409, "SnapshotsPresent", "m").retryable


def test_secrets_in_explanations_are_left_out():
    key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq=="
    told = from_answer(403, "AuthenticationFailed", f"signature {key} and ?se=1&sig=abc%3D&x=1")
    assert key not in str(told)
    assert "abc" not in str(told)


def test_what_the_answer_says_about_waiting():
    assert retry_after({"Retry-After": "3"}) == 3
    assert retry_after({"retry-after-ms": "250"}) == 0.25
    assert retry_after({"x-ms-retry-after-ms": "1500", "Retry-After": "9"}) == 1.5
    assert retry_after({"Retry-After": "soon"}) is None
    assert retry_after({}) is None
    date = format_datetime(utc_now() + timedelta(seconds=60), usegmt=True)
    waiting = retry_after({"Retry-After": date})
    assert waiting is not None
    assert 50 < waiting <= 60


class Response:
    """What HttpResponseError looks at."""

    reason = "Not Found"

    def __init__(self, status, **headers):
        self.status_code = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def text(self):
        return ""


def test_an_answer_gives_all_its_facts():
    native = HttpResponseError(
        "The specified blob does not exist.\nRequestId:r\nTime:t\nErrorCode:BlobNotFound",
        Response(404, x_ms_error_code="BlobNotFound", x_ms_request_id="r-1"),
    )
    error = translate(native)
    assert isinstance(error, NotFoundError)
    assert error.message == "The specified blob does not exist."
    assert (error.code, error.status, error.request_id) == ("BlobNotFound", 404, "r-1")


def test_errors_of_cosmos_db():
    missing = translate(CosmosResourceNotFoundError(status_code=404, message="m"))
    assert isinstance(missing, NotFoundError)
    busy = CosmosHttpResponseError(
        status_code=429, response=Response(429, x_ms_retry_after_ms="20", x_ms_activity_id="a")
    )
    error = translate(busy)
    assert isinstance(error, RateLimitedError)
    assert (error.retry_after, error.request_id) == (0.02, "a")


@pytest.mark.parametrize(
    ("native", "kind"),
    [
        (service_bus.MessagingEntityNotFoundError(), NotFoundError),
        (service_bus.MessageLockLostError(), PreconditionFailedError),
        (service_bus.MessageAlreadySettled(action="complete"), ConflictError),
        (service_bus.MessageSizeExceededError(), PayloadTooLargeError),
        (service_bus.ServiceBusAuthenticationError(), InvalidCredentialsError),
        (service_bus.ServiceBusServerBusyError(), RateLimitedError),
        (service_bus.ServiceBusError("m"), ServiceUnavailableError),
        (CredentialUnavailableError("nothing"), MissingCredentialsError),
        (ClientAuthenticationError("refused"), AuthenticationError),
        (ServiceRequestError("m"), NetworkError),
        (ServiceResponseError("m"), NetworkError),
    ],
)
def test_classes_of_the_sdks(native, kind):
    error = translate(native)
    assert type(error) is kind
    assert error.code == type(native).__name__


def test_what_is_not_azures_is_left_alone():
    assert translate(KeyError("azure")) is None
    assert translate(ValueError("m")) is None


def test_what_other_credentials_might_change():
    def refused(status, code):
        return HttpResponseError("m", Response(status, x_ms_error_code=code))

    assert is_refusal(refused(403, "AuthenticationFailed"))
    assert is_refusal(refused(401, "Anything"))
    assert not is_refusal(refused(403, "AuthorizationPermissionMismatch"))
    assert is_refusal(service_bus.ServiceBusAuthenticationError())
    assert not is_refusal(KeyError())


def failure(url: str, **settings) -> CloudError:
    """What comes of a GET over the provider's own transport."""
    config = AzureConfig(connect_timeout=2, **{"timeout": 2, **settings})
    transport = make_transport(config)
    client = PipelineClient(url, transport=transport, retry_policy=NoRetries())
    try:
        with pytest.raises(Exception) as caught:  # noqa: PT011  # what it is, is tested below
            client.send_request(HttpRequest("GET", url))
        error = translate(caught.value)
        assert error is not None
        return error
    finally:
        transport.shut()


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
    def answer():
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        connection.close()

    thread = threading.Thread(target=answer)
    thread.start()
    error = failure(url_of(listener, "https"))
    thread.join()
    assert type(error) is TlsError
    assert not error.retryable
