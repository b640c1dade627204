from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from cloudkit.common import (
    AccessKeyCredentials,
    AccountKeyCredentials,
    CloudResult,
    ConnectionStringCredentials,
    NotFoundError,
    Region,
    ServiceAccountCredentials,
    SharedAccessSignatureCredentials,
    SigningKeyCredentials,
    TokenCredentials,
    ValidationError,
    seconds,
    utc_now,
)

SECRET = "hunter2-secret"


@pytest.mark.parametrize(
    "credentials",
    [
        AccessKeyCredentials(access_key_id="id", secret_access_key=SECRET, session_token=SECRET),
        AccountKeyCredentials(account="me", key=SECRET),
        ConnectionStringCredentials(connection_string=f"AccountKey={SECRET}"),
        SharedAccessSignatureCredentials(signature=f"sig={SECRET}"),
        TokenCredentials(token=SECRET),
        ServiceAccountCredentials(info={"private_key": SECRET}),
        SigningKeyCredentials(
            tenancy="t", user="u", fingerprint="f", private_key=SECRET, passphrase=SECRET
        ),
    ],
)
def test_secrets_do_not_show(credentials):
    for shown in (repr(credentials), str(credentials), f"{credentials}"):
        assert SECRET not in shown


def test_credentials_expire():
    soon = TokenCredentials(token="t", expires_at=utc_now() + timedelta(seconds=60))
    assert not soon.expired()
    assert soon.expired(within=timedelta(minutes=2))
    assert TokenCredentials(token="t", expires_at=utc_now() - timedelta(seconds=1)).expired()
    assert not TokenCredentials(token="t").expired(within=timedelta(days=9999))


def test_a_result_holds_a_value_or_an_error():
    good: CloudResult[int] = CloudResult.success(1)
    error = NotFoundError("gone")
    bad: CloudResult[int] = CloudResult.failure(error)
    assert (good.ok, good.value, good.value_or(2)) == (True, 1, 1)
    assert (bad.ok, bad.error, bad.value_or(2)) == (False, error, 2)
    with pytest.raises(NotFoundError, match="gone"):
        _ = bad.value


def test_a_result_may_hold_none():
    assert CloudResult.success(None).ok
    assert CloudResult.success(None).value is None


def test_regions():
    assert Region.of("eu-west-1") == Region("eu-west-1")
    assert Region.of(Region("westeurope")) == Region("westeurope")
    assert str(Region("eu-west-1")) == "eu-west-1"


@pytest.mark.parametrize("name", ["", "-x", "a b", "a/b", "x" * 64, "eu-west-1\n", None, 7])
def test_a_bad_region(name):
    with pytest.raises(ValidationError, match="not a region name"):
        Region(name)


@pytest.mark.parametrize(
    ("value", "result"), [(0, 0.0), (1, 1.0), (1.5, 1.5), (timedelta(minutes=1), 60.0)]
)
def test_durations(value, result):
    assert seconds(value, "delay") == result


@pytest.mark.parametrize(
    "value", [-1, math.nan, math.inf, 10**400, True, "1", None, timedelta(seconds=-1)]
)
def test_bad_durations(value):
    with pytest.raises(ValidationError, match="delay must be"):
        seconds(value, "delay")


def test_durations_have_limits():
    with pytest.raises(ValidationError, match="at least 1 and at most 10 seconds, not 11"):
        seconds(11, "delay", minimum=1, maximum=10)


def test_now_is_aware():
    assert utc_now().tzinfo is UTC


@pytest.mark.parametrize("end", [datetime(2026, 1, 1), "2026-01-01", 5])  # noqa: DTZ001
def test_the_end_of_credentials_is_aware(end):
    with pytest.raises(ValidationError, match="aware"):
        TokenCredentials(token="t", expires_at=end)
