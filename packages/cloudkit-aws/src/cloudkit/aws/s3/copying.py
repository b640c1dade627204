"""Copying objects inside S3: by one request, or in parts when they are too large for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
from cloudkit.api.storage import ObjectInfo, StoredObject, UploadedPart
from cloudkit.api.storage.operations import (
    AbortUpload,
    CompleteUpload,
    CopyObject,
    CreateUpload,
    HeadObject,
)
from cloudkit.api.tasks import flat_task_group
from cloudkit.aws.clients import AwsClients
from cloudkit.aws.errors import code_of, message_of
from cloudkit.aws.s3.attributes import to_params
from cloudkit.aws.s3.reading import Reader
from cloudkit.aws.s3.settings import S3Settings
from cloudkit.aws.s3.writing import Writer, condition, raise_unmet

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

PART_SIZE = 512 * 1024 * 1024
MAX_PARTS = 10_000
CONCURRENCY = 8
ABORT_SECONDS = 10.0


class Copier:
    """Copies objects.

    Args:
        clients: Makes the calls.
        settings: What the configuration adds to requests.
        reader: Finds out about sources.
        writer: Makes objects of parts.
        part_size: Bytes of a part of a large copy.
    """

    def __init__(
        self,
        clients: AwsClients,
        settings: S3Settings,
        reader: Reader,
        writer: Writer,
        part_size: int = PART_SIZE,
    ) -> None:
        self._clients = clients
        self._settings = settings
        self._reader = reader
        self._writer = writer
        self._part_size = part_size

    async def copy(self, op: CopyObject) -> StoredObject:
        """Copy an object; one above 5 GiB in parts, because S3 copies no more by one request."""
        try:
            return await self._clients.run("s3", self._copy_whole, op)
        except Exception as error:
            if not _too_large(error):
                raise
        return await self._copy_in_parts(op)

    def _copy_whole(self, client: S3Client, op: CopyObject) -> StoredObject:
        params = {
            **_source(op.source_bucket, op.source_key, op.source_if_match),
            **_replacing(op),
            **condition(op.if_match, op.if_none_match),
            **self._settings.encryption,
            **self._settings.payer,
        }
        try:
            response: Any = client.copy_object(Bucket=op.bucket, Key=op.key, **params)
        except client.exceptions.ClientError as error:
            if op.if_match is not None and code_of(error) == "NoSuchKey":
                # Either end may be the one that is missing; of the source this will tell.
                client.head_object(Bucket=op.source_bucket, Key=op.source_key)
                raise_unmet(error, op.if_match)
            raise
        return StoredObject(bucket=op.bucket, key=op.key, etag=response["CopyObjectResult"]["ETag"])

    async def _copy_in_parts(self, op: CopyObject) -> StoredObject:
        source = await self._clients.run(
            "s3",
            self._reader.head,
            HeadObject(bucket=op.source_bucket, key=op.source_key, if_match=op.source_if_match),
        )
        create = CreateUpload(
            bucket=op.bucket,
            key=op.key,
            attributes=source.attributes if op.attributes is None else op.attributes,
            storage_class=op.storage_class,
            if_match=op.if_match,
            if_none_match=op.if_none_match,
        )
        upload_id = await self._clients.run("s3", self._writer.create_upload, create)
        try:
            parts = await self._copy_parts(op, source, upload_id)
            complete = CompleteUpload(
                bucket=op.bucket,
                key=op.key,
                upload_id=upload_id,
                parts=tuple(sorted(parts, key=lambda part: part.number)),
                create=create,
                if_match=op.if_match,
                if_none_match=op.if_none_match,
            )
            return await self._clients.run("s3", self._writer.complete_upload, complete)
        except BaseException:
            await self._abort(op, upload_id)
            raise

    async def _copy_parts(
        self, op: CopyObject, source: ObjectInfo, upload_id: str
    ) -> list[UploadedPart]:
        size = max(self._part_size, -(-source.size // MAX_PARTS))
        starts = enumerate(range(0, source.size, size), 1)
        done: list[UploadedPart] = []

        async def work() -> None:
            for number, start in starts:
                stop = min(start + size, source.size)
                done.append(
                    await self._clients.run(
                        "s3", self._copy_part, op, source.etag, upload_id, number, start, stop
                    )
                )

        async with flat_task_group() as tasks:
            for _ in range(CONCURRENCY):
                tasks.start_soon(work)
        return done

    def _copy_part(
        self,
        client: S3Client,
        op: CopyObject,
        etag: str,
        upload_id: str,
        number: int,
        start: int,
        stop: int,
    ) -> UploadedPart:
        response = client.upload_part_copy(
            Bucket=op.bucket,
            Key=op.key,
            UploadId=upload_id,
            PartNumber=number,
            # The parts must all be of the revision whose attributes and size were read.
            **_source(op.source_bucket, op.source_key, etag),
            CopySourceRange=f"bytes={start}-{stop - 1}",
            **self._settings.payer,
        )
        token = self._writer.token(response["CopyPartResult"])
        return UploadedPart(number=number, etag=token, size=stop - start)

    async def _abort(self, op: CopyObject, upload_id: str) -> None:
        abort = AbortUpload(bucket=op.bucket, key=op.key, upload_id=upload_id)
        with anyio.move_on_after(ABORT_SECONDS, shield=True):
            try:
                await self._clients.run("s3", self._writer.abort_upload, abort)
            except Exception:  # noqa: BLE001  (the error that led here matters more)
                return


def _source(bucket: str, key: str, if_match: str | None) -> dict[str, Any]:
    params: dict[str, Any] = {"CopySource": {"Bucket": bucket, "Key": key}}
    return params if if_match is None else {**params, "CopySourceIfMatch": if_match}


def _replacing(op: CopyObject) -> dict[str, Any]:
    if op.attributes is None:
        return {} if op.storage_class is None else {"StorageClass": op.storage_class}
    return {"MetadataDirective": "REPLACE", **to_params(op.attributes, op.storage_class)}


def _too_large(error: Exception) -> bool:
    # S3 has no code of its own for this.
    return code_of(error) == "InvalidRequest" and "larger than the maximum" in message_of(error)
