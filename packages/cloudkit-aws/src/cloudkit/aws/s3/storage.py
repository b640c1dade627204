"""ObjectStorage on S3."""

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
from cloudkit.aws.clients import AwsClients
from cloudkit.aws.s3 import buckets
from cloudkit.aws.s3.copying import Copier
from cloudkit.aws.s3.deleting import Deleter
from cloudkit.aws.s3.listing import Lister
from cloudkit.aws.s3.presigning import Presigner
from cloudkit.aws.s3.reading import Reader
from cloudkit.aws.s3.settings import S3Settings
from cloudkit.aws.s3.writing import Writer
from cloudkit.common import CloudResult, StorageCapabilities
from cloudkit.spi import OperationRunner


class S3ObjectStorage(ObjectStorage):
    """Objects in S3, or in a store that speaks its protocol.

    Each hook changes to a worker thread once. A read that breaks off in the middle is resumed, or
    made again, by the layers above.

    Args:
        runner: Runs the operations.
        capabilities: What the store can do.
        clients: Makes the calls.
    """

    def __init__(
        self, runner: OperationRunner, capabilities: StorageCapabilities, clients: AwsClients
    ) -> None:
        super().__init__(runner, capabilities)
        self._settings = settings = S3Settings(clients.config)
        self._clients = clients
        self._reader = Reader(clients, settings)
        self._writer = Writer(settings)
        self._deleter = Deleter(settings)
        self._lister = Lister(settings)
        self._presigner = Presigner(settings)
        self._copier = Copier(clients, settings, self._reader, self._writer, runner)

    async def _create_bucket(self, op: CreateBucket) -> BucketInfo:
        return await self._clients.run("s3", buckets.create, op)

    async def _delete_bucket(self, op: DeleteBucket) -> None:
        await self._clients.run("s3", buckets.delete, op, self._settings.owner)

    async def _bucket_exists(self, op: BucketExists) -> bool:
        return await self._clients.run("s3", buckets.exists, op, self._settings.owner)

    async def _list_buckets(self, op: ListBuckets) -> Page[BucketInfo]:
        return await self._clients.run("s3", buckets.list_page, op)

    async def _put_object(self, op: PutObject) -> StoredObject:
        return await self._clients.run("s3", self._writer.put, op)

    async def _open_object(self, op: OpenObject) -> tuple[ObjectInfo, ByteReceiveStream]:
        return await self._clients.run("s3", self._reader.open, op)

    async def _get_object(self, op: GetObject) -> bytes:
        return await self._clients.run("s3", self._reader.get, op)

    async def _save_range(
        self, op: GetObject, write: Callable[[bytes, int], None], start: int
    ) -> int:
        return await self._clients.run("s3", self._reader.save, op, write, start)

    async def _head_object(self, op: HeadObject) -> ObjectInfo:
        return await self._clients.run("s3", self._reader.head, op)

    async def _delete_object(self, op: DeleteObject) -> None:
        await self._clients.run("s3", self._deleter.delete, op)

    async def _delete_objects(self, op: DeleteObjects) -> Sequence[CloudResult[str]]:
        return await self._clients.run("s3", self._deleter.delete_many, op)

    async def _copy_object(self, op: CopyObject) -> StoredObject:
        return await self._copier.copy(op)

    async def _list_objects(self, op: ListObjects) -> Page[ObjectEntry]:
        return await self._clients.run("s3", self._lister.list_objects, op)

    async def _presign_get(self, op: PresignGet) -> PresignedUrl:
        return await self._clients.run("s3", self._presigner.get_url, op)

    async def _presign_put(self, op: PresignPut) -> PresignedUrl:
        return await self._clients.run("s3", self._presigner.put_url, op)

    async def _create_upload(self, op: CreateUpload) -> str:
        return await self._clients.run_or_undo(
            "s3",
            lambda client: self._writer.create_upload(client, op),
            lambda client, upload_id: self._writer.drop(client, op, upload_id),
        )

    async def _upload_part(self, op: UploadPart) -> UploadedPart:
        return await self._clients.run("s3", self._writer.upload_part, op)

    async def _complete_upload(self, op: CompleteUpload) -> StoredObject:
        return await self._clients.run("s3", self._writer.complete_upload, op)

    async def _abort_upload(self, op: AbortUpload) -> None:
        await self._clients.run("s3", self._writer.abort_upload, op)

    async def _list_uploads(self, op: ListUploads) -> Page[PendingUpload]:
        return await self._clients.run("s3", self._lister.list_uploads, op)
