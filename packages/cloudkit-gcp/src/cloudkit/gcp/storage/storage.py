"""ObjectStorage on Cloud Storage."""

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
from cloudkit.gcp.clients import GcpClients
from cloudkit.gcp.storage import buckets, deleting, listing, parts, presigning, reading
from cloudkit.gcp.storage.copying import Copier
from cloudkit.gcp.storage.reading import Reader
from cloudkit.gcp.storage.writing import Writer
from cloudkit.spi import OperationRunner


class GcsObjectStorage(ObjectStorage):
    """Objects in Cloud Storage. A revision token is an object's generation.

    Each hook changes to a worker thread once, but for copies that take several requests. A read
    that breaks off in the middle is resumed, or made again, by the layers above.

    Args:
        runner: Runs the operations.
        capabilities: What Cloud Storage can do.
        clients: Makes the calls.
    """

    def __init__(
        self, runner: OperationRunner, capabilities: StorageCapabilities, clients: GcpClients
    ) -> None:
        super().__init__(runner, capabilities)
        self._clients = clients
        self._reader = Reader(clients)
        self._writer = Writer()
        self._copier = Copier(clients)

    async def _create_bucket(self, op: CreateBucket) -> BucketInfo:
        return await self._clients.run("storage", buckets.create, op)

    async def _delete_bucket(self, op: DeleteBucket) -> None:
        await self._clients.run("storage", buckets.delete, op)

    async def _bucket_exists(self, op: BucketExists) -> bool:
        return await self._clients.run("storage", buckets.exists, op)

    async def _list_buckets(self, op: ListBuckets) -> Page[BucketInfo]:
        return await self._clients.run("storage", buckets.list_page, op)

    async def _put_object(self, op: PutObject) -> StoredObject:
        return await self._clients.run("storage", self._writer.put, op)

    async def _open_object(self, op: OpenObject) -> tuple[ObjectInfo, ByteReceiveStream]:
        return await self._clients.run("storage", self._reader.open, op)

    async def _get_object(self, op: GetObject) -> bytes:
        return await self._clients.run("storage", self._reader.get, op)

    async def _save_range(
        self, op: GetObject, write: Callable[[bytes, int], None], start: int
    ) -> int:
        return await self._clients.run("storage", self._reader.save, op, write, start)

    async def _head_object(self, op: HeadObject) -> ObjectInfo:
        return await self._clients.run("storage", reading.head, op)

    async def _delete_object(self, op: DeleteObject) -> None:
        await self._clients.run("storage", deleting.delete, op)

    async def _delete_objects(self, op: DeleteObjects) -> Sequence[CloudResult[str]]:
        return await self._clients.run("storage", deleting.delete_many, op)

    async def _copy_object(self, op: CopyObject) -> StoredObject:
        return await self._copier.copy(op)

    async def _list_objects(self, op: ListObjects) -> Page[ObjectEntry]:
        return await self._clients.run("storage", listing.list_objects, op)

    async def _presign_get(self, op: PresignGet) -> PresignedUrl:
        return await self._clients.run("storage", presigning.get_url, op)

    async def _presign_put(self, op: PresignPut) -> PresignedUrl:
        return await self._clients.run("storage", presigning.put_url, op)

    async def _create_upload(self, op: CreateUpload) -> str:
        return await self._clients.run("storage", parts.create_upload, op)

    async def _upload_part(self, op: UploadPart) -> UploadedPart:
        return await self._clients.run("storage", parts.upload_part, op)

    async def _complete_upload(self, op: CompleteUpload) -> StoredObject:
        return await self._clients.run("storage", parts.complete_upload, op)

    async def _abort_upload(self, op: AbortUpload) -> None:
        await self._clients.run("storage", parts.abort_upload, op)

    async def _list_uploads(self, op: ListUploads) -> Page[PendingUpload]:
        return await self._clients.run("storage", parts.list_uploads, op)
