"""The index of the objects: which revision is the object of a key, under what conditions it changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cloudkit.common import (
    AlreadyExistsError,
    ConflictError,
    NotFoundError,
    PreconditionFailedError,
)
from cloudkit.local.connection import Connection, Schema
from cloudkit.local.record import COLUMNS, ObjectRecord, now

SCHEMA = Schema(
    "storage",
    (
        (
            "CREATE TABLE bucket (name TEXT PRIMARY KEY, created INTEGER NOT NULL) WITHOUT ROWID",
            """
            CREATE TABLE object (
                bucket TEXT NOT NULL,
                key BLOB NOT NULL,
                revision TEXT NOT NULL,
                size INTEGER NOT NULL,
                crc32 TEXT NOT NULL,
                modified INTEGER NOT NULL,
                storage_class TEXT,
                attributes TEXT NOT NULL,
                PRIMARY KEY (bucket, key)
            ) WITHOUT ROWID
            """,
            """
            CREATE TABLE upload (
                bucket TEXT NOT NULL,
                key BLOB NOT NULL,
                id TEXT NOT NULL,
                started INTEGER NOT NULL,
                storage_class TEXT,
                attributes TEXT NOT NULL,
                PRIMARY KEY (bucket, key, id)
            ) WITHOUT ROWID
            """,
            """
            CREATE TABLE part (
                upload TEXT NOT NULL,
                number INTEGER NOT NULL,
                revision TEXT NOT NULL,
                size INTEGER NOT NULL,
                crc32 TEXT NOT NULL,
                PRIMARY KEY (upload, number)
            ) WITHOUT ROWID
            """,
            # Blobs that nothing refers to any more and that may not have been removed yet.
            "CREATE TABLE garbage (revision TEXT PRIMARY KEY) WITHOUT ROWID",
            # Whether the index knows all that is in the folder.
            "CREATE TABLE complete (yes INTEGER PRIMARY KEY)",
        ),
    ),
)


def create_bucket(connection: Connection, bucket: str) -> int:
    """Add a bucket; returns when it was created.

    Raises:
        AlreadyExistsError: There is one.
    """
    created = now()
    cursor = connection.execute("INSERT OR IGNORE INTO bucket VALUES (?, ?)", (bucket, created))
    if not cursor.rowcount:
        raise AlreadyExistsError(f"there is a bucket {bucket!r} already")
    return created


def delete_bucket(connection: Connection, bucket: str) -> list[str]:
    """Remove a bucket, with its unfinished uploads.

    Returns:
        The revisions that are garbage now.

    Raises:
        NotFoundError: There is none.
        ConflictError: It holds objects.
    """
    require_bucket(connection, bucket)
    if connection.execute("SELECT 1 FROM object WHERE bucket = ? LIMIT 1", (bucket,)).fetchone():
        raise ConflictError(
            f"the bucket {bucket!r} is not empty", hint="Delete its objects before."
        )
    uploads = connection.execute("SELECT id FROM upload WHERE bucket = ?", (bucket,)).fetchall()
    dropped = [revision for (upload,) in uploads for revision in drop_parts(connection, upload)]
    connection.execute("DELETE FROM upload WHERE bucket = ?", (bucket,))
    connection.execute("DELETE FROM bucket WHERE name = ?", (bucket,))
    return dropped


def bucket_exists(connection: Connection, bucket: str) -> bool:
    """Whether there is such a bucket."""
    found = connection.execute("SELECT 1 FROM bucket WHERE name = ?", (bucket,)).fetchone()
    return found is not None


def require_bucket(connection: Connection, bucket: str) -> None:
    """There is such a bucket.

    Raises:
        NotFoundError: There is not.
    """
    if not bucket_exists(connection, bucket):
        raise NotFoundError(
            f"there is no bucket {bucket!r}",
            code="NoSuchBucket",
            status=404,
            hint="Make it with create_bucket.",
        )


def find(connection: Connection, bucket: str, key: str) -> ObjectRecord | None:
    """The object of a key.

    Raises:
        NotFoundError: There is no such bucket.
    """
    row = connection.execute(
        f"SELECT {COLUMNS} FROM object WHERE bucket = ? AND key = ?",  # noqa: S608
        (bucket, key.encode()),
    ).fetchone()
    if row is None:
        require_bucket(connection, bucket)
        return None
    return ObjectRecord.from_row(row)


def get(
    connection: Connection,
    bucket: str,
    key: str,
    if_match: str | None = None,
    if_none_match: str | None = None,
) -> ObjectRecord:
    """The object of a key, when it meets the conditions of a read.

    Raises:
        NotFoundError: There is no such object or bucket.
        PreconditionFailedError: A condition does not hold.
    """
    record = find(connection, bucket, key)
    if record is None:
        raise NotFoundError(
            f"there is no object {key!r} in the bucket {bucket!r}", code="NoSuchKey", status=404
        )
    if if_match not in {None, "*", record.revision}:
        raise PreconditionFailedError("the object is another revision than if_match", status=412)
    if if_none_match in {"*", record.revision}:
        raise PreconditionFailedError("the object is the revision of if_none_match", status=304)
    return record


def put(
    connection: Connection, record: ObjectRecord, if_match: str | None, if_none_match: str | None
) -> str | None:
    """Make a record the object of its key, when the conditions of a write hold.

    Returns:
        The revision that it replaces, which is garbage now.

    Raises:
        NotFoundError: There is no such bucket.
        PreconditionFailedError: A condition does not hold.
    """
    old = find(connection, record.bucket, record.key)
    if if_none_match is not None and old is not None:
        raise PreconditionFailedError("there is an object of this key already", status=412)
    if if_match is not None and (old is None or old.revision != if_match):
        raise PreconditionFailedError(
            "there is no object of this key"
            if old is None
            else "the object is another revision than if_match",
            status=412,
        )
    connection.execute(
        f"INSERT OR REPLACE INTO object ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        record.row,
    )
    if old is None:
        return None
    add_garbage(connection, (old.revision,))
    return old.revision


def delete(
    connection: Connection, bucket: str, key: str, if_match: str | None, *, missing_ok: bool
) -> str | None:
    """Remove the object of a key.

    Returns:
        The revision that is garbage now.

    Raises:
        NotFoundError: There is no such bucket, or no object and that is not fine.
        PreconditionFailedError: The object is not that of ``if_match``.
    """
    if missing_ok and find(connection, bucket, key) is None:
        return None
    revision = get(connection, bucket, key, if_match).revision
    connection.execute("DELETE FROM object WHERE bucket = ? AND key = ?", (bucket, key.encode()))
    add_garbage(connection, (revision,))
    return revision


def add_garbage(connection: Connection, revisions: Iterable[str]) -> None:
    """Note blobs that are to be removed after the commit."""
    connection.executemany("INSERT OR IGNORE INTO garbage VALUES (?)", ((r,) for r in revisions))


def drop_garbage(connection: Connection, revisions: Iterable[str]) -> None:
    """Forget blobs that have been removed."""
    connection.executemany("DELETE FROM garbage WHERE revision = ?", ((r,) for r in revisions))


def garbage(connection: Connection) -> list[str]:
    """Blobs to be removed."""
    return [revision for (revision,) in connection.execute("SELECT revision FROM garbage")]


def drop_parts(connection: Connection, upload: str) -> list[str]:
    """Remove the parts of an upload; returns their revisions, which are garbage now."""
    rows = connection.execute("SELECT revision FROM part WHERE upload = ?", (upload,)).fetchall()
    revisions = [revision for (revision,) in rows]
    add_garbage(connection, revisions)
    connection.execute("DELETE FROM part WHERE upload = ?", (upload,))
    return revisions


def find_sidecar(
    connection: Connection, revision: str, record: ObjectRecord | None
) -> bytes | None:
    """The sidecar that a blob needs; see [FindSidecar][cloudkit.local.blobs.FindSidecar].

    Args:
        connection: To read from.
        revision: The blob.
        record: What its own sidecar says; None when that is empty or damaged.
    """
    condition: str = "revision = ?"
    values: list[str | bytes] = [revision]
    if record is not None:  # its key leads to it; without, all objects are looked at
        condition += " AND bucket = ? AND key = ?"
        values += [record.bucket, record.key.encode()]
    elif connection.execute("SELECT 1 FROM part WHERE revision = ?", (revision,)).fetchone():
        return b""
    row = connection.execute(
        f"SELECT {COLUMNS} FROM object WHERE {condition}",  # noqa: S608
        values,
    ).fetchone()
    return None if row is None else ObjectRecord.from_row(row).sidecar


def complete(
    connection: Connection,
    buckets: Callable[[], Iterable[tuple[str, int]]],
    records: Callable[[], Iterable[ObjectRecord]],
) -> None:
    """Fill an index that does not know what is in the folder yet.

    Args:
        connection: Inside a transaction, so that no other process sees half of it.
        buckets: Finds the buckets, and when they were created.
        records: Finds the objects of the folder; of several with one key, the youngest counts.
    """
    if connection.execute("SELECT 1 FROM complete").fetchone():
        return
    connection.executemany("INSERT OR IGNORE INTO bucket VALUES (?, ?)", buckets())
    for record in records():
        connection.execute("INSERT OR IGNORE INTO bucket VALUES (?, ?)", (record.bucket, now()))
        connection.execute(
            f"""
            INSERT INTO object ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET revision = excluded.revision, size = excluded.size,
                crc32 = excluded.crc32, modified = excluded.modified,
                storage_class = excluded.storage_class, attributes = excluded.attributes
            WHERE excluded.modified > modified
            """,  # noqa: S608
            record.row,
        )
    connection.execute("INSERT INTO complete VALUES (1)")


def count(connection: Connection) -> int:
    """How many objects there are, in all buckets."""
    return int(connection.execute("SELECT count(*) FROM object").fetchone()[0])
