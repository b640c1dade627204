"""What stands for Acme's own SDK here: a service in memory, with errors of its own."""

from __future__ import annotations

from collections import defaultdict
from itertools import count
from typing import Any


class AcmeError(Exception):
    """What the SDK raises."""

    def __init__(self, code: str, message: str, request_id: str) -> None:
        super().__init__(message)
        self.code = code
        self.request_id = request_id


class AcmeService:
    """Buckets, their objects and the unfinished uploads."""

    def __init__(self) -> None:
        self.buckets: dict[str, dict[str, Any]] = {}
        self.uploads: dict[str, tuple[Any, dict[int, Any]]] = {}
        self._numbers = count(1)

    def number(self) -> str:
        return str(next(self._numbers))

    def fail(self, code: str, message: str) -> AcmeError:
        return AcmeError(code, message, f"acme-{self.number()}")

    def bucket(self, name: str) -> dict[str, Any]:
        if name not in self.buckets:
            raise self.fail("NoSuchBucket", f"no bucket {name}")
        return self.buckets[name]

    def blob(self, bucket: str, key: str) -> Any:
        if key not in self.bucket(bucket):
            raise self.fail("NoSuchObject", f"no object {key} in {bucket}")
        return self.buckets[bucket][key]


SERVICES: dict[str, AcmeService] = defaultdict(AcmeService)
"""Address → service."""
