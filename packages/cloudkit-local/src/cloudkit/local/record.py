"""An object as it stands in the index and in its sidecar file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import asdict, frozen
from cloudkit.api.storage import ObjectAttributes, ObjectEntry, ObjectInfo, StoredObject

COLUMNS = "bucket, key, revision, size, crc32, modified, storage_class, attributes"
"""Columns of the table ``object``, in the order of ``ObjectRecord.row``."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PLAIN = asdict(ObjectAttributes())


def to_time(microseconds: int) -> datetime:
    """A point in time from the microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=microseconds)


def from_time(value: datetime) -> int:
    """The microseconds since 1970."""
    return (value - _EPOCH) // _MICROSECOND


def now() -> int:
    """The current time in microseconds since 1970."""
    return from_time(datetime.now(UTC))


def pack_attributes(attributes: ObjectAttributes) -> str:
    """Attributes as JSON; what is not set is left out."""
    values = asdict(attributes)
    values["metadata"] = dict(attributes.metadata)
    return json.dumps({name: v for name, v in values.items() if v != _PLAIN[name]})


def unpack_attributes(packed: str) -> ObjectAttributes:
    """The opposite of ``pack_attributes``."""
    return ObjectAttributes(**json.loads(packed))


@frozen(kw_only=True)
class ObjectRecord:
    """An object without its bytes.

    Attributes:
        bucket: Its bucket.
        key: Its key.
        revision: Name of its bytes among the blobs; also its etag.
        size: Bytes.
        crc32: Of the bytes, in hex.
        modified: When it was written, in microseconds since 1970.
        storage_class: As given.
        attributes: As JSON.
    """

    bucket: str
    key: str
    revision: str
    size: int
    crc32: str
    modified: int
    storage_class: str | None
    attributes: str

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> ObjectRecord:
        """From a row of the index."""
        bucket, key, revision, size, crc32, modified, storage_class, attributes = row
        return cls(
            bucket=bucket,
            key=key.decode(),
            revision=revision,
            size=size,
            crc32=crc32,
            modified=modified,
            storage_class=storage_class,
            attributes=attributes,
        )

    @classmethod
    def from_sidecar(cls, content: bytes) -> ObjectRecord:
        """From the content of a sidecar file.

        Raises:
            ValueError: It is none.
        """
        try:
            record = cls(**json.loads(content))
            record.key.encode()
            unpack_attributes(record.attributes)
        except (TypeError, AttributeError) as error:
            raise ValueError(f"not a sidecar: {error}") from error
        return record

    @property
    def row(self) -> tuple[Any, ...]:
        """A row of the index; the key in bytes, which SQLite puts in the order of the contract."""
        return (
            self.bucket,
            self.key.encode(),
            self.revision,
            self.size,
            self.crc32,
            self.modified,
            self.storage_class,
            self.attributes,
        )

    @property
    def sidecar(self) -> bytes:
        """The content of the sidecar file."""
        return json.dumps(asdict(self), indent=1).encode()

    def info(self) -> ObjectInfo:
        """What the contract says about the object."""
        return ObjectInfo(
            bucket=self.bucket,
            key=self.key,
            size=self.size,
            etag=self.revision,
            last_modified=to_time(self.modified),
            attributes=unpack_attributes(self.attributes),
            storage_class=self.storage_class,
            checksums={"crc32": self.crc32},
        )

    def entry(self) -> ObjectEntry:
        """Its line in a listing."""
        return ObjectEntry(
            key=self.key,
            size=self.size,
            etag=self.revision,
            last_modified=to_time(self.modified),
            storage_class=self.storage_class,
        )

    def stored(self) -> StoredObject:
        """What a write hands back."""
        return StoredObject(bucket=self.bucket, key=self.key, etag=self.revision, size=self.size)
