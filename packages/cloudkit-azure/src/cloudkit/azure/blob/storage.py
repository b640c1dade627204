"""ObjectStorage on Blob Storage."""

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
from cloudkit.azure.blob import containers, deleting, listing, writing
from cloudkit.azure.blob.copying import Copier, CopyFromUrl
from cloudkit.azure.blob.presigning import Presigner
from cloudkit.azure.blob.reading import Reader
from cloudkit.azure.clients import AzureClients
from cloudkit.common import CloudResult, StorageCapabilities, UnsupportedOperationError
from cloudkit.spi import OperationRunner


class BlobObjectStorage(ObjectStorage):
    """Objects in Blob Storage, with containers as containers.

    Each hook changes to a worker thread once. A read that breaks off in the middle is resumed, or
    made again, by the layers above.

    Args:
        runner: Runs the operations.
        capabilities: What Blob Storage can do.
        clients: Makes the calls.
    """

    def __init__(
        self, runner: OperationRunner, capabilities: StorageCapabilities, clients: AzureClients
    ) -> None:
        super().__init__(runner, capabilities)
        self._clients = clients
        self._reader = Reader(clients)
        self._presigner = Presigner()
        self._copier = Copier(clients)

    async def copy_from_url(
        self,
        source_url: str,
        bucket: str,
        key: str,
        *,
        storage_class: str | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> StoredObject:
        """Copy what a URL gives, at the service: an object of another account, or of another cloud.

        A URL of an object is what ``presigned_get_url`` makes. Content headers and metadata of a
        blob are copied too. The service may take its time; until it is done the destination is
        there without its content. Cancelling does not end the copy.

        Args:
            source_url: Where to read, with whatever signature it needs. Azure reads it.
            bucket: Where the copy goes.
            key: Its key.
            storage_class: That of the copy.
            if_match: Only replace the object with this etag.
            if_none_match: ``"*"`` to replace none.

        Raises:
            NotFoundError: Source or bucket does not exist.
            PreconditionFailedError: A condition does not hold.
            PermissionDeniedError: The source cannot be read with this URL.
        """
        operation = CopyFromUrl(
            bucket=bucket,
            key=key,
            source_url=source_url,
            storage_class=storage_class,
            if_match=if_match,
            if_none_match=if_none_match,
        )
        return await self._run(operation, self._copier.copy_from_url)

    async def _create_bucket(self, op: CreateBucket) -> BucketInfo:
        return await self._clients.run("blob", containers.create, op)

    async def _delete_bucket(self, op: DeleteBucket) -> None:
        await self._clients.run("blob", containers.delete, op)

    async def _bucket_exists(self, op: BucketExists) -> bool:
        return await self._clients.run("blob", containers.exists, op)

    async def _list_buckets(self, op: ListBuckets) -> Page[BucketInfo]:
        return await self._clients.run("blob", containers.list_page, op)

    async def _put_object(self, op: PutObject) -> StoredObject:
        return await self._clients.run("blob", writing.put, op)

    async def _open_object(self, op: OpenObject) -> tuple[ObjectInfo, ByteReceiveStream]:
        return await self._clients.run("blob", self._reader.open, op)

    async def _get_object(self, op: GetObject) -> bytes:
        return await self._clients.run("blob", self._reader.get, op)

    async def _save_range(
        self, op: GetObject, write: Callable[[bytes, int], None], start: int
    ) -> int:
        return await self._clients.run("blob", self._reader.save, op, write, start)

    async def _head_object(self, op: HeadObject) -> ObjectInfo:
        return await self._clients.run("blob", self._reader.head, op)

    async def _delete_object(self, op: DeleteObject) -> None:
        await self._clients.run("blob", deleting.delete, op)

    async def _delete_objects(self, op: DeleteObjects) -> Sequence[CloudResult[str]]:
        return await self._clients.run("blob", deleting.delete_many, op)

    async def _copy_object(self, op: CopyObject) -> StoredObject:
        return await self._copier.copy(op)

    async def _list_objects(self, op: ListObjects) -> Page[ObjectEntry]:
        return await self._clients.run("blob", listing.list_objects, op)

    async def _presign_get(self, op: PresignGet) -> PresignedUrl:
        return await self._clients.run("blob", self._presigner.get_url, op)

    async def _presign_put(self, op: PresignPut) -> PresignedUrl:
        return await self._clients.run("blob", self._presigner.put_url, op)

    async def _create_upload(self, op: CreateUpload) -> str:
        return writing.new_upload_id()

    async def _upload_part(self, op: UploadPart) -> UploadedPart:
        return await self._clients.run("blob", writing.upload_part, op)

    async def _complete_upload(self, op: CompleteUpload) -> StoredObject:
        return await self._clients.run("blob", writing.complete_upload, op)

    async def _abort_upload(self, op: AbortUpload) -> None:
        """Nothing to send: the service drops blocks a week after the last one, or with the next write.

        Nobody but who has the id of the upload can make anything of them, and they are invisible.
        """

    async def _list_uploads(self, op: ListUploads) -> Page[PendingUpload]:
        raise UnsupportedOperationError(
            "Blob Storage does not list uploads", capability="storage.list_uploads"
        )
