"""The tables of documents, and the SQL tables that hold them."""

from __future__ import annotations

from attrs import frozen
from cloudkit.api.kv import Key, TableInfo
from cloudkit.api.page_tokens import make_token, read_token
from cloudkit.api.paging import Page
from cloudkit.common import AlreadyExistsError, NotFoundError
from cloudkit.local.connection import Connection, Schema

# Keys are BLOBs of UTF-8, which SQLite orders by their bytes; a table without sort key has b"".
# Ids are never used again, so what is left of a table that was dropped belongs to no other.
SCHEMA = Schema(
    "kv",
    (
        (
            """
            CREATE TABLE kv_table (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                name TEXT NOT NULL UNIQUE,
                partition_key TEXT NOT NULL,
                sort_key TEXT
            )
            """,
            """
            CREATE TABLE kv_item (
                table_id INTEGER NOT NULL,
                partition BLOB NOT NULL,
                sort BLOB NOT NULL,
                document TEXT NOT NULL,
                version TEXT NOT NULL,
                expires_at REAL,
                PRIMARY KEY (table_id, partition, sort)
            ) WITHOUT ROWID
            """,
            "CREATE INDEX kv_expiry ON kv_item (expires_at) WHERE expires_at IS NOT NULL",
            "CREATE TABLE kv_dropped (table_id INTEGER PRIMARY KEY)",
        ),
    ),
)

DELETE_ITEM = "DELETE FROM kv_item WHERE table_id = ? AND partition = ? AND sort = ?"
_DROP_PORTION = 1000
_LISTING = ("tables",)


@frozen
class Table:
    """A table, as it is found in the database.

    Attributes:
        id: Its number.
        info: Its schema.
    """

    id: int
    info: TableInfo

    def place(self, key: Key) -> tuple[int, bytes, bytes]:
        """The primary key of an item.

        Raises:
            ValidationError: The key does not fit the table.
        """
        self.info.check_key(key)
        return self.id, key.partition.encode(), b"" if key.sort is None else key.sort.encode()


def find_table(connection: Connection, name: str) -> Table:
    """The table of a name.

    Raises:
        NotFoundError: There is none.
    """
    row = connection.execute(
        "SELECT id, partition_key, sort_key FROM kv_table WHERE name = ?", (name,)
    ).fetchone()
    if row is None:
        raise NotFoundError(
            f"there is no table {name!r}", resource=name, hint="Make it with create_table."
        )
    number, partition_key, sort_key = row
    return Table(number, TableInfo(name=name, partition_key=partition_key, sort_key=sort_key))


def create_table(connection: Connection, info: TableInfo) -> None:
    """Make a table.

    Raises:
        AlreadyExistsError: There is one of this name.
    """
    made = connection.execute(
        "INSERT INTO kv_table (name, partition_key, sort_key) VALUES (?, ?, ?) "
        "ON CONFLICT (name) DO NOTHING",
        (info.name, info.partition_key, info.sort_key),
    )
    if not made.rowcount:
        raise AlreadyExistsError(f"there is a table {info.name!r} already", resource=info.name)


def drop_table(connection: Connection, name: str) -> None:
    """Make a table vanish. Its items stay behind, unseen, for ``sweep_dropped``.

    Raises:
        NotFoundError: There is none.
    """
    table = find_table(connection, name)
    connection.execute("DELETE FROM kv_table WHERE id = ?", (table.id,))
    connection.execute("INSERT INTO kv_dropped VALUES (?)", (table.id,))


def sweep_dropped(connection: Connection) -> bool:
    """Delete some of the items that dropped tables left behind; returns whether there are more."""
    row = connection.execute("SELECT table_id FROM kv_dropped LIMIT 1").fetchone()
    if row is None:
        return False
    places = connection.execute(
        "SELECT table_id, partition, sort FROM kv_item WHERE table_id = ? LIMIT ?",
        (row[0], _DROP_PORTION),
    ).fetchall()
    connection.executemany(DELETE_ITEM, places)
    if len(places) < _DROP_PORTION:
        connection.execute("DELETE FROM kv_dropped WHERE table_id = ?", row)
    return True


def list_tables(connection: Connection, size: int, token: str | None) -> Page[TableInfo]:
    """One page of the tables, by name.

    Raises:
        ValidationError: It is no token of this listing.
    """
    after = "" if token is None else read_token(token, _LISTING)[0]
    rows = connection.execute(
        "SELECT name, partition_key, sort_key FROM kv_table WHERE name > ? ORDER BY name LIMIT ?",
        (after, size + 1),
    ).fetchall()
    tables = [
        TableInfo(name=name, partition_key=partition_key, sort_key=sort_key)
        for name, partition_key, sort_key in rows[:size]
    ]
    more = len(rows) > size
    return Page(tables, make_token(_LISTING, (tables[-1].name,)) if more else None)
