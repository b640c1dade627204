"""The database: one writer for many tasks, loops, threads and processes."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time

import anyio
import pytest
from cloudkit.common import ClientClosedError, ConfigurationError
from cloudkit.core import WorkerThreads
from cloudkit.local.connection import Connection, Schema
from cloudkit.local.database import Database

pytestmark = pytest.mark.anyio

NOTES = Schema("notes", (("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT UNIQUE)",),))


@pytest.fixture(params=["file", "memory"])
def path(request, tmp_path):
    return tmp_path / "notes.sqlite3" if request.param == "file" else None


def open_database(path, *schemas):
    database = Database(path, WorkerThreads(8))
    for schema in schemas or (NOTES,):
        database.register(schema)
    return database


@pytest.fixture
async def database(path):
    database = open_database(path)
    yield database
    await database.aclose()


def add(text):
    def run(connection):
        connection.execute("INSERT INTO note (text) VALUES (?)", (text,))
        connection.notify("notes")

    return run


def texts(connection):
    return [text for (text,) in connection.execute("SELECT text FROM note ORDER BY id")]


def count(connection):
    return connection.execute("SELECT count(*) FROM note").fetchone()[0]


async def test_what_was_written_is_read(database):
    await database.write(add("one"))
    assert await database.read(texts) == ["one"]


async def test_nobody_looks_for_tables_that_are_not_committed(database, monkeypatch):
    execute = Connection.execute

    def with_slow_commits(connection, statement, *args):
        if statement == "COMMIT":
            time.sleep(0.3)
        return execute(connection, statement, *args)

    monkeypatch.setattr(Connection, "execute", with_slow_commits)
    async with anyio.create_task_group() as tasks:
        for _ in range(6):
            await anyio.sleep(0.05)
            tasks.start_soon(database.read, texts)


async def test_one_failure_undoes_only_itself(database):
    results = {}

    async def work(number):
        def change(connection):
            add(f"note {number}")(connection)
            if number % 3 == 0:
                raise LookupError(number)
            return number

        try:
            results[number] = await database.write(change)
        except LookupError as error:
            results[number] = error

    async with anyio.create_task_group() as tasks:
        for number in range(60):
            tasks.start_soon(work, number)
    assert await database.read(count) == 40
    for number, result in results.items():
        assert isinstance(result, LookupError) == (number % 3 == 0)


async def test_a_statement_that_fails_leaves_the_others_alone(database):
    await database.write(add("taken"))
    errors = []

    async def work(text):
        try:
            await database.write(add(text))
        except sqlite3.IntegrityError as error:
            errors.append(error)

    async with anyio.create_task_group() as tasks:
        for text in ("a", "taken", "b", "taken", "c"):
            tasks.start_soon(work, text)
    assert len(errors) == 2
    assert sorted(await database.read(texts)) == ["a", "b", "c", "taken"]


async def test_a_transaction_that_is_lost_as_a_whole_is_done_again_one_by_one(database):
    await database.write(add("first"))

    def roll_back(connection):
        connection.execute("ROLLBACK")  # what SQLite does by itself when the disk is full
        raise sqlite3.OperationalError("disk full")

    failures = []

    async def fail():
        try:
            await database.write(roll_back)
        except sqlite3.OperationalError as error:
            failures.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(database.write, add("before"))
        tasks.start_soon(fail)
        tasks.start_soon(database.write, add("after"))
    assert len(failures) == 1
    assert sorted(await database.read(texts)) == ["after", "before", "first"]


async def test_a_connection_that_cannot_undo_a_transaction_is_opened_anew(tmp_path, monkeypatch):
    database = open_database(tmp_path / "notes.sqlite3")
    await database.write(add("first"))
    execute, failing = Connection.execute, ["COMMIT", "ROLLBACK"]

    def on_a_disk_that_fails(connection, statement, *args):
        if failing and statement == failing[0]:
            raise sqlite3.OperationalError(f"disk I/O error ({failing.pop(0)})")
        return execute(connection, statement, *args)

    monkeypatch.setattr(Connection, "execute", on_a_disk_that_fails)
    with pytest.raises(sqlite3.OperationalError, match="COMMIT"):
        await database.write(add("lost"))
    with anyio.fail_after(30):
        await database.write(add("second"))
    assert failing == []
    assert await database.read(texts) == ["first", "second"]
    await database.aclose()


async def test_the_log_stays_short_although_somebody_reads_at_every_moment(tmp_path, monkeypatch):
    monkeypatch.setattr("cloudkit.local.writer.TRIM_EVERY", 8)
    monkeypatch.setattr("cloudkit.local.writer.LONG_LOG", 100)
    file, sizes = tmp_path / "notes.sqlite3", []
    database = open_database(file)
    await database.write(add("first"))
    stop, begun = threading.Event(), [threading.Event(), threading.Event()]

    def read(number):
        connection = sqlite3.connect(file, isolation_level=None)
        while not stop.is_set():
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM note").fetchone()
            begun[number].set()
            begun[1 - number].wait(0.05)  # this read ends when the other one has begun
            begun[1 - number].clear()
            connection.execute("COMMIT")
        connection.close()

    readers = [threading.Thread(target=read, args=(number,)) for number in range(2)]
    for reader in readers:
        reader.start()
    try:
        for number in range(400):
            await database.write(add(f"{number} {'x' * 30_000}"))
            sizes.append((tmp_path / "notes.sqlite3-wal").stat().st_size)
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert (
        max(sizes) < 3 * 2**20
    )  # without care, it is what was written since a pause: 5 MiB or more
    assert await database.read(count) == 401
    await database.aclose()


async def test_a_cancelled_wait_returns_at_once(database):
    await database.read(count)
    hold, held = threading.Event(), threading.Event()

    def block(connection):
        held.set()
        hold.wait(10)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(database.write, block)
        await anyio.to_thread.run_sync(held.wait)
        with anyio.move_on_after(0.01) as scope:
            await database.write(add("never begun"))
        assert scope.cancelled_caught
        hold.set()
    assert await database.read(texts) == []


async def test_closing_writes_what_was_asked_for(tmp_path):
    database = open_database(tmp_path / "notes.sqlite3")
    await database.read(count)
    async with anyio.create_task_group() as tasks:
        for number in range(50):
            tasks.start_soon(database.write, add(str(number)))
        await anyio.wait_all_tasks_blocked()
        await database.aclose()
    again = open_database(tmp_path / "notes.sqlite3")
    assert await again.read(count) == 50
    await again.aclose()


async def test_use_after_close(database):
    await database.write(add("one"))
    await database.aclose()
    await database.aclose()
    with pytest.raises(ClientClosedError):
        await database.write(add("two"))
    with pytest.raises(ClientClosedError):
        await database.read(count)


async def test_threads_may_use_it_too(database):
    await anyio.to_thread.run_sync(database.write_blocking, add("thread"))
    assert await anyio.to_thread.run_sync(database.read_blocking, texts) == ["thread"]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
async def test_two_loops_at_once(database, backend):
    async def other():
        for number in range(20):
            await database.write(add(f"other {number}"))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(
            lambda: anyio.to_thread.run_sync(lambda: anyio.run(other, backend=backend))
        )
        for number in range(20):
            await database.write(add(f"own {number}"))
    assert await database.read(count) == 40


def test_one_loop_after_the_other(path):
    database = open_database(path)

    async def work(text):
        await database.write(add(text))
        return await database.read(count)

    assert [anyio.run(work, b, backend=b) for b in ("asyncio", "trio")] == [1, 2]

    anyio.run(database.aclose)


async def test_a_watch_hears_of_changes(database):
    with database.watch("notes") as watch, database.watch("others") as others:
        assert not await watch.changed(timeout=0.01)
        await database.write(add("one"))
        assert await watch.changed(timeout=10)
        while await watch.changed(timeout=0.2):
            continue  # looking for other processes begins with a false alarm
        await others.changed(timeout=0)
        await database.write(add("two"))
        assert await watch.changed(timeout=10)
        assert not await others.changed(timeout=0.01)


async def test_a_watch_hears_of_nothing_that_was_undone(database):
    await database.write(add("taken"))
    with database.watch("notes") as watch:
        while await watch.changed(timeout=0.2):
            continue
        with pytest.raises(sqlite3.IntegrityError):
            await database.write(add("taken"))
        assert not await watch.changed(timeout=0.1)


async def test_a_watch_hears_of_other_databases_on_the_file(tmp_path):
    one, two = (open_database(tmp_path / "notes.sqlite3") for _ in range(2))
    assert await one.read(count) == 0
    with one.watch("notes") as watch:
        while await watch.changed(timeout=0.2):
            continue
        await two.write(add("from the other"))
        assert await watch.changed(timeout=10)
        assert await one.read(texts) == ["from the other"]
    await one.aclose()
    await two.aclose()


WRITER = """
import sys, anyio
from pathlib import Path
from cloudkit.core import WorkerThreads
from cloudkit.local.connection import Connection, Schema
from cloudkit.local.database import Database
async def main():
    db = Database(Path(sys.argv[1]), WorkerThreads(4))
    db.register(Schema("notes", (("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT UNIQUE)",),)))
    async def work(n):
        for i in range(25):
            text = f"{sys.argv[2]} {n} {i}"
            await db.write(lambda c: c.execute("INSERT INTO note (text) VALUES (?)", (text,)) and None)
    async with anyio.create_task_group() as tasks:
        for n in range(8):
            tasks.start_soon(work, n)
    await db.aclose()
anyio.run(main)
"""


async def test_several_processes_write_the_same_file(tmp_path):
    file = tmp_path / "notes.sqlite3"
    async with anyio.create_task_group() as tasks:
        for number in range(3):
            command = [sys.executable, "-c", WRITER, str(file), str(number)]
            tasks.start_soon(anyio.run_process, command)
    database = open_database(file)
    assert await database.read(count) == 3 * 8 * 25
    await database.aclose()


async def test_newer_tables_are_refused_and_older_ones_brought_up_to_date(tmp_path):
    file = tmp_path / "notes.sqlite3"
    newer = Schema("notes", (*NOTES.versions, ("ALTER TABLE note ADD COLUMN more TEXT",)))
    for schema in (NOTES, newer):
        database = open_database(file, schema)
        await database.write(add(str(schema.versions)))
        await database.aclose()
    database = open_database(file, NOTES)
    with pytest.raises(ConfigurationError, match="Upgrade cloudkit-local"):
        await database.write(add("three"))
    await database.aclose()


async def test_a_busy_neighbour_is_waited_for(tmp_path):
    file = tmp_path / "notes.sqlite3"
    database = open_database(file)
    await database.write(add("one"))
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    done = []

    async def write():
        await database.write(add("two"))
        done.append(True)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(write)
        assert await database.read(texts) == ["one"]  # reading does not wait
        assert not done
        other.execute("COMMIT")
    assert await database.read(texts) == ["one", "two"]
    other.close()
    await database.aclose()


async def test_a_neighbour_that_stays_busy_is_waited_for_once_and_not_by_each(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("cloudkit.local.connection.BUSY_SECONDS", 0.5)
    file = tmp_path / "notes.sqlite3"
    database = open_database(file)
    await database.write(add("one"))
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    refused = []

    async def write(number):
        try:
            await database.write(add(f"note {number}"))
        except sqlite3.OperationalError as error:
            refused.append(error.sqlite_errorcode)

    with anyio.fail_after(8):  # one by one, it would be 20 seconds
        async with anyio.create_task_group() as tasks:
            for number in range(40):
                tasks.start_soon(write, number)
    assert refused == [sqlite3.SQLITE_BUSY] * 40
    other.close()
    await database.write(add("two"))
    assert await database.read(texts) == ["one", "two"]
    await database.aclose()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_is_refused_instead_of_hanging(tmp_path):
    code = """
import os, sys, anyio
from cloudkit.local import LocalCloud
cloud = LocalCloud(path=sys.argv[1])
async def use():
    return await cloud.storage.bucket_exists("bucket")
assert anyio.run(use) is False
if os.fork() == 0:
    try:
        anyio.run(use)
    except Exception as error:
        os._exit(7 if "forked" in str(error) else 8)
    os._exit(9)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 7
anyio.run(cloud.aclose)
"""
    subprocess.run([sys.executable, "-c", code, tmp_path / "cloud"], check=True, timeout=60)
