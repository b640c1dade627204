"""A view of one bucket, or of the keys below a prefix."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from typing import Unpack

from attrs import evolve, field, frozen
from cloudkit.api.paging import Page, Pager
from cloudkit.api.storage.contract import ObjectStorage, Range
from cloudkit.api.storage.models import (
    Body,
    Checksum,
    ObjectEntry,
    ObjectInfo,
    PresignedUrl,
    StoredObject,
    TransferOptions,
    WriteOptions,
)
from cloudkit.api.storage.reader import ObjectReader
from cloudkit.api.validation import several, text
from cloudkit.common import CloudResult, Duration


class _PutOptions(WriteOptions, TransferOptions, total=False):
    checksum: Checksum | None


@frozen
class Bucket:
    """The methods of ObjectStorage for one bucket.

    Keys that are given and listed are relative to ``key_prefix``. Arguments and errors are those of
    the methods of the same name of ObjectStorage.

    Attributes:
        storage: The storage that it is in.
        name: The bucket.
        key_prefix: What stands before every key.
    """

    storage: ObjectStorage = field(repr=False)
    name: str
    key_prefix: str = ""

    def prefix(self, prefix: str) -> Bucket:
        """A narrower view: the keys below ``prefix`` (which usually ends with a slash)."""
        return evolve(self, key_prefix=self.key_prefix + text(prefix, "the prefix", empty=True))

    def key(self, key: str) -> str:
        """The whole key of a key of this view."""
        return self.key_prefix + text(key, "the key", empty=True)

    async def put_object(
        self, key: str, data: Body, **options: Unpack[_PutOptions]
    ) -> StoredObject:
        """Write an object."""
        return await self.storage.put_object(self.name, self.key(key), data, **options)

    async def upload_file(
        self, key: str, path: str | PathLike[str], **options: Unpack[_PutOptions]
    ) -> StoredObject:
        """Write an object from a file."""
        return await self.storage.upload_file(self.name, self.key(key), path, **options)

    async def copy_object(
        self,
        source_key: str,
        key: str,
        *,
        source_if_match: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> StoredObject:
        """Copy an object inside this view."""
        source, target = self.key(source_key), self.key(key)
        return await self.storage.copy_object(
            self.name, source, self.name, target, source_if_match=source_if_match, **options
        )

    async def get_object(
        self,
        key: str,
        *,
        byte_range: Range | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> bytes:
        """The bytes of an object."""
        return await self.storage.get_object(
            self.name,
            self.key(key),
            byte_range=byte_range,
            if_match=if_match,
            if_none_match=if_none_match,
        )

    async def open_object(
        self,
        key: str,
        *,
        byte_range: Range | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> ObjectReader:
        """An object as a stream."""
        return await self.storage.open_object(
            self.name,
            self.key(key),
            byte_range=byte_range,
            if_match=if_match,
            if_none_match=if_none_match,
        )

    async def download_file(
        self,
        key: str,
        path: str | PathLike[str],
        *,
        if_match: str | None = None,
        verify: bool = True,
        **transfer: Unpack[TransferOptions],
    ) -> ObjectInfo:
        """Read an object into a file."""
        return await self.storage.download_file(
            self.name, self.key(key), path, if_match=if_match, verify=verify, **transfer
        )

    async def head_object(
        self, key: str, *, if_match: str | None = None, if_none_match: str | None = None
    ) -> ObjectInfo:
        """What is known about an object."""
        return await self.storage.head_object(
            self.name, self.key(key), if_match=if_match, if_none_match=if_none_match
        )

    async def object_exists(self, key: str) -> bool:
        """Whether an object exists."""
        return await self.storage.object_exists(self.name, self.key(key))

    async def delete_object(
        self, key: str, *, missing_ok: bool = True, if_match: str | None = None
    ) -> None:
        """Delete an object."""
        await self.storage.delete_object(
            self.name, self.key(key), missing_ok=missing_ok, if_match=if_match
        )

    async def delete_objects(self, keys: Iterable[str]) -> list[CloudResult[str]]:
        """Delete many objects; the results hold their whole keys."""
        return await self.storage.delete_objects(
            self.name, [self.key(key) for key in several(keys, "keys")]
        )

    def list_objects(
        self,
        *,
        prefix: str = "",
        delimiter: str | None = None,
        start_after: str | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
    ) -> Pager[ObjectEntry]:
        """The objects of this view, with their keys relative to it."""
        whole = self.storage.list_objects(
            self.name,
            prefix=self.key(prefix),
            delimiter=delimiter,
            start_after=None if start_after is None else self.key(start_after),
            page_size=page_size,
            page_token=page_token,
        )
        return whole.map_pages(self._relative)

    async def presigned_get_url(self, key: str, *, expires_in: Duration = 3600) -> PresignedUrl:
        """A URL that reads an object."""
        return await self.storage.presigned_get_url(self.name, self.key(key), expires_in=expires_in)

    async def presigned_put_url(
        self, key: str, *, expires_in: Duration = 3600, content_type: str | None = None
    ) -> PresignedUrl:
        """A URL that writes an object."""
        return await self.storage.presigned_put_url(
            self.name, self.key(key), expires_in=expires_in, content_type=content_type
        )

    def _relative(self, page: Page[ObjectEntry]) -> Page[ObjectEntry]:
        cut = len(self.key_prefix)
        return Page([evolve(entry, key=entry.key[cut:]) for entry in page.items], page.next_token)
