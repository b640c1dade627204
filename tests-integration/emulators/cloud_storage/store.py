"""Buckets and objects in memory."""

from __future__ import annotations

import base64
import hashlib
import time
from bisect import bisect_left, insort
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import google_crc32c

from emulators.cloud_storage.errors import StorageError, no_bucket, no_object
from emulators.cloud_storage.rules import check_metadata_size


@dataclass(frozen=True)
class Content:
    """Bytes with their digests.

    Attributes:
        data: The bytes.
        crc32c: Base64 of the big-endian checksum.
        md5: Base64; None for what was put together from parts.
        components: How many objects it was composed of; None for what was not composed.
    """

    data: bytes
    crc32c: str
    md5: str | None
    components: int | None = None

    @classmethod
    def of(cls, data: bytes) -> Content:
        """Content that came in one piece."""
        digest = hashlib.md5(data, usedforsecurity=False).digest()
        return cls(data, crc32c_of(data), base64.b64encode(digest).decode())

    @classmethod
    def joined(cls, data: bytes, components: int | None = None) -> Content:
        """Content that was put together: it has no MD5."""
        return cls(data, crc32c_of(data), None, components)

    @property
    def hash_header(self) -> str:
        """Value of ``x-goog-hash``."""
        md5 = f",md5={self.md5}" if self.md5 else ""
        return f"crc32c={self.crc32c}{md5}"


def crc32c_of(data: bytes) -> str:
    """The checksum as the service writes it."""
    return base64.b64encode(google_crc32c.value(data).to_bytes(4)).decode()


@dataclass(frozen=True)
class StoredObject:
    """One generation of an object with one version of its metadata.

    Attributes:
        bucket: Name of its bucket.
        name: Its name.
        generation: Number of the content, above all before.
        content: The bytes.
        storage_class: Where it is kept.
        fields: What the client has set, by the names of the JSON API; ``metadata`` is always there.
        metageneration: Number of the metadata, from 1 in each generation.
        created: Seconds since the epoch.
        updated: Seconds since the epoch.
    """

    bucket: str
    name: str
    generation: int
    content: Content
    storage_class: str
    fields: dict[str, Any]
    created: float
    updated: float
    metageneration: int = 1

    @property
    def etag(self) -> str:
        """Of the JSON API; another one with each generation and each metageneration."""
        numbers = b"\x08" + _varint(self.generation) + b"\x10" + _varint(self.metageneration)
        return base64.b64encode(numbers).decode()

    @property
    def xml_etag(self) -> str:
        """Of the XML API: the MD5 in hexadecimal where there is one."""
        if self.content.md5 is None:
            return f'"{self.etag}"'
        return f'"{base64.b64decode(self.content.md5).hex()}"'

    @property
    def metadata(self) -> dict[str, str]:
        """What the client has attached."""
        metadata: dict[str, str] = self.fields["metadata"]
        return metadata

    def resource(self, base_url: str) -> dict[str, Any]:
        """As the JSON API shows it."""
        path = f"b/{quote(self.bucket, safe='')}/o/{quote(self.name, safe='')}"
        fields = {key: value for key, value in self.fields.items() if value}
        shown = {
            "kind": "storage#object",
            "id": f"{self.bucket}/{self.name}/{self.generation}",
            "selfLink": f"{base_url}/storage/v1/{path}",
            "mediaLink": f"{base_url}/download/storage/v1/{path}"
            f"?generation={self.generation}&alt=media",
            "name": self.name,
            "bucket": self.bucket,
            "generation": str(self.generation),
            "metageneration": str(self.metageneration),
            **fields,
            "storageClass": self.storage_class,
            "size": str(len(self.content.data)),
            "crc32c": self.content.crc32c,
            "etag": self.etag,
            "timeCreated": timestamp(self.created),
            "updated": timestamp(self.updated),
            "timeStorageClassUpdated": timestamp(self.created),
            "timeFinalized": timestamp(self.created),
        }
        if self.content.md5 is not None:
            shown["md5Hash"] = self.content.md5
        if self.content.components is not None:
            shown["componentCount"] = self.content.components
        return shown


@dataclass
class Bucket:
    """A bucket.

    Attributes:
        name: Its name.
        project: To whom it belongs.
        fields: What else the client has set, by the names of the JSON API.
        created: Seconds since the epoch.
        names: Names of its objects, ordered by their UTF-8 bytes, which is the order of str.
        objects: By name.
    """

    name: str
    project: str
    fields: dict[str, Any]
    created: float
    names: list[str] = field(default_factory=list)
    objects: dict[str, StoredObject] = field(default_factory=dict)
    metageneration: int = 1

    @property
    def storage_class(self) -> str:
        """The class of objects that name none."""
        return str(self.fields["storageClass"])

    def resource(self, base_url: str) -> dict[str, Any]:
        """As the JSON API shows it."""
        number = int(hashlib.sha256(self.project.encode()).hexdigest()[:10], 16)
        return {
            "kind": "storage#bucket",
            "id": self.name,
            "selfLink": f"{base_url}/storage/v1/b/{self.name}",
            "projectNumber": str(number),
            "name": self.name,
            "metageneration": str(self.metageneration),
            "etag": base64.b64encode(b"\x10" + _varint(self.metageneration)).decode(),
            "locationType": "multi-region",
            **self.fields,
            "timeCreated": timestamp(self.created),
            "updated": timestamp(self.created),
        }


class Store:
    """All buckets. Not for many threads at once: the application lets one in."""

    def __init__(self) -> None:
        self.buckets: dict[str, Bucket] = {}
        self._last_generation = 0

    def bucket(self, name: str) -> Bucket:
        """A bucket.

        Raises:
            StorageError: It is not there (404).
        """
        if name not in self.buckets:
            raise no_bucket()
        return self.buckets[name]

    def find(self, bucket: str, name: str) -> StoredObject | None:
        """An object, if it is there.

        Raises:
            StorageError: The bucket is not (404).
        """
        return self.bucket(bucket).objects.get(name)

    def get(self, bucket: str, name: str, generation: str | None = None) -> StoredObject:
        """An object.

        Raises:
            StorageError: It is not there, or not in this generation (404).
        """
        found = self.find(bucket, name)
        if found is None or generation not in {None, str(found.generation)}:
            raise no_object(bucket, name)
        return found

    def put(
        self,
        bucket: str,
        name: str,
        content: Content,
        fields: dict[str, Any],
        storage_class: str | None = None,
    ) -> StoredObject:
        """Keep content as a new generation.

        Raises:
            StorageError: Too much metadata (400).
        """
        place = self.bucket(bucket)
        kept = {**fields, "metadata": _without_nulls(fields.get("metadata"))}
        check_metadata_size(kept["metadata"])
        now = time.time()
        stored = StoredObject(
            bucket,
            name,
            self._next_generation(),
            content,
            storage_class or place.storage_class,
            kept,
            now,
            now,
        )
        if name not in place.objects:
            insort(place.names, name)
        place.objects[name] = stored
        return stored

    def change(self, old: StoredObject, fields: dict[str, Any]) -> StoredObject:
        """Give an object other metadata.

        Raises:
            StorageError: Too much metadata (400).
        """
        kept = {**fields, "metadata": _without_nulls(fields.get("metadata"))}
        check_metadata_size(kept["metadata"])
        new = replace(old, fields=kept, metageneration=old.metageneration + 1, updated=time.time())
        self.bucket(old.bucket).objects[old.name] = new
        return new

    def remove(self, stored: StoredObject) -> None:
        """Delete an object."""
        place = self.bucket(stored.bucket)
        del place.objects[stored.name]
        del place.names[bisect_left(place.names, stored.name)]

    def remove_bucket(self, bucket: Bucket) -> None:
        """Delete an empty bucket.

        Raises:
            StorageError: It is not empty (409).
        """
        if bucket.objects:
            message = "The bucket you tried to delete is not empty."
            raise StorageError(409, "conflict", message, code="BucketNotEmpty")
        del self.buckets[bucket.name]

    def _next_generation(self) -> int:
        # The service's numbers are microseconds, too; always above the last one.
        self._last_generation = max(self._last_generation + 1, time.time_ns() // 1000)
        return self._last_generation


def timestamp(seconds: float) -> str:
    """RFC 3339 with milliseconds, as the service writes it."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def _without_nulls(metadata: dict[str, str | None] | None) -> dict[str, str]:
    return {key: value for key, value in (metadata or {}).items() if value is not None}


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
