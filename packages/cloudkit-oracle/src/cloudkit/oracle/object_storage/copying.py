"""Copying objects: at the service, which takes it for work to be done later, or through this program.

The service can give a copy other metadata, but neither other content headers nor none, and says
nothing of copies onto themselves. These are read and written anew.
"""

from __future__ import annotations

import anyio
from attrs import evolve
from cloudkit.api.storage import ByteRange, ObjectAttributes, ObjectInfo, StoredObject, UploadedPart
from cloudkit.api.storage.operations import (
    AbortUpload,
    CompleteUpload,
    CopyObject,
    CreateUpload,
    GetObject,
    HeadObject,
    PutObject,
    UploadPart,
)
from cloudkit.api.tasks import flat_task_group
from cloudkit.common import CloudError, ConflictError, ServiceUnavailableError
from cloudkit.oracle.errors import from_answer, status_of
from cloudkit.oracle.object_storage import writing
from cloudkit.oracle.object_storage.attributes import content_headers, metadata_headers
from cloudkit.oracle.object_storage.keys import to_name
from cloudkit.oracle.object_storage.reading import Reader, head
from cloudkit.oracle.object_storage.space import BUCKET, Space, Spaces

FIRST_WAIT = 0.05
LONGEST_WAIT = 2.0

PART_SIZE = 16 * 1024 * 1024
MAX_PARTS = 10_000
CONCURRENCY = 4
ABORT_SECONDS = 10.0

UNFINISHED = frozenset({"ACCEPTED", "IN_PROGRESS", "CANCELING"})
WORK = "/workRequests/{objectName}"


class Copier:
    """Copies objects.

    Args:
        spaces: Makes the calls.
        reader: Reads what is written anew.
    """

    def __init__(self, spaces: Spaces, reader: Reader) -> None:
        self._spaces = spaces
        self._reader = reader

    async def copy(self, op: CopyObject) -> StoredObject:
        """Copy an object, or change one in place."""
        if op.attributes is None and not op.onto_itself:
            return await self._copy_there(op)
        source = await self._spaces.run(
            head,
            HeadObject(bucket=op.source_bucket, key=op.source_key, if_match=op.source_if_match),
        )
        if not op.onto_itself and _only_metadata(source.attributes, op.attributes):
            return await self._copy_there(evolve(op, source_if_match=source.etag))
        return await self._write_anew(op, source)

    async def _copy_there(self, op: CopyObject) -> StoredObject:
        """Have the service copy, and wait until it has."""
        work = await self._spaces.run(_start, op)
        wait = FIRST_WAIT
        while (status := await self._spaces.run(_status, work)) in UNFINISHED:
            await anyio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)
        if status != "COMPLETED":
            raise await self._spaces.run(_failure, work, status)
        made = await self._spaces.run(head, HeadObject(bucket=op.bucket, key=op.key))
        return StoredObject(bucket=op.bucket, key=op.key, etag=made.etag, size=made.size)

    async def _write_anew(self, op: CopyObject, source: ObjectInfo) -> StoredObject:
        create = CreateUpload(
            bucket=op.bucket,
            key=op.key,
            attributes=source.attributes if op.attributes is None else op.attributes,
            storage_class=op.storage_class,
            # What others write in the meantime is not to be lost.
            if_match=source.etag if op.onto_itself and not op.conditional else op.if_match,
            if_none_match=op.if_none_match,
        )
        try:
            if source.size <= PART_SIZE:
                return await self._spaces.run(self._write_whole, op, source, create)
            return await self._write_parts(op, source, create)
        except Exception as error:
            if status_of(error) != 412 or op.conditional:
                raise
        raise ConflictError("the object was replaced while it was copied", retryable=True)

    def _write_whole(
        self, space: Space, op: CopyObject, source: ObjectInfo, create: CreateUpload
    ) -> StoredObject:
        data = self._reader.get(
            space, GetObject(bucket=op.source_bucket, key=op.source_key, if_match=source.etag)
        )
        put = PutObject(
            bucket=op.bucket,
            key=op.key,
            body=data,
            attributes=create.attributes,
            storage_class=create.storage_class,
            if_match=create.if_match,
            if_none_match=create.if_none_match,
        )
        return writing.put(space, put)

    async def _write_parts(
        self, op: CopyObject, source: ObjectInfo, create: CreateUpload
    ) -> StoredObject:
        upload_id = await self._spaces.run(writing.create_upload, create)
        try:
            parts = await self._move_parts(op, source, upload_id)
            complete = CompleteUpload(
                bucket=op.bucket,
                key=op.key,
                upload_id=upload_id,
                parts=tuple(sorted(parts, key=lambda part: part.number)),
                create=create,
                if_match=create.if_match,
                if_none_match=create.if_none_match,
            )
            return await self._spaces.run(writing.complete_upload, complete)
        except BaseException:
            await self._abort(op, upload_id)
            raise

    async def _move_parts(
        self, op: CopyObject, source: ObjectInfo, upload_id: str
    ) -> list[UploadedPart]:
        size = max(PART_SIZE, -(-source.size // MAX_PARTS))
        starts = enumerate(range(0, source.size, size), 1)
        done: list[UploadedPart] = []

        async def work() -> None:
            for number, start in starts:
                part = ByteRange(start, min(start + size, source.size) - 1)
                read = GetObject(
                    bucket=op.source_bucket,
                    key=op.source_key,
                    byte_range=part,
                    if_match=source.etag,
                )
                done.append(await self._spaces.run(self._move_part, op, read, upload_id, number))

        async with flat_task_group() as tasks:
            for _ in range(CONCURRENCY):
                tasks.start_soon(work)
        return done

    def _move_part(
        self, space: Space, op: CopyObject, read: GetObject, upload_id: str, number: int
    ) -> UploadedPart:
        data = self._reader.get(space, read)
        part = UploadPart(
            bucket=op.bucket, key=op.key, upload_id=upload_id, number=number, body=data
        )
        return writing.upload_part(space, part)

    async def _abort(self, op: CopyObject, upload_id: str) -> None:
        abort = AbortUpload(bucket=op.bucket, key=op.key, upload_id=upload_id)
        with anyio.move_on_after(ABORT_SECONDS, shield=True):
            try:
                await self._spaces.run(writing.abort_upload, abort)
            except Exception:  # noqa: BLE001  (the error that led here matters more)
                return


def _only_metadata(old: ObjectAttributes, new: ObjectAttributes | None) -> bool:
    """Whether the service can make new attributes of the old ones."""
    if new is None or content_headers(old) != content_headers(new):
        return False
    return bool(new.metadata) or not old.metadata


def _start(space: Space, op: CopyObject) -> str:
    metadata = None if op.attributes is None else metadata_headers(op.attributes.metadata)
    details = {
        "sourceObjectName": to_name(op.source_key),
        "sourceObjectIfMatchETag": op.source_if_match,
        "destinationRegion": space.region,
        "destinationNamespace": space.namespace,
        "destinationBucket": op.bucket,
        "destinationObjectName": to_name(op.key),
        "destinationObjectIfMatchETag": op.if_match,
        "destinationObjectIfNoneMatchETag": op.if_none_match,
        "destinationObjectMetadata": metadata or None,
        "destinationObjectStorageTier": op.storage_class,
    }
    body = {name: value for name, value in details.items() if value is not None}
    response = space.send("POST", f"{BUCKET}/actions/copyObject", op.source_bucket, body=body)
    return str(response.headers["opc-work-request-id"])


def _status(space: Space, work: str) -> str:
    return str(space.send("GET", WORK, name=work).data["status"])


def _failure(space: Space, work: str, status: str) -> CloudError:
    """Why a copy has failed."""
    errors = space.send("GET", f"{WORK}/errors", name=work).data
    if not errors:
        return ServiceUnavailableError(f"the copy ended as {status}")
    return from_answer(None, errors[0].get("code"), errors[0].get("message"), request_id=work)
