"""Buckets and what is in them, in memory."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from emulators.oracle.errors import OracleError

NAMESPACE = "doublenamespace"
TIERS = frozenset({"Standard", "InfrequentAccess", "Archive"})


def now() -> datetime:
    """The moment, with its zone."""
    return datetime.now(UTC)


def new_etag() -> str:
    """An entity tag: no quotes around it."""
    return str(uuid.uuid4())


@dataclass(frozen=True)
class Content:
    """An object.

    Attributes:
        data: Its bytes.
        headers: Content headers and ``opc-meta-*`` by lower-case name.
        md5: In base64; of the parts' digests and with their number when there were parts.
        tier: Of storage.
        multipart: Whether it was put together from parts.
    """

    data: bytes
    headers: Mapping[str, str]
    md5: str
    tier: str
    multipart: bool = False
    etag: str = field(default_factory=new_etag)
    created: datetime = field(default_factory=now)
    modified: datetime = field(default_factory=now)


@dataclass(frozen=True)
class Part:
    """A part of an upload."""

    data: bytes
    md5: bytes
    etag: str = field(default_factory=new_etag)


@dataclass
class Upload:
    """An upload in parts that is under way."""

    name: str
    headers: Mapping[str, str]
    tier: str
    parts: dict[int, Part] = field(default_factory=dict)
    created: datetime = field(default_factory=now)


@dataclass
class Bucket:
    """A bucket: what it says of itself, and what is in it."""

    description: dict[str, Any]
    objects: dict[str, Content] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    grants: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def tier(self) -> str:
        """Where objects go when nothing is told."""
        return str(self.description["storageTier"])

    def find(self, name: str) -> Content:
        """An object.

        Raises:
            OracleError: There is none of this name.
        """
        if name not in self.objects:
            bucket = self.description["name"]
            message = f"The object '{name}' was not found in the bucket '{bucket}'"
            raise OracleError(404, "ObjectNotFound", message)
        return self.objects[name]

    def tier_of(self, given: str | None) -> str:
        """The tier that is asked for, or the bucket's.

        Raises:
            OracleError: There is no such tier.
        """
        if given is not None and given not in TIERS:
            raise OracleError(400, "InvalidStorageTier", f"The storage tier {given} is not valid")
        return given or self.tier


class Store:
    """All buckets of the one namespace."""

    def __init__(self) -> None:
        self.buckets: dict[str, Bucket] = {}

    def find(self, namespace: str, name: str) -> Bucket:
        """A bucket.

        Raises:
            OracleError: There is none.
        """
        self.check_namespace(namespace)
        if name not in self.buckets:
            message = (
                f"Either the bucket named '{name}' does not exist in the namespace "
                f"'{namespace}' or you are not authorized to access it"
            )
            raise OracleError(404, "BucketNotFound", message)
        return self.buckets[name]

    def check_namespace(self, namespace: str) -> None:
        """Refuse a namespace that is not the tenancy's."""
        if namespace != NAMESPACE:
            message = f"You do not have authorization to access the namespace '{namespace}'"
            raise OracleError(404, "NamespaceNotFound", message)


def check_object_name(name: str) -> None:
    """Refuse what cannot be the name of an object."""
    if not 1 <= len(name.encode()) <= 1024 or re.search(r"[\0\r\n]", name):
        raise OracleError(400, "InvalidObjectName", "The object name is not valid")
