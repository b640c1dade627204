"""What a provider implements for ObjectStorage."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from anyio import EndOfStream, to_thread
from anyio.abc import ByteReceiveStream
from cloudkit.api.contract import Contract
from cloudkit.api.paging import Page
from cloudkit.api.storage.models import (
    BucketInfo,
    ObjectEntry,
    ObjectInfo,
    PendingUpload,
    PresignedUrl,
    StoredObject,
    UploadedPart,
)
from cloudkit.api.storage.operations import (
    AbortUpload,
    BucketExists,
    CompleteUpload,
    CopyObject,
    CreateBucket,
    CreateUpload,
    DeleteBucket,
    DeleteObject,
    DeleteObjects,
    GetObject,
    HeadObject,
    ListBuckets,
    ListObjects,
    ListUploads,
    OpenObject,
    PresignGet,
    PresignPut,
    PutObject,
    UploadPart,
)
from cloudkit.common import CloudResult, StorageCapabilities


class ObjectStorageHooks(Contract[StorageCapabilities], ABC):
    """One hook for each operation. A hook makes one attempt and lets native errors through.

    The operations arrive validated and checked against the capabilities.
    """

    @abstractmethod
    async def _create_bucket(self, op: CreateBucket) -> BucketInfo:
        """Create; AlreadyExistsError when there is one, also when it is the caller's own."""

    @abstractmethod
    async def _delete_bucket(self, op: DeleteBucket) -> None:
        """Delete; NotFoundError when missing, ConflictError (nothing deleted) when not empty."""

    @abstractmethod
    async def _bucket_exists(self, op: BucketExists) -> bool:
        """Whether it exists."""

    @abstractmethod
    async def _list_buckets(self, op: ListBuckets) -> Page[BucketInfo]:
        """One page, by name."""

    @abstractmethod
    async def _put_object(self, op: PutObject) -> StoredObject:
        """Write all or nothing."""

    @abstractmethod
    async def _open_object(self, op: OpenObject) -> tuple[ObjectInfo, ByteReceiveStream]:
        """The object's facts, and the bytes of the range (never a suffix of 0) as a stream.

        A suffix longer than the object gives all of it. A range that begins at or behind the end is
        a ValidationError. ``if_match`` that fails, and ``if_none_match`` that holds, are
        PreconditionFailedErrors.
        """

    async def _get_object(self, op: GetObject) -> bytes:
        """All bytes at once. Override where one round trip less is to be had."""
        _, stream = await self._open_object(op)
        async with stream:
            return b"".join([chunk async for chunk in stream])

    async def _save_range(
        self, op: GetObject, write: Callable[[bytes, int], None], start: int
    ) -> int:
        """Pass the bytes of a range to a function that blocks, each piece with its place; count them.

        Override, so that the thread that reads pieces writes them: then memory holds no more.

        Args:
            op: What to read; with a range.
            write: Takes a piece and its position. May be called again with the same, when the hook is.
            start: Position of the first byte.
        """
        data = await self._get_object(op)
        await to_thread.run_sync(write, data, start)
        return len(data)

    @abstractmethod
    async def _head_object(self, op: HeadObject) -> ObjectInfo:
        """The object's facts; conditions as for ``_open_object``."""

    @abstractmethod
    async def _delete_object(self, op: DeleteObject) -> None:
        """Delete; a missing object is fine, or a NotFoundError where ``missing_ok`` is False."""

    @abstractmethod
    async def _delete_objects(self, op: DeleteObjects) -> Sequence[CloudResult[str]]:
        """Delete at most ``delete_batch`` objects; one result a key, in order."""

    @abstractmethod
    async def _copy_object(self, op: CopyObject) -> StoredObject:
        """Copy, never onto itself without a change."""

    @abstractmethod
    async def _list_objects(self, op: ListObjects) -> Page[ObjectEntry]:
        """One page, in the order of the keys' UTF-8 bytes."""

    @abstractmethod
    async def _presign_get(self, op: PresignGet) -> PresignedUrl:
        """A URL that reads."""

    @abstractmethod
    async def _presign_put(self, op: PresignPut) -> PresignedUrl:
        """A URL that writes."""

    @abstractmethod
    async def _create_upload(self, op: CreateUpload) -> str:
        """Begin an upload in parts; returns its id."""

    @abstractmethod
    async def _upload_part(self, op: UploadPart) -> UploadedPart:
        """Send one part."""

    @abstractmethod
    async def _complete_upload(self, op: CompleteUpload) -> StoredObject:
        """Make the object; conditions are checked now."""

    @abstractmethod
    async def _abort_upload(self, op: AbortUpload) -> None:
        """Drop the upload; one that is gone is fine."""

    @abstractmethod
    async def _list_uploads(self, op: ListUploads) -> Page[PendingUpload]:
        """One page of unfinished uploads."""


class MemoryStream(ByteReceiveStream):
    """A stream over bytes that are there already.

    Args:
        data: The bytes.
    """

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """The next bytes.

        Raises:
            EndOfStream: There are no more.
        """
        if not self._data:
            raise EndOfStream
        chunk, self._data = bytes(self._data[:max_bytes]), self._data[max_bytes:]
        return chunk

    async def aclose(self) -> None:
        """Drop what is left."""
        self._data = memoryview(b"")
