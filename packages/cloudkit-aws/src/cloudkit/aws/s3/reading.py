"""Reading objects. The functions block; they run in worker threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from anyio.abc import ByteReceiveStream
from cloudkit.api.storage import MemoryStream, ObjectInfo
from cloudkit.api.storage.operations import HeadObject, OpenObject
from cloudkit.aws.clients import AwsClients
from cloudkit.aws.errors import code_of
from cloudkit.aws.s3.attributes import to_info
from cloudkit.aws.s3.body import CHUNK, BodyStream
from cloudkit.aws.s3.buckets import DIRECTORY
from cloudkit.aws.s3.settings import S3Settings

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client


class Reader:
    """Reads objects and their facts.

    Args:
        clients: Has the threads that streams are read in.
        settings: What the configuration adds to requests.
    """

    def __init__(self, clients: AwsClients, settings: S3Settings) -> None:
        self._clients = clients
        self._settings = settings

    def get(self, client: S3Client, op: OpenObject) -> bytes:
        """All bytes of an object or of a range of it."""
        response = self._get(client, op, {})
        return b"" if response is None else response["Body"].read()

    def save(
        self, client: S3Client, op: OpenObject, write: Callable[[bytes, int], None], start: int
    ) -> int:
        """Pass the bytes of a range to a function, each piece with its position; count them."""
        written = 0
        for piece in self._get(client, op, {})["Body"].iter_chunks(CHUNK):
            write(piece, start + written)
            written += len(piece)
        return written

    def open(self, client: S3Client, op: OpenObject) -> tuple[ObjectInfo, ByteReceiveStream]:
        """An object's facts, and its bytes as a stream; a small one is read at once."""
        # S3 keeps checksums of whole objects only.
        checksums = self._settings.reading_checksums if op.byte_range is None else {}
        response = self._get(client, op, checksums)
        if response is None:
            return self._head(client, op), MemoryStream(b"")
        body = response["Body"]
        info = self._info(op, response)
        if response["ContentLength"] <= CHUNK:
            return info, MemoryStream(body.read())
        return info, BodyStream(self._clients, body)

    def head(self, client: S3Client, op: HeadObject) -> ObjectInfo:
        """An object's facts."""
        return self._head(client, op)

    def _get(self, client: S3Client, op: OpenObject, extra: dict[str, Any]) -> Any:
        """The response; None for the last bytes of an empty object, which S3 refuses to give."""
        params = self._params(op) | extra
        if op.byte_range is not None:
            params["Range"] = op.byte_range.header
        try:
            return client.get_object(**params)
        except client.exceptions.ClientError as error:
            suffix = op.byte_range is not None and op.byte_range.suffix is not None
            if code_of(error) == "InvalidRange" and suffix:
                return None
            raise

    def _head(self, client: S3Client, op: OpenObject | HeadObject) -> ObjectInfo:
        return self.facts(client, op)[0]

    def facts(
        self, client: S3Client, op: OpenObject | HeadObject
    ) -> tuple[ObjectInfo, Mapping[str, Any]]:
        """An object's facts, and the answer that they are taken from."""
        params = self._params(op) | self._settings.reading_checksums
        response: Any = client.head_object(**params)
        return self._info(op, response), response

    def _params(self, op: OpenObject | HeadObject) -> dict[str, Any]:
        params: dict[str, Any] = {
            "Bucket": op.bucket,
            "Key": op.key,
            **self._settings.common,
            **self._settings.customer,
        }
        if op.if_match is not None:
            params["IfMatch"] = op.if_match
        if op.if_none_match is not None:
            params["IfNoneMatch"] = op.if_none_match
        return params

    def _info(self, op: OpenObject | HeadObject, response: Any) -> ObjectInfo:
        # Directory buckets have etags of their own kind.
        amazons = not self._settings.own_endpoint and not op.bucket.endswith(DIRECTORY)
        return to_info(op.bucket, op.key, response, md5_in_etag=amazons)
