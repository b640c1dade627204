"""Tables of errors, as providers read them."""

import re
from datetime import timedelta
from email.utils import format_datetime

import pytest
from cloudkit.common import (
    ConflictError,
    DnsError,
    NetworkError,
    NotFoundError,
    ProviderError,
    RateLimitedError,
    ServiceUnavailableError,
    ValidationError,
    utc_now,
)
from cloudkit.core.errors import REQUESTS, NativeErrors, ServiceErrors, retry_after

SERVICE = ServiceErrors(
    codes={NotFoundError: "NoSuchThing Gone", ConflictError: "Busy"},
    statuses={410: ConflictError},
    traits={"Busy": {"retryable": True, "retry_after": 3.0}},
    hints={"NoSuchThing": "Make it."},
    secrets=re.compile("s3cret"),
)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (404, "NoSuchThing", NotFoundError),
        (500, "NoSuchThing", NotFoundError),
        (410, None, ConflictError),
        (429, "Unheard", RateLimitedError),
        (599, "Unheard", ServiceUnavailableError),
        (418, None, ProviderError),
        (None, None, ProviderError),
    ],
)
def test_a_code_counts_more_than_a_status(status, code, kind):
    error = SERVICE.error(status, code, "no")
    assert type(error) is kind
    assert (error.status, error.code) == (status, code)


def test_what_is_known_of_a_code_comes_with_it():
    error = SERVICE.error(404, "NoSuchThing", " not\n here ", request_id="r1")
    assert (error.hint, error.request_id, error.message) == ("Make it.", "r1", "not here")
    busy = SERVICE.error(409, "Busy", None)
    assert (busy.retryable, busy.retry_after) == (True, 3.0)
    assert busy.message == "the service refused without a reason"
    assert SERVICE.error(409, "Busy", None, retry_after=7.0).retry_after == 7.0
    assert type(SERVICE.error(404, "NoSuchThing", "", kind=ValidationError)) is ValidationError


def test_secrets_are_left_out():
    assert "s3cret" not in str(SERVICE.error(400, None, "the token s3cret is wrong"))


class SdkError(Exception):
    __module__ = "acme_sdk.errors"


class LateError(SdkError):
    __module__ = "acme_sdk.errors"


class NameResolutionError(Exception):
    __module__ = "urllib3.exceptions"


NATIVE = NativeErrors(
    packages=frozenset({"acme_sdk", "urllib3"}),
    kinds={**REQUESTS, "SdkError": (NetworkError, "it broke")},
    hints={"NameResolutionError": "Look at the name."},
)


def test_the_class_of_an_error_is_looked_up_by_name():
    error = NATIVE.translate(LateError("late"))
    assert (type(error), error.message, error.code) == (NetworkError, "it broke", "LateError")


def test_what_the_connection_said_counts_more():
    outer = SdkError("failed")
    outer.__cause__ = SdkError(NameResolutionError("acme.example"))
    outer.__cause__.__cause__ = outer  # a ring does no harm
    error = NATIVE.translate(outer)
    assert type(error) is DnsError
    assert error.hint == "Look at the name."


def test_errors_of_others_are_left_alone():
    assert not NATIVE.owns(OSError())
    assert NATIVE.translate(OSError()) is None
    assert NATIVE.owns(SdkError())


def test_how_long_to_wait():
    assert retry_after({"Retry-After": "2.5"}) == 2.5
    assert retry_after({"retry-after": "-3"}) == 0
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({}) is None
    date = format_datetime(utc_now() + timedelta(seconds=90), usegmt=True)
    assert 85 < retry_after({"Retry-After": date}) <= 90
    assert retry_after({"Retry-After": "Thu, 01 Jan 2026 00:00:00"}) == 0
