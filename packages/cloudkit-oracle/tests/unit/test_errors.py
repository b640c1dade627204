"""Errors of Oracle Cloud as CloudErrors."""

from __future__ import annotations

import socket
import threading

import pytest
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
)
from cloudkit.oracle.errors import from_answer, is_refusal, translate
from cloudkit.oracle.transport import SharedAdapter
from oci import exceptions
from oci.base_client import BaseClient
from oci.circuit_breaker import NoCircuitBreakerStrategy
from oci.signer import Signer


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (304, None, PreconditionFailedError),
        (400, "InvalidParameter", ValidationError),
        (400, "UnmatchedContentMD5", IntegrityError),
        (400, "InvalidUploadPart", ValidationError),
        (401, "NotAuthenticated", InvalidCredentialsError),
        (403, "NotAuthorized", PermissionDeniedError),
        (404, "NotAuthorizedOrNotFound", NotFoundError),
        (404, "BucketNotFound", NotFoundError),
        (404, "ObjectNotFound", NotFoundError),
        (409, "BucketAlreadyExists", AlreadyExistsError),
        (409, "NotAuthorizedOrResourceAlreadyExists", AlreadyExistsError),
        (409, "BucketNotEmpty", ConflictError),
        (409, "IncorrectState", ConflictError),
        (412, "IfNoneMatchFailed", PreconditionFailedError),
        (412, "NoEtagMatch", PreconditionFailedError),
        (413, "RequestEntityTooLarge", PayloadTooLargeError),
        (413, "FunctionInvokeRequestContentTooLarge", PayloadTooLargeError),
        (416, "InvalidRange", ValidationError),
        (429, "TooManyRequests", RateLimitedError),
        (500, "InternalServerError", ServiceUnavailableError),
        (501, "MethodNotImplemented", UnsupportedOperationError),
        (503, "ServiceUnavailable", ServiceUnavailableError),
        # An answer to HEAD has no code; the work of a copy has no status.
        (404, None, NotFoundError),
        (412, None, PreconditionFailedError),
        (None, "IfMatchFailed", PreconditionFailedError),
        (403, "SomethingNew", PermissionDeniedError),
        (405, None, UnsupportedOperationError),
        (502, None, ServiceUnavailableError),
        (418, None, ProviderError),
        (None, None, ProviderError),
    ],
)
def test_status_and_code_tell_the_class(status, code, kind):
    error = from_answer(status, code, "The reason.")
    assert type(error) is kind
    assert (error.status, error.code, error.message) == (status, code, "The reason.")


def test_what_will_pass_may_be_tried_again():
    error = from_answer(409, "IncorrectState", "m")
    assert (error.retryable, error.unprocessed) == (True, True)
    assert not from_answer(409, "BucketNotEmpty", "m").retryable


def test_links_and_signatures_in_explanations_are_left_out():
    told = from_answer(404, "NotFound", 'at /p/s3cret/n/ns with signature="abc="')
    assert "s3cret" not in str(told)
    assert "abc" not in str(told)


def refused(status, code, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return exceptions.ServiceError(status, code, named, "The reason.")


def test_an_answer_gives_all_its_facts():
    error = translate(refused(429, "TooManyRequests", opc_request_id="r-1", retry_after="2"))
    assert isinstance(error, RateLimitedError)
    assert (error.code, error.status, error.request_id) == ("TooManyRequests", 429, "r-1")
    assert (error.message, error.retry_after) == ("The reason.", 2)


@pytest.mark.parametrize(
    ("native", "kind"),
    [
        (exceptions.InvalidConfig({"user": "malformed"}), ConfigurationError),
        (exceptions.ConfigFileNotFound("m"), ConfigurationError),
        (exceptions.ProfileNotFound("m"), ConfigurationError),
        (exceptions.InvalidPrivateKey("m"), ConfigurationError),
        (exceptions.MissingPrivateKeyPassphrase("m"), ConfigurationError),
        (exceptions.RequestException("m"), NetworkError),
        (exceptions.ConnectTimeout("m"), ConnectionFailedError),
    ],
)
def test_classes_of_the_sdk(native, kind):
    error = translate(native)
    assert type(error) is kind
    assert error.code == type(native).__name__


def test_what_is_not_oracles_is_left_alone():
    assert translate(KeyError("oci")) is None
    assert translate(ValueError("m")) is None


def test_what_other_credentials_might_change():
    assert is_refusal(refused(401, "NotAuthenticated"))
    assert not is_refusal(refused(404, "NotAuthorizedOrNotFound"))
    assert not is_refusal(KeyError())


def failure(url: str, signer: Signer, timeout: float = 2) -> CloudError:
    """What comes of a GET over the provider's own connections."""
    adapter = SharedAdapter(1)
    client = BaseClient(
        "test",
        {
            "region": "us-ashburn-1",
            "tenancy": "ocid1.tenancy.oc1..a",
            "user": "ocid1.user.oc1..a",
            "fingerprint": ":".join(["00"] * 16),
            "key_content": "given to the signer",
        },
        signer,
        {},
        service_endpoint=url,
        timeout=(timeout, timeout),
        circuit_breaker_strategy=NoCircuitBreakerStrategy(),
    )
    for scheme in ("http://", "https://"):
        client.session.mount(scheme, adapter)
    try:
        with pytest.raises(Exception) as caught:  # noqa: PT011  # what it is, is tested below
            client.call_api("/path", "GET")
        error = translate(caught.value)
        assert error is not None
        return error
    finally:
        adapter.shut()


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def url_of(listener, scheme="http"):
    return f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"


def test_a_refused_connection_sent_nothing(signer):
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = url_of(server)
    error = failure(url, signer)
    assert type(error) is ConnectionFailedError
    assert error.unprocessed


def test_a_name_that_is_not_known(signer):
    error = failure("http://no-such-host.invalid", signer)
    assert type(error) in {DnsError, ConnectionFailedError}, "a proxy may say it first"
    assert error.unprocessed


def test_an_answer_that_does_not_come_is_ambiguous(listener, signer):
    error = failure(url_of(listener), signer, timeout=0.2)
    assert type(error) is OperationTimeoutError
    assert not error.unprocessed


def test_a_connection_that_is_closed_before_the_answer_is_ambiguous(listener, signer):
    def hang_up():
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.close()

    thread = threading.Thread(target=hang_up)
    thread.start()
    error = failure(url_of(listener), signer)
    thread.join()
    assert type(error) is NetworkError
    assert not error.unprocessed


def test_no_tls_where_it_is_wanted(listener, signer):
    def speak_plainly():
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        connection.close()

    thread = threading.Thread(target=speak_plainly)
    thread.start()
    error = failure(url_of(listener, "https"), signer)
    thread.join()
    assert type(error) is TlsError
    assert error.unprocessed
