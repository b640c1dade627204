"""ObjectStorage on Acme's SDK: each hook makes one attempt and lets native errors through."""

from __future__ import annotations

from typing import Any

from anyio.lowlevel import checkpoint
from attrs import evolve, frozen
from cloudkit.api import Page
from cloudkit.api.storage import (
    BucketInfo,
    MemoryStream,
    ObjectEntry,
    ObjectInfo,
    ObjectStorage,
    PendingUpload,
    StoredObject,
    UploadedPart,
)
from cloudkit.common import CloudResult, StorageCapabilities, utc_now
from cloudkit.spi import OperationRunner

from acme.service import AcmeService


@frozen
class _Blob:
    info: ObjectInfo
    data: bytes


class AcmeStorage(ObjectStorage):
    def __init__(
        self, runner: OperationRunner, capabilities: StorageCapabilities, service: AcmeService
    ) -> None:
        super().__init__(runner, capabilities)
        self._service = service

    async def _create_bucket(self, op: Any) -> BucketInfo:
        await checkpoint()
        if op.bucket in self._service.buckets:
            raise self._service.fail("BucketExists", f"bucket {op.bucket} exists")
        self._service.buckets[op.bucket] = {}
        return BucketInfo(name=op.bucket)

    async def _delete_bucket(self, op: Any) -> None:
        await checkpoint()
        if self._service.bucket(op.bucket):
            raise self._service.fail("BucketNotEmpty", f"bucket {op.bucket} is not empty")
        del self._service.buckets[op.bucket]

    async def _bucket_exists(self, op: Any) -> bool:
        await checkpoint()
        return op.bucket in self._service.buckets

    async def _list_buckets(self, op: Any) -> Page[BucketInfo]:
        await checkpoint()
        names = sorted(n for n in self._service.buckets if n.startswith(op.prefix))
        left = [name for name in names if op.page_token is None or name > op.page_token]
        size = op.page_size or len(left)
        items = [BucketInfo(name=name) for name in left[:size]]
        return Page(items, left[size - 1] if len(left) > size else None)

    async def _put_object(self, op: Any) -> StoredObject:
        await checkpoint()
        return self._store(op, op.body, op.attributes)

    async def _open_object(self, op: Any) -> tuple[ObjectInfo, MemoryStream]:
        info = await self._head_object(op)
        start, stop = op.byte_range.resolve(info.size) if op.byte_range else (0, info.size)
        return info, MemoryStream(self._service.blob(op.bucket, op.key).data[start:stop])

    async def _head_object(self, op: Any) -> ObjectInfo:
        await checkpoint()
        info: ObjectInfo = self._service.blob(op.bucket, op.key).info
        if op.if_match not in {None, info.etag} or op.if_none_match == info.etag:
            raise self._condition_not_met(op)
        return info

    async def _delete_object(self, op: Any) -> None:
        await checkpoint()
        blobs = self._service.bucket(op.bucket)
        if op.key not in blobs and op.missing_ok and op.if_match is None:
            return
        blob = self._service.blob(op.bucket, op.key)
        if op.if_match not in {None, blob.info.etag}:
            raise self._condition_not_met(op)
        del blobs[op.key]

    async def _delete_objects(self, op: Any) -> list[CloudResult[str]]:
        await checkpoint()
        blobs = self._service.bucket(op.bucket)
        for key in op.keys:
            blobs.pop(key, None)
        return [CloudResult.success(key) for key in op.keys]

    async def _copy_object(self, op: Any) -> StoredObject:
        await checkpoint()
        source = self._service.blob(op.source_bucket, op.source_key)
        if op.source_if_match not in {None, source.info.etag}:
            raise self._condition_not_met(op)
        return self._store(op, source.data, op.attributes or source.info.attributes)

    async def _list_objects(self, op: Any) -> Page[ObjectEntry]:
        await checkpoint()
        after = op.page_token or op.start_after or ""
        size = min(op.page_size or 1000, 1000)
        blobs = self._service.bucket(op.bucket)
        entries: list[ObjectEntry] = []
        for key in sorted(blobs, key=str.encode):
            if not key.startswith(op.prefix) or key.encode() <= after.encode():
                continue
            entry = self._entry(op, key, blobs[key])
            if (entry.is_prefix and op.page_token == entry.key) or entry in entries[-1:]:
                continue
            if len(entries) == size:
                return Page(entries, entries[-1].key)
            entries.append(entry)
        return Page(entries)

    async def _create_upload(self, op: Any) -> str:
        await checkpoint()
        self._service.bucket(op.bucket)
        upload_id = self._service.number()
        self._service.uploads[upload_id] = (op, {})
        return upload_id

    async def _upload_part(self, op: Any) -> UploadedPart:
        await checkpoint()
        if op.upload_id not in self._service.uploads:
            raise self._service.fail("NoSuchUpload", f"no upload {op.upload_id}")
        self._service.uploads[op.upload_id][1][op.number] = op.body
        return UploadedPart(number=op.number, etag=str(op.number), size=len(op.body))

    async def _complete_upload(self, op: Any) -> StoredObject:
        await checkpoint()
        _, parts = self._service.uploads[op.upload_id]
        body = b"".join(parts[part.number] for part in op.parts)
        stored = self._store(op, body, op.create.attributes)
        del self._service.uploads[op.upload_id]
        return stored

    async def _abort_upload(self, op: Any) -> None:
        await checkpoint()
        self._service.uploads.pop(op.upload_id, None)

    async def _list_uploads(self, op: Any) -> Page[PendingUpload]:
        await checkpoint()
        self._service.bucket(op.bucket)
        return Page(
            [
                PendingUpload(key=begun.key, upload_id=upload_id)
                for upload_id, (begun, _) in self._service.uploads.items()
                if begun.bucket == op.bucket and begun.key.startswith(op.prefix)
            ]
        )

    # The capabilities say no, so these are never called.

    async def _presign_get(self, op: Any) -> Any:
        raise NotImplementedError

    async def _presign_put(self, op: Any) -> Any:
        raise NotImplementedError

    def _condition_not_met(self, op: Any) -> Exception:
        return self._service.fail("ConditionNotMet", f"the condition on {op.key} does not hold")

    def _store(self, op: Any, data: bytes, attributes: Any) -> StoredObject:
        blobs = self._service.bucket(op.bucket)
        old = blobs.get(op.key)
        if op.if_none_match == "*" and old is not None:
            raise self._condition_not_met(op)
        if op.if_match is not None and (old is None or old.info.etag != op.if_match):
            raise self._condition_not_met(op)
        etag = self._service.number()
        info = ObjectInfo(
            bucket=op.bucket,
            key=op.key,
            size=len(data),
            etag=etag,
            last_modified=utc_now(),
            attributes=evolve(attributes),
        )
        blobs[op.key] = _Blob(info, data)
        return StoredObject(bucket=op.bucket, key=op.key, etag=etag, size=len(data))

    @staticmethod
    def _entry(op: Any, key: str, blob: _Blob) -> ObjectEntry:
        if op.delimiter:
            folder, found, _ = key[len(op.prefix) :].partition(op.delimiter)
            if found:
                return ObjectEntry(key=op.prefix + folder + found, is_prefix=True)
        info = blob.info
        return ObjectEntry(
            key=key, size=info.size, etag=info.etag, last_modified=info.last_modified
        )
