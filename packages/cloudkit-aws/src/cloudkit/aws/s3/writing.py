"""Writing objects, whole and in parts. The functions block; they run in worker threads."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from io import BytesIO
from typing import TYPE_CHECKING, Any

from cloudkit.api.storage import StoredObject, UploadedPart
from cloudkit.api.storage.operations import (
    AbortUpload,
    CompleteUpload,
    CreateUpload,
    PutObject,
    UploadPart,
)
from cloudkit.aws.errors import code_of, request_id_of, status_of, translate
from cloudkit.aws.s3.attributes import to_params
from cloudkit.aws.s3.settings import S3Settings
from cloudkit.aws.s3.unfinished import UnfinishedUploads
from cloudkit.common import PreconditionFailedError

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

WHOLE_OBJECT = frozenset({"CRC32", "CRC64NVME"})
"""Algorithms that S3 computes for the whole of an object that came in parts."""

SENT_AT_ONCE = 128 * 1024
"""Bytes of a body that are handed to the connection at once. No more, because they must have gone
within the time limit for connecting."""


class SentBody(BytesIO):
    """A body that lets itself be read in large pieces: urllib3 asks for 16 KiB, part by part."""

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes; more than asked for, unless all are."""
        if size is None or size < 0:
            return super().read()
        return super().read(max(size, SENT_AT_ONCE))


class Writer:
    """Writes objects.

    Args:
        settings: What the configuration adds to requests.
    """

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings
        self._unfinished = UnfinishedUploads()

    def put(self, client: S3Client, op: PutObject) -> StoredObject:
        """Write an object in one request."""
        params = {
            **to_params(op.attributes, op.storage_class),
            **condition(op.if_match, op.if_none_match),
            **self._settings.checksum(op.body),
            **self._settings.encryption,
            **self._settings.common,
        }
        try:
            response = client.put_object(
                Bucket=op.bucket, Key=op.key, Body=SentBody(op.body), **params
            )
        except client.exceptions.ClientError as error:
            raise_unmet(error, op.if_match)
            raise
        return StoredObject(bucket=op.bucket, key=op.key, etag=response["ETag"], size=len(op.body))

    def create_upload(
        self, client: S3Client, op: CreateUpload, more: Mapping[str, Any] | None = None
    ) -> str:
        """Begin an upload in parts.

        Args:
            client: The client.
            op: What is asked for.
            more: Parameters for what the operation cannot say.
        """
        response = client.create_multipart_upload(
            Bucket=op.bucket,
            Key=op.key,
            **to_params(op.attributes, op.storage_class),
            **self._upload_checksum(),
            **self._settings.encryption,
            **self._settings.common,
            **(more or {}),
        )
        return response["UploadId"]

    def upload_part(self, client: S3Client, op: UploadPart) -> UploadedPart:
        """Send one part."""
        with self.part_of(client, op.bucket, op.key, op.upload_id):
            response = client.upload_part(
                Bucket=op.bucket,
                Key=op.key,
                UploadId=op.upload_id,
                PartNumber=op.number,
                Body=SentBody(op.body),
                **self._settings.checksum(op.body),
                **self._settings.customer,
                **self._settings.common,
            )
        return UploadedPart(number=op.number, etag=self.token(response), size=len(op.body))

    def part_of(
        self, client: S3Client, bucket: str, key: str, upload_id: str
    ) -> AbstractContextManager[None]:
        """Inside this a part is sent; the upload is aborted again if that was done meanwhile."""
        return self._unfinished.part(upload_id, lambda: self._abort(client, bucket, key, upload_id))

    def complete_upload(self, client: S3Client, op: CompleteUpload) -> StoredObject:
        """Make the object of its parts.

        Raises:
            ConflictError: Another write to the key was under way. S3 asks to begin the upload anew
                then, so completing it again would not do.
        """
        try:
            response = client.complete_multipart_upload(
                Bucket=op.bucket,
                Key=op.key,
                UploadId=op.upload_id,
                MultipartUpload={"Parts": [self._completed(part) for part in op.parts]},
                **self._complete_checksum(),
                **condition(op.if_match, op.if_none_match),
                **self._settings.common,
            )
        except client.exceptions.ClientError as error:
            conflict = translate(error)
            if code_of(error) != "ConditionalRequestConflict" or conflict is None:
                raise_unmet(error, op.if_match)
                raise
            conflict.retryable = False
            raise conflict from error
        size = sum(part.size for part in op.parts)
        return StoredObject(bucket=op.bucket, key=op.key, etag=response["ETag"], size=size)

    def abort_upload(self, client: S3Client, op: AbortUpload) -> None:
        """Drop an upload; one that is gone is fine."""
        self._unfinished.abort(op.upload_id)
        self._abort(client, op.bucket, op.key, op.upload_id)

    def drop(self, client: S3Client, op: CreateUpload, upload_id: str) -> None:
        """Drop an upload that nobody wants any more who could go on with it."""
        self._abort(client, op.bucket, op.key, upload_id)

    def _abort(self, client: S3Client, bucket: str, key: str, upload_id: str) -> None:
        try:
            client.abort_multipart_upload(
                Bucket=bucket, Key=key, UploadId=upload_id, **self._settings.common
            )
        except client.exceptions.ClientError as error:
            if code_of(error) != "NoSuchUpload":
                raise

    def token(self, response: Any) -> str:
        """A part's etag, with the checksum that S3 wants to hear again at the end."""
        checksum = response.get(f"Checksum{self._settings.flexible}")
        etag: str = response["ETag"]
        return etag if checksum is None else f"{etag} {checksum}"

    def _upload_checksum(self) -> dict[str, Any]:
        algorithm = self._settings.flexible
        if algorithm is None:
            return {}
        whole = {"ChecksumType": "FULL_OBJECT"} if algorithm in WHOLE_OBJECT else {}
        return {"ChecksumAlgorithm": algorithm, **whole}

    def _complete_checksum(self) -> dict[str, Any]:
        whole = self._settings.flexible in WHOLE_OBJECT
        return {"ChecksumType": "FULL_OBJECT"} if whole else {}

    def _completed(self, part: UploadedPart) -> Any:
        etag, _, checksum = part.etag.partition(" ")
        entry = {"PartNumber": part.number, "ETag": etag}
        return {**entry, f"Checksum{self._settings.flexible}": checksum} if checksum else entry


def raise_unmet(error: Exception, if_match: str | None) -> None:
    """S3 says that the object is missing, where a condition wants it to be a certain one.

    Raises:
        PreconditionFailedError: So it is here.
    """
    if if_match is not None and code_of(error) in {"NoSuchKey", "404"}:
        raise PreconditionFailedError(
            "there is no object, so it is not the one that if_match names",
            code=code_of(error),
            status=status_of(error),
            request_id=request_id_of(error),
        ) from error


def condition(if_match: str | None, if_none_match: str | None) -> dict[str, Any]:
    """The condition of a write as parameters."""
    params: dict[str, Any] = {}
    if if_match is not None:
        params["IfMatch"] = if_match
    if if_none_match is not None:
        params["IfNoneMatch"] = if_none_match
    return params
