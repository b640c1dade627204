"""Objects and their index together. Everything here blocks, and is called in worker threads."""

from __future__ import annotations

import contextlib
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from cloudkit.api.storage import ObjectAttributes, StoredObject, UploadedPart
from cloudkit.api.storage.operations import (
    AbortUpload,
    CompleteUpload,
    CopyObject,
    CreateUpload,
    DeleteObject,
    DeleteObjects,
    OpenObject,
    PutObject,
    UploadPart,
    WriteOperation,
)
from cloudkit.common import ConflictError, IntegrityError
from cloudkit.local import index, uploads
from cloudkit.local.blobs import BlobReader, Blobs, BlobWriter
from cloudkit.local.connection import Connection
from cloudkit.local.database import Database
from cloudkit.local.opened import OpenedObject
from cloudkit.local.record import ObjectRecord, now, pack_attributes

T = TypeVar("T")

ATTEMPTS = 20
"""How often a read starts again because the object was replaced between index and blob."""


class ObjectStore:
    """The objects of a folder, or in memory.

    Args:
        database: Holds the index.
        make_blobs: Opens the blobs; called at the first use.
    """

    def __init__(self, database: Database, make_blobs: Callable[[], Blobs]) -> None:
        self._database = database
        self._make_blobs = make_blobs
        self._lock = threading.Lock()
        self._opened: Blobs | None = None
        self._removed: deque[str] = deque()  # garbage that is gone, but still in the table
        database.register(index.SCHEMA)

    # Transactions

    def read(self, func: Callable[[Connection], T]) -> T:
        """Look something up in the index."""
        self._blobs()
        return self._database.read_blocking(func)

    def write(self, func: Callable[[Connection], T]) -> T:
        """Change the index."""
        self._blobs()
        removed = self._take_removed()

        def change(connection: Connection) -> T:
            index.drop_garbage(connection, removed)
            return func(connection)

        try:
            return self._database.write_blocking(change)
        except BaseException:
            self._removed.extend(removed)
            raise

    # Buckets

    def create_bucket(self, bucket: str) -> int:
        """Create a bucket; returns when, in microseconds since 1970."""
        blobs = self._blobs()

        def create(connection: Connection) -> int:
            created = index.create_bucket(connection, bucket)
            blobs.keep_bucket(bucket, created)  # here, where no other process interferes
            return created

        return self.write(create)

    def delete_bucket(self, bucket: str) -> None:
        """Delete an empty bucket."""
        blobs = self._blobs()

        def delete(connection: Connection) -> list[str]:
            garbage = index.delete_bucket(connection, bucket)
            blobs.drop_bucket(bucket)
            return garbage

        self._clean(self.write(delete))

    # Objects

    def open(self, op: OpenObject) -> OpenedObject:
        """Open an object.

        Raises:
            NotFoundError: There is none.
            PreconditionFailedError: A condition does not hold.
            ValidationError: The range begins at or behind the end.
        """
        record, blob = self._open(op.bucket, op.key, op.if_match, op.if_none_match)
        return OpenedObject(record, blob, op.byte_range)

    def put(self, op: PutObject) -> StoredObject:
        """Write an object."""
        with self.writing() as writer:
            writer.write(op.body)
            return self.publish(writer, op, op.attributes, op.storage_class)

    def publish(
        self,
        writer: BlobWriter,
        op: WriteOperation[StoredObject],
        attributes: ObjectAttributes | str,
        storage_class: str | None,
        before: Callable[[Connection], Iterable[str]] = lambda connection: (),
    ) -> StoredObject:
        """Make a blob the object of its key.

        Args:
            writer: The blob, written.
            op: Bucket, key and conditions.
            attributes: Attributes of the object, perhaps as JSON already.
            storage_class: Its class.
            before: More to do in the same transaction; returns revisions that become garbage.
        """
        record = ObjectRecord(
            bucket=op.bucket,
            key=op.key,
            revision=writer.revision,
            size=writer.size,
            crc32=writer.crc32,
            modified=now(),
            storage_class=storage_class,
            attributes=attributes if isinstance(attributes, str) else pack_attributes(attributes),
        )
        writer.publish(record.sidecar)

        def switch(connection: Connection) -> list[str]:
            garbage = list(before(connection))
            old = index.put(connection, record, op.if_match, op.if_none_match)
            return garbage if old is None else [*garbage, old]

        self._clean(self.write(switch), writer)
        return record.stored()

    def copy(self, op: CopyObject) -> StoredObject:
        """Copy an object; the bytes are shared where the file system can."""
        stored = None
        while stored is None:
            stored = self._copy_once(op)
        return stored

    def delete(self, op: DeleteObject) -> None:
        """Delete an object."""
        revision = self.write(
            lambda connection: index.delete(
                connection, op.bucket, op.key, op.if_match, missing_ok=op.missing_ok
            )
        )
        self._clean([] if revision is None else [revision])

    def delete_many(self, op: DeleteObjects) -> None:
        """Delete objects, all in one transaction."""

        def delete(connection: Connection) -> list[str]:
            index.require_bucket(connection, op.bucket)
            found = (
                index.delete(connection, op.bucket, key, None, missing_ok=True) for key in op.keys
            )
            return [revision for revision in found if revision is not None]

        self._clean(self.write(delete))

    # Uploads in parts

    def create_upload(self, op: CreateUpload) -> str:
        """Begin an upload."""
        return self.write(lambda connection: uploads.create(connection, op))

    def upload_part(self, op: UploadPart) -> UploadedPart:
        """Write a part."""
        with self.writing() as writer:
            writer.write(op.body)
            writer.publish(None)
            part = uploads.Part(op.number, writer.revision, writer.size, writer.crc32)

            def add(connection: Connection) -> list[str]:
                uploads.get(connection, op.bucket, op.key, op.upload_id)
                return uploads.add_part(connection, op.upload_id, part)

            self._clean(self.write(add), writer)
            return UploadedPart(number=part.number, etag=part.revision, size=part.size)

    def complete_upload(self, op: CompleteUpload) -> StoredObject:
        """Make the object out of its parts."""

        def check(connection: Connection) -> tuple[uploads.Pending, list[uploads.Part]]:
            pending = uploads.get(connection, op.bucket, op.key, op.upload_id)
            return pending, uploads.check_parts(connection, op.upload_id, op.parts)

        def finish(connection: Connection) -> list[str]:
            check(connection)  # again: another process may have been faster
            return uploads.finish(connection, op.bucket, op.key, op.upload_id)

        pending, parts = self.read(check)
        with self.writing() as writer:
            for part in parts:
                self._append(writer, part)
            return self.publish(
                writer, op, pending.attributes, pending.storage_class, before=finish
            )

    def abort_upload(self, op: AbortUpload) -> None:
        """Drop an upload."""
        self._clean(self.write(lambda c: uploads.finish(c, op.bucket, op.key, op.upload_id)))

    # Inside

    @contextlib.contextmanager
    def writing(self) -> Iterator[BlobWriter]:
        """A new blob, dropped when the block fails."""
        writer = self._blobs().create()
        try:
            yield writer
        except BaseException:
            writer.discard()
            raise

    def rebuild(self) -> int:
        """Fill an index that is new from the blobs; returns how many objects there are.

        Nobody else may use the folder meanwhile.
        """
        self._blobs().drop_strays()
        return self.read(index.count)

    def close(self) -> None:
        """Say that this client writes no more; the index must be closed before."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()

    def _open(
        self, bucket: str, key: str, if_match: str | None, if_none_match: str | None = None
    ) -> tuple[ObjectRecord, BlobReader]:
        blobs = self._blobs()
        missing: ObjectRecord | None = None
        for _ in range(ATTEMPTS):
            record = self.read(
                lambda connection: index.get(connection, bucket, key, if_match, if_none_match)
            )
            with contextlib.suppress(FileNotFoundError):
                return record, blobs.open(record.revision)
            if record == missing:
                raise IntegrityError(
                    f"the bytes of {key!r} are missing from the folder",
                    hint="Somebody removed the file: write the object again, or delete it.",
                )
            missing = record
        raise ConflictError(f"{key!r} is replaced again and again", retryable=True)

    def _copy_once(self, op: CopyObject) -> StoredObject | None:
        source, blob = self._open(op.source_bucket, op.source_key, op.source_if_match)
        with contextlib.closing(blob), self.writing() as writer:
            try:
                adopted = writer.adopt(source)
            except FileNotFoundError:
                writer.discard()
                return None  # it has just been replaced
            if not adopted:
                for chunk in blob.chunks(0, source.size):
                    writer.write(chunk)
            attributes = source.attributes if op.attributes is None else op.attributes
            storage_class = op.storage_class or source.storage_class
            return self.publish(writer, op, attributes, storage_class)

    def _append(self, writer: BlobWriter, part: uploads.Part) -> None:
        try:
            blob = self._blobs().open(part.revision)
        except FileNotFoundError:
            raise ConflictError("the upload was completed or aborted meanwhile") from None
        checksum = 0
        with contextlib.closing(blob):
            for chunk in blob.chunks(0, part.size):
                writer.write(chunk)
                checksum = zlib.crc32(chunk, checksum)
        if f"{checksum:08x}" != part.crc32:
            raise IntegrityError(
                f"the stored bytes of part {part.number} are not those that were written",
                hint="The file system has damaged them: upload the part again.",
            )

    def _blobs(self) -> Blobs:
        if self._opened is None:
            with self._lock:
                if self._opened is None:
                    self._opened = self._open_blobs()
        return self._opened

    def _open_blobs(self) -> Blobs:
        blobs = self._make_blobs()
        try:
            self._catch_up(blobs)
        except BaseException:
            blobs.close()
            raise
        return blobs

    def _catch_up(self, blobs: Blobs) -> None:
        """Put in order what others left behind."""
        database = self._database
        database.write_blocking(
            lambda connection: index.complete(connection, blobs.buckets, blobs.records)
        )
        blobs.recover(
            lambda revision, record: database.read_blocking(
                lambda connection: index.find_sidecar(connection, revision, record)
            )
        )
        self._remove(blobs, database.read_blocking(index.garbage))

    def _take_removed(self) -> list[str]:
        taken: list[str] = []
        with contextlib.suppress(IndexError):
            while True:
                taken.append(self._removed.popleft())
        return taken

    def _clean(self, garbage: Sequence[str], writer: BlobWriter | None = None) -> None:
        """What is left to do after a commit. Whatever fails here is done when the folder is opened."""
        with contextlib.suppress(OSError):
            if writer is not None:
                writer.settle()
        with contextlib.suppress(OSError):
            self._remove(self._blobs(), garbage)

    def _remove(self, blobs: Blobs, garbage: Sequence[str]) -> None:
        if garbage:
            # A power cut that takes the commit back must find the bytes that it brings back.
            self._database.sync_blocking()
        for revision in garbage:
            blobs.remove(revision)
            self._removed.append(revision)
