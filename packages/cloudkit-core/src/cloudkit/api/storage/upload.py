"""Writing an object: in one request when it is small, else in parallel parts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import anyio
from anyio import to_thread
from attrs import field, frozen
from cloudkit.api.storage.body import PartSizes, body_length, read_parts
from cloudkit.api.storage.hooks import ObjectStorageHooks
from cloudkit.api.storage.models import (
    Body,
    Checksum,
    Hasher,
    Progress,
    StoredObject,
    UploadedPart,
    hasher,
)
from cloudkit.api.storage.operations import (
    AbortUpload,
    CompleteUpload,
    CreateUpload,
    PutObject,
    UploadPart,
)
from cloudkit.api.tasks import flat_task_group
from cloudkit.api.validation import whole_number
from cloudkit.common import CloudError, IntegrityError, StorageCapabilities, ValidationError

DEFAULT_PART_SIZE = 8 * 1024 * 1024
DEFAULT_CONCURRENCY = 4
ABORT_SECONDS = 10.0
SMALL = 256 * 1024
"""Bytes that are hashed sooner than handed to a thread."""


def _check_positive(instance: object, attribute: object, value: int | None) -> None:
    if value is not None:
        whole_number(value, getattr(attribute, "name", "the number"))


def _check_callable(instance: object, attribute: object, value: Any) -> None:
    if value is not None and not callable(value):
        raise ValidationError(f"progress must be a function, not {type(value).__name__}")


@frozen(kw_only=True)
class Transfer:
    """How an object is moved.

    Attributes:
        part_size: Bytes of a part; None for the default, 8 MiB.
        concurrency: Parts under way at once.
        progress: Told about the bytes moved, or None.
    """

    part_size: int | None = field(default=None, validator=_check_positive)
    concurrency: int = field(default=DEFAULT_CONCURRENCY, validator=_check_positive)
    progress: Progress | None = field(default=None, validator=_check_callable)


class Upload:
    """One write of an object.

    Args:
        storage: Where to.
        create: Bucket, key, attributes and condition.
        body: The content.
        transfer: How it is moved.
        checksum: What the content must come to, or None.
    """

    def __init__(
        self,
        storage: ObjectStorageHooks,
        create: CreateUpload,
        body: Body,
        transfer: Transfer,
        checksum: Checksum | None,
    ) -> None:
        self._storage = storage
        self._create = create
        self._body = body
        self._transfer = transfer
        self._checksum = checksum
        if checksum is not None and not isinstance(checksum, Checksum):
            raise ValidationError(f"checksum must be a Checksum, not {type(checksum).__name__}")
        self._hasher: Hasher | None = hasher(checksum.algorithm) if checksum else None
        self._length: int | None = None
        self._uploaded: list[UploadedPart] = []
        self._done = 0

    async def run(self) -> StoredObject:
        """Write the object.

        Raises:
            IntegrityError: The content does not match the checksum; the old object stands.
            CloudError: The write failed; the old object stands.
        """
        limits = self._storage.capabilities
        part_size = self._part_size(limits)
        if isinstance(self._body, bytes) and len(self._body) <= part_size:
            self._length = len(self._body)
            return await self._put(self._body)
        self._length = await body_length(self._body)
        self._check_length(limits)
        sizes = PartSizes(part_size, limits.max_parts, limits.max_part_size, self._length)
        async with read_parts(self._body, sizes) as parts:
            head = [await anext(parts)]
            if len(head[0]) >= part_size:
                second = await anext(parts, None)
                if second is not None:
                    head.append(second)
                    del second
            if len(head) == 1:
                return await self._put(head.pop())
            return await self._put_parts(head, parts)

    def _part_size(self, limits: StorageCapabilities) -> int:
        # What is no longer than this is one request, and what is longer several: both must take it.
        wanted = max(self._transfer.part_size or DEFAULT_PART_SIZE, limits.min_part_size)
        return min(wanted, limits.max_part_size, limits.max_put_size)

    def _check_length(self, limits: StorageCapabilities) -> None:
        if self._length is not None:
            try:
                limits.require_size("max_object_size", self._length, "the object")
            except CloudError as error:
                raise self._storage._completed(error, self._create) from None

    async def _put(self, body: bytes) -> StoredObject:
        create = self._create
        await self._digest(body)
        self._verify()
        stored = await self._storage._run(
            PutObject(
                bucket=create.bucket,
                key=create.key,
                body=body,
                attributes=create.attributes,
                storage_class=create.storage_class,
                if_match=create.if_match,
                if_none_match=create.if_none_match,
            ),
            self._storage._put_object,
        )
        self._report(len(body))
        return stored

    async def _put_parts(self, head: list[bytes], rest: AsyncIterator[bytes]) -> StoredObject:
        storage, create = self._storage, self._create
        upload_id = await storage._run(create, storage._create_upload)
        try:
            await self._send_parts(upload_id, head, rest)
            self._verify()
            return await storage._run(
                CompleteUpload(
                    bucket=create.bucket,
                    key=create.key,
                    upload_id=upload_id,
                    parts=tuple(sorted(self._uploaded, key=lambda part: part.number)),
                    create=create,
                    if_match=create.if_match,
                    if_none_match=create.if_none_match,
                ),
                storage._complete_upload,
            )
        except BaseException:
            await self._abort(upload_id)
            raise

    async def _send_parts(
        self, upload_id: str, head: list[bytes], rest: AsyncIterator[bytes]
    ) -> None:
        # One part is made while the others are on their way; memory holds no more of them.
        places = anyio.Semaphore(self._transfer.concurrency)
        async with flat_task_group() as tasks:
            for number in count(1):
                body = head.pop(0) if head else await anext(rest, None)
                if body is None:
                    return
                await self._digest(body)
                await places.acquire()
                tasks.start_soon(self._send_part, upload_id, number, body, places)
                del body

    async def _send_part(
        self, upload_id: str, number: int, body: bytes, places: anyio.Semaphore
    ) -> None:
        storage, create = self._storage, self._create
        operation = UploadPart(
            bucket=create.bucket, key=create.key, upload_id=upload_id, number=number, body=body
        )
        size = len(body)
        self._uploaded.append(await storage._run(operation, storage._upload_part))
        self._report(size)
        del operation, body  # before another part is made
        places.release()

    async def _abort(self, upload_id: str) -> None:
        storage, create = self._storage, self._create
        operation = AbortUpload(bucket=create.bucket, key=create.key, upload_id=upload_id)
        with anyio.CancelScope(shield=True), anyio.move_on_after(ABORT_SECONDS):
            try:
                await storage._run(operation, storage._abort_upload)
            except Exception:  # noqa: BLE001  (the error that led here matters more)
                return

    async def _digest(self, body: bytes) -> None:
        if self._hasher is None:
            return
        if len(body) < SMALL:
            self._hasher.update(body)
        else:
            await to_thread.run_sync(self._hasher.update, body)

    def _verify(self) -> None:
        if self._checksum is None or self._hasher is None:
            return
        actual = self._hasher.hexdigest()
        if actual != self._checksum.digest:
            raise IntegrityError(
                f"the content has the {self._checksum.algorithm} {actual}, "
                f"not {self._checksum.digest} as was said; nothing was written",
                provider=self._storage._runner.provider,
                service=self._create.service,
                operation="put_object",
                resource=self._create.resource,
            )

    def _report(self, size: int) -> None:
        self._done += size
        if self._transfer.progress is not None:
            self._transfer.progress(self._done, self._length)
