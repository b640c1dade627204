"""ObjectStorage on files, or in memory."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from anyio import EndOfStream
from anyio.abc import ByteReceiveStream
from cloudkit.api.paging import Page
from cloudkit.api.storage import (
    BucketInfo,
    MemoryStream,
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
from cloudkit.common import CloudResult
from cloudkit.core import CloudContext
from cloudkit.local import index, listing
from cloudkit.local.blobs import CHUNK, Blobs
from cloudkit.local.capabilities import LOCAL_CAPABILITIES
from cloudkit.local.config import LocalConfig
from cloudkit.local.database import Database
from cloudkit.local.opened import OpenedObject
from cloudkit.local.presign import Presigner
from cloudkit.local.record import to_time
from cloudkit.local.store import ObjectStore
from cloudkit.spi import OperationRunner

MAX_PAGE = LOCAL_CAPABILITIES.storage.max_page_size


class LocalObjectStorage(ObjectStorage):
    """Objects as files with an index in SQLite.

    Args:
        runner: Runs the operations.
        context: Settings and threads of the client.
        database: Holds the index.
        make_blobs: Opens what holds the bytes; called at the first use, in a worker thread.
        make_secret: Finds the secret that signs URLs; called at the first use, likewise.
    """

    def __init__(
        self,
        runner: OperationRunner,
        context: CloudContext[LocalConfig],
        database: Database,
        make_blobs: Callable[[], Blobs],
        make_secret: Callable[[], bytes],
    ) -> None:
        super().__init__(runner, LOCAL_CAPABILITIES.storage)
        self._context = context
        self._database = database
        self._store = ObjectStore(database, make_blobs)
        self._presigner = Presigner(self._store, make_secret)
        context.on_close(self._close)

    async def rebuild(self) -> int:
        """Make an index that was lost anew; see ``LocalCloud.rebuild``."""
        return await self._context.run_sync(self._store.rebuild)

    async def _create_bucket(self, op: CreateBucket) -> BucketInfo:
        created = await self._context.run_sync(self._store.create_bucket, op.bucket)
        return BucketInfo(name=op.bucket, created_at=to_time(created))

    async def _delete_bucket(self, op: DeleteBucket) -> None:
        await self._context.run_sync(self._store.delete_bucket, op.bucket)

    async def _bucket_exists(self, op: BucketExists) -> bool:
        return await self._context.run_sync(
            self._store.read, lambda connection: index.bucket_exists(connection, op.bucket)
        )

    async def _list_buckets(self, op: ListBuckets) -> Page[BucketInfo]:
        return await self._context.run_sync(
            self._store.read, lambda connection: listing.list_buckets(connection, op, MAX_PAGE)
        )

    async def _put_object(self, op: PutObject) -> StoredObject:
        return await self._context.run_sync(self._store.put, op)

    async def _open_object(self, op: OpenObject) -> tuple[ObjectInfo, ByteReceiveStream]:
        info, stream = await self._context.run_sync(self._open, op)
        return info, stream

    async def _get_object(self, op: GetObject) -> bytes:
        return await self._context.run_sync(self._read, op)

    async def _save_range(
        self, op: GetObject, write: Callable[[bytes, int], None], start: int
    ) -> int:
        return await self._context.run_sync(self._save, op, write, start)

    async def _head_object(self, op: HeadObject) -> ObjectInfo:
        record = await self._context.run_sync(
            self._store.read,
            lambda connection: index.get(
                connection, op.bucket, op.key, op.if_match, op.if_none_match
            ),
        )
        return record.info()

    async def _delete_object(self, op: DeleteObject) -> None:
        await self._context.run_sync(self._store.delete, op)

    async def _delete_objects(self, op: DeleteObjects) -> Sequence[CloudResult[str]]:
        await self._context.run_sync(self._store.delete_many, op)
        return [CloudResult.success(key) for key in op.keys]

    async def _copy_object(self, op: CopyObject) -> StoredObject:
        return await self._context.run_sync(self._store.copy, op)

    async def _list_objects(self, op: ListObjects) -> Page[ObjectEntry]:
        return await self._context.run_sync(
            self._store.read, lambda connection: listing.list_objects(connection, op, MAX_PAGE)
        )

    async def _presign_get(self, op: PresignGet) -> PresignedUrl:
        return await self._context.run_sync(self._presigner.get_url, op)

    async def _presign_put(self, op: PresignPut) -> PresignedUrl:
        return await self._context.run_sync(self._presigner.put_url, op)

    async def _create_upload(self, op: CreateUpload) -> str:
        return await self._context.run_sync(self._store.create_upload, op)

    async def _upload_part(self, op: UploadPart) -> UploadedPart:
        return await self._context.run_sync(self._store.upload_part, op)

    async def _complete_upload(self, op: CompleteUpload) -> StoredObject:
        return await self._context.run_sync(self._store.complete_upload, op)

    async def _abort_upload(self, op: AbortUpload) -> None:
        await self._context.run_sync(self._store.abort_upload, op)

    async def _list_uploads(self, op: ListUploads) -> Page[PendingUpload]:
        return await self._context.run_sync(
            self._store.read, lambda connection: listing.list_uploads(connection, op, MAX_PAGE)
        )

    def _read(self, op: OpenObject) -> bytes:
        opened = self._store.open(op)
        with contextlib.closing(opened.blob):
            return opened.read()

    def _save(self, op: OpenObject, write: Callable[[bytes, int], None], start: int) -> int:
        opened = self._store.open(op)
        written = 0
        with contextlib.closing(opened.blob):
            for piece in opened.verified():
                write(piece, start + written)
                written += len(piece)
        return written

    def _open(self, op: OpenObject) -> tuple[ObjectInfo, ByteReceiveStream]:
        opened = self._store.open(op)
        if opened.size > CHUNK:
            return opened.record.info(), _BlobStream(opened, self._context)
        with contextlib.closing(opened.blob):
            return opened.record.info(), MemoryStream(opened.read())

    async def _close(self) -> None:
        await self._context.run_sync(self._presigner.close)
        await self._database.aclose()  # what is queued refers to blobs that must stay
        await self._context.run_sync(self._store.close)


class _BlobStream(ByteReceiveStream):
    """Reads ahead in chunks, so that small reads do not need a thread each."""

    def __init__(self, opened: OpenedObject, context: CloudContext[LocalConfig]) -> None:
        self._opened = opened
        self._context = context
        self._position = opened.start
        self._checksum = 0
        self._chunk = memoryview(b"")

    async def receive(self, max_bytes: int = 65536) -> bytes:
        if not self._chunk:
            await self._read_ahead()
        piece, self._chunk = bytes(self._chunk[:max_bytes]), self._chunk[max_bytes:]
        return piece

    async def _read_ahead(self) -> None:
        if self._position >= self._opened.stop:
            raise EndOfStream
        # Nothing is noted before it has come: a read that is cancelled is simply made again.
        chunk, self._checksum = await self._context.run_sync(
            self._opened.step, self._position, self._checksum
        )
        self._position += len(chunk)
        self._chunk = memoryview(chunk)

    async def aclose(self) -> None:
        self._chunk = memoryview(b"")
        self._position = self._opened.stop
        self._opened.blob.close()
