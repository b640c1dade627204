"""ObjectStorage: buckets and objects."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, Unpack

import anyio
from attrs import evolve
from cloudkit.api.paging import Pager
from cloudkit.api.storage.download import Download
from cloudkit.api.storage.hooks import MemoryStream, ObjectStorageHooks
from cloudkit.api.storage.models import (
    Body,
    BucketInfo,
    ByteRange,
    Checksum,
    ObjectAttributes,
    ObjectEntry,
    ObjectInfo,
    PendingUpload,
    PresignedUrl,
    Progress,
    StoredObject,
    TransferOptions,
    WriteOptions,
)
from cloudkit.api.storage.operations import (
    AbortUpload,
    BucketExists,
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
)
from cloudkit.api.storage.reader import ObjectReader, Opened
from cloudkit.api.storage.upload import DEFAULT_CONCURRENCY, Transfer, Upload
from cloudkit.api.validation import several, text_within
from cloudkit.common import (
    CloudResult,
    Duration,
    NotFoundError,
    PreconditionFailedError,
    seconds,
)

if TYPE_CHECKING:
    from cloudkit.api.storage.bucket import Bucket

Range = ByteRange | tuple[int | None, int | None]
_MEDIA_TYPES = mimetypes.MimeTypes()  # the built-in table: the same on every machine
_ENCODED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}


class ObjectStorage(ObjectStorageHooks):
    """Objects (bytes with attributes) by key, in buckets.

    Keys are any text of up to 1,024 bytes in UTF-8 and are listed in the order of these bytes.
    ``etag`` is an opaque token that changes with the content; ``if_match=etag`` makes a call happen
    only while the object is still that one, ``if_none_match="*"`` only while there is none. A
    condition that does not hold is a PreconditionFailedError.

    Every method may raise AuthenticationError, PermissionDeniedError, NetworkError,
    OperationTimeoutError, RateLimitedError and ServiceUnavailableError besides those it lists;
    arguments that cannot be sent raise ValidationError before anything is sent. A call that is
    cancelled returns at once; whether the service still carried it out is then not known, but an
    object is always either the old or the new one.
    """

    # Buckets

    async def create_bucket(self, bucket: str) -> BucketInfo:
        """Create a bucket in the configured region.

        Raises:
            AlreadyExistsError: There is a bucket of this name.
        """
        return await self._run(CreateBucket(bucket=bucket), self._create_bucket)

    async def delete_bucket(self, bucket: str) -> None:
        """Delete an empty bucket.

        Raises:
            NotFoundError: There is none.
            ConflictError: It holds objects; nothing was deleted.
        """
        await self._run(DeleteBucket(bucket=bucket), self._delete_bucket)

    async def bucket_exists(self, bucket: str) -> bool:
        """Whether a bucket exists."""
        return await self._run(BucketExists(bucket=bucket), self._bucket_exists)

    def list_buckets(
        self, *, prefix: str = "", page_size: int | None = None, page_token: str | None = None
    ) -> Pager[BucketInfo]:
        """The caller's buckets, by name.

        Args:
            prefix: Only names that begin so.
            page_size: Most buckets fetched at once.
            page_token: Continue after the page that gave this token.
        """
        return self._pager(
            lambda token: ListBuckets(prefix=prefix, page_size=page_size, page_token=token),
            self._list_buckets,
            token=page_token,
        )

    def bucket(self, bucket: str) -> Bucket:
        """A view of one bucket: the same methods without the first argument. Sends nothing."""
        from cloudkit.api.storage.bucket import Bucket

        return Bucket(self, bucket)

    # Writing

    async def put_object(
        self,
        bucket: str,
        key: str,
        data: Body,
        *,
        content_type: str | None = None,
        content_encoding: str | None = None,
        content_disposition: str | None = None,
        content_language: str | None = None,
        cache_control: str | None = None,
        metadata: Mapping[str, str] | None = None,
        storage_class: str | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        checksum: Checksum | None = None,
        part_size: int | None = None,
        concurrency: int = DEFAULT_CONCURRENCY,
        progress: Progress | None = None,
    ) -> StoredObject:
        """Write an object, all or nothing.

        Content above the part size is sent in parallel parts; memory stays bounded by about
        ``(concurrency + 2) * part_size``.

        Args:
            bucket: An existing bucket.
            key: The object's key.
            data: Bytes, a ``pathlib.Path``, an open binary file or an async iterable of bytes.
            content_type: Media type; guessed from the key when None.
            content_encoding: For example ``"gzip"``; the bytes are kept as they are.
            content_disposition: What a browser does with it.
            content_language: For example ``"en"``.
            cache_control: For example ``"max-age=3600"``.
            metadata: Names (case is not kept) and values of your own.
            storage_class: As the service names it.
            if_match: Only replace the object with this etag.
            if_none_match: ``"*"``: only create.
            checksum: What the content must come to.
            part_size: Bytes of a part; 8 MiB when None.
            concurrency: Parts under way at once.
            progress: Called with the bytes sent so far and in all.

        Raises:
            NotFoundError: There is no such bucket.
            PreconditionFailedError: The condition does not hold.
            IntegrityError: The content does not match the checksum.
            PayloadTooLargeError: The content is larger than the service takes.
        """
        attributes = ObjectAttributes(
            content_type=content_type or _media_type(key),
            content_encoding=content_encoding,
            content_disposition=content_disposition,
            content_language=content_language,
            cache_control=cache_control,
            metadata=metadata or {},
        )
        create = CreateUpload(
            bucket=bucket,
            key=key,
            attributes=attributes,
            storage_class=storage_class,
            if_match=if_match,
            if_none_match=if_none_match,
        )
        transfer = Transfer(part_size=part_size, concurrency=concurrency, progress=progress)
        return await Upload(self, create, data, transfer, checksum).run()

    async def upload_file(
        self,
        bucket: str,
        key: str,
        path: str | PathLike[str],
        *,
        checksum: Checksum | None = None,
        part_size: int | None = None,
        concurrency: int = DEFAULT_CONCURRENCY,
        progress: Progress | None = None,
        **options: Unpack[WriteOptions],
    ) -> StoredObject:
        """Write an object from a file; otherwise as ``put_object``.

        Raises:
            OSError: The file cannot be read.
            CloudError: As for ``put_object``.
        """
        return await self.put_object(
            bucket,
            key,
            anyio.Path(path),
            checksum=checksum,
            part_size=part_size,
            concurrency=concurrency,
            progress=progress,
            **options,
        )

    async def copy_object(
        self,
        source_bucket: str,
        source_key: str,
        bucket: str,
        key: str,
        *,
        source_if_match: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> StoredObject:
        """Copy an object inside the service.

        Attributes that are given replace those of the source (``metadata`` as a whole); the others
        are kept.

        Args:
            source_bucket: Where the source is.
            source_key: Its key.
            bucket: Where the copy goes.
            key: Its key; that of the source to change attributes in place.
            source_if_match: Only copy the source with this etag.
            **options: Attributes, ``storage_class``, and ``if_match`` or ``if_none_match`` for what
                the copy would replace.

        Raises:
            NotFoundError: Source or bucket does not exist.
            PreconditionFailedError: A condition does not hold.
        """
        operation = CopyObject(
            source_bucket=source_bucket,
            source_key=source_key,
            bucket=bucket,
            key=key,
            storage_class=options.pop("storage_class", None),
            if_match=options.pop("if_match", None),
            if_none_match=options.pop("if_none_match", None),
            source_if_match=source_if_match,
        )
        changed: dict[str, Any] = {k: v for k, v in options.items() if v is not None}
        self._check(evolve(operation, attributes=ObjectAttributes(**changed)))
        if changed or operation.onto_itself:
            source = await self.head_object(source_bucket, source_key, if_match=source_if_match)
            if not changed and operation.storage_class is None:
                return self._copy_without_change(operation, source)
            attributes = evolve(source.attributes, **changed)
            operation = evolve(operation, attributes=attributes, source_if_match=source.etag)
        return await self._run(operation, self._copy_object)

    def _copy_without_change(self, operation: CopyObject, source: ObjectInfo) -> StoredObject:
        if operation.if_none_match is not None or operation.if_match not in {None, source.etag}:
            raise PreconditionFailedError(
                "the object that the copy would replace does not meet the condition",
                provider=self._runner.provider,
                service=operation.service,
                operation=operation.name,
                resource=operation.resource,
            )
        return StoredObject(
            bucket=source.bucket, key=source.key, etag=source.etag, size=source.size
        )

    # Reading

    async def get_object(
        self,
        bucket: str,
        key: str,
        *,
        byte_range: Range | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> bytes:
        """The bytes of an object, in memory.

        Args:
            bucket: Its bucket.
            key: Its key.
            byte_range: ``(first, last)`` inclusive, ``(first, None)`` or ``(None, suffix)``.
            if_match: Only the object with this etag.
            if_none_match: Only when its etag is another one.

        Raises:
            NotFoundError: There is no such object or bucket.
            PreconditionFailedError: The condition does not hold.
            ValidationError: The range begins at or behind the end of the object.
        """
        operation = GetObject(
            bucket=bucket,
            key=key,
            byte_range=None if byte_range is None else ByteRange.of(byte_range),
            if_match=if_match,
            if_none_match=if_none_match,
        )
        return await self._run(operation, self._get)

    async def open_object(
        self,
        bucket: str,
        key: str,
        *,
        byte_range: Range | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> ObjectReader:
        """An object's facts, and its bytes as a stream.

        ``async with await storage.open_object(...) as reader:`` frees the connection in any case.
        Arguments and errors are those of ``get_object``.
        """
        operation = OpenObject(
            bucket=bucket,
            key=key,
            byte_range=None if byte_range is None else ByteRange.of(byte_range),
            if_match=if_match,
            if_none_match=if_none_match,
        )
        opened = await self._reopen(operation)
        return ObjectReader(operation, opened, self._reopen, self._runner)

    async def download_file(
        self,
        bucket: str,
        key: str,
        path: str | PathLike[str],
        *,
        if_match: str | None = None,
        verify: bool = True,
        **transfer: Unpack[TransferOptions],
    ) -> ObjectInfo:
        """Read an object into a file, in parallel ranges.

        The bytes go to a temporary file beside ``path``, which replaces it when everything is there
        and verified; after a failure or a cancellation ``path`` is as it was.

        Args:
            bucket: Its bucket.
            key: Its key.
            path: The file; its folder must exist.
            if_match: Only the object with this etag.
            verify: Compare with the checksum that the service keeps, if it keeps one.
            **transfer: ``part_size``, ``concurrency`` and ``progress``, as for ``put_object``.

        Raises:
            NotFoundError: There is no such object or bucket.
            IntegrityError: What arrived does not match the object's checksum.
            PreconditionFailedError: It was replaced meanwhile, or ``if_match`` does not hold.
            OSError: The file cannot be written.
        """
        head = HeadObject(bucket=bucket, key=key, if_match=if_match)
        return await Download(self, head, path, Transfer(**transfer), verify=verify).run()

    async def head_object(
        self,
        bucket: str,
        key: str,
        *,
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> ObjectInfo:
        """What is known about an object, without its bytes.

        Raises:
            NotFoundError: There is no such object or bucket.
            PreconditionFailedError: The condition does not hold.
        """
        operation = HeadObject(
            bucket=bucket, key=key, if_match=if_match, if_none_match=if_none_match
        )
        return await self._run(operation, self._head_object)

    async def object_exists(self, bucket: str, key: str) -> bool:
        """Whether an object exists; False also where the bucket does not."""
        try:
            await self.head_object(bucket, key)
        except NotFoundError:
            return False
        return True

    def list_objects(
        self,
        bucket: str,
        *,
        prefix: str = "",
        delimiter: str | None = None,
        start_after: str | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
    ) -> Pager[ObjectEntry]:
        """The objects of a bucket, in the order of the UTF-8 bytes of their keys.

        Args:
            bucket: The bucket.
            prefix: Only keys that begin so.
            delimiter: Keys with the same text up to it (behind the prefix) become one entry.
            start_after: Only keys behind this one.
            page_size: Most entries fetched at once.
            page_token: Continue after the page that gave this token.

        Raises:
            NotFoundError: There is no such bucket (when the first page is fetched).
        """
        return self._pager(
            lambda token: ListObjects(
                bucket=bucket,
                prefix=prefix,
                delimiter=delimiter,
                start_after=start_after,
                page_size=page_size,
                page_token=token,
            ),
            self._list_objects,
            token=page_token,
        )

    # Deleting

    async def delete_object(
        self, bucket: str, key: str, *, missing_ok: bool = True, if_match: str | None = None
    ) -> None:
        """Delete an object.

        Args:
            bucket: Its bucket.
            key: Its key.
            missing_ok: Whether it is fine that there is none.
            if_match: Only delete the object with this etag.

        Raises:
            NotFoundError: There is no such bucket, or no such object and ``missing_ok`` is False.
            PreconditionFailedError: ``if_match`` does not hold.
        """
        operation = DeleteObject(bucket=bucket, key=key, missing_ok=missing_ok, if_match=if_match)
        await self._run(operation, self._delete_object)

    async def delete_objects(self, bucket: str, keys: Iterable[str]) -> list[CloudResult[str]]:
        """Delete many objects; missing ones are fine.

        Returns:
            For each key, in order: the key, or why it was not deleted.
        """
        return await self._run_batch(
            several(keys, "keys"),
            self.capabilities.delete_batch,
            lambda some: DeleteObjects(bucket=bucket, keys=tuple(some)),
            self._delete_objects,
            validate=lambda key: text_within(key, "the key", self.capabilities.max_key_bytes),
        )

    # Links

    async def presigned_get_url(
        self, bucket: str, key: str, *, expires_in: Duration = 3600
    ) -> PresignedUrl:
        """A URL with which anybody can read the object until it expires.

        Args:
            bucket: Its bucket.
            key: Its key.
            expires_in: Seconds or a timedelta; at least one second.
        """
        operation = PresignGet(bucket=bucket, key=key, expires_in=seconds(expires_in, "expires_in"))
        return await self._run(operation, self._presign_get)

    async def presigned_put_url(
        self,
        bucket: str,
        key: str,
        *,
        expires_in: Duration = 3600,
        content_type: str | None = None,
    ) -> PresignedUrl:
        """A URL with which anybody can write the object until it expires.

        Args:
            bucket: Its bucket.
            key: Its key.
            expires_in: Seconds or a timedelta; at least one second.
            content_type: The only content type that may be sent with it.

        Returns:
            The URL, and the headers to send with it.
        """
        operation = PresignPut(
            bucket=bucket,
            key=key,
            expires_in=seconds(expires_in, "expires_in"),
            content_type=content_type,
        )
        return await self._run(operation, self._presign_put)

    # Unfinished uploads

    def list_uploads(
        self, bucket: str, *, prefix: str = "", page_token: str | None = None
    ) -> Pager[PendingUpload]:
        """Uploads in parts that a program began and, say because it was killed, never ended.

        Raises:
            NotFoundError: There is no such bucket (when the first page is fetched).
        """
        return self._pager(
            lambda token: ListUploads(bucket=bucket, prefix=prefix, page_token=token),
            self._list_uploads,
            token=page_token,
        )

    async def abort_upload(self, bucket: str, upload: PendingUpload) -> None:
        """Drop an unfinished upload and its parts; one that is gone already is fine."""
        operation = AbortUpload(bucket=bucket, key=upload.key, upload_id=upload.upload_id)
        await self._run(operation, self._abort_upload)

    # Inside

    async def _get(self, operation: GetObject) -> bytes:
        if operation.byte_range is not None and operation.byte_range.suffix == 0:
            await self._head_object(_head(operation))
            return b""
        return await self._get_object(operation)

    async def _reopen(self, operation: OpenObject) -> Opened:
        if operation.byte_range is not None and operation.byte_range.suffix == 0:
            info = await self._run(_head(operation), self._head_object)
            return info, MemoryStream(b"")
        return await self._run(operation, self._open_object)


def _head(operation: OpenObject) -> HeadObject:
    return HeadObject(
        bucket=operation.bucket,
        key=operation.key,
        if_match=operation.if_match,
        if_none_match=operation.if_none_match,
    )


def _media_type(key: object) -> str:
    if not isinstance(key, str):
        return "application/octet-stream"  # the operation says what is wrong with the key
    kind, encoding = _MEDIA_TYPES.guess_type("x/" + key.rpartition("/")[2])
    if encoding is not None:
        return _ENCODED.get(encoding, "application/octet-stream")
    return kind or "application/octet-stream"
