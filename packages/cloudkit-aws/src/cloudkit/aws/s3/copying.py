"""Copying objects inside S3: by one request, or in parts when they are too large for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import anyio
from attrs import frozen
from cloudkit.api.storage import ObjectInfo, StoredObject, UploadedPart
from cloudkit.api.storage.operations import (
    AbortUpload,
    CompleteUpload,
    CopyObject,
    CreateUpload,
    HeadObject,
    UploadPart,
)
from cloudkit.api.tasks import flat_task_group
from cloudkit.aws.clients import AwsClients
from cloudkit.aws.errors import code_of, message_of
from cloudkit.aws.s3.attributes import to_params
from cloudkit.aws.s3.reading import Reader
from cloudkit.aws.s3.settings import S3Settings
from cloudkit.aws.s3.writing import Writer, condition, raise_unmet
from cloudkit.common import CloudError
from cloudkit.spi import OperationRunner

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

PART_SIZE = 512 * 1024 * 1024
MAX_PARTS = 10_000
CONCURRENCY = 8
ABORT_SECONDS = 10.0


@frozen
class PartCopy:
    """A part of a large copy.

    Attributes:
        number: Its number, from 1.
        start: Where it begins in the source.
        stop: Behind its last byte.
        source_etag: The parts must all be of the revision whose attributes and size were read.
    """

    number: int
    start: int
    stop: int
    source_etag: str


class Copier:
    """Copies objects.

    Args:
        clients: Makes the calls.
        settings: What the configuration adds to requests.
        reader: Finds out about sources.
        writer: Makes objects of parts.
        runner: Knows the retry policy.
        part_size: Bytes of a part of a large copy.
    """

    def __init__(
        self,
        clients: AwsClients,
        settings: S3Settings,
        reader: Reader,
        writer: Writer,
        runner: OperationRunner,
        part_size: int = PART_SIZE,
    ) -> None:
        self._clients = clients
        self._settings = settings
        self._reader = reader
        self._writer = writer
        self._runner = runner
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
            **self._settings.source,
            **self._settings.encryption,
            **self._settings.common,
        }
        try:
            response: Any = client.copy_object(Bucket=op.bucket, Key=op.key, **params)
        except client.exceptions.ClientError as error:
            if op.if_match is not None and code_of(error) == "NoSuchKey":
                # Either end may be the one that is missing; of the source this will tell.
                self._reader.head(client, _head(op))
                raise_unmet(error, op.if_match)
            raise
        return StoredObject(bucket=op.bucket, key=op.key, etag=response["CopyObjectResult"]["ETag"])

    async def _copy_in_parts(self, op: CopyObject) -> StoredObject:
        source, more = await self._clients.run("s3", self._look_at_source, op)
        create = CreateUpload(
            bucket=op.bucket,
            key=op.key,
            attributes=source.attributes if op.attributes is None else op.attributes,
            storage_class=op.storage_class,
            if_match=op.if_match,
            if_none_match=op.if_none_match,
        )
        upload_id = await self._clients.run_or_undo(
            "s3",
            lambda client: self._writer.create_upload(client, create, more),
            lambda client, begun: self._writer.drop(client, create, begun),
        )
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

    def _look_at_source(
        self, client: S3Client, op: CopyObject
    ) -> tuple[ObjectInfo, dict[str, Any]]:
        """The source's facts, and what else S3 copies by itself where one request is enough."""
        name: dict[str, Any] = {"Bucket": op.source_bucket, "Key": op.source_key}
        source, response = self._reader.facts(client, _head(op, op.source_if_match))
        more: dict[str, Any] = {}
        if op.attributes is None and response.get("Expires") is not None:
            more["Expires"] = response["Expires"]
        if response.get("TagCount"):
            tags = client.get_object_tagging(**name, **self._settings.common)["TagSet"]
            more["Tagging"] = urlencode([(tag["Key"], tag["Value"]) for tag in tags])
        return source, more

    async def _copy_parts(
        self, op: CopyObject, source: ObjectInfo, upload_id: str
    ) -> list[UploadedPart]:
        size = max(self._part_size, -(-source.size // MAX_PARTS))
        starts = enumerate(range(0, source.size, size), 1)
        done: list[UploadedPart] = []

        async def work() -> None:
            for number, start in starts:
                stop = min(start + size, source.size)
                part = PartCopy(number, start, stop, source.etag)
                done.append(await self._with_retries(op, upload_id, part))

        async with flat_task_group() as tasks:
            for _ in range(CONCURRENCY):
                tasks.start_soon(work)
        return done

    async def _with_retries(self, op: CopyObject, upload_id: str, part: PartCopy) -> UploadedPart:
        # One part that is refused for the moment must not begin the whole copy anew.
        attempted = UploadPart(
            bucket=op.bucket, key=op.key, upload_id=upload_id, number=part.number, body=b""
        )
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._clients.run("s3", self._copy_part, op, upload_id, part)
            except Exception as native:
                error = self._runner.translate(native, op)
                if not isinstance(error, CloudError):
                    raise
                if not await self._runner.wait_to_retry(error, attempt, attempted):
                    error.retryable = False
                    raise error from native

    def _copy_part(
        self, client: S3Client, op: CopyObject, upload_id: str, part: PartCopy
    ) -> UploadedPart:
        with self._writer.part_of(client, op.bucket, op.key, upload_id):
            response = client.upload_part_copy(
                Bucket=op.bucket,
                Key=op.key,
                UploadId=upload_id,
                PartNumber=part.number,
                **_source(op.source_bucket, op.source_key, part.source_etag),
                CopySourceRange=f"bytes={part.start}-{part.stop - 1}",
                **self._settings.source,
                **self._settings.customer,
                **self._settings.common,
            )
        token = self._writer.token(response["CopyPartResult"])
        return UploadedPart(number=part.number, etag=token, size=part.stop - part.start)

    async def _abort_once(self, abort: AbortUpload) -> None:
        await self._clients.run("s3", self._writer.abort_upload, abort)

    async def _abort(self, op: CopyObject, upload_id: str) -> None:
        abort = AbortUpload(bucket=op.bucket, key=op.key, upload_id=upload_id)
        with anyio.move_on_after(ABORT_SECONDS, shield=True):
            try:
                await self._runner.run(abort, self._abort_once)
            except Exception:  # noqa: BLE001  (the error that led here matters more)
                return


def _head(op: CopyObject, if_match: str | None = None) -> HeadObject:
    return HeadObject(bucket=op.source_bucket, key=op.source_key, if_match=if_match)


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
