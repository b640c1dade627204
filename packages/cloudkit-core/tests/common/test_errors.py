from __future__ import annotations

import copy
import pickle

import pytest
from cloudkit import common
from cloudkit.common import (
    CloudError,
    NetworkError,
    NotFoundError,
    OperationTimeoutError,
    RateLimitedError,
    TlsError,
    UnsupportedOperationError,
    ValidationError,
)

ALL = [
    kind
    for kind in vars(common).values()
    if isinstance(kind, type) and issubclass(kind, CloudError)
]


@pytest.mark.parametrize("kind", ALL)
def test_every_error_survives_pickling_and_copying(kind):
    error = kind("broken", provider="aws", status=503, retry_after=1.5, hint="Wait.")
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is kind
        assert str(twin) == str(error)
        assert vars(twin) == vars(error)


def test_a_pickled_error_keeps_what_its_class_adds():
    error = UnsupportedOperationError("no fifo", capability="queue.fifo")
    assert pickle.loads(pickle.dumps(error)).capability == "queue.fifo"


def test_the_message_names_subject_facts_and_cure():
    error = NotFoundError(
        "the object does not exist",
        provider="aws",
        service="storage",
        operation="get_object",
        resource="photos/a.jpg",
        code="NoSuchKey",
        status=404,
        request_id="R1",
        hint="Check the key.",
    )
    assert str(error) == (
        "aws storage.get_object photos/a.jpg: the object does not exist "
        "(code NoSuchKey, status 404, request id R1). Check the key."
    )


def test_a_bare_message_stands_alone():
    assert str(CloudError("broken")) == "broken"


def test_complete_fills_gaps_only():
    error = CloudError("broken", provider="aws")
    assert error.complete(provider="gcp", operation="get_object") is error
    assert (error.provider, error.operation) == ("aws", "get_object")


def test_errors_are_what_python_programs_expect():
    assert issubclass(ValidationError, ValueError)
    assert issubclass(OperationTimeoutError, TimeoutError)
    assert all(issubclass(kind, CloudError) for kind in ALL)
    assert {"CloudError", "NotFoundError", "ClientClosedError"} <= {kind.__name__ for kind in ALL}


@pytest.mark.parametrize(
    ("kind", "retryable", "unprocessed"),
    [
        (RateLimitedError, True, True),
        (NetworkError, True, False),
        (TlsError, False, True),
        (OperationTimeoutError, True, False),
        (NotFoundError, False, False),
    ],
)
def test_each_class_knows_whether_a_retry_helps(kind, retryable, unprocessed):
    error = kind("broken")
    assert (error.retryable, error.unprocessed) == (retryable, unprocessed)
    assert kind("broken", retryable=not retryable).retryable is not retryable
    assert kind("broken", unprocessed=not unprocessed).unprocessed is not unprocessed
