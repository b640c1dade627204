"""ObjectStorage on Object Storage."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from anyio.abc import ByteReceiveStream
from cloudkit.api.paging import Page
from cloudkit.api.storage import (
    BucketInfo,
    ObjectEntry,
    ObjectInfo,
    ObjectStorage,
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
from cloudkit.oracle.clients import OracleClients
from cloudkit.oracle.object_storage import buckets, deleting, listing, presigning, reading, writing
from cloudkit.oracle.object_storage.copying import Copier
from cloudkit.oracle.object_storage.space import Space, Spaces
from cloudkit.spi import OperationRunner


class OracleObjectStorage(ObjectStorage):
    """Objects in Object Storage.

    Each hook changes to a worker thread once, but for copies, which are waited for. A read that
    breaks off in the middle is resumed, or made again, by the layers above.

    Args:
        runner: Runs the operations.
        capabilities: What Object Storage can do.
        clients: Makes the calls.
    """

    def __init__(
        self, runner: OperationRunner, capabilities: StorageCapabilities, clients: OracleClients
    ) -> None:
        super().__init__(runner, capabilities)
        self._spaces = Spaces(clients)
        self._reader = reading.Reader(self._spaces)
        self._copier = Copier(self._spaces, self._reader)

    async def _create_bucket(self, op: CreateBucket) -> BucketInfo:
        return await self._spaces.run(self._create, op)

    async def _delete_bucket(self, op: DeleteBucket) -> None:
        await self._spaces.run(buckets.delete, op)

    async def _bucket_exists(self, op: BucketExists) -> bool:
        return await self._spaces.run(buckets.exists, op)

    async def _list_buckets(self, op: ListBuckets) -> Page[BucketInfo]:
        return await self._spaces.run(self._list, op)

    async def _put_object(self, op: PutObject) -> StoredObject:
        return await self._spaces.run(writing.put, op)

    async def _open_object(self, op: OpenObject) -> tuple[ObjectInfo, ByteReceiveStream]:
        return await self._spaces.run(self._reader.open, op)

    async def _get_object(self, op: GetObject) -> bytes:
        return await self._spaces.run(self._reader.get, op)

    async def _save_range(
        self, op: GetObject, write: Callable[[bytes, int], None], start: int
    ) -> int:
        return await self._spaces.run(self._reader.save, op, write, start)

    async def _head_object(self, op: HeadObject) -> ObjectInfo:
        return await self._spaces.run(reading.head, op)

    async def _delete_object(self, op: DeleteObject) -> None:
        await self._spaces.run(deleting.delete, op)

    async def _delete_objects(self, op: DeleteObjects) -> Sequence[CloudResult[str]]:
        return await self._spaces.run(deleting.delete_many, op)

    async def _copy_object(self, op: CopyObject) -> StoredObject:
        return await self._copier.copy(op)

    async def _list_objects(self, op: ListObjects) -> Page[ObjectEntry]:
        return await self._spaces.run(listing.list_objects, op)

    async def _presign_get(self, op: PresignGet) -> PresignedUrl:
        return await self._spaces.run(presigning.get_url, op)

    async def _presign_put(self, op: PresignPut) -> PresignedUrl:
        return await self._spaces.run(presigning.put_url, op)

    async def _create_upload(self, op: CreateUpload) -> str:
        return await self._spaces.run(writing.create_upload, op)

    async def _upload_part(self, op: UploadPart) -> UploadedPart:
        return await self._spaces.run(writing.upload_part, op)

    async def _complete_upload(self, op: CompleteUpload) -> StoredObject:
        return await self._spaces.run(writing.complete_upload, op)

    async def _abort_upload(self, op: AbortUpload) -> None:
        await self._spaces.run(writing.abort_upload, op)

    async def _list_uploads(self, op: ListUploads) -> Page[PendingUpload]:
        return await self._spaces.run(listing.list_uploads, op)

    def _create(self, space: Space, op: CreateBucket) -> BucketInfo:
        return buckets.create(space, op, self._spaces.compartment())

    def _list(self, space: Space, op: ListBuckets) -> Page[BucketInfo]:
        return buckets.list_page(space, op, self._spaces.compartment())
