"""The unfinished uploads in the index."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from attrs import astuple, frozen
from cloudkit.api.storage import UploadedPart
from cloudkit.api.storage.operations import CreateUpload
from cloudkit.common import NotFoundError, ValidationError
from cloudkit.local.connection import Connection
from cloudkit.local.index import add_garbage, drop_parts, require_bucket
from cloudkit.local.record import now, pack_attributes


@frozen
class Pending:
    """An upload that was begun.

    Attributes:
        storage_class: Of the object that it becomes.
        attributes: As JSON.
    """

    storage_class: str | None
    attributes: str


@frozen
class Part:
    """A part that is stored.

    Attributes:
        number: Its place, from 1.
        revision: Name of its bytes among the blobs; also its etag.
        size: Bytes.
        crc32: Of the bytes, in hex.
    """

    number: int
    revision: str
    size: int
    crc32: str


def create(connection: Connection, op: CreateUpload) -> str:
    """Begin an upload.

    Returns:
        Its id.

    Raises:
        NotFoundError: There is no such bucket.
    """
    require_bucket(connection, op.bucket)
    upload = secrets.token_hex(16)
    connection.execute(
        "INSERT INTO upload (bucket, key, id, started, storage_class, attributes) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (
            op.bucket,
            op.key.encode(),
            upload,
            now(),
            op.storage_class,
            pack_attributes(op.attributes),
        ),
    )
    return upload


def get(connection: Connection, bucket: str, key: str, upload: str) -> Pending:
    """An upload.

    Raises:
        NotFoundError: There is none: it was completed, aborted, or belongs to another key.
    """
    row = connection.execute(
        "SELECT storage_class, attributes FROM upload WHERE bucket = ? AND key = ? AND id = ?",
        (bucket, key.encode(), upload),
    ).fetchone()
    if row is None:
        require_bucket(connection, bucket)
        raise NotFoundError(
            f"there is no upload {upload!r} of {key!r}", code="NoSuchUpload", status=404
        )
    return Pending(*row)


def add_part(connection: Connection, upload: str, part: Part) -> list[str]:
    """Note a part.

    Returns:
        The revision that it replaces, which is garbage now.
    """
    rows = connection.execute(
        "SELECT revision FROM part WHERE upload = ? AND number = ?", (upload, part.number)
    ).fetchall()
    old = [revision for (revision,) in rows]
    add_garbage(connection, old)
    connection.execute(
        "INSERT OR REPLACE INTO part (upload, number, revision, size, crc32) "
        "VALUES (?, ?, ?, ?, ?)",
        (upload, *astuple(part)),
    )
    return old


def check_parts(connection: Connection, upload: str, wanted: Sequence[UploadedPart]) -> list[Part]:
    """The parts that an upload is completed with.

    Raises:
        ValidationError: One is missing, was replaced, or is out of order.
    """
    numbers = [part.number for part in wanted]
    if not wanted or numbers != sorted(set(numbers)):
        raise ValidationError("an upload is completed with its parts in the order of their numbers")
    rows = connection.execute(
        "SELECT number, revision, size, crc32 FROM part WHERE upload = ?", (upload,)
    )
    have = {(part.number, part.revision): part for part in (Part(*row) for row in rows)}
    missing = [part.number for part in wanted if (part.number, part.etag) not in have]
    if missing:
        raise ValidationError(f"the upload has no part {missing[0]} with this etag")
    return [have[part.number, part.etag] for part in wanted]


def finish(connection: Connection, bucket: str, key: str, upload: str) -> list[str]:
    """Remove an upload, if it is there.

    Returns:
        The revisions of its parts, which are garbage now.
    """
    cursor = connection.execute(
        "DELETE FROM upload WHERE bucket = ? AND key = ? AND id = ?", (bucket, key.encode(), upload)
    )
    return drop_parts(connection, upload) if cursor.rowcount else []
