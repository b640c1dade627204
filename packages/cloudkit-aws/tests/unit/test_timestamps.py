"""Moments are read as botocore reads them, whatever form they have."""

from datetime import UTC, datetime, timedelta

import pytest
from botocore.utils import parse_timestamp
from cloudkit.aws.timestamps import read_timestamp


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T00:00:00.000Z",
        "2026-12-31T23:59:59Z",
        "2026-01-01T00:00:00.123456Z",
        "20260101T000000Z",
        "2026-01-01T02:00:00+02:00",
        "Thu, 01 Jan 2026 00:00:00 GMT",
        "Thu, 1 Jan 2026 00:00:00 GMT",
        "1767225600",
        "1767225600.5",
        1767225600,
        1767225600.123,
    ],
)
def test_it_is_the_moment_that_botocore_reads(text: object) -> None:
    moment = read_timestamp(text)
    assert moment == parse_timestamp(text)
    assert moment.utcoffset() is not None


def test_a_moment_in_zulu_time_is_in_utc() -> None:
    assert read_timestamp("2026-01-01T00:00:00.5Z") == datetime(
        2026, 1, 1, microsecond=500000, tzinfo=UTC
    )
    assert read_timestamp("Thu, 01 Jan 2026 00:00:00 GMT").utcoffset() == timedelta(0)


@pytest.mark.parametrize("text", ["", "Z", "GMT", "soon", "2026-13-01T00:00:00Z"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_timestamp(text)
