"""CRC-32C, which Cloud Storage keeps of every object."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import google_crc32c
from cloudkit.common import IntegrityError


def crc32c(data: bytes) -> str:
    """The checksum of some bytes as the service writes it: big-endian, in base64."""
    return _written(google_crc32c.value(data))


def told_crc32c(headers: Mapping[str, str]) -> str | None:
    """The checksum of a whole object in the headers of an answer; None when it is not there.

    Args:
        headers: With ``X-Goog-Hash``: ``crc32c=...,md5=...``.
    """
    for part in headers.get("X-Goog-Hash", "").split(","):
        name, _, value = part.strip().partition("=")
        if name == "crc32c":
            return value
    return None


class Check:
    """Compares content with its checksum while it is read.

    Args:
        expected: As the service writes it; None for no comparison.
    """

    def __init__(self, expected: str | None) -> None:
        self._expected = expected
        self._value = 0

    def update(self, data: bytes) -> None:
        """Take in the next bytes."""
        if self._expected is not None:
            self._value = google_crc32c.extend(self._value, data)

    def finish(self) -> None:
        """Compare, when all bytes have been read.

        Raises:
            IntegrityError: They are others than those that were stored.
        """
        if self._expected is not None and _written(self._value) != self._expected:
            raise IntegrityError(
                f"the content has the CRC32C {_written(self._value)}, the object {self._expected}",
                retryable=True,
            )


def _written(value: int) -> str:
    return base64.b64encode(value.to_bytes(4, "big")).decode()
